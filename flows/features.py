"""The feature flow lands deliveries and builds their features before a night needs them."""

from datetime import date

from prefect import flow

from flows.about import ModelName, day_name, model_and_today
from flows.circuit import WATCHED
from flows.failures import failures_told
from flows.preparing import make_ready
from nightjar.core.night.clock import evening_by_now


@flow(name="features", flow_run_name=day_name, **WATCHED)
def features(model: ModelName, today: date | None = None) -> None:
    """Land what was delivered and build the features of it. Only what is missing is done.

    Args:
        model: Name of a folder in models/.
        today: Stands in for the calendar: only what was known on this local day's evening is used. Empty: the
            day of the scheduled start.

    """
    with failures_told(model):
        spec, day = model_and_today(model, today)
        make_ready(spec, evening_by_now(spec, day))
