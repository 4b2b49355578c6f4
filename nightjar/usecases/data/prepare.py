"""Prepare the data for nights: land deliveries, then build their features."""

from collections.abc import Callable, Container, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

from nightjar.core.errors.settings import BadSettings
from nightjar.core.model.spec import ModelSpec
from nightjar.core.ports.features import FeatureFiles, RecipeOf
from nightjar.core.ports.going_on import GoOn, unasked
from nightjar.core.ports.progress import Progress, asking, silent
from nightjar.core.ports.raw import Landed, RawStore
from nightjar.usecases.data.features import TablePlan, build_features, landed_of, planned
from nightjar.usecases.data.landing import (
    Tell,
    declared,
    land_file,
    land_until,
    log_refusal,
    take_stock,
    undelivered,
)


def unguarded() -> None:
    """Check nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepare:
    """Land deliveries of a model and build its features. Only what is missing is done.

    inbox: the folder where deliveries arrive. alone: a lock against other processes that do the same for
    the model, or build one of its feature tables for another model. guard: checks the days of outcomes that
    landed, before anything reads them. require_data: raises DataGone, so that no run lands on the disk under
    the folder on which the disk of the data is not mounted.
    """

    spec: ModelSpec
    raw: RawStore
    feature_files: FeatureFiles
    recipe_of: RecipeOf
    inbox: Path
    alone: Callable[[], AbstractContextManager[None]]
    go_on: GoOn = unasked
    guard: Callable[[], object] = unguarded
    require_data: Callable[[], object] = unguarded

    def from_nothing(self) -> "Prepare":
        """The same for a data folder that is lost for good: all that the feeds still have lands anew."""
        return replace(self, require_data=unguarded)

    def ready(
        self,
        until: datetime,
        progress: Progress = silent,
        tell: Tell = log_refusal,
        afresh: Container[str] = (),
    ) -> None:
        """Land the files delivered by `until`, and build their features.

        A bad delivery is set aside and does not stop the others. tell: called for each one set aside now.
        afresh: feature tables to build anew although their code is the same.
        Raises DataGone.
        """
        with self.alone():
            self._land(until, progress, tell)
            self._build(until, progress, afresh)

    def land(self, until: datetime, progress: Progress = silent, tell: Tell = log_refusal) -> None:
        """Land the files delivered by `until`, without building features. Raises DataGone."""
        with self.alone():
            self._land(until, progress, tell)

    def land_file(
        self,
        dataset: str,
        day: date,
        file: Path,
        recorded_at: datetime | None = None,
        last: date | None = None,
    ) -> Landed:
        """Land one file that a person brings, as `land_file` of `landing` does, and check it.

        A file that cannot be taken is told before any other process is waited for.
        """
        self.raw.require_file(declared(self.spec, dataset), file)
        with self.alone():
            landed = land_file(self.spec, dataset, day, file, recorded_at, raw=self.raw, last=last)
            self.guard()
        return landed

    def corrected(self, known_at: datetime | None = None, progress: Progress = silent) -> datetime:
        """Build the features of data landed by `known_at`, corrections included. Land no new files.

        None means now. Returns the instant that was used. Raises DataGone. Raises BadSettings for an instant
        in the future: a night that knows all up to then would never be late.
        """
        now = datetime.now(UTC)
        if known_at is not None and known_at > now:
            raise BadSettings(
                f"Corrections recorded up to {known_at:%Y-%m-%d %H:%M} UTC cannot count: it is in the future",
                "Name an instant up to now, or none.",
            )
        known = known_at or now.replace(microsecond=0)
        with self.alone():
            self.require_data()
            take_stock(self.spec, self.raw)
            self.guard()
            self._build(known, progress)
        return known

    def rebuilds(self) -> tuple[TablePlan, ...]:
        """The feature tables that the next build makes anew, because their code changed. Nothing is built."""
        return tuple(plan for plan in self.plans() if plan.rebuilds)

    def plans(self) -> tuple[TablePlan, ...]:
        """What the next build does. Nothing is built."""
        plans = planned(
            self.spec,
            landed=landed_of(self.spec, self.raw),
            features=self.feature_files,
            recipe_of=self.recipe_of,
        )
        return tuple(plans)

    def undelivered(self, dates: Sequence[date], known_at: datetime | None = None) -> tuple[date, ...]:
        """The score dates without a population. Fast: nothing is landed or built. Raises DataGone."""
        self.require_data()
        return undelivered(self.spec, dates, raw=self.raw, inbox=self.inbox, known_at=known_at)

    def _land(self, until: datetime, progress: Progress, tell: Tell) -> None:
        self.require_data()
        watched = asking(progress, self.go_on)
        land_until(self.spec, raw=self.raw, inbox=self.inbox, until=until, tell=tell, progress=watched)
        self.guard()

    def _build(self, known_at: datetime, progress: Progress, afresh: Container[str] = ()) -> None:
        build_features(
            self.spec,
            raw=self.raw,
            features=self.feature_files,
            recipe_of=self.recipe_of,
            known_at=known_at,
            afresh=afresh,
            progress=asking(progress, self.go_on),
        )
