"""The training flow: a new version on all that is known, champion if it passes its gates."""

from datetime import date

from prefect import flow

from flows.night import day_name, failures_told, model_and_today, platform, show_version


@flow(name="retrain", flow_run_name=day_name, persist_result=False)
def retrain(model: str = "flight_delay", today: date | None = None, *, promote: bool = True) -> None:
    """Train on what was known on the evening of `today` (local; empty means the day of the scheduled start).

    promote: let a version that passes its gates become champion; otherwise it waits in the registry.
    """
    with failures_told(model):
        spec, day = model_and_today(model, today)
        platform().ready(spec, platform().evening(spec, day))
        show_version(platform().retrain(spec, day, promote=promote))
