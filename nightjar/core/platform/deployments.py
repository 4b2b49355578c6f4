"""The deployments of a model: its flows, and when each of them starts. All of it follows from the spec."""

from dataclasses import dataclass
from datetime import timedelta

from nightjar.core.model.schedule import at_minute, starting_minute
from nightjar.core.model.spec import ModelSpec

FEATURES_BEFORE = timedelta(minutes=20)
MONITOR_AFTER = timedelta(minutes=30)
LAST_MINUTE = 24 * 60 - 1

FLOWS = ("features", "score", "monitor", "retrain", "backfill", "repair", "promote")
"""The flows that every model has, each in the file of its name in flows/."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """One flow of one model.

    cron: when it starts, in the model's time zone. None: a person starts it.
    """

    model: str
    flow: str
    description: str
    cron: str | None
    time_zone: str

    @property
    def name(self) -> str:
        """A name that tells its model, since Prefect's UI lists deployments by name alone."""
        return f"{self.model}-{self.flow}"

    @property
    def entrypoint(self) -> str:
        return entrypoint(self.flow)


def entrypoint(flow: str) -> str:
    return f"flows.{flow}.{flow}"


DESCRIPTIONS = {
    "features": "Lands what was delivered and builds features, ahead of the night.",
    "score": "Scores a night and publishes it.",
    "monitor": "Loads outcomes and measures the published nights.",
    "retrain": "Trains a version on all that is known; champion if it passes its gates.",
    "backfill": "Scores a range of dates; started by hand.",
    "promote": "Makes a version champion or challenger, or withdraws a challenger; a person decides.",
    "repair": "Scores published nights again where late data or rows set aside change them; started by hand.",
}


def deployments_of(spec: ModelSpec) -> tuple[Deployment, ...]:
    """Return the deployments of all FLOWS."""
    crons = crons_of(spec)
    return tuple(
        Deployment(
            model=spec.name,
            flow=flow,
            description=f"{spec.title}. {DESCRIPTIONS[flow]}",
            cron=crons.get(flow),
            time_zone=spec.time_zone,
        )
        for flow in FLOWS
    )


def crons_of(spec: ModelSpec) -> dict[str, str]:
    """Return when each scheduled flow starts.

    On each day on which `cron` starts a night, the features start 20 minutes before it, but not before
    `as_of_time`; the monitoring starts 30 minutes after it. Both stay on that day.
    """
    night = starting_minute(spec.cron)
    as_of = spec.as_of_time.hour * 60 + spec.as_of_time.minute
    features = max(night - minutes(FEATURES_BEFORE), min(as_of, night))
    monitor = min(night + minutes(MONITOR_AFTER), LAST_MINUTE)
    return {
        "features": at_minute(spec.cron, features),
        "score": spec.cron,
        "monitor": at_minute(spec.cron, monitor),
        "retrain": spec.retrain_cron,
    }


def minutes(span: timedelta) -> int:
    return span // timedelta(minutes=1)
