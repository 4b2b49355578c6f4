"""A night's decisions: which date a schedule means, what may be known, how the work is cut, and whether it may be published."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import polars as pl

from nightjar.core.entities import Distribution, Night, NightProfile, Part, Receipt, Run, utc
from nightjar.core.errors import BadSettings, ContractBroken
from nightjar.core.inputs import oddities
from nightjar.core.spec import AuditLimits, ModelSpec, RawDataset
from nightjar.core.spec_rules import YEARS

TRAILING_NIGHTS = 14
"""How many published nights the distribution guard compares with: two weeks hold every weekday twice."""

SAME = 1e-9
"""How far apart two scores of the same row may lie: predictors add up numbers in an order that depends on how many rows they are given."""

KEY_BYTES = 512
"""The longest entity_key, in UTF-8: what a Postgres index entry holds with room to spare."""


def score_date_of(spec: ModelSpec, scheduled_start: datetime) -> date:
    """The local date that a run scheduled at `scheduled_start` (aware) scores.

    It depends on the schedule alone, so a late or retried run keeps it. A model that replays a recorded year gets the same day of that
    year; 29 February becomes the 28th where the year has none.
    """
    return score_date_on(spec, local_date(spec, scheduled_start))


def score_date_on(spec: ModelSpec, day: date) -> date:
    """The date that a schedule on a local day scores."""
    scored = day + timedelta(days=spec.horizon_days)
    return scored if spec.replay_year is None else in_year(scored, spec.replay_year)


def local_date(spec: ModelSpec, moment: datetime) -> date:
    """The date of an instant (aware) in the model's zone. Score dates are such dates: compare no others with them."""
    return local_time(spec, moment).date()


def local_time(spec: ModelSpec, moment: datetime) -> datetime:
    """What the clocks of the model's zone show at an instant (aware); naive."""
    return utc(moment).astimezone(ZoneInfo(spec.time_zone)).replace(tzinfo=None)


def today_of(spec: ModelSpec, moment: datetime) -> date:
    """The local date on which the schedule of `moment` (aware) takes stock: the evening before the date that it scores."""
    return score_date_of(spec, moment) - timedelta(days=spec.horizon_days)


def today_from(spec: ModelSpec, given: date | None, now: datetime) -> date:
    """The local day that a person names, else that of `now`. Raises BadSettings for a day that has not come yet."""
    if given is not None and given > (today := local_date(spec, now)):
        wrong = f"--today {given} has not come yet: in {spec.time_zone} it is {today}"
        raise BadSettings(wrong, "Name a day up to that one.")
    return given or today_of(spec, now)


def file_days(dataset: RawDataset, time_zone: str, day: date) -> tuple[date, date]:
    """The first and the last day of the files that hold rows of a local date.

    It is that date. Of a dataset whose `day_column` holds instants, it is each UTC day that the local date overlaps.
    """
    if not isinstance(dataset.columns.get(dataset.day_column or ""), pl.Datetime):
        return day, day
    zone = ZoneInfo(time_zone)
    start, end = (datetime.combine(midnight, time(), zone).astimezone(UTC) for midnight in (day, day + timedelta(days=1)))
    return start.date(), (end - timedelta(microseconds=1)).date()


def in_year(day: date, year: int) -> date:
    try:
        return day.replace(year=year)
    except ValueError:
        return day.replace(year=year, day=28)


def evening(spec: ModelSpec, day: date) -> datetime:
    """The UTC instant on a local day at which that day's schedule takes stock: the as-of of the night it scores."""
    return datetime.combine(day, spec.as_of_time, ZoneInfo(spec.time_zone)).astimezone(UTC)


def as_of(spec: ModelSpec, score_date: date) -> datetime:
    """The UTC instant up to which anything may be known for a score date. Raises BadSettings for a date far from any that could be meant."""
    if score_date.year not in YEARS:
        raise BadSettings(f"The score date {score_date} is not between {YEARS.start} and {YEARS.stop - 1}", "Name another.")
    return evening(spec, score_date - timedelta(days=spec.horizon_days))


def wanted_until(spec: ModelSpec, last: date, now: datetime) -> datetime:
    """The UTC instant up to which data is brought in to score nights up to `last` by hand: their as-of, and their outcomes if they are known."""
    return max(as_of(spec, last), min(utc(now), evening(spec, last + timedelta(days=spec.maturity_days))))


def night_of(spec: ModelSpec, score_date: date) -> Night:
    return Night(model=spec.name, score_date=score_date, as_of=as_of(spec, score_date))


def dates_between(first: date, last: date) -> tuple[date, ...]:
    """Every date from first to last, both included; none if last is before first."""
    return tuple(first + timedelta(days=n) for n in range((last - first).days + 1))


def ordered_population(rows: pl.DataFrame) -> pl.DataFrame:
    """The population sorted by `entity_key`, with `fault` (String, null where all is well) naming what bars a row from being scored.

    Of rows that share a key the first is kept and the rest are faulty; a key that is null or empty, or that no store could hold, is always
    faulty. Nothing is dropped. Raises ContractBroken where there is no such column of texts.
    """
    if (found := rows.schema.get("entity_key")) != pl.String:
        raise ContractBroken(
            "the population", ["column entity_key is missing" if found is None else f"column entity_key has type {found}, not String"]
        )
    key = pl.col("entity_key")
    return rows.sort("entity_key", nulls_last=True, maintain_order=True).with_columns(
        pl.when(key.is_null() | (key == ""))
        .then(pl.lit("entity_key is missing"))
        .when(key == key.shift(1))
        .then(pl.lit("entity_key is repeated"))
        .when(key.str.len_bytes() > KEY_BYTES)
        .then(pl.lit(f"entity_key is longer than {KEY_BYTES} bytes"))
        .when(key.str.contains("\0", literal=True))
        .then(pl.lit("entity_key holds a NUL character"))
        .alias("fault")
    )


def key_is_storable() -> pl.Expr:
    """Whether `entity_key` is one that every store can hold; null for a null."""
    key = pl.col("entity_key").cast(pl.String)
    return key.str.len_bytes().is_between(1, KEY_BYTES) & ~key.str.contains("\0", literal=True)


def cut(rows: int, part_rows: int) -> tuple[Part, ...]:
    """Parts of at most part_rows that cover [0, rows) without gap or overlap, as equal as can be: no part is a sliver."""
    count = math.ceil(rows / part_rows)
    edges = [rows * n // count for n in range(count + 1)] if count else []
    return tuple(Part(number=n, start=start, stop=stop) for n, (start, stop) in enumerate(pairwise(edges)))


def missing_parts(parts: Iterable[Part], receipts: Iterable[Receipt]) -> tuple[Part, ...]:
    """The parts without a receipt: all that a retry has to do."""
    stored = {receipt.part for receipt in receipts}
    return tuple(part for part in parts if part.number not in stored)


@dataclass(frozen=True, slots=True)
class Findings:
    """What stands against publishing, in words. broken: the night does not add up, or is none, and nobody can vouch for it. odd: a person may."""

    broken: tuple[str, ...] = ()
    odd: tuple[str, ...] = ()


def audit(
    run: Run,
    parts: Sequence[Part],
    receipts: Sequence[Receipt],
    scores: Distribution,
    tonight: NightProfile,
    trailing: Sequence[NightProfile],
    spec: ModelSpec,
    otherwise: Sequence[str] = (),
) -> Findings:
    """What stands against publishing; nothing if it is empty. Fails closed: what cannot be counted is a finding.

    otherwise: what `scored_otherwise` found of a sample.
    """
    quarantined = sum(receipt.quarantined for receipt in receipts)
    return Findings(
        broken=(*reconcile(run, parts, receipts, scores), *irreproducible(otherwise)),
        odd=(*absurdities(scores, trailing, quarantined, spec.audit), *oddities(tonight, trailing, spec)),
    )


def reconcile(run: Run, parts: Sequence[Part], receipts: Sequence[Receipt], scores: Distribution) -> Iterable[str]:
    if run.population is None:
        yield "the run has no population"
        return
    rows_of = {receipt.part: receipt.rows for receipt in receipts}
    if lacking := [part.number for part in parts if part.number not in rows_of]:
        yield f"parts {lacking} have no receipt"
    if odd := [part.number for part in parts if rows_of.get(part.number, part.rows) != part.rows]:
        yield f"parts {odd} account for another number of rows than they hold"
    scored, quarantined = sum(r.scored for r in receipts), sum(r.quarantined for r in receipts)
    if scored + quarantined != run.population.rows:
        yield f"scored {scored} + quarantined {quarantined} is not the population of {run.population.rows}"
    if scores.rows != scored:
        yield f"the table holds {scores.rows} scores, the receipts say {scored}"
    if scores.rows == 0:
        yield "no row was scored"


def scored_otherwise(stored: pl.DataFrame, again: pl.DataFrame) -> tuple[str, ...]:
    """Keys of rows whose stored score is not what the same inputs give now, or that only one of the two set aside; in order.

    Both: `entity_key`, unique, and `score`.
    """
    both = stored.join(again.select("entity_key", now="score"), on="entity_key", how="full", coalesce=True)
    same = ((pl.col("score") - pl.col("now")).abs() <= SAME).fill_null(value=False)
    return tuple(both.filter(~same)["entity_key"].sort())


def irreproducible(otherwise: Sequence[str]) -> Iterable[str]:
    if otherwise:
        yield (
            f"of the sampled rows {len(otherwise)}, {otherwise[0]!r} among them, are stored with other scores than their inputs give now: "
            "features or code were exchanged while the night was scored"
        )


def absurdities(scores: Distribution, trailing: Sequence[NightProfile], quarantined: int, limits: AuditLimits) -> Iterable[str]:
    share = quarantined / max(1, scores.rows + quarantined)
    if share > limits.max_quarantine_share:
        yield f"{quarantined} rows ({share:.1%}) are quarantined, the limit is {limits.max_quarantine_share:.1%}"
    if scores.rows == 0:
        return
    if scores.distinct < limits.min_distinct_share * scores.rows:
        yield f"{scores.rows} rows share {scores.distinct} distinct scores, at least {limits.min_distinct_share:.0%} must differ"
    if means := [night.mean_score for night in trailing if night.mean_score is not None]:
        usual = sum(means) / len(means)
        if not abs(scores.mean - usual) <= limits.max_mean_shift:
            yield f"the mean score is {scores.mean:.3f}, the last {len(means)} nights had {usual:.3f}; {limits.max_mean_shift} apart is the limit"
