"""What every model's spec must keep to, so that nothing of it surprises a night.

Types and ranges are told to pydantic, where the fields are declared (nightjar/core/model/spec.py). The rules
here need more than one field, or say what a text must be.
"""

import re
from collections.abc import Collection, Iterable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import polars as pl
from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from nightjar.core.kinds import is_known, known
from nightjar.core.kinds.limits import Limit, limit_faults, span
from nightjar.core.model.judging import LOSS_LIMITS
from nightjar.core.model.schedule import is_cron, once_a_day
from nightjar.core.years import YEARS

if TYPE_CHECKING:
    from nightjar.core.model.spec import FeatureTable, ModelSpec, RawDataset, Replay

NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
"""Names of models, datasets, tables and columns, in full: safe in SQL, paths and Prefect without quoting."""
NAMED = "must be lower-case letters, digits and _, start with a letter and have at most 40 characters"

ADDED_TO_RAW = frozenset({"date", "recorded_at"})
ADDED_TO_FEATURES = frozenset({"date", "event_timestamp", "created", "fault"})
ADDED_TO_ROWS = frozenset(
    {"entity_key", "event_timestamp", "known_at", "fault", "outcome", "score", "outputs", "predicted_class"}
)
"""Columns of ours beside those of raw days, of feature tables, and of the rows to score."""

PLAIN_TYPES = (pl.String, pl.Boolean, pl.Date, pl.Datetime)
MOST_DAYS = 36_600
"""A century: longer spans are mistakes, and carry dates out of what Python can count."""

ONE_DAY_FIELD = "If day of month and weekday are both restricted, neither may contain a *"

NO_MEMORY = "it is read at the night, so nothing says when its rows were known; only a population may read it"

AUDITED = tuple(
    Limit(name=name, low=0, high=1)
    for name in ("max_quarantine_share", "max_null_rise", "max_input_shift", "max_unseen_share")
)
"""Limits of a night's rows and inputs: shares, whatever is predicted."""

Fault = tuple[str, str]
"""A field, and what is wrong with it."""


def called(value: object) -> object:
    """Raises PydanticCustomError for what is no function."""
    if not callable(value):
        raise PydanticCustomError("not_callable", "must be a function")
    return value


def a_kind(value: object) -> object:
    """Raises PydanticCustomError for what is no kind of model that is listed."""
    if not is_known(value):
        raise PydanticCustomError(
            "no_kind",
            "must be a kind that nightjar/core/kinds/__init__.py lists: {known}",
            {"known": ", ".join(known())},
        )
    return value


def fault_of(error: ValidationError) -> Fault:
    """The first field that pydantic refuses, as `audit.max_mean_shift`, and why."""
    first = error.errors(include_url=False)[0]
    return ".".join(str(part) for part in first["loc"]), f"is {first['input']!r}: {first['msg']}"


def faults(spec: "ModelSpec") -> Iterator[Fault]:
    """All that stands against a spec, the plainest first.

    Later rules take for granted what earlier ones found.
    """
    if not NAME.fullmatch(spec.name):
        yield "name", NAMED
    yield from _of_time(spec)
    for dataset in spec.datasets:
        yield from _of_dataset(dataset)
    for table in spec.feature_tables:
        yield from _of_table(table, {dataset.name for dataset in spec.datasets})
    yield from _of_inputs(spec)
    yield from _of_sources(spec)
    yield from _of_windows(spec)
    yield from _of_learners(spec)
    yield from _of_search(spec)
    yield from _of_slices(spec)
    yield from _of_metrics(spec)
    yield from _of_explain(spec)
    yield from _of_challenge(spec)
    yield from limit_faults("gates", spec.gates, (*spec.kind.gate_limits(), *LOSS_LIMITS), spec.kind.name)
    yield from limit_faults("audit", spec.audit, (*AUDITED, *spec.kind.absurdities), spec.kind.name)


def _of_time(spec: "ModelSpec") -> Iterator[Fault]:
    try:
        ZoneInfo(spec.time_zone)
    except (KeyError, ValueError, OSError):
        yield "time_zone", f"{spec.time_zone!r} is no IANA time zone, like America/New_York"
    for field in ("cron", "retrain_cron"):
        if not is_cron(getattr(spec, field)):
            yield (
                field,
                (
                    f"{getattr(spec, field)!r} is not a cron expression of five fields in numbers, like 30 "
                    f"21 * * *. {ONE_DAY_FIELD}"
                ),
            )
    if is_cron(spec.cron) and not once_a_day(spec.cron):
        yield (
            "cron",
            (
                f"{spec.cron!r} starts more than one night on a local date. A publication is of one model "
                "and one date, so minute and hour must each be one number"
            ),
        )
    if spec.replay is not None and not _can_be_replayed(spec.replay):
        told = f"{spec.replay.first} to {spec.replay.last}"
        yield "replay", f"must be a week or more of the years {YEARS.start} to {YEARS.stop - 1}, not {told}"
    if spec.as_of_time.tzinfo is not None:
        yield "as_of_time", "must have no zone of its own: it is a time of time_zone"
    if spec.promise is not None and spec.promise.at.tzinfo is not None:
        yield "promise", "must have no zone of its own: it is a time of time_zone"


def _can_be_replayed(replay: "Replay") -> bool:
    known = all(day.year in YEARS for day in (replay.first, replay.last))
    return known and replay.last - replay.first >= timedelta(days=6)


def _of_dataset(dataset: "RawDataset") -> Iterator[Fault]:
    where, columns = f"dataset {dataset.name!r}", set(dataset.columns)
    yield from _of_names(where, (dataset.name, *dataset.columns), columns & ADDED_TO_RAW)
    for column, kind in dataset.columns.items():
        if not (isinstance(kind, PLAIN_TYPES) or kind.is_integer() or kind.is_float()):
            yield (
                where,
                f"cannot hold {kind} in {column}: a dataset has texts, numbers, flags, dates and instants",
            )
        if isinstance(kind, pl.Datetime) and kind.time_zone != "UTC":
            yield where, f"must hold its instants in UTC, and {column} does not"
    if not dataset.keys or not set(dataset.keys) <= columns - dataset.nullable:
        yield where, f"must have keys among its columns that are never empty, not {list(dataset.keys)}"
    if not dataset.nullable <= columns:
        yield where, f"lets columns be empty that it does not have: {sorted(dataset.nullable - columns)}"
    if dataset.day_column is not None and not isinstance(
        dataset.columns.get(dataset.day_column), pl.Date | pl.Datetime
    ):
        yield where, f"must have dates or instants in its day_column, and {dataset.day_column!r} has none"
    if not dataset.delivered and (dataset.day_column is None or dataset.day_column in dataset.nullable):
        yield where, "must have a day_column that is never empty: it says which day a row of a table is about"
    for fault in dataset.source.faults():
        yield where, fault


def _of_table(table: "FeatureTable", known: set[str]) -> Iterator[Fault]:
    where = f"feature table {table.name!r}"
    yield from _of_names(
        where,
        (table.name, *table.keys, *table.features),
        (set(table.keys) | set(table.features)) & ADDED_TO_FEATURES,
    )
    if not table.keys or not table.features or set(table.keys) & set(table.features):
        yield where, "must have keys, and features that are none of them"
    if unknown := set(table.sources) - known:
        yield where, f"reads datasets that are not declared: {sorted(unknown)}"
    if table.ttl <= timedelta(0):
        yield where, "must have a ttl: without one a dead feed is used for ever"
    if table.max_age is not None and table.max_age <= timedelta(0):
        yield where, f"must have a max_age above 0 or none, not {table.max_age}"
    if table.ttl > timedelta(days=MOST_DAYS) or not 0 <= table.lookback_days <= MOST_DAYS:
        yield (
            where,
            (
                f"must have a ttl and lookback_days of at most {MOST_DAYS} days, not {table.ttl} and "
                f"{table.lookback_days}"
            ),
        )


def _of_sources(spec: "ModelSpec") -> Iterator[Fault]:
    if spec.deliver is None and spec.delivered:
        yield "deliver", f"must bring the files of {', '.join(dataset.name for dataset in spec.delivered)}"
    forgetful = {dataset.name for dataset in spec.datasets if not dataset.remembers}
    for table in spec.feature_tables:
        if known := sorted(forgetful & set(table.sources)):
            yield f"feature table {table.name!r}", f"cannot be computed from {known}: {NO_MEMORY}"
    if known := sorted(forgetful & {window.dataset for window in spec.outcome_reads}):
        yield "outcome_reads", f"cannot name {known}: {NO_MEMORY}"


def _of_names(where: str, names: Iterable[str], ours: set[str]) -> Iterator[Fault]:
    if odd := [name for name in names if not NAME.fullmatch(name)]:
        yield where, f"has the names {odd}, and a name {NAMED}"
    if ours:
        yield where, f"may not have the columns {sorted(ours)}: they are added to it"


def _of_inputs(spec: "ModelSpec") -> Iterator[Fault]:
    for what, names in (
        ("categorical and numeric", spec.inputs),
        ("datasets", [dataset.name for dataset in spec.datasets]),
        ("feature_tables", [table.name for table in spec.feature_tables]),
        ("features", [feature for table in spec.feature_tables for feature in table.features]),
    ):
        if repeated := sorted({name for name in names if list(names).count(name) > 1}):
            yield what, f"name twice: {repeated}"
    yield from _of_names("inputs", spec.inputs, set(spec.inputs) & ADDED_TO_ROWS)
    if spec.features is not None and spec.feature_tables:
        yield "features", "must be left out where there are feature_tables: a model has one or the other"
    for view, age in spec.features.max_age.items() if spec.features else ():
        if age <= timedelta(0):
            yield "features", f"must have a max_age above 0 for {view!r}, not {age}"
    if not spec.inputs:
        yield "categorical and numeric", "must name an input"
    if unknown := sorted(spec.often_missing - set(spec.inputs)):
        yield "often_missing", f"names what is no input: {unknown}"


def _of_learners(spec: "ModelSpec") -> Iterator[Fault]:
    names = [learner.name for learner in spec.learners]
    if len(set(names)) < len(names):
        yield "simpler", f"has a name twice, or the name 'fit': {names[:-1]}"


def _of_search(spec: "ModelSpec") -> Iterator[Fault]:
    for problem in spec.search.faults(spec.params) if spec.search is not None else ():
        yield "search", problem


def _of_slices(spec: "ModelSpec") -> Iterator[Fault]:
    names = [cut.name for cut in spec.slices]
    if len(set(names)) < len(names):
        yield "slices", f"have a name twice: {names}"
    for cut in spec.slices:
        if unknown := sorted(cut.reads - set(spec.inputs)):
            yield "slices", f"{cut.name!r} reads {unknown}, which are no inputs"


def _of_metrics(spec: "ModelSpec") -> Iterator[Fault]:
    names = [metric.name for metric in (*spec.kind.metrics, *spec.metrics)]
    for own in spec.metrics:
        if not NAME.fullmatch(own.name):
            yield "metrics", f"{own.name!r} is no name: {NAME.pattern}"
        if names.count(own.name) > 1:
            yield "metrics", f"{own.name!r} is there twice, or a metric of the kind {spec.kind.name!r}"
        if unknown := sorted(own.reads - set(spec.inputs)):
            yield "metrics", f"{own.name!r} reads {unknown}, which are no inputs"


def _of_challenge(spec: "ModelSpec") -> Iterator[Fault]:
    stages = () if spec.challenge is None else spec.challenge.stages
    if list(stages) != sorted(set(stages)):
        yield "challenge", f"must have stages that grow, like (0.05, 0.25, 1.0), not {stages}"


def _of_explain(spec: "ModelSpec") -> Iterator[Fault]:
    if spec.explain is None:
        return
    for problem in spec.explain.faults(frozenset(spec.numeric), frozenset(spec.inputs)):
        yield "explain", problem
    above = spec.explain.above
    if above is not None and not spec.kind.low <= above < spec.kind.high:
        bounds = span(spec.kind.low, spec.kind.high)
        yield "explain", f"names rows above {above}, and a score of the kind {spec.kind.name!r} lies {bounds}"


def _of_datasets(field: str, names: Collection[str], known: Collection[str]) -> Iterator[Fault]:
    if unknown := sorted({*names} - {*known}):
        yield field, f"names datasets that are not declared: {unknown}. Declared are {sorted(known)}"


def _of_windows(spec: "ModelSpec") -> Iterator[Fault]:
    known = {dataset.name for dataset in spec.datasets}
    yield from _of_datasets("without_holidays", spec.without_holidays, known)
    for field, windows in (
        ("population_reads", spec.population_reads),
        ("outcome_reads", spec.outcome_reads),
    ):
        names = [window.dataset for window in windows]
        yield from _of_datasets(field, names, known)
        if not names:
            yield field, f"must name what is read, like Window({min(known, default='a dataset')!r})"
        if len(set(names)) < len(names):
            yield field, f"names a dataset twice: {names}. Name it once, with the widest window"
    latest = max((window.days_after for window in spec.outcome_reads), default=0)
    if latest > spec.maturity_days:
        yield (
            "outcome_reads",
            (
                f"reads {latest} days after the score date, but maturity_days is {spec.maturity_days}. "
                f"Outcomes cannot be known before all that they read: set maturity_days to {latest} or more"
            ),
        )
