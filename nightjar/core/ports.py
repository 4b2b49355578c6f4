"""What the use cases ask of the world. Each docstring is the contract that every adapter keeps, the in-memory ones included."""

from collections.abc import Collection, Generator, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import date, datetime
from pathlib import Path
from typing import Literal, Protocol

import polars as pl

from nightjar.core.backfill import Standing
from nightjar.core.claim import PUBLISHED, Claimed, Request
from nightjar.core.entities import (
    Candidate,
    ColumnDrift,
    Dataset,
    Distribution,
    Night,
    NightPerformance,
    NightProfile,
    Part,
    PartJob,
    Population,
    Promotion,
    Publication,
    Receipt,
    Run,
    Version,
)
from nightjar.core.refusals import Refusal
from nightjar.core.retention import Holding, Month, Named, StoredFile, Trace
from nightjar.core.spec import FeatureTable, ModelSpec, Predictor, RawDataset

Landed = Literal["landed", "unchanged", "corrected"]
Received = Landed | Refusal | Literal["refused before"]


class GoOn(Protocol):
    """Whether work is still wanted. Asked between its steps, from any thread, so a question must be cheap."""

    def __call__(self, *, last: bool = False) -> None:
        """Return if the work may go on, and also where nobody can be asked. Raises Stopped, and then at every later call too.

        last: nothing can be taken back after this. Otherwise an answer of a moment ago will do.
        """
        ...


def unasked(*, last: bool = False) -> None:
    """Work that only the end of its process stops, as that of the command line."""


class RawStore(Protocol):
    """Raw days as they were delivered. Nothing is ever overwritten: a different file for a day is a correction, kept beside the first."""

    def land(self, dataset: RawDataset, day: date, file: Path, recorded_at: datetime | None = None) -> Landed:
        """Check a delivered CSV against its dataset and keep it.

        recorded_at: when its content became known (UTC). None: now; it is there for all to read before that instant, and the call returns
        when the instant has passed.
        Idempotent: the same content for a day changes nothing ("unchanged"), whenever it is said to be recorded: what was told first stands.
        Atomic: a reader sees the whole file or none.
        Raises BadDelivery naming file, line, column, value and remedy for what is no regular file or too large, a truncated file, a missing
        or extra column, a wrong type, an empty value where none may be, a repeated key; what was there is untouched.
        """
        ...

    def receive(self, dataset: RawDataset, day: date, file: Path, recorded_at: datetime) -> Received:
        """Land a delivered file, or set it aside with its bytes if it is bad: then return the refusal.

        "refused before": the same content of that day was set aside before, and that was told then. Idempotent.
        """
        ...

    def refused(self, dataset: str) -> tuple[Refusal, ...]:
        """The deliveries that are set aside and not settled, by day and by the instant they were recorded at."""
        ...

    def settle(self, dataset: str, day: date, recorded_by: datetime | None = None) -> tuple[Refusal, ...]:
        """Settle what is set aside of a day, if it was recorded by an instant, or all of it; return what was settled. Idempotent."""
        ...

    def days(self, dataset: str) -> dict[date, str]:
        """Each landed day with a fingerprint of its deliveries; the fingerprint changes when a correction lands."""
        ...

    def recorded(self, dataset: str, days: Collection[date] | None = None) -> dict[date, tuple[datetime, ...]]:
        """Each landed day, or those of `days` that have landed, with the instants (UTC) its deliveries were recorded at, oldest first."""
        ...

    def read(self, dataset: RawDataset, first: date, last: date, known_at: datetime | None = None) -> pl.DataFrame:
        """Rows of days first..last with `date` and `recorded_at` added; of each day the latest delivery recorded by `known_at`.

        Days that never landed are absent; no day at all gives an empty frame of the right schema.
        """
        ...


class FeatureFiles(Protocol):
    """Feature tables as date-partitioned Parquet, partition `date` = UTC date of event_timestamp."""

    def fingerprints(self, table: FeatureTable) -> dict[date, str]:
        """Raw day -> fingerprint of the inputs it was last built from."""
        ...

    def write(self, table: FeatureTable, rows: pl.DataFrame, built: dict[date, str]) -> int:
        """Add the rows that are new or differ from the newest kept row of the same keys and event_timestamp; return how many.

        Append-only in meaning: a corrected row joins the old one with its later `created`. Each partition is replaced atomically; writing
        the same rows again changes nothing. `built` is recorded only after the rows are safe.
        """
        ...

    def newest(self, table: FeatureTable, as_of: datetime) -> datetime | None:
        """`event_timestamp` of the newest row that had happened and was recorded by `as_of` (UTC); None if there is none."""
        ...


class FeatureSource(Protocol):
    def retrieve(self, spec: ModelSpec, entities: pl.DataFrame) -> pl.DataFrame:
        """The entities with the model's features joined as known at each row's `event_timestamp` (UTC).

        entities: may have a column `known_at` (UTC): what was recorded counts till then, in place of the `event_timestamp`.
        Keeps every row, in order, and every column of `entities`; features without usable history are null.
        Raises MissingFeatures, StoreUnavailable.
        """
        ...


class Checked(Protocol):
    """Rows that kept the contract, and those that did not with their reasons. Together they are all the rows there were."""

    @property
    def valid(self) -> pl.DataFrame: ...

    @property
    def quarantined(self) -> pl.DataFrame: ...


class Check(Protocol):
    def __call__(self, spec: ModelSpec, frame: pl.DataFrame, /) -> Checked:
        """Split rows with features by the model's contract. Raises ContractBroken for a fault of them all, BadSpec."""
        ...


class PartExecutor(Protocol):
    def run(self, night: Night, jobs: Sequence[PartJob]) -> Sequence[Receipt]:
        """Carry out part jobs, in any order and on any worker; return their receipts in the order of the jobs.

        night: for people: it names the work. Raises the first error, once no job runs any more; jobs after it may have been done or not.
        May be called again with the same jobs: a part that is stored is not done twice.
        """
        ...


class Artifacts(Protocol):
    """Immutable files, addressed by content; any worker can read what any other wrote."""

    def put(self, kind: str, file: Path) -> tuple[str, str]:
        """Store a copy of `file` and return (uri, sha256). The same bytes give the same uri and are stored once, atomically."""
        ...

    def get(self, uri: str, sha256: str | None = None) -> Path:
        """A local, read-only copy. Raises ArtifactBroken if it is missing or not those bytes."""
        ...

    def put_bundle(self, kind: str, files: Sequence[Path]) -> tuple[str, str]:
        """Store copies of files that belong together; return (uri, sha256) of the manifest that lists their hashes.

        The same bytes in the same order give the same uri. The manifest comes last, so it never names what is not there.
        """
        ...

    def get_member(self, uri: str, sha256: str, number: int, suffix: str) -> Path:
        """A local, read-only copy of file `number`, from 0, of a bundle. No other file of the bundle is read.

        suffix: that of the file. Raises ArtifactBroken if the manifest or the file is missing or not those bytes.
        """
        ...

    def members(self, uri: str, sha256: str) -> int:
        """How many files a bundle has. Raises ArtifactBroken."""
        ...

    def local_path(self, uri: str) -> Path | None:
        """The path a person can open, where the store is a local folder."""
        ...


class Predictors(Protocol):
    def save(self, predictor: Predictor) -> tuple[str, str]:
        """Store a trained model; return (uri, sha256). Never a pickle."""
        ...

    def load(self, spec: ModelSpec, version: Version) -> Predictor:
        """The model as registered. Raises ArtifactBroken. May keep it in memory: versions are immutable."""
        ...


class ScoreStore(Protocol):
    """Runs, parts and publications of nights. What it commits survives any crash; what it did not commit was never there."""

    def night(
        self,
        night: Night,
        champion: Version,
        challenger: Version | None,
        request: Request = PUBLISHED,
        *,
        wait_s: float = 0,
        go_on: GoOn = unasked,
    ) -> AbstractContextManager[Claimed]:
        """Take the night's lock and open or resume its run; the lock goes with the context, or with the process.

        Published already and nothing else wanted, or a repair wanted of another run than analysts see: `claimed.publication` is set and `run`
        is the published one, untouched.
        Unfinished: the same run with attempt + 1 and the versions it was first claimed with. Forced, or a repair: a new revision, and an
        unfinished older one is marked abandoned. go_on is asked while another process holds the night.
        Raises NightBusy after wait_s seconds, Stopped, BadSettings for a repair of what is not published and for a date that lies further
        ahead than the store has room for.
        """
        ...

    def record_population(self, run: Run, population: Population) -> Run:
        """Fix the run's population. A second call with another population raises ClaimLost; with the same one it changes nothing."""
        ...

    def receipts(self, run: Run) -> tuple[Receipt, ...]: ...

    def write_part(self, run: Run, part: Part, scores: pl.DataFrame, quarantined: pl.DataFrame) -> Receipt:
        """Store one part's scores, its quarantined rows and its receipt in one transaction.

        scores: `entity_key` String, `score` Float64 in [0, 1], `challenger_score` Float64 or null, `carried_from` Int32: the run whose score
        it is, null for one computed now. quarantined: `entity_key` String or null,
        `reasons` String (a JSON array of {column, check, value}), `row` String (the row as JSON). Their heights add up to part.rows.
        Idempotent: a part whose receipt exists is left as it is and its receipt returned, also when two processes write it at once.
        Raises StoreUnavailable (retryable), ContractBroken, ClaimLost (the run is no longer this attempt's).
        """
        ...

    def distribution(self, run: Run) -> Distribution: ...

    def publish(self, run: Run, reason: str | None = None, findings: Sequence[str] = (), *, go_on: GoOn = unasked) -> Publication:
        """Make the run what analysts see. One insert; a second call returns the first's row. Raises ClaimLost if another attempt claimed it,
        RepairOutdated for a repair of what analysts no longer see, AuditFailed unless the stored rows are what the receipts of all parts
        say, Stopped.

        reason: why a person published it; findings: what the audit had against it and that person accepted. go_on is asked last of all,
        immediately before the insert.
        """
        ...

    def roll_back(self, run: Run, reason: str) -> Publication:
        """Show analysts an earlier publication of the night again; nothing changes if they see it now. Raises BadSettings for a run never published."""
        ...

    def fail(self, run: Run, error: str) -> None:
        """Note why the attempt ended. The run stays resumable."""
        ...

    def publication(self, model: str, score_date: date) -> Publication | None:
        """What analysts see of a night now."""
        ...

    def published(self, model: str) -> tuple[Publication, ...]:
        """What analysts see now of every published night, by score date."""
        ...

    def standings(self, model: str, first: date, last: date) -> Mapping[date, Standing]:
        """How far each night of first..last has come that was ever attempted; that a night is held is true of this moment."""
        ...

    def run(self, run_id: int) -> Run: ...

    def runs(self, model: str | None = None, limit: int = 20) -> tuple[Run, ...]: ...

    def claimants(self, flow_runs: Collection[str]) -> frozenset[str]:
        """Those of the flow runs that a run names as the one that claimed it last."""
        ...

    def published_scores(self, run: Run) -> pl.DataFrame:
        """`entity_key`, `score`, `challenger_score`, `carried_from` of a run, sorted by key."""
        ...

    def scores_for(self, run: Run, keys: pl.Series) -> pl.DataFrame:
        """`entity_key` and `score` of those of the keys that a run has scored, in any order."""
        ...

    def quarantined(self, run: Run) -> pl.DataFrame:
        """`entity_key`, `reasons`, `row` of a run, as `write_part` took them, in the order of the population."""
        ...


class InputProfiles(Protocol):
    """What the inputs and scores of runs look like. Append-only."""

    def record(self, run: Run, profile: NightProfile) -> None:
        """Keep a run's profile. Of a column that has one already, the first stays: it is what was scored first. Raises ClaimLost."""
        ...

    def trailing(self, model: str, before: date, nights: int) -> tuple[NightProfile, ...]:
        """Profiles of what is published of the nights before a date, newest first; of nights that have none, without columns."""
        ...


class Registry(Protocol):
    """Datasets, versions and who was champion when. Append-only."""

    def add_dataset(self, model: str, sha256: str, uri: str, rows: int, first_date: date, last_date: date, known_at: datetime) -> Dataset:
        """Register a snapshot. The same model and content give the first one's row."""
        ...

    def add_version(self, candidate: Candidate) -> Version:
        """Register a trained model with the next number. The same artifact of the same dataset gives the first one's row."""
        ...

    def version(self, model: str, number: int) -> Version | None: ...

    def version_by_id(self, version_id: int) -> Version: ...

    def versions(self, model: str) -> tuple[Version, ...]:
        """Newest first."""
        ...

    def holder(self, model: str, role: str, at: datetime | None = None) -> Version | None:
        """Who holds a role now, or held it at an instant."""
        ...

    def promote(self, version: Version, role: str, reason: str) -> Promotion:
        """Give a version a role. A version that holds it already gets no second row."""
        ...

    def promotions(self, model: str) -> tuple[Promotion, ...]:
        """Newest first."""
        ...


class Outcomes(Protocol):
    def record(self, model: str, outcomes: pl.DataFrame) -> int:
        """Keep what really happened; return how many rows were new.

        outcomes: `entity_key`, `score_date` Date, `outcome` Int8, `recorded_at` UTC. A row already kept changes nothing; a correction joins
        it under its later recorded_at.
        """
        ...

    def record_performance(self, performance: NightPerformance) -> None:
        """Add a measurement of a run, beside those before it. Raises BadSettings for one by outcomes of the future."""
        ...

    def performances(self, model: str) -> tuple[NightPerformance, ...]:
        """The newest measurement of every run that was measured, by run: by the latest outcomes, and of those the one recorded last."""
        ...

    def scored(self, model: str, score_date: date) -> pl.DataFrame:
        """`entity_key`, `score`, `outcome` (null while unknown) of the published run of a night; empty when none is published."""
        ...


class DriftLedger(Protocol):
    def record_drift(self, run: Run, columns: Sequence[ColumnDrift]) -> None:
        """Add a measurement of a run's drift by one or more methods. Of each method the newest counts; the same twice is kept once."""
        ...

    def record_report(self, run: Run, kind: str, uri: str) -> None:
        """Keep where a run's report lies. The same uri twice gives one row."""
        ...

    def drift(self, run: Run) -> tuple[ColumnDrift, ...]:
        """The rows that decide, those of the method "psi", by column; none where the run was never compared."""
        ...

    def compared(self, model: str) -> frozenset[int]:
        """The runs of a model that have rows of the method "psi"."""
        ...

    def reports(self, run: Run) -> tuple[str, ...]: ...


class ReportWriter(Protocol):
    def draw(
        self, spec: ModelSpec, run: Run, night: pl.DataFrame, reference: pl.DataFrame, columns: Sequence[ColumnDrift], into: Path
    ) -> Sequence[ColumnDrift]:
        """Write one HTML file that opens offline; return the per-column rows the library computed (method "evidently:<name>").

        All-null, missing or constant columns are said so in the report and in `columns`; they never raise.
        """
        ...


class RunHoldings(Protocol):
    """What runs hold in the database, for retention. Needs the rights of the schema's owner: the writer may remove nothing."""

    def runs(self) -> tuple[Trace, ...]:
        """Every run; of those that are pruned, only those that still have rows."""
        ...

    def held(self, runs: Sequence[Trace]) -> tuple[Holding, ...]:
        """The rows of these runs by table."""
        ...

    def named(self) -> tuple[Named, ...]:
        """Every file that a dataset, a version or a report names, and the population of every run that is not pruned."""
        ...

    def forget(self, run: Trace) -> tuple[Holding, ...] | None:
        """Mark a run as pruned, then remove its rows in batches; return what went, or None if the run is no longer as `run` says.

        Holds the night's lock. Killed midway, it may be called again. Raises NightBusy at once if somebody works at the night.
        """
        ...

    def months(self) -> tuple[Month, ...]: ...

    def drop(self, month: Month) -> bool:
        """Drop a month that holds no score. False, and nothing done, if it holds one by now, or if somebody works at or reads it."""
        ...


class Shelf(Protocol):
    """Files of one kind, for retention."""

    def files(self) -> Iterable[StoredFile]: ...

    def discard(self, file: StoredFile) -> bool:
        """Remove a listed file, unless it has become younger since it was listed, or is gone. Whether it went."""
        ...


class Progress(Protocol):
    def __call__(self, what: str, total: int) -> AbstractContextManager["Advance"]: ...


class Advance(Protocol):
    def __call__(self, steps: int = 1) -> None: ...


def silent(what: str, total: int) -> AbstractContextManager[Advance]:
    """Progress nobody watches."""
    return nullcontext(lambda steps=1: None)


def asking(progress: Progress, go_on: GoOn) -> Progress:
    """The same progress, which asks after each step whether to go on: the place where long work can be stopped. `advance` raises Stopped."""

    @contextmanager
    def ask_at_each_step(what: str, total: int) -> Generator[Advance]:
        with progress(what, total) as told:

            def advance(steps: int = 1) -> None:
                told(steps)
                go_on()

            yield advance

    return ask_at_each_step
