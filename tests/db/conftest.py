"""Each contract test runs on Postgres and in memory; what it stands on is made here."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from types import SimpleNamespace

import polars as pl
import psycopg
import pytest
from sqlalchemy import Engine

from db.session import make_engine
from db.stores.drift import PostgresDriftLedger
from db.stores.expectations import PostgresExpectations
from db.stores.nights import PostgresNights
from db.stores.outcomes import PostgresOutcomes
from db.stores.profiles import PostgresInputProfiles
from db.stores.readings import PostgresReadings
from db.stores.reasons import PostgresReasons
from db.stores.registry import PostgresRegistry
from db.stores.stages import PostgresStages
from nightjar.adapters.memory_registry import MemoryRegistry
from nightjar.adapters.telemetry.meter import ProcessMeter
from nightjar.core.comparison.entities import ColumnProfile, NightProfile
from nightjar.core.explaining.reasons import REASONS
from nightjar.core.inputs.findings import Finding
from nightjar.core.inputs.readings import READING
from nightjar.core.kinds.binary import BINARY
from nightjar.core.kinds.gates import GateResult
from nightjar.core.model.entities import Candidate, Version
from nightjar.core.monitoring.entities import (
    Basis,
    ColumnDrift,
    Expectation,
    Measurement,
    NightComparison,
    Role,
)
from nightjar.core.monitoring.foreseen import Method
from nightjar.core.night.claim import Request
from nightjar.core.night.entities import Night, Part, Population, Run
from nightjar.core.night.part_rows import SCORES
from nightjar.core.ports.drift import DriftLedger
from nightjar.core.ports.expectations import Expectations
from nightjar.core.ports.going_on import GoOn, unasked
from nightjar.core.ports.outcomes import Outcomes
from nightjar.core.ports.profiles import InputProfiles
from nightjar.core.ports.readings import Readings
from nightjar.core.ports.reasons import ReasonLedger
from nightjar.core.ports.registry import Registry
from nightjar.core.ports.stages import StageLedger
from nightjar.testing.expectations import MemoryExpectations
from nightjar.testing.memory import (
    MemoryDriftLedger,
    MemoryInputProfiles,
    MemoryNights,
    MemoryOutcomes,
    MemoryStages,
)
from nightjar.testing.readings import MemoryReadings
from nightjar.testing.reasons import MemoryReasons

MODEL = "flight_delay"
DAY = date(2013, 6, 15)
AS_OF = datetime(2013, 6, 15, 1, tzinfo=UTC)
PROFILE = ColumnProfile(column="distance", rows=5, nulls=0, distinct=3, entities=5)


@dataclass
class Stores:
    registry: Registry
    store: PostgresNights | MemoryNights
    outcomes: Outcomes
    ledger: DriftLedger
    profiles: InputProfiles
    reasons: ReasonLedger
    readings: Readings
    stages: StageLedger
    expectations: Expectations

    @cached_property
    def champion(self) -> Version:
        return self.registry.add_version(candidate(self.registry))

    def claim(
        self,
        day: date = DAY,
        *,
        challenger: Version | None = None,
        wait_s: float = 0,
        go_on: GoOn = unasked,
        **wanted,
    ):
        return self.store.night(
            night(day), self.champion, challenger, Request(**wanted), wait_s=wait_s, go_on=go_on
        )

    def publish(self, day: date = DAY, keys: tuple[str, ...] = ("a", "b"), score: float = 0.5, **options):
        """A whole night of one part: (run, publication)."""
        with self.claim(day, **options) as claimed:
            run = self.store.record_population(claimed.run, population(len(keys)))
            with self.meter(run, 0) as stages:
                self.store.write_part(
                    run, part(0, len(keys)), scores(*keys, score=score), quarantined(), stages
                )
            with self.meter(run) as stages, stages("publish"):
                return run, self.store.publish(run)

    @property
    def meter(self) -> ProcessMeter:
        """What measures, and keeps the stages of runs as wholes."""
        return ProcessMeter(keep=(self.stages.record,))


@pytest.fixture
def engine(database) -> Iterator[Engine]:
    """The writer's connections: what flows have."""
    engine = make_engine(database.url("writer"), pool_size=4)
    yield engine
    engine.dispose()


def _on(engine: Engine) -> Stores:
    return Stores(
        PostgresRegistry(engine),
        PostgresNights(engine),
        PostgresOutcomes(engine),
        PostgresDriftLedger(engine),
        PostgresInputProfiles(engine),
        PostgresReasons(engine),
        PostgresReadings(engine),
        PostgresStages(engine),
        PostgresExpectations(engine),
    )


@pytest.fixture
def on_postgres(engine) -> Stores:
    return _on(engine)


@pytest.fixture
def in_memory() -> Stores:
    store = MemoryNights()
    return Stores(
        MemoryRegistry(),
        store,
        MemoryOutcomes(store),
        MemoryDriftLedger(),
        MemoryInputProfiles(store),
        MemoryReasons(),
        MemoryReadings(store),
        MemoryStages(store),
        MemoryExpectations(store),
    )


@pytest.fixture(scope="module")
def published(shared_database):
    """A database with one published night of two scores and a quarantined row, for tests that only look."""
    engine = make_engine(shared_database.url("writer"))
    stores = _on(engine)
    with stores.claim() as claimed:
        run = stores.store.record_population(claimed.run, population(3))
        stores.store.write_part(run, part(0, 3), scores("a", "b"), quarantined(None))
        stores.store.publish(run)
    engine.dispose()
    return shared_database


@pytest.fixture(scope="module")
def nights(shared_database):
    """A database with something of everything: a night that was published twice and failed a third time,
    and another that failed.
    """
    engine = make_engine(shared_database.url("writer"))
    stores = _on(engine)
    keys = tuple(f"k{number:03}" for number in range(60))
    challenger = stores.registry.add_version(candidate(stores.registry, "b"))
    for force in (False, True):
        _keep_everything(stores, stores.publish(DAY, keys, force=force, challenger=challenger)[0])
    for day, force in ((DAY, True), (DAY + timedelta(days=1), False)):
        with stores.claim(day, force=force) as claimed:
            run = stores.store.record_population(claimed.run, population(len(keys) + 2))
            stores.store.write_part(run, part(0, len(keys) + 2), scores(*keys), quarantined("broken", None))
            stores.profiles.record(run, NightProfile(score_date=day, columns=(PROFILE,)))
            stores.readings.record(run, read(), sample())
            stores.readings.record_findings(run, [Finding(name="volume", sentence="rows: 2")])
            stores.store.fail(run, "it broke")
        _compare(stores, run)
    known = {
        "entity_key": [*keys, "unscored0", "unscored1"],
        "outcome": [0] * 62,
        "score_date": [DAY] * 62,
        "recorded_at": [AS_OF] * 62,
    }
    stores.outcomes.record(MODEL, pl.DataFrame(known))
    engine.dispose()
    return shared_database


def _keep_everything(stores: Stores, run: Run) -> None:
    _compare(stores, run)
    if run.challenger_id is not None:
        stores.outcomes.add(both(compared(run, AS_OF, 0.4, rows=60)))
    metrics = dict.fromkeys((metric.name for metric in BINARY.nightly), 0.5)
    stores.outcomes.add([measured(run, AS_OF, rows=60, with_outcome=60, **metrics)])


def _compare(stores: Stores, run: Run) -> None:
    drift = ColumnDrift(
        column="distance",
        method="psi",
        value=0.1,
        threshold=0.2,
        drifted=False,
        null_share=0,
        reference_null_share=0,
    )
    stores.ledger.record_drift(run, [drift])
    stores.ledger.record_report(run, "drift", "file:///report")
    stores.reasons.record(run, reasons("k000"), "a note")
    stores.expectations.record([expectation(run, nights=2)])


@pytest.fixture(params=["postgres", "memory"])
def stores(request) -> Stores:
    return request.getfixturevalue("on_postgres" if request.param == "postgres" else "in_memory")


def night(day: date = DAY) -> Night:
    return Night(model=MODEL, score_date=day, as_of=AS_OF)


def candidate(registry: Registry, content: str = "a", model: str = MODEL, **changes) -> Candidate:
    dataset = registry.add_dataset(
        model, "d" * 64, "file:///d", 10, date(2013, 1, 1), date(2013, 5, 1), AS_OF
    )
    values = {
        "model": model,
        "algorithm": "catboost",
        "dataset_id": dataset.id,
        "artifact_uri": "file:///m",
        "artifact_sha256": content * 64,
        "reference_uri": "file:///r",
        "params": {"depth": 6, "names": ["x"]},
        "metrics": {"auc": 0.7},
        "gates": (
            GateResult(name="auc", passed=True, value=0.7, threshold=0.6, reason="0.7 is at least 0.6"),
        ),
        "code_version": "abc",
        "trained_through": date(2013, 5, 1),
    }
    return Candidate(**values | changes)


def population(rows: int, parts: int = 1, uri: str = "file:///p") -> Population:
    return Population(uri=uri, sha256="b" * 64, rows=rows, parts=parts)


def part(start: int, stop: int, number: int = 0) -> Part:
    return Part(number=number, start=start, stop=stop)


def scores(
    *keys: str,
    score: float = 0.5,
    challenger: float | None = None,
    outputs: list[float] | None = None,
    challenger_outputs: list[float] | None = None,
    arms: Sequence[str | None] = (),
) -> pl.DataFrame:
    values = {
        "entity_key": keys,
        "score": [score] * len(keys),
        "outputs": [outputs] * len(keys),
        "challenger_score": [challenger] * len(keys),
        "challenger_outputs": [challenger_outputs] * len(keys),
        "arm": arms or [None] * len(keys),
        "carried_from": [None] * len(keys),
    }
    return pl.DataFrame(values, schema=SCORES)


def quarantined(*keys: str | None, row: str = '{"carrier": "UA"}') -> pl.DataFrame:
    reasons = '[{"column": "distance", "check": "in_range", "value": "-1"}]'
    values = {"entity_key": keys, "reasons": [reasons] * len(keys), "row": [row] * len(keys)}
    return pl.DataFrame(values, schema={"entity_key": pl.String, "reasons": pl.String, "row": pl.String})


def measured(
    run: Run, at: datetime, *, rows: int = 2, with_outcome: int = 1, **metrics: float | None
) -> Measurement:
    """By every metric of a night; those that are not given are not defined."""
    known = dict.fromkeys(metric.name for metric in BINARY.nightly) | metrics
    night = run.model_dump(include={"model", "score_date", "version_id", "challenger_id"})
    return Measurement(
        **night, run_id=run.id, rows=rows, with_outcome=with_outcome, metrics=known, measured_at=at
    )


def compared(run: Run, at: datetime, challenger: float, rows: int = 2) -> NightComparison:
    """Every metric of the champion is 0.5."""
    names = [metric.name for metric in BINARY.nightly]
    night = run.model_dump(include={"model", "score_date", "version_id", "challenger_id"})
    return NightComparison(
        **night,
        run_id=run.id,
        rows=rows,
        with_outcome=rows,
        challenger_rows=rows,
        challenger_with_outcome=rows,
        champion=dict.fromkeys(names, 0.5),
        challenger=dict.fromkeys(names, challenger),
        measured_at=at,
    )


def both(night: NightComparison) -> list[Measurement]:
    """A comparison as it is stored: a measurement of each."""
    arms = night.basis is Basis.ARMS
    roles = (Role.CHAMPION_ARM, Role.CHALLENGER_ARM) if arms else (Role.BESIDE, Role.CHALLENGER)
    rows = {"rows": night.challenger_rows, "with_outcome": night.challenger_with_outcome}
    shared = night.model_dump(include={*Measurement.model_fields})
    return [
        Measurement(**shared, role=roles[0], metrics=night.champion),
        Measurement(**shared | rows, role=roles[1], metrics=night.challenger),
    ]


def reasons(*keys: str, contribution: float = 0.5) -> pl.DataFrame:
    rows = [(key, 1, "distance", None, contribution, "a short flight") for key in keys]
    return pl.DataFrame(rows, schema=REASONS, orient="row")


def expectation(run: Run, value: float | None = 0.2, **other) -> Expectation:
    told = {
        "method": Method.PAPE,
        "metric": "brier",
        "rows": 900,
        "effective_rows": 612.5,
        "nights": 28,
    } | other
    why = None if value is not None else "few past rows are like this night's"
    of = {"run_id": run.id, "model": run.model, "score_date": run.score_date, "known_at": run.as_of}
    return Expectation(**of, value=value, note=why, **told)


@dataclass(frozen=True)
class ByHand:
    """A night in SQL, as somebody writes it who has the writer's password.

    connection: commits each statement, unless in a transaction.
    """

    connection: psycopg.Connection

    def claim(self, day: date = DAY, base: int | None = None) -> int:
        """The next revision of a night whose model has a version."""
        begun = """
            INSERT INTO nightjar.run (model, score_date, revision, as_of, known_at, version_id, base_id)
            SELECT %(model)s, %(day)s, 1 + count(*), %(as_of)s, %(as_of)s,
                (SELECT min(id) FROM nightjar.model_version WHERE model = %(model)s), %(base)s
            FROM nightjar.run WHERE model = %(model)s AND score_date = %(day)s RETURNING id
        """
        self.connection.execute("SELECT nightjar.ensure_score_partition(%s)", [day])
        return self.connection.execute(
            begun, {"model": MODEL, "day": day, "as_of": AS_OF, "base": base}
        ).fetchone()[0]

    def population(self, run: int, rows: int, parts: int = 1) -> None:
        told = """
            UPDATE nightjar.run SET population_uri = 'file:///p', population_sha256 = repeat('b', 64),
                population_rows = %s, population_parts = %s WHERE id = %s
        """
        self.connection.execute(told, [rows, parts, run])

    def receipt(self, run: int, part: int, scored: int, aside: int = 0) -> None:
        receipt = """
            INSERT INTO nightjar.receipt (run_id, part, rows, scored, quarantined, attempt)
            VALUES (%s, %s, %s, %s, %s, 1)
        """
        self.connection.execute(receipt, [run, part, scored + aside, scored, aside])

    def scores(self, run: int, part: int, rows: int, carried_from: int | None = None) -> None:
        """Keys p<part>k1, p<part>k2, ..."""
        scored = """
            INSERT INTO nightjar.score (score_date, run_id, entity_key, part, score, carried_from)
            SELECT score_date, id, 'p' || %(part)s::integer || 'k' || n, %(part)s, 0.5, %(carried_from)s
            FROM nightjar.run, generate_series(1, %(rows)s) AS n WHERE id = %(run)s
        """
        self.connection.execute(
            scored, {"run": run, "part": part, "rows": rows, "carried_from": carried_from}
        )

    def aside(self, run: int, part: int, rows: int) -> None:
        aside = """
            INSERT INTO nightjar.quarantined_row (run_id, part, row_number, reasons, row)
            SELECT %s, %s, n, '[]', '{}' FROM generate_series(1, %s) AS n
        """
        self.connection.execute(aside, [run, part, rows])

    def store(
        self, run: int, part: int, scored: int, aside: int = 0, carried_from: int | None = None
    ) -> None:
        with self.connection.transaction():
            self.receipt(run, part, scored, aside)
            self.scores(run, part, scored, carried_from)
            self.aside(run, part, aside)

    def end(self, run: int, state: str = "published") -> None:
        self.connection.execute("UPDATE nightjar.run SET state = %s WHERE id = %s", [state, run])

    def show(self, run: int, action: str = "publish") -> None:
        shown = """
            INSERT INTO nightjar.publication (model, score_date, run_id, action, reason)
            SELECT model, score_date, id, %s, 'why' FROM nightjar.run WHERE id = %s
        """
        self.connection.execute(shown, [action, run])

    def publish(self, run: int, action: str = "publish") -> None:
        with self.connection.transaction():
            self.end(run)
            self.show(run, action)

    def whole(self, day: date = DAY, rows: int = 2, base: int | None = None) -> int:
        """A claimed run of one part, of which all is stored."""
        run = self.claim(day, base)
        self.population(run, rows)
        self.store(run, 0, rows)
        return run


@pytest.fixture(scope="session")
def by_hand() -> type[ByHand]:
    return ByHand


def read(rows: float = 2.0) -> pl.DataFrame:
    """Readings of two names, one of them with two numbers."""
    told = [("rows", "", "", rows), ("changed", "temp", "", 0.5), ("changed", "temp", "city=OSLO", 0.25)]
    return pl.DataFrame(told, schema=READING, orient="row")


def sample() -> pl.DataFrame:
    return pl.DataFrame({"entity_key": ["a", "b"], "entity": ["a", "b"], "temp": [1.5, None]})


@pytest.fixture
def make() -> SimpleNamespace:
    """Values to store: conftest modules cannot be imported."""
    builders = (
        night,
        candidate,
        population,
        part,
        scores,
        quarantined,
        measured,
        compared,
        both,
        reasons,
        expectation,
        read,
        sample,
    )
    return SimpleNamespace(
        model=MODEL, day=DAY, as_of=AS_OF, **{builder.__name__: builder for builder in builders}
    )
