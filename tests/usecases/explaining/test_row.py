"""One row of a published night: its score and why, what was published of it, and the files it was made of."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta

import polars as pl
import pytest

from nightjar.adapters.contracts import check
from nightjar.adapters.deliveries.raw_days import RawFiles
from nightjar.adapters.files.artifacts import FsspecArtifacts
from nightjar.adapters.files.feature_tables import FeatureDirectory
from nightjar.adapters.memory_registry import MemoryRegistry
from nightjar.core.errors.night import NoSuchRow, NothingPublished
from nightjar.core.explaining.contributions import BASE
from nightjar.core.model.explain import Explain
from nightjar.core.model.spec import FeatureTable, RawDataset, Window
from nightjar.core.night.entities import Night
from nightjar.testing.nights import in_memory
from nightjar.testing.predictors import Formula
from nightjar.testing.reasons import MemoryReasons
from nightjar.testing.specs import HAPPENED, toy_spec
from nightjar.testing.versions import champion_of
from nightjar.usecases.data.features import build_features
from nightjar.usecases.explaining.lineage import Lineage
from nightjar.usecases.explaining.night import ExplainNight
from nightjar.usecases.explaining.row import ExplainRow

DAY = date(2013, 6, 15)
DAYS = [DAY + timedelta(days=n) for n in range(-1, 2)]
PLANS = RawDataset(
    name="plans", columns={"key": pl.String(), "city": pl.String(), "x": pl.Float64()}, keys=("key",)
)
RAIN = RawDataset(name="rain", columns={"city": pl.String(), "mm": pl.Float64()}, keys=("city",))


def rain_of(raw, first, last):
    """The rain of a day and the day before it, known when both files are."""
    rows = raw["rain"]
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    sums = [
        rows.filter(pl.col("date").is_between(day - timedelta(days=1), day))
        .group_by("city", maintain_order=True)
        .agg(pl.col("mm").sum(), created=pl.col("recorded_at").max())
        .with_columns(date=pl.lit(day), event_timestamp=pl.lit(datetime.combine(day, time(23), UTC)))
        for day in days
    ]
    return pl.concat(sums).with_columns(pl.col("event_timestamp").cast(pl.Datetime("us", "UTC")))


TABLE = FeatureTable(
    name="rain_of_city",
    description="",
    keys={"city": pl.String()},
    features={"mm": pl.Float64()},
    ttl=timedelta(days=5),
    lookback_days=1,
    sources=("rain",),
    compute=rain_of,
)
SPEC = toy_spec(
    part_rows=10,
    datasets=(PLANS, RAIN, HAPPENED),
    feature_tables=(TABLE,),
    population_reads=(Window("plans"),),
    population=lambda raw, day: raw["plans"].select(
        pl.format("{}-{}", "key", pl.lit(str(day))).alias("entity_key"), "key", "city", "x"
    ),
    numeric=("x", "mm"),
    explain=Explain(highest=1, words={"mm": "{value} mm of rain"}),
)


def night(day):
    return Night(model="toy", score_date=day, as_of=datetime.combine(day, time(1), UTC))


@dataclass(frozen=True)
class Features:
    """Feature rows as the directory has them, one row after the other."""

    files: FeatureDirectory

    def retrieve(self, spec, entities):
        rows = [
            self.files.known(TABLE, {"city": row["city"]}, row["event_timestamp"], row["event_timestamp"])
            for row in entities.iter_rows(named=True)
        ]
        return entities.with_columns(mm=pl.Series([row and row["mm"] for row in rows], dtype=pl.Float64))

    def generations(self, spec):
        return {}

    def reading(self, generations):
        return self


@dataclass(frozen=True)
class Additive(Formula):
    score: pl.Expr = (pl.col("x") + pl.col("mm").fill_null(0)) / 100

    def contributions(self, frame, sample):
        return frame.select(pl.col("x") / 100, pl.col("mm").fill_null(0) / 100, pl.lit(0.0).alias(BASE))


@dataclass
class Predictors:
    predictor: object = Additive()

    def load(self, spec, version):
        return self.predictor


def land(raw, tmp_path, dataset, day, text, at):
    file = tmp_path / "delivered.csv"
    file.write_text(f"{text}\n# rows={len(text.splitlines()) - 1}\n")
    raw.land(dataset, day, file, at)


@pytest.fixture
def world(tmp_path):
    raw, files = RawFiles(tmp_path), FeatureDirectory(tmp_path)
    for day in DAYS:
        before = datetime.combine(day - timedelta(days=1), time(12), UTC)
        land(raw, tmp_path, PLANS, day, "key,city,x\na,ROME,1\nb,OSLO,2\nc,LIMA,3", before)
    for n in range(-4, 1):
        day = DAY + timedelta(days=n)
        rows = f"city,mm\nROME,{10 + n}\nOSLO,0"
        land(raw, tmp_path, RAIN, day, rows, datetime.combine(day, time(23, 30), UTC))
    build_features(SPEC, raw=raw, features=files, recipe_of=lambda table: "r")
    artifacts, registry = FsspecArtifacts(f"file://{tmp_path}/artifacts"), MemoryRegistry()
    sample = tmp_path / "reference.parquet"
    pl.DataFrame({"x": [1.0], "mm": [0.0]}).write_parquet(sample)
    champion_of(registry, reference_uri=artifacts.put("reference", sample)[0])
    scoring = in_memory(
        spec=SPEC,
        raw=raw,
        features=Features(files),
        artifacts=artifacts,
        registry=registry,
        check=check,
        predictors=Predictors(),
    )
    for day in DAYS:
        scoring.run(night(day), accept="its features are not the guard's")
    return scoring


@pytest.fixture
def explain(world):
    one = ExplainNight(inputs=world.inputs, store=world.store, ledger=MemoryReasons())
    return ExplainRow(
        night=one, store=world.store, lineage=Lineage(inputs=world.inputs, tables=world.inputs.features.files)
    )


def test_a_row_says_its_score_its_version_and_what_each_input_added(explain):
    row = explain(DAY, "a-2013-06-15")
    assert (row.standing, row.score) == ("scored", pytest.approx(0.18))
    assert [(each.input, each.value, each.contribution, each.words) for each in row.inputs] == [
        ("mm", "17", pytest.approx(0.17), "17 mm of rain"),
        ("x", "1", pytest.approx(0.01), "x 1"),
    ]
    assert row.base_value + sum(each.contribution for each in row.inputs) == pytest.approx(row.raw_score)
    assert (row.version.number, row.version.algorithm, row.unexplained) == (1, "formula", None)
    assert row.version.trained_from <= row.version.trained_through


def test_the_inputs_are_traced_to_feature_rows_and_files_and_their_rows(explain, world):
    row = explain(DAY, "a-2013-06-15")
    (plan,) = row.population
    assert (plan.dataset, plan.day, plan.rows, plan.of, plan.keys) == ("plans", DAY, 1, 3, ({"key": "a"},))
    assert pl.read_parquet(plan.place)["key"].to_list() == ["a", "b", "c"]
    (rain,) = row.features
    assert (rain.raw_day, rain.same, rain.keys) == (DAY - timedelta(days=1), True, {"city": "ROME"})
    assert [(each.day, each.rows, each.of) for each in rain.sources] == [
        (DAY - timedelta(days=2), 1, 2),
        (DAY - timedelta(days=1), 1, 2),
    ]
    assert max(each.recorded_at for each in rain.sources) == rain.created <= row.as_of


def test_an_input_without_a_feature_row_says_so(explain):
    (rain,) = explain(DAY, "c-2013-06-15").features
    assert (rain.event_timestamp, rain.sources) == (None, ())


def test_features_that_the_code_of_today_makes_otherwise_are_told(explain):
    def other(raw, first, last):
        return rain_of(raw, first, last).with_columns(pl.col("mm") * 2)

    inputs = replace(
        explain.lineage.inputs, spec=replace(SPEC, feature_tables=(replace(TABLE, compute=other),))
    )
    changed = replace(explain, lineage=replace(explain.lineage, inputs=inputs))
    assert [each.same for each in changed(DAY, "a-2013-06-15").features] == [False]


def test_what_was_published_and_the_nights_around_are_told(explain, world):
    world.run(night(DAY), force=True, accept="once more")
    row = explain(DAY, "b-2013-06-15")
    assert row.revision == 2
    assert [(each.action, each.revision, each.score) for each in row.publications] == [
        ("publish", 1, pytest.approx(0.02)),
        ("publish", 2, pytest.approx(0.02)),
    ]
    assert [(each.score_date, each.entity_key) for each in row.neighbours] == [
        (DAYS[0], "b-2013-06-14"),
        (DAYS[2], "b-2013-06-16"),
    ]


def test_a_learner_that_cannot_tell_says_why_and_all_else_is_told(explain, world):
    world.inputs.predictors.predictor = Formula(pl.col("x") / 100)
    row = explain(DAY, "a-2013-06-15")
    assert "'formula' gives no contributions" in row.unexplained
    assert [(each.input, each.contribution) for each in row.inputs] == [("x", None), ("mm", None)]
    assert row.score == pytest.approx(0.18)


def test_a_row_that_is_not_there_and_a_night_that_is_not_published_are_told_as_such(explain):
    with pytest.raises(NoSuchRow, match=r"has no row 'a-2013-06-16'.*Like it are a-2013-06-15"):
        explain(DAY, "a-2013-06-16")
    with pytest.raises(NothingPublished, match="it was never scored"):
        explain(DAY + timedelta(days=30), "a-2013-07-15")
