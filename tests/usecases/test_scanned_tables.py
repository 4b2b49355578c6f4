"""A model that nothing is delivered to: its population is a query in another database, its outcomes
are Parquet files. It is trained, scored, published and measured; features are built as they were known.
"""

import os
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandera.polars as pa
import polars as pl
import psycopg
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from db.refusals import lasting
from db.session import make_engine
from db.stores.nights import PostgresNights
from db.stores.outcomes import PostgresOutcomes
from db.stores.profiles import PostgresInputProfiles
from db.stores.readings import PostgresReadings
from db.stores.registry import PostgresRegistry
from nightjar.adapters.contracts import check
from nightjar.adapters.deliveries.raw_days import RawFiles
from nightjar.adapters.files.artifacts import FsspecArtifacts
from nightjar.adapters.files.feature_tables import FeatureDirectory
from nightjar.adapters.learners.columns import inputs
from nightjar.adapters.learners.sklearn import SklearnPredictor
from nightjar.adapters.learners.store import PredictorStore
from nightjar.adapters.tables.sources import RawSources
from nightjar.core.errors.inputs import NoPopulation
from nightjar.core.model.categories import Categories
from nightjar.core.model.sources import KnownAfter, ParquetTable, PostgresQuery, ReadAtNight, RecordedAt
from nightjar.core.model.spec import FeatureTable, RawDataset
from nightjar.core.night.entities import Night
from nightjar.testing.memory import MemoryFeatureFiles
from nightjar.testing.nights import wired
from nightjar.testing.specs import toy_spec
from nightjar.usecases.data.features import build_features
from nightjar.usecases.data.landing import Landing, land_until, undelivered
from nightjar.usecases.lifecycle.retrain import retrain
from nightjar.usecases.monitoring.measure import MeasureNights
from nightjar.usecases.scoring.guard import NightGuard
from nightjar.usecases.scoring.inputs import NightInputs
from nightjar.usecases.scoring.repair import late_nights

FIRST, DAYS, KEYS = date(2024, 3, 1), 25, 40
LAST = FIRST + timedelta(days=DAYS - 1)
HOUR = timedelta(hours=1)


def evening(day):
    """When the night of a day may know what is known."""
    return datetime(day.year, day.month, day.day, 21, tzinfo=UTC) - timedelta(days=1)


QUERY = 'SELECT day, key, x::float8 AS x, loaded FROM planned WHERE NOT "void"'
PLANNED = RawDataset(
    name="planned",
    columns={"day": pl.Date(), "key": pl.String(), "x": pl.Float64()},
    keys=("key",),
    day_column="day",
    source=PostgresQuery(url="WAREHOUSE_URL", sql=QUERY, known=RecordedAt("loaded")),
)


def population(raw, score_date):
    return raw["planned"].select("x", entity_key=pl.col("key"))


def outcomes(raw, score_date):
    return raw["happened"].select("recorded_at", entity_key=pl.col("key"), outcome=pl.col("late"))


def fit(train, valid, *, spec):
    categories = Categories.of(train, spec.categorical)
    pipeline = make_pipeline(StandardScaler(), LogisticRegression())
    pipeline.fit(inputs(train, spec.categorical, spec.numeric, categories), train["outcome"].to_numpy())
    return SklearnPredictor(pipeline, spec.categorical, spec.numeric, categories, kind=spec.kind)


def made_spec(folder, **changes):
    happened = RawDataset(
        name="happened",
        columns={"day": pl.Date(), "key": pl.String(), "late": pl.Int8()},
        keys=("key",),
        day_column="day",
        source=ParquetTable(url=str(folder / "happened"), known=KnownAfter(timedelta(days=1, hours=6))),
    )
    fields = {
        "time_zone": "UTC",
        "part_rows": 15,
        "datasets": (PLANNED, happened),
        "deliver": None,
        "population": population,
        "outcomes": outcomes,
        "contract": lambda: pa.DataFrameSchema({"x": pa.Column(pl.Float64)}),
        "baseline": fit,
        "fit": fit,
    }
    return toy_spec(**fields | changes)


class NoFeatures:
    def require(self, spec):
        """Nothing is lacking."""

    def retrieve(self, spec, entities):
        return entities


@pytest.fixture
def warehouse(postgres):
    """A database of somebody else with the days planned so far, each loaded an hour before its evening."""
    postgres.ensure_database("warehouse")
    random = np.random.default_rng(0)
    rows = [
        (day, f"{day}-{n:02}", float(x), evening(day) - HOUR, False)
        for day in (FIRST + timedelta(days=n) for n in range(DAYS))
        for n, x in enumerate(random.normal(size=KEYS).round(3))
    ]
    with psycopg.connect(postgres.url("admin", "warehouse"), autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS planned")
        connection.execute(
            "CREATE TABLE planned (day date, key text, x numeric, loaded timestamptz, void bool)"
        )
        connection.cursor().executemany("INSERT INTO planned VALUES (%s, %s, %s, %s, %s)", rows)
        yield connection


@pytest.fixture
def engine(database):
    engine = make_engine(database.url("writer"))
    yield engine
    engine.dispose()


@pytest.fixture
def world(tmp_path, engine, postgres, warehouse):
    def built(spec):
        raw = RawSources.of(
            spec,
            RawFiles(tmp_path / "data"),
            {"WAREHOUSE_URL": postgres.url("admin", "warehouse")},
            lasting,
        )
        artifacts = FsspecArtifacts(str(tmp_path / "artifacts"))
        return NightInputs(
            spec=spec,
            raw=raw,
            features=NoFeatures(),
            artifacts=artifacts,
            predictors=PredictorStore(artifacts),
            registry=PostgresRegistry(engine),
            check=check,
        )

    planned = pl.DataFrame(
        warehouse.execute("SELECT day, key, x::float8 FROM planned").fetchall(), orient="row"
    )
    random = np.random.default_rng(1)
    chance = 1 / (1 + np.exp(-2 * planned["column_2"].to_numpy()))
    late = pl.Series((random.random(planned.height) < chance).astype(np.int8))
    happened = planned.select(day="column_0", key="column_1").with_columns(late=late)
    happened.write_parquet(tmp_path / "happened", partition_by="day", mkdir=True)
    return built


def trained(night_inputs, known):
    ports = {
        name: getattr(night_inputs, name)
        for name in ("raw", "features", "artifacts", "predictors", "registry")
    }
    return retrain(night_inputs.spec, known_at=evening(known), code_version="c", **ports)


def scored(night_inputs, engine, day):
    profiles = PostgresInputProfiles(engine)
    guard = NightGuard(
        spec=night_inputs.spec,
        files=MemoryFeatureFiles(),
        profiles=profiles,
        readings=PostgresReadings(engine),
    )
    night = Night(model="toy", score_date=day, as_of=evening(day))
    return wired(night_inputs, PostgresNights(engine), guard).run(night)


def test_a_model_over_tables_is_trained_scored_published_and_measured(world, engine, tmp_path):
    night_inputs = world(made_spec(tmp_path))
    champion = trained(night_inputs, LAST)
    assert champion.promoted, champion.decision
    summary, store = scored(night_inputs, engine, LAST), PostgresNights(engine)
    assert (summary.scored, summary.parts) == (KEYS, 3)
    measure = MeasureNights(inputs=night_inputs, store=store, outcomes=PostgresOutcomes(engine))
    (measured,) = measure.outcomes_known(evening(LAST + timedelta(days=3)))
    assert (measured.rows, measured.with_outcome) == (KEYS, KEYS)
    assert measured.metrics["auc"] > 0.6


def test_a_correction_in_a_table_makes_a_night_late(world, engine, tmp_path, warehouse):
    night_inputs = world(made_spec(tmp_path))
    trained(night_inputs, LAST)
    scored(night_inputs, engine, LAST)
    store = PostgresNights(engine)
    corrected = evening(LAST) + 2 * HOUR
    warehouse.execute("INSERT INTO planned VALUES (%s, %s, 9, %s, false)", [LAST, f"{LAST}-00", corrected])
    (late,) = late_nights(night_inputs, store, FIRST, LAST, corrected)
    assert late.touched.changed == (f"{LAST}-00",)
    assert late.late == {"planned": corrected}


def test_a_table_that_only_knows_now_is_fixed_in_the_runs_snapshot(world, engine, tmp_path, warehouse):
    spec = made_spec(tmp_path)
    now_only = replace(PLANNED, source=replace(PLANNED.source, known=ReadAtNight()))
    night_inputs = world(replace(spec, datasets=(now_only, spec.datasets[1])))
    trained(night_inputs, LAST)
    summary, store = scored(night_inputs, engine, LAST), PostgresNights(engine)
    run = store.run(summary.run_id)
    before = night_inputs.snapshot(run)
    warehouse.execute("UPDATE planned SET x = x + 1")
    assert night_inputs.snapshot(run).equals(before)
    assert night_inputs.population(LAST, run.known_at)["x"].to_list() != before["x"].to_list()
    assert list(late_nights(night_inputs, store, FIRST, LAST, evening(LAST + timedelta(days=9)))) == []


def test_nothing_lands_and_a_day_that_the_table_lacks_is_told(world, engine, tmp_path):
    night_inputs = world(made_spec(tmp_path))
    spec, raw = night_inputs.spec, night_inputs.raw
    assert land_until(spec, raw=raw, inbox=tmp_path, until=evening(LAST)) == Landing()
    assert undelivered(spec, [LAST, LAST + timedelta(days=1)], raw=raw, inbox=tmp_path) == (
        LAST + timedelta(days=1),
    )
    trained(night_inputs, LAST)
    with pytest.raises(NoPopulation, match=r"the table of planned has no row for that date recorded by"):
        scored(night_inputs, engine, LAST + timedelta(days=1))


def test_features_of_a_table_hold_each_state_with_the_instant_it_was_known_at(world, tmp_path, warehouse):
    def compute(raw, first, last):
        rows = raw["planned"].filter(pl.col("date").is_between(first, last))
        midnight = pl.col("date").cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
        return rows.select("key", "date", value="x", event_timestamp=midnight, created=pl.col("recorded_at"))

    table = FeatureTable(
        name="loads",
        description="",
        keys={"key": pl.String()},
        features={"value": pl.Float64()},
        ttl=timedelta(days=9),
        lookback_days=0,
        sources=("planned",),
        compute=compute,
    )
    corrected = evening(LAST) + 2 * HOUR
    warehouse.execute("INSERT INTO planned VALUES (%s, %s, 9, %s, false)", [LAST, f"{LAST}-00", corrected])
    night_inputs = world(made_spec(tmp_path, feature_tables=(table,)))
    files = FeatureDirectory(tmp_path / "data")

    def build():
        return build_features(
            night_inputs.spec, raw=night_inputs.raw, features=files, recipe_of=lambda _: "one"
        )

    built = build()
    assert (built.days, built.rows) == (DAYS, DAYS * KEYS + 1)
    assert build().days == 0
    (file,) = (tmp_path / "data" / "features" / "loads").rglob(f"date={LAST}/part.parquet")
    kept = pl.read_parquet(file)
    states = kept.filter(pl.col("key") == f"{LAST}-00").sort("created")
    assert states["created"].to_list() == [evening(LAST) - HOUR, corrected]
    assert states["value"][1] == 9
    assert "WAREHOUSE_URL" not in os.environ
