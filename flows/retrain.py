"""The training flow trains a version on all known data. It becomes champion if it passes its gates."""

from datetime import date

from prefect import flow

from flows.about import ModelName, day_name, model_and_today, platform
from flows.circuit import WATCHED
from flows.failures import failures_told
from flows.preparing import land
from flows.tables import show_figures, show_version
from nightjar.core.night.clock import evening_by_now


@flow(name="retrain", flow_run_name=day_name, **WATCHED)
def retrain(model: ModelName, today: date | None = None, *, promote: bool = True) -> None:
    """Train a version on all that is known, and measure it on days it has not seen.

    Args:
        model: Name of a folder in models/.
        today: Stands in for the calendar: only what was known on this local day's evening is used. Empty: the
            day of the scheduled start.
        promote: Let a version that passes its gates become champion; otherwise it waits in the registry.

    """
    with failures_told(model):
        spec, day = model_and_today(model, today)
        land(spec, evening_by_now(spec, day))
        summary = platform().retrain(spec, day, promote=promote)
        show_version(summary)
        show_figures(summary)
