"""The monitoring flow loads outcomes that have become known and measures published nights against them."""

from datetime import date

from prefect import flow, get_run_logger

from flows.about import ModelName, day_name, model_and_today, platform
from flows.circuit import WATCHED
from flows.failures import failures_told
from flows.preparing import make_ready
from flows.stopping import go_on
from flows.tables import show_challenger, show_held, show_lacks, show_performance, show_trailing
from flows.tasks import as_task
from nightjar.core.night.clock import evening_by_now
from nightjar.core.ports.progress import asking, silent
from nightjar.showing.remedies import waiting_told


@flow(name="monitor", flow_run_name=day_name, **WATCHED)
def monitor(model: ModelName, today: date | None = None) -> None:
    """Load the outcomes that are known and measure each published night against them.

    Do what else a published night lacks.

    Args:
        model: Name of a folder in models/.
        today: Stands in for the calendar: only what was known on this local day's evening is used. Empty: the
            day of the scheduled start.

    """
    with failures_told(model):
        spec, day = model_and_today(model, today)
        evening = evening_by_now(spec, day)
        make_ready(spec, evening)
        follow_up = platform().follow_up(spec, as_task)
        measured = follow_up.measure.outcomes_known(evening)
        for wait in follow_up.measure.waiting(measured, evening):
            get_run_logger().info(waiting_told(spec, wait))
        show_held(spec, platform().guard_outcomes(spec).held())
        expected = platform().estimate_nights(spec).told(evening)
        show_performance(spec, measured, [f"expected of {sentence}" for sentence in expected])
        show_trailing(spec, follow_up.measure.trailing(measured, evening))
        show_challenger(spec, follow_up.settle())
        show_lacks(model, follow_up.catch_up(asking(silent, go_on)))
