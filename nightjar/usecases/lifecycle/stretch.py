"""What could be known on each evening of a stretch of nights, gathered once for all trainings of a walk."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256

import polars as pl

from nightjar.core.content import content_sha256
from nightjar.core.errors.model import TooLittleHistory
from nightjar.core.lifecycle.training_set import labelled, last_mature_date, mature_outcomes
from nightjar.core.model.occasions import is_occasion, occasions_between
from nightjar.core.model.spec import ModelSpec
from nightjar.core.night.clock import as_of, dates_between
from nightjar.core.night.windows import Recorded, complete, dates_readable, files_of, readable
from nightjar.core.ports.contracts import Check
from nightjar.core.ports.features import FeatureSource
from nightjar.core.ports.progress import Progress
from nightjar.core.ports.raw import RawStore
from nightjar.core.values import INSTANT
from nightjar.usecases.data.windows import NO_OUTCOMES, outcomes_of
from nightjar.usecases.lifecycle.gathering import populations_of, recorded_of, with_features

DAY, FROM, UNTIL = "score_date", "known_from", "known_until"
NOTHING = NO_OUTCOMES.with_columns(pl.lit(None, INSTANT).alias(FROM))


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """What each evening of a walk knows.

    rows: `score_date`, `entity_key`, the inputs as known on the evening of each row, and `fits`: whether the
    row keeps the contract, so that a night would score it.
    populations: the same rows as they are asked for features, with `event_timestamp`.
    outcomes: those of each date as it was read on an evening of the walk (`known_from`), until it was read
    anew (`known_until`, null if it never was).
    """

    spec: ModelSpec
    rows: pl.DataFrame
    populations: pl.DataFrame
    outcomes: pl.DataFrame

    @property
    def sha256(self) -> str:
        """A hash of all that a walk can see."""
        both = (content_sha256(frame) for frame in (self.rows, self.outcomes))
        return sha256(" ".join(both).encode()).hexdigest()

    def known(self, known_at: datetime) -> tuple[pl.DataFrame, Mapping[str, int]]:
        """The rows that a retraining sees on an evening of the walk, and how many are left out, by reason.

        Raises TooLittleHistory.
        """
        rows, left_out = labelled(self.rows.with_columns(fault=None), self.outcomes_by(known_at))
        if rows.is_empty():
            raise TooLittleHistory(self.spec.name, known_at, "no row of a past population has an outcome")
        return rows.select(DAY, "entity_key", *self.spec.inputs, "outcome"), left_out

    def without_features(self, known: pl.DataFrame) -> pl.DataFrame:
        """The rows of `known` as features are asked for them, with their outcome."""
        outcomes = known.select(DAY, "entity_key", "outcome")
        return self.populations.join(outcomes, on=[DAY, "entity_key"], how="inner", maintain_order="left")

    def nights(self, dates: Sequence[date]) -> pl.DataFrame:
        """The rows that the nights of these dates would score."""
        return self.rows.filter(pl.col(DAY).is_in(dates), pl.col("fits"))

    def outcomes_by(self, known_at: datetime) -> pl.DataFrame:
        """`entity_key`, `score_date`, `outcome` as known on an evening of the walk."""
        replaced = pl.col(UNTIL).is_null() | (pl.col(UNTIL) > known_at)
        then = self.outcomes.filter(pl.col(FROM) <= known_at, replaced)
        return mature_outcomes(then, known_at, last_mature_date(self.spec, known_at))


def gathered(
    spec: ModelSpec,
    evenings: Sequence[datetime],
    last: date,
    *,
    raw: RawStore,
    features: FeatureSource,
    check: Check,
    progress: Progress,
) -> Stretch:
    """All that is known on these evenings (UTC, oldest first), and the populations up to a date.

    Populations and features are read once, as known on the evening of each date. Outcomes of a date are read
    on the first evening that has them, and again only after a delivery that may correct them.
    Raises NothingMatches, MissingFeatures, StoreUnavailable, ContractBroken, CodeFailed.
    """
    raw = raw.listed_once()
    recorded = recorded_of(spec, raw)
    outcomes = _outcomes(spec, evenings, recorded, raw)
    first = min((day for days in recorded.values() for day in days), default=last)
    dates = [
        day
        for day in occasions_between(spec, first, last)
        if readable(spec, spec.population_reads, day, recorded, as_of(spec, day))
    ]
    if not dates:
        raise TooLittleHistory(spec.name, evenings[-1], f"no population of a date up to {last} was known")
    populations = populations_of(spec, dates, raw, progress)
    sound = populations.filter(pl.col("fault").is_null()).drop("fault")
    rows = with_features(spec, sound, features, progress).drop("event_timestamp")
    fitting = rows.with_columns(fits=_fits(spec, rows, check))
    kept = fitting.select(DAY, "entity_key", *spec.inputs, "fits").sort(DAY, "entity_key")
    return Stretch(spec=spec, rows=kept, populations=sound, outcomes=outcomes)


def _fits(spec: ModelSpec, rows: pl.DataFrame, check: Check) -> pl.Series:
    """Whether each row keeps the contract. Keys are unique within a date alone."""
    if rows.is_empty() or check(spec, rows.drop(DAY)).quarantined.is_empty():
        return pl.repeat(value=True, n=rows.height, eager=True)
    nights = rows.with_row_index("row").partition_by(DAY)
    fitting = [
        pl.Series(
            night["entity_key"].is_in(check(spec, night.drop(DAY, "row")).valid["entity_key"].implode())
        )
        for night in nights
    ]
    places = pl.concat([night["row"] for night in nights])
    return pl.DataFrame({"row": places, "fits": pl.concat(fitting)}).sort("row")["fits"]


def _outcomes(
    spec: ModelSpec, evenings: Sequence[datetime], recorded: Recorded, raw: RawStore
) -> pl.DataFrame:
    """The outcomes of each date with FROM and UNTIL."""
    newest, replaced, parts = dict[date, datetime](), list[tuple[datetime, date, datetime]](), [NOTHING]
    for evening, dates in _readings(spec, evenings, recorded):
        replaced += [(newest[day], day, evening) for day in dates if day in newest]
        newest |= dict.fromkeys(dates, evening)
        rows = outcomes_of(spec, raw, dates, evening)
        parts.append(rows.with_columns(pl.lit(evening, INSTANT).alias(FROM)))
    ends = pl.DataFrame(replaced, {FROM: INSTANT, DAY: pl.Date(), UNTIL: INSTANT}, orient="row")
    read = pl.concat(parts[1:] or parts, how="vertical_relaxed")
    return read.join(ends, on=[FROM, DAY], how="left", maintain_order="left")


def _readings(
    spec: ModelSpec, evenings: Sequence[datetime], recorded: Recorded
) -> Iterator[tuple[datetime, Sequence[date]]]:
    """Each evening with the dates whose outcomes are complete since it, or may have been corrected since."""
    read, before = set[date](), evenings[0]
    for evening in evenings:
        last = last_mature_date(spec, evening)
        told = dates_readable(spec, spec.outcome_reads, recorded, evening)
        mature = (day for day in told if day <= last and is_occasion(spec, day))
        due = [
            day
            for day in mature
            if day not in read or _recorded_between(spec, day, recorded, before, evening)
        ]
        if known := [day for day in due if complete(spec, day, recorded, evening)]:
            yield evening, known
        read, before = read.union(known), evening


def _recorded_between(
    spec: ModelSpec, score_date: date, recorded: Recorded, after: datetime, until: datetime
) -> bool:
    """True if something that the outcomes of a date read was recorded after an instant, up to another."""
    return any(
        after < instant <= until
        for window in spec.outcome_reads
        for day in dates_between(*files_of(spec, window, score_date))
        for instant in recorded[window.dataset].get(day, ())
    )
