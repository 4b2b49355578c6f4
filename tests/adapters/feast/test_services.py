"""Features of a FeatureService in somebody's own repository, through each store that it may name."""

import shutil
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from nightjar.adapters.feast.services import OURS, ServiceFeatures
from nightjar.core.errors.database import StoreUnavailable
from nightjar.core.errors.inputs import ContractBroken, MissingFeatures, ServiceMissing, ServiceUnreadable
from nightjar.core.errors.model import BadSpec
from nightjar.core.model.spec import FeastService
from nightjar.showing.remedies import remedy
from nightjar.testing.specs import toy_spec

INSTANT = pl.Datetime("us", "UTC")
STORES = {
    "none named": "",
    "duckdb": "offline_store:\n    type: duckdb\n",
    "ours": f"offline_store:\n    type: {OURS}\n    as_known_at: false\n",
}

DAY = {"driver_hourly_stats": timedelta(days=1)}
NO_MAX_AGE = "driver_hourly_stats has no max_age: if its feed stops, its rows count for 24 h"

pytestmark = pytest.mark.filterwarnings("ignore")
"""Feast and its stores warn of what the repository's own definitions use."""


def model(
    repo, service="driver_activity_v2", numeric=("conv_rate", "avg_daily_trips", "conv_rate_plus_val1"), **how
):
    return toy_spec(
        features=FeastService(repo=repo, service=service, **how), numeric=("val_to_add", *numeric)
    )


def source(spec):
    return ServiceFeatures(spec.features)


@pytest.fixture
def repo(drivers, tmp_path):
    """repo(store) is a copy of the repository that names a store."""

    def copied(store="") -> Path:
        folder = tmp_path / f"repo{len(list(tmp_path.iterdir()))}"
        shutil.copytree(drivers, folder)
        with (folder / "feature_store.yaml").open("a") as yaml:
            yaml.write(store)
        return folder

    return copied


def rides(stats, drivers=(1001, 1002, 1001, 1003, 9, 1001), hours=0):
    at = stats["event_timestamp"].max() - timedelta(days=2, hours=hours, minutes=-1)
    return pl.DataFrame(
        {
            "entity_key": [f"r{n}" for n in range(len(drivers))],
            "driver_id": drivers,
            "val_to_add": [n % 3 for n in range(len(drivers))],
            "val_to_add_2": [2] * len(drivers),
        }
    ).with_columns(event_timestamp=pl.lit(at, INSTANT))


def expected(stats, asked):
    """The newest row of each driver within a day, by the plain rule."""
    at = asked["event_timestamp"][0]
    usable = stats.filter(pl.col("event_timestamp").is_between(at - timedelta(days=1), at))
    newest = usable.sort("event_timestamp").unique("driver_id", keep="last")
    return asked.join(
        newest.select("driver_id", "conv_rate", "avg_daily_trips"),
        on="driver_id",
        how="left",
        maintain_order="left",
    )


@pytest.mark.parametrize("store", STORES.values(), ids=STORES)
def test_each_store_gives_the_features_that_the_model_uses_for_every_row_in_order(repo, stats, store):
    spec, asked = model(repo(store)), rides(stats)
    found = source(spec).retrieve(spec, asked)
    assert found.select(asked.columns).equals(asked)
    plain = expected(stats, asked)
    assert dict(found.drop(asked.columns).schema) == {
        "conv_rate": pl.Float32(),
        "avg_daily_trips": pl.Int64(),
        "conv_rate_plus_val1": pl.Float64(),
    }
    assert found["avg_daily_trips"].to_list() == plain["avg_daily_trips"].to_list()
    assert found["conv_rate"].to_list() == plain["conv_rate"].to_list()
    added = plain["conv_rate"].cast(pl.Float64) + plain["val_to_add"]
    assert found["conv_rate_plus_val1"].to_list() == pytest.approx(added.to_list(), abs=1e-6, nan_ok=True)
    assert found["conv_rate"].null_count() == 1


def test_the_repository_is_only_read(repo, stats):
    folder = repo()
    before = {
        path: (path.stat().st_mtime_ns, path.read_bytes()) for path in folder.rglob("*") if path.is_file()
    }
    spec = model(folder)
    source(spec).retrieve(spec, rides(stats))
    assert before == {
        path: (path.stat().st_mtime_ns, path.read_bytes()) for path in folder.rglob("*") if path.is_file()
    }


@pytest.mark.parametrize("store", [STORES["none named"], STORES["duckdb"]], ids=["ours", "duckdb"])
def test_rows_count_from_their_created_column_on_where_the_spec_says_so(repo, stats, store):
    folder = repo(store)
    late = pl.col("event_timestamp").dt.replace_time_zone(None).cast(pl.Datetime("us")) + timedelta(hours=5)
    stats.with_columns(created=late).write_parquet(folder / "data" / "driver_stats.parquet")
    asked = rides(stats)
    known = expected(stats, asked.with_columns(pl.col("event_timestamp") - timedelta(hours=5)))
    for how, plain in ((True, known), (False, expected(stats, asked))):
        spec = model(folder, known_by_created=how)
        found = source(spec).retrieve(spec, asked)
        assert found["avg_daily_trips"].to_list() == plain["avg_daily_trips"].to_list()


def test_a_correction_is_found_where_the_store_can_tell(repo, stats):
    folder = repo()
    spec, asked = model(folder, known_by_created=True), rides(stats)
    at = asked["event_timestamp"][0]
    known = stats.with_columns(
        created=pl.col("event_timestamp").dt.replace_time_zone(None).cast(pl.Datetime("us"))
    )
    corrected = known.filter(pl.col("event_timestamp") <= at).with_columns(
        pl.col("avg_daily_trips") + 1000, created=pl.lit(at.replace(tzinfo=None) + timedelta(hours=1))
    )
    pl.concat([known, corrected]).write_parquet(folder / "data" / "driver_stats.parquet")
    features = source(spec)
    assert features.finds_late_data(spec)
    then = features.retrieve(spec, asked)
    now = features.retrieve(spec, asked.with_columns(known_at=pl.lit(at + timedelta(hours=2), INSTANT)))
    assert (now["avg_daily_trips"] - then["avg_daily_trips"]).drop_nulls().unique().to_list() == [1000]


@pytest.mark.parametrize(
    ("store", "how", "told"),
    [
        ("none named", {}, ["'file' drops rows", NO_MAX_AGE, "known_by_created is off"]),
        ("none named", {"known_by_created": True}, ["'file' drops rows", NO_MAX_AGE]),
        ("none named", {"known_by_created": True, "max_age": DAY}, ["'file' drops rows"]),
        (
            "duckdb",
            {"known_by_created": True, "max_age": DAY},
            ["'duckdb' cannot tell what late data changed"],
        ),
        ("ours", {"max_age": DAY}, ["known_by_created is off"]),
    ],
)
def test_what_a_store_cannot_answer_is_told(repo, store, how, told):
    spec = model(repo(STORES[store]), **how)
    limits = source(spec).limits(spec)
    assert len(limits) == len(told)
    assert all(part in limit for part, limit in zip(told, limits, strict=True))


def test_a_view_without_a_created_column_is_named(repo):
    folder = repo()
    from feast.protos.feast.core.Registry_pb2 import Registry

    registry = folder / "data" / "registry.db"
    found = Registry.FromString(registry.read_bytes())
    for view in found.feature_views:
        view.spec.batch_source.created_timestamp_column = ""
    found.version_id = "another"
    registry.write_bytes(found.SerializeToString())
    spec = model(folder, known_by_created=True, max_age=DAY)
    assert source(spec).limits(spec)[1:] == (
        "feature view driver_hourly_stats has no created column: late rows count as known at once",
    )
    assert not source(spec).finds_late_data(spec)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda rows: rows.drop("val_to_add_2"), "column val_to_add_2 is missing"),
        (lambda rows: rows.drop("driver_id"), "column driver_id is missing"),
        (
            lambda rows: rows.with_columns(pl.col("driver_id").cast(pl.String)),
            "column driver_id is String, and the feature service has it as Int64",
        ),
        (
            lambda rows: rows.with_columns(conv_rate=pl.lit(0.5)),
            "column conv_rate is a feature of the service too",
        ),
    ],
)
def test_a_population_that_does_not_fit_the_service_is_refused(repo, stats, change, told):
    spec = model(repo())
    with pytest.raises(ContractBroken, match=told):
        source(spec).retrieve(spec, change(rides(stats)))


def test_a_service_or_a_repository_that_is_not_there_is_named(repo, tmp_path):
    spec = model(repo(), service="driver_activity_v9")
    with pytest.raises(
        ServiceMissing, match=r"no feature service 'driver_activity_v9'. It has driver_activity_v1,"
    ):
        source(spec).require(spec)
    nowhere = model(tmp_path / "nowhere")
    with pytest.raises(ServiceUnreadable, match=r"nowhere: it has no feature_store\.yaml"):
        source(nowhere).require(nowhere)
    folder = repo()
    (folder / "data" / "registry.db").unlink()
    unapplied = model(folder)
    with pytest.raises(ServiceUnreadable, match=r"its registry data/registry.db does not exist"):
        source(unapplied).require(unapplied)
    assert not (folder / "data" / "registry.db").exists()
    broken = repo("offline_store:\n    type: no.such.Store\n")
    with pytest.raises(ServiceUnreadable, match=r"its registry could not be read: .*no\.such"):
        source(model(broken)).require(model(broken))


@pytest.mark.parametrize("store", [STORES["none named"], STORES["duckdb"]], ids=["ours", "duckdb"])
def test_a_part_of_the_features_of_a_view_is_enough(repo, stats, store):
    spec, asked = model(repo(store), numeric=("avg_daily_trips",)), rides(stats)
    found = source(spec).retrieve(spec, asked.drop("val_to_add_2"))
    assert found["avg_daily_trips"].to_list() == expected(stats, asked)["avg_daily_trips"].to_list()
    assert "conv_rate" not in found.columns


def test_models_that_share_a_service_each_get_their_own_features(repo, stats):
    one = model(repo(), numeric=("avg_daily_trips",))
    other = model(one.features.repo, numeric=("acc_rate",))
    features, asked = source(one), rides(stats)
    for spec in (one, other, one):
        assert features.retrieve(spec, asked).columns == [*asked.columns, spec.numeric[1]]


def test_an_input_that_neither_service_nor_population_has_is_named_with_what_to_do(repo, stats):
    spec = model(repo(), numeric=("conv_rate", "conversion"))
    with pytest.raises(
        MissingFeatures, match=r"lacks \['conversion'\]\. The population .* applied there"
    ) as told:
        source(spec).retrieve(spec, rides(stats))
    assert not remedy(told.value), "our own apply does not touch the repository"


@pytest.mark.parametrize("store", STORES.values(), ids=STORES)
def test_a_view_without_a_row_as_new_as_its_max_age_is_stale(repo, stats, store):
    spec, newest = model(repo(store), max_age=DAY), stats["event_timestamp"].max()
    features = source(spec)
    assert features.stale(spec, newest + timedelta(hours=23)) == ()
    assert features.stale(spec, newest + timedelta(hours=25)) == (
        "feature view driver_hourly_stats has no row of the last 24 h before the as-of, its max_age",
    )
    assert features.stale(spec, stats["event_timestamp"].min() - timedelta(minutes=1)), "rows to come"


@pytest.mark.parametrize("store", [STORES["none named"], STORES["duckdb"]], ids=["ours", "duckdb"])
def test_a_row_that_was_recorded_later_makes_no_view_fresher(repo, stats, store):
    folder, newest = repo(store), stats["event_timestamp"].max()
    recorded = pl.lit((newest + timedelta(days=9)).replace(tzinfo=None))
    stats.with_columns(created=recorded).write_parquet(folder / "data" / "driver_stats.parquet")
    for by_created in (False, True):
        spec = model(folder, max_age=DAY, known_by_created=by_created)
        assert bool(source(spec).stale(spec, newest)) == by_created


def test_a_max_age_of_a_view_that_gives_no_input_is_refused(repo):
    spec = model(repo(), max_age={"driver_stats": timedelta(days=1)})
    with pytest.raises(BadSpec, match=r"max_age for \['driver_stats'\].*\['driver_hourly_stats'\]"):
        source(spec).require(spec)


def test_a_max_age_is_above_zero(tmp_path):
    with pytest.raises(BadSpec, match="must have a max_age above 0 for 'driver_hourly_stats'"):
        model(tmp_path, max_age={"driver_hourly_stats": timedelta(0)})


def test_a_file_that_is_missing_is_named_and_not_asked_for_again(repo, stats):
    folder = repo()
    source(model(folder)).require(model(folder))
    (folder / "data" / "driver_stats.parquet").unlink()
    spec = model(folder)
    for ask in (lambda: source(spec).retrieve(spec, rides(stats)), lambda: source(spec).require(spec)):
        with pytest.raises(
            ServiceUnreadable, match=r"'driver_activity_v2' cannot be read: .*driver_stats\.parquet"
        ):
            ask()


def test_a_store_that_cannot_be_read_is_told_as_one_that_is_asked_again(repo, stats):
    folder = repo(STORES["duckdb"])
    (folder / "data" / "driver_stats.parquet").unlink()
    spec = model(folder)
    with pytest.raises(StoreUnavailable, match=r"offline store of the Feast repository .* No files"):
        source(spec).retrieve(spec, rides(stats))


def test_a_population_without_rows_asks_no_store_and_has_the_declared_types(repo, stats):
    folder = repo(STORES["duckdb"])
    (folder / "data" / "driver_stats.parquet").unlink()
    spec = model(folder)
    found = source(spec).retrieve(spec, rides(stats).clear())
    assert found.is_empty()
    assert dict(found.drop(rides(stats).columns).schema) == {
        "conv_rate": pl.Float32(),
        "avg_daily_trips": pl.Int64(),
        "conv_rate_plus_val1": pl.Float64(),
    }


def test_a_store_that_does_not_fit_the_sources_is_not_asked_again(repo, stats):
    nobody = "    host: 127.0.0.1\n    port: 1\n    database: none\n    user: none\n    password: none\n"
    spec = model(repo(f"offline_store:\n    type: postgres\n{nobody}"))
    with pytest.raises(ServiceUnreadable, match=r"cannot be read: assert isinstance\(.*PostgreSQLSource"):
        source(spec).retrieve(spec, rides(stats))


def test_a_model_that_uses_no_feature_of_its_service_is_told_so(repo, stats):
    spec = model(repo(), numeric=("conversion",))
    with pytest.raises(ContractBroken, match="no feature of the service is one of the model's inputs"):
        source(spec).retrieve(spec, rides(stats).with_columns(conversion=0.5))
