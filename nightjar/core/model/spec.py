"""What a data scientist fills in: one frozen `ModelSpec` a model.

It is made of datasets, feature tables and functions. Nothing here does anything: the engine reads these
values and calls their functions, all of them pure.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import date, time, timedelta
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Annotated, Any, Literal, Protocol, get_type_hints

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, PlainValidator, ValidationError, create_model

from nightjar.core.errors.model import BadSpec, DeliverFailed
from nightjar.core.kinds.binary import BINARY
from nightjar.core.kinds.gates import Certainty
from nightjar.core.kinds.kind import Kind
from nightjar.core.kinds.limits import Limits
from nightjar.core.kinds.metrics import Metric
from nightjar.core.model.delivery import Delivery, checked
from nightjar.core.model.explain import Explain
from nightjar.core.model.holidays import IsHoliday, never
from nightjar.core.model.judging import DEFAULTS
from nightjar.core.model.own_code import own_code
from nightjar.core.model.row_metrics import RowMetric
from nightjar.core.model.rules import MOST_DAYS, NAME, Fault, a_kind, called, fault_of, faults
from nightjar.core.model.search import Param, Search
from nightjar.core.model.slices import Slice
from nightjar.core.model.sources import Files, ReadAtNight, Source


@dataclass(frozen=True, slots=True, kw_only=True)
class RawDataset:
    """Rows that come from outside, each about one day.

    columns: every column in order, with its Polars type. nullable: those that may be empty. keys: unique
    within a day.
    day_column: a Date, or a Datetime in UTC, that says which day a row is about. In a file of one day it lies
    on that day in every row.
    source: where the rows come from (docs/sources.md). The default is one CSV file a day, with a trailer.
    """

    name: str
    columns: Mapping[str, pl.DataType]
    keys: tuple[str, ...]
    nullable: frozenset[str] = frozenset()
    day_column: str | None = None
    source: Source = Files()  # noqa: RUF009  # it is frozen

    @property
    def delivered(self) -> bool:
        """True for delivered files, False for a table that is scanned."""
        return isinstance(self.source, Files)

    @property
    def files(self) -> Files:
        """The form of its delivered files. A table has none."""
        assert isinstance(self.source, Files), f"{self.name} is a table"
        return self.source

    @property
    def remembers(self) -> bool:
        """False for a table that only knows what it holds now."""
        return isinstance(self.source, Files) or not isinstance(self.source.known, ReadAtNight)


AnyDays = Annotated[int, Field(ge=0, le=MOST_DAYS)]


@dataclass(frozen=True, slots=True)
class Window:
    """The days of a dataset that are read for a score date.

    They are the local days from `days_before` before the score date to `days_after` after it, both included.
    By default, only the score date is read.
    """

    dataset: str
    days_before: AnyDays = 0
    days_after: AnyDays = 0


class Deliver(Protocol):
    def __call__(self, inbox: Path, first: date, last: date) -> Iterator[Delivery]:
        """Put the files of each dataset for days first..last into `inbox`.

        Yield them in order of `recorded_at`. What a feed does in production; for a recorded year, its replay.
        The same call yields the same bytes.
        """
        ...


RawFrames = Mapping[str, pl.DataFrame]
"""Dataset name -> its rows, with the dataset's columns and two more.

They are `date` (the day of the file) and `recorded_at` (UTC).
"""
LazyRaw = Mapping[str, pl.LazyFrame]
"""The same for a table or a population that is streamed: its rows have no order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureTable:
    """A set of features of one entity, computed from raw days and stored as date-partitioned Parquet.

    keys, features: columns with their types. ttl: how long a row may be used. max_age: how old the newest row
    of the whole table may be at a night's as-of; an older one stops the night. None: any age. lookback_days:
    how many days before the first day asked for `compute` needs to see. sources: names of raw datasets.
    compute(raw, first, last) is pure and gives the rows of days first..last: keys + features + `date` (the
    raw day they belong to) + `event_timestamp` (UTC, when the last event in the row happened) + `created`
    (UTC, when the last of its inputs was recorded). One call over many days equals one call a day, joined.
    streamed: `compute` gets LazyFrames, whose rows have no order, and gives one. It is collected by Polars'
    streaming engine, so that raw days need not fit into memory.
    """

    name: str
    description: str
    keys: Mapping[str, pl.DataType]
    features: Mapping[str, pl.DataType]
    ttl: timedelta
    lookback_days: int
    sources: tuple[str, ...]
    compute: Callable[[RawFrames, date, date], pl.DataFrame] | Callable[[LazyRaw, date, date], pl.LazyFrame]
    max_age: timedelta | None = None
    streamed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FeastService:
    """A FeatureService of a Feast repository that you have already. Nightjar only reads it.

    repo: the folder of its feature_store.yaml. service: the name of the service, as its registry has it.
    Features keep their own names, without those of their views. The population has the join keys of the
    service's entities, and the values that its on-demand views take from a request.
    known_by_created: a row counts only from the instant in its created column on, as the features that
    Nightjar builds do. False: it counts from its event on, which is Feast's own default. Use True if the
    created column says truly when a row became known; a backfill often sets it to one later instant.
    max_age: feature view -> how old its newest row may be at a night's as-of. An older one stops the night.
    """

    repo: Path
    service: str
    known_by_created: bool = False
    max_age: Mapping[str, timedelta] = field(default_factory=dict[str, timedelta], hash=False)


class Predictor(Protocol):
    """A trained model: what scoring needs of it, whatever library made it."""

    @property
    def algorithm(self) -> str:
        """Which learner loads its file, such as "catboost" or "sklearn"; docs/learners.md has all."""
        ...

    def predict(self, frame: pl.DataFrame) -> pl.Series:
        """Answers, one per row and in its order: what the `answer` of the spec's kind makes of them.

        They are scores, Float64. Of a kind with classes they are Arrays of Float64: the probability of each
        class.
        frame holds at least the spec's inputs.
        """
        ...

    def params(self) -> Mapping[str, Any]:
        """The parameters it was fitted with, as JSON values."""
        ...

    def save(self, path: Path) -> None:
        """Write to one file, without pickle; the same training gives the same bytes."""
        ...


class Fit(Protocol):
    def __call__(self, train: pl.DataFrame, valid: pl.DataFrame, *, spec: "ModelSpec") -> Predictor:
        """Fit on `train`, choose on `valid`; both hold `score_date`, the spec's inputs and `outcome`.

        Of a kind with classes `outcome` is the place of the class in `spec.kind.classes`, from 0.

        Deterministic given spec.seed.
        """
        ...


class Refit(Protocol):
    def __call__(self, rows: pl.DataFrame, *, spec: "ModelSpec", judged: Predictor) -> Predictor:
        """Fit on all rows that are known what `fit` fitted on the older ones, by the same recipe.

        judged: the answer of `fit`, which has passed the gates. Its `params` say what `fit` chose, as the
        number of trees. Nothing may be chosen on `rows`: no later row is left that could judge the choice.
        rows: as those of `fit`, in order of `score_date`.

        Deterministic given spec.seed.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Learner:
    """A learner beside the spec's own `fit`.

    fit, refit: as those of a spec.
    """

    name: str
    fit: Annotated[Fit, PlainValidator(called)]
    refit: Annotated[Refit, PlainValidator(called)] | None = None


Count = Annotated[int, Field(ge=1)]


@dataclass(frozen=True, slots=True)
class Replay:
    """A recorded stretch of days, first to last, that a schedule lives through again and again.

    It holds at least a week. A date is carried over by whole weeks, so it keeps its weekday. The last whole
    weeks of the stretch are used.
    """

    first: date
    last: date

    def of(self, day: date) -> date:
        """Return the day of the stretch that stands for a day of the calendar."""
        cycle = ((self.last - self.first).days + 1) // 7 * 7
        return self.last - timedelta(days=(self.last - day).days % cycle)


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeSplit:
    """How history is cut, newest last.

    The last `test_days` are unseen, the `valid_days` before them choose, the rest trains.
    """

    test_days: Count
    valid_days: Count
    min_train_rows: Count


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """How a version takes the place of a champion after it has passed its gates: it scores in shadow first.

    promote: what follows when the nights say that it is better. "automatic": it becomes champion. "approval":
    a person is asked, and answers in Prefect's deployment `promote` or on the command line. "by hand":
    nothing follows, and nothing is withdrawn; a person decides.
    alpha: probability that a challenger that is not better is ever found to be better, however often somebody
    looks.
    nights: without a result after so many nights the challenger is withdrawn, so that a newer version gets
    its turn.
    stages: shares of the entities that a challenger serves, one after the other, before it is promoted. It
    begins when the nights in shadow say that it is better, or when a person lets it serve. Empty: none.
    nights_per_stage: so many measured nights a stage lasts at least. It goes back to 0 as soon as the nights
    say that it is worse, with a probability of at most alpha if it is not.
    compare: the rows that decide while it serves a share. "rows": both versions on each row. "arms": each on
    the rows that it served. Choose "arms" if people act on a score, and so change the outcome.
    """

    promote: Literal["automatic", "approval", "by hand"]
    alpha: Annotated[float, Field(gt=0, lt=0.5)] = 0.05
    nights: Count = 180
    stages: tuple[Annotated[float, Field(gt=0, le=1)], ...] = ()
    nights_per_stage: Count = 7
    compare: Literal["rows", "arms"] = "rows"


@dataclass(frozen=True, slots=True)
class PublishedBy:
    """The promise that each night is published by a local time.

    It is the first such time after the night's scheduled start. A night that is not published by then is
    late, and people are told.
    """

    at: time


class GateLimits(Limits):
    """What a version must reach on unseen dates to become champion.

    There is a limit for each gate of the model's kind, and those of every kind. These are quotients: the loss
    of the version over that of another on the same rows. Less than 1 is better.
    max_loss_over_constant, max_loss_over_baseline, max_loss_over_champion: at most over theirs.
    max_loss_over_anchor: at most over that of the best version of the past, so that quality cannot slide in
    small steps. The last two are apart from the difference of their levels.
    max_loss_within_nights: over that of these two, in what tells the rows of one night apart.
    max_loss_by_level: over theirs, by the difference of the levels alone; it fails if that is surely more.
    max_loss_in_slices: on the rows of a slice, over that of the champion, or of the baseline for a first
    version. min_loss_over_rivals: at least over those of the baseline and of the champion. A version that is
    better than both by more than this is too good to be true, and a person decides. min_loss_over_baseline:
    the same for a version that has no champion beside it. A baseline may be weak, so it is less.

    The signs of leakage: max_skill_alone: the share of the constant's loss that one input alone removes, at
    most. min_loss_in_a_bin: the share of it that is left where an input has a value that tells the outcome.
    min_loss_shuffled: the loss of the learner, fitted on shuffled outcomes, over that of the constant.
    min_loss_over_a_day_earlier: over that of the version itself, with features asked a day earlier.
    min_loss_over_an_input_a_day_earlier: the same, with one input alone asked a day earlier.

    Stability and cost: max_change_by_seed, max_change_by_noise: mean change of the scores over their standard
    deviation. max_us_a_row: microseconds to predict a row. max_artifact_mb: size of its file.
    """

    def __init__(self, **limits: float) -> None:
        super().__init__(**{**DEFAULTS, **limits})


class AuditLimits(Limits):
    """What a night must keep to be published.

    There is a limit for each absurdity of the model's kind, and those of every kind.
    max_quarantine_share: of the population, at most.

    Inputs are held to the trailing nights, in shares of the rows. max_null_rise: how much more of a column
    may be missing than usually.
    max_input_shift: how much further than any of them from the others a column may lie
    (nightjar/core/comparison/distance.py).
    max_unseen_share: in categories that they never had, beyond what they have of such themselves.
    """

    def __init__(self, **limits: float) -> None:
        super().__init__(
            **{"max_null_rise": 0.3, "max_input_shift": 0.35, "max_unseen_share": 0.05, **limits}
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    """Everything the engine must know of a model.

    name: that of its folder. title, description: for people.

    time_zone: the zone of its dates and times. cron: when a scheduled night starts. retrain_cron: when a
    version is trained. horizon_days: a night scores the local date that lies so many days after its start.
    as_of_time: a night knows what was known at this local time of the day on which it starts.
    The dates that the schedule scores are the model's occasions: at most one a local date.
    replay: the recorded stretch of days that is the model's world. A date of the schedule is carried over
    into it by whole weeks, and then stands for the latest occasion up to there.
    maturity_days: how many days after the score date an outcome is known. Between the dates that train, that
    choose and that test, maturity_days - 1 days are left out, so that no two parts share days of outcomes.
    promise: when each night is published at the latest. None: before the next one starts.
    catch_up: how many occasions back a scheduled night looks for nights that the schedule missed; 0: none.

    datasets: where rows come from. deliver: brings the files of the datasets that are delivered; None where
    all are tables to scan. data_from: the first day that the feed has. It is asked for when nothing has
    landed yet.

    population(raw, score_date): the rows to score, with `entity_key` (String, unique), the join keys of the
    feature tables, and the inputs known beforehand. outcomes(raw, score_date): what became of them, with
    `entity_key`, `outcome` (as `kind` has it: a number, or the name of a class; never null) and `recorded_at`
    (UTC).
    population_reads, outcome_reads: the datasets that each of the two sees, and the days of them around the
    score date. It sees exactly these, in training, in the night, in a repair and in monitoring. Outcomes of a
    date are used when the last day of their windows, or a later one, has landed.

    feature_tables: the features that Nightjar computes. features: a FeatureService of your own Feast, in
    place of `feature_tables`: then nothing is computed.

    categorical, numeric: the model's inputs in order; each is a column of the population or a feature.
    often_missing: those of them that may be missing for a whole night without anything being wrong.
    is_holiday: says if a date is a holiday. A night in a holiday period may differ more from other nights,
    and later nights are not compared with it. Of the library `holidays`:
    `holidays.country_holidays("US").get`. without_holidays: names of datasets whose days are in a holiday
    period as at any other time, such as the weather.
    contract(): the Pandera schema of a row that may be scored.

    kind: one of nightjar/core/kinds. It says what an outcome and a score are, and which limits `gates` and
    `audit` set. fit: trains the model. refit: trains it anew, by the same recipe, on all rows that are known,
    once it has passed its gates. None: the model that was judged scores, and the newest rows train nothing.
    params: what the model's learners read as `spec.params`. A version keeps them. search: which of them are
    tried to find better ones, and within which ranges. None: none of them.
    simpler: learners that are simpler than `fit`, the simplest first. Of all the simplest is taken that is
    not measurably worse than the best on the days that choose.
    baseline: trains what the model is compared with. split: how history is cut. seed: makes training the same
    every time. part_rows: how many rows are scored at once. gates: what a version must reach. certainty: how
    sure the gates must be of it. slices: rows on which it may not be worse. metrics: numbers of your own by
    which nights are measured, beside those of the kind. audit: what a night must keep.
    challenge: how it takes the place of a champion. None: at once.
    explain: the published rows whose reasons are stored. None: none are.
    streamed: `population` gets LazyFrames, whose rows have no order, and gives one. A night then needs no
    memory for all its rows at once.
    """

    name: str
    title: str
    description: str
    time_zone: str
    cron: str
    retrain_cron: str
    horizon_days: Annotated[int, Field(ge=0, le=366)]
    as_of_time: time
    maturity_days: AnyDays
    part_rows: Annotated[int, Field(ge=1, le=10_000_000)]
    seed: int
    replay: Replay | None = None
    promise: PublishedBy | None = None
    catch_up: Annotated[int, Field(ge=0, le=366)] = 7
    data_from: date | None = None
    datasets: tuple[RawDataset, ...]
    deliver: Annotated[Deliver, PlainValidator(called)] | None = None
    feature_tables: tuple[FeatureTable, ...] = ()
    features: FeastService | None = None
    population_reads: tuple[Window, ...]
    population: Annotated[
        Callable[[RawFrames, date], pl.DataFrame] | Callable[[LazyRaw, date], pl.LazyFrame],
        PlainValidator(called),
    ]
    outcome_reads: tuple[Window, ...]
    outcomes: Annotated[Callable[[RawFrames, date], pl.DataFrame], PlainValidator(called)]
    categorical: tuple[str, ...]
    numeric: tuple[str, ...]
    often_missing: frozenset[str] = frozenset()
    is_holiday: Annotated[IsHoliday, PlainValidator(called)] = never
    without_holidays: tuple[str, ...] = ()
    contract: Annotated[Callable[[], Any], PlainValidator(called)]
    baseline: Annotated[Fit, PlainValidator(called)]
    fit: Annotated[Fit, PlainValidator(called)]
    refit: Annotated[Refit, PlainValidator(called)] | None = None
    params: Mapping[str, Param] = field(default_factory=dict[str, Param], hash=False)
    search: Search | None = field(default=None, hash=False)
    simpler: tuple[Learner, ...] = ()
    split: TimeSplit
    gates: GateLimits
    certainty: Certainty = Certainty()  # noqa: RUF009  # it is frozen
    slices: tuple[Slice, ...] = ()
    metrics: tuple[RowMetric, ...] = ()
    challenge: Challenge | None = None
    audit: AuditLimits
    explain: Explain | None = None
    streamed: bool = False
    kind: Annotated[Kind, PlainValidator(a_kind)] = BINARY

    def __post_init__(self) -> None:
        """Raises BadSpec for the first rule that is broken."""
        for name, problem in chain(_of_types(self), faults(self)):
            raise BadSpec(self.name if NAME.fullmatch(str(self.name)) else "?", name, problem)

    @property
    def inputs(self) -> tuple[str, ...]:
        """The model's input columns, in the order the predictor sees them."""
        return self.categorical + self.numeric

    @property
    def learners(self) -> tuple[Learner, ...]:
        """The learners among which one is chosen, the simplest first."""
        return *self.simpler, Learner(name="fit", fit=self.fit, refit=self.refit)

    @property
    def nightly(self) -> tuple[Metric, ...]:
        """The metrics of a published night: those of the kind, then the model's own."""
        return *self.kind.nightly, *(own.metric for own in self.metrics)

    @property
    def feature_service(self) -> str:
        """The Feast FeatureService that serves both training and scoring."""
        return self.name if self.features is None else self.features.service

    @property
    def delivered(self) -> tuple[RawDataset, ...]:
        """The datasets whose rows come in delivered files."""
        return tuple(dataset for dataset in self.datasets if dataset.delivered)

    def deliveries(self, inbox: Path, first: date, last: date) -> Iterator[Delivery]:
        """What `deliver` brings for days first..last. Nothing where nothing is delivered.

        They are read one by one, in the order in which they were recorded.
        Raises DeliverFailed. Raises ContractBroken for anything that is no delivery of the model's datasets,
        and for one that was recorded before the one that it follows.
        """
        if self.deliver is None:
            return
        asked, datasets = f"for days {first} to {last}", [dataset.name for dataset in self.datasets]
        with own_code(self.name, "deliver", self.deliver, asked, DeliverFailed):
            given = self.deliver(inbox, first, last)
            yield from checked(given, f"{self.name}: `deliver` {asked}", datasets)

    def dataset(self, name: str) -> RawDataset:
        return next(dataset for dataset in self.datasets if dataset.name == name)


@cache
def _types() -> type[BaseModel]:
    """The types and ranges of a spec's fields, as declared above."""
    strict = ConfigDict(strict=True, arbitrary_types_allowed=True, revalidate_instances="always")
    declared: dict[str, Any] = {
        name: (kind, ...) for name, kind in get_type_hints(ModelSpec, include_extras=True).items()
    }
    return create_model("ModelSpec", __config__=strict, **declared)


def _of_types(spec: ModelSpec) -> Iterator[Fault]:
    try:
        _types().model_validate({field.name: getattr(spec, field.name) for field in fields(spec)})
    except ValidationError as error:
        yield fault_of(error)
