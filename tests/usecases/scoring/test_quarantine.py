"""Rows that break their contract, from the population to what analysts see of them: each set aside alone
with every reason, or the batch refused.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import count

import pandera.polars as pa
import polars as pl
import psycopg
import pytest

from db.session import make_engine
from db.stores.nights import PostgresNights
from db.stores.profiles import PostgresInputProfiles
from db.stores.readings import PostgresReadings
from db.stores.registry import PostgresRegistry
from nightjar.adapters.contracts import check
from nightjar.adapters.files.artifacts import FsspecArtifacts
from nightjar.core.errors.inputs import ContractBroken
from nightjar.core.errors.night import AuditFailed
from nightjar.core.night.entities import Night
from nightjar.testing.memory import MemoryFeatureFiles
from nightjar.testing.nights import changed, score_night
from nightjar.testing.predictors import Formulas
from nightjar.testing.raws import Steady
from nightjar.testing.specs import toy_spec
from nightjar.testing.versions import champion_of
from nightjar.usecases.scoring.guard import NightGuard

DAY = date(2013, 6, 15)
MODELS = (f"toy_{number}" for number in count())
ROWS = pl.DataFrame(
    {
        "entity_key": [f"k{n}" for n in range(8)],
        "city": ["OSLO", "ROME"] * 4,
        "size": range(8),
        "rain": [0.5, None] * 4,
    }
)


def contract():
    columns = {
        "entity_key": pa.Column(pl.String),
        "city": pa.Column(pl.String, pa.Check.isin(["OSLO", "ROME"])),
        "size": pa.Column(pl.Int64, pa.Check.in_range(0, 100)),
        "rain": pa.Column(pl.Float64, pa.Check.in_range(0, 10), nullable=True),
    }
    return pa.DataFrameSchema(columns)


@dataclass
class Raw(Steady):
    rows: pl.DataFrame

    def read(self, dataset, first, last, known_at=None):
        return self.rows


class NoFeatures:
    def retrieve(self, spec, entities):
        return entities


@pytest.fixture(scope="module")
def engine(shared_database):
    engine = make_engine(shared_database.url("writer"))
    yield engine
    engine.dispose()


@pytest.fixture
def night():
    """Of a model that no other test scores: they share a database."""
    return Night(model=next(MODELS), score_date=DAY, as_of=datetime(2013, 6, 15, 1, tzinfo=UTC))


@pytest.fixture
def use_case(tmp_path, engine, night):
    registry = PostgresRegistry(engine)
    champion_of(registry, model=night.model)
    spec = toy_spec(name=night.model, categorical=("city",), numeric=("size", "rain"), contract=contract)
    return score_night(
        spec=spec,
        raw=Raw(ROWS),
        features=NoFeatures(),
        artifacts=FsspecArtifacts(f"file://{tmp_path}"),
        predictors=Formulas(lambda version: (pl.col("entity_key").hash(seed=1) % 10_000) / 10_000),
        registry=registry,
        store=PostgresNights(engine),
        check=check,
        guard=NightGuard(
            spec=spec,
            files=MemoryFeatureFiles(),
            profiles=PostgresInputProfiles(engine),
            readings=PostgresReadings(engine),
        ),
    )


def with_value(column, value, at=3):
    changed = pl.when(pl.int_range(pl.len()) == at).then(pl.lit(value, ROWS.schema[column])).otherwise(column)
    return ROWS.with_columns(changed.alias(column))


@pytest.fixture(scope="module")
def analyst(shared_database):
    with psycopg.connect(shared_database.url("analyst"), autocommit=True) as analyst:
        yield analyst


SET_ASIDE = "SELECT entity_key, reasons FROM quarantine WHERE model = %s ORDER BY 1 NULLS LAST"


def set_aside(analyst, night):
    """entity_key, and the reasons as (column, check, value), of each quarantined row that analysts see."""
    rows = analyst.execute(SET_ASIDE, [night.model]).fetchall()
    return [
        (key, [(reason["column"], reason["check"], reason["value"]) for reason in reasons])
        for key, reasons in rows
    ]


@pytest.mark.parametrize(
    ("column", "value", "broken", "kept"),
    [
        ("city", "oslo", "isin(['OSLO', 'ROME'])", "oslo"),
        ("city", "🦉\0\u202e", "isin(['OSLO', 'ROME'])", "🦉\ufffd\u202e"),
        ("city", None, "not_nullable", None),
        ("size", -1, "in_range(0, 100)", -1),
        ("size", 2**63 - 1, "in_range(0, 100)", 2**63 - 1),
        ("rain", 11.0, "in_range(0, 10)", 11.0),
        ("rain", -5e-324, "in_range(0, 10)", -5e-324),
        ("rain", float("inf"), "in_range(0, 10)", "inf"),
        ("rain", float("-inf"), "in_range(0, 10)", "-inf"),
        ("rain", float("nan"), "in_range(0, 10)", "nan"),
        ("entity_key", None, "entity_key is missing", None),
        ("entity_key", "", "entity_key is missing", ""),
        ("entity_key", "k1", "entity_key is repeated", "k1"),
        ("entity_key", "k" * 513, "entity_key is longer than 512 bytes", "k" * 513),
        ("entity_key", "k\0", "entity_key holds a NUL character", "k\ufffd"),
    ],
)
def test_a_row_that_breaks_the_contract_is_set_aside_with_its_reason_and_the_night_goes_on(
    use_case, night, analyst, column, value, broken, kept
):
    scored = changed(use_case, raw=Raw(with_value(column, value))).run(night)
    assert (scored.population, scored.scored, scored.quarantined) == (8, 7, 1)
    [(key, reasons)] = set_aside(analyst, night)
    assert reasons == [(column, broken, kept)]
    assert key == (kept if column == "entity_key" else "k3")


def test_every_reason_of_a_row_is_kept(use_case, night, analyst):
    rows = with_value("city", "oslo").with_columns(
        size=pl.when(pl.col("entity_key") == "k3").then(-1).otherwise("size")
    )
    changed(use_case, raw=Raw(rows)).run(night)
    assert set_aside(analyst, night) == [
        ("k3", [("city", "isin(['OSLO', 'ROME'])", "oslo"), ("size", "in_range(0, 100)", -1)])
    ]


@pytest.mark.parametrize(
    "change",
    [{"city": pl.lit(None, pl.String)}, {"rain": pl.lit(float("inf"))}, {"entity_key": pl.lit("k")}],
    ids=["null", "infinite", "one key"],
)
def test_a_column_that_is_broken_in_every_row_stops_the_night_and_keeps_the_reasons(use_case, night, change):
    broken = changed(use_case, raw=Raw(ROWS.with_columns(**change)))
    with pytest.raises(AuditFailed, match=r"Many rows are quarantined: they broke \w+: "):
        broken.run(night)
    assert use_case.store.publication(night.model, DAY) is None


@pytest.mark.parametrize(
    ("rows", "fault"),
    [
        (ROWS.with_columns(size=pl.col("size").cast(pl.Float64)), "column size has type Float64"),
        (ROWS.with_columns(rain=pl.lit("much")), "column rain has type String"),
        (ROWS.with_columns(rain=pl.lit(None)), "column rain has type Null"),
        (ROWS.with_columns(entity_key=pl.int_range(pl.len())), "column entity_key has type Int64"),
        (ROWS.drop("city"), "column city is missing"),
    ],
    ids=["number", "text", "nothing", "key", "missing"],
)
def test_a_column_of_the_wrong_type_breaks_the_batch_and_stores_nothing(use_case, night, rows, fault):
    with pytest.raises(ContractBroken, match=fault):
        changed(use_case, raw=Raw(rows)).run(night)
    assert use_case.store.receipts(use_case.store.runs(night.model)[0]) == ()


def test_a_night_stopped_for_its_rows_goes_on_when_their_limit_is_raised(use_case, night):
    bad = changed(
        use_case,
        raw=Raw(ROWS.with_columns(city=pl.when(pl.col("size") < 5).then(pl.lit("oslo")).otherwise("city"))),
    )
    with pytest.raises(AuditFailed):
        bad.run(night)
    again = bad.run(night, accept="the feed lost its capitals")
    assert (again.scored, again.quarantined, again.parts_done_now) == (3, 5, 0)
