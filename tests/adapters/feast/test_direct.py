"""Features without Feast: the same, bit for bit, as through it."""

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from db.session import translated
from db.urls import read
from models import MODELS
from nightjar.adapters.feast import source
from nightjar.adapters.feast.direct import TYPES, Direct
from nightjar.adapters.feast.messages import FeatureService, FeatureView
from nightjar.adapters.feast.through_feast import ThroughFeast
from nightjar.adapters.feast.yaml_file import FeatureStoreYaml
from nightjar.adapters.feast_polars.settings import StoreSettings

REPO = Path(__file__).parents[3] / "feature_repo"
SPEC = MODELS["flight_delay"]
AS_OF = datetime(2013, 3, 2, 2, tzinfo=UTC)
DAYS = 12
SERVICE = SPEC.feature_service


def value(dtype, key, day):
    return f"k{key}" if dtype == pl.String else key * 100 + day


def write_features(folder):
    """Rows of three keys on each day, each corrected three days later; every third value is missing."""
    for table in SPEC.feature_tables:
        for day in range(DAYS):
            at = AS_OF - timedelta(days=DAYS - day)
            rows = [
                {name: value(dtype, key, 0) for name, dtype in table.keys.items()}
                | {
                    name: None if (key + day) % 3 == 0 else value(dtype, key, day + 50 * corrected)
                    for name, dtype in table.features.items()
                }
                | {"event_timestamp": at, "created": at + timedelta(days=3 * corrected, hours=1)}
                for key in range(3)
                for corrected in (0, 1)
            ]
            instant = pl.Datetime("us", "UTC")
            schema = {**table.keys, **table.features, "event_timestamp": instant, "created": instant}
            file = folder / table.name / f"date={at.date()}" / "part.parquet"
            file.parent.mkdir(parents=True, exist_ok=True)
            pl.DataFrame(rows, schema=schema).write_parquet(file)


@pytest.fixture(scope="module")
def both(shared_database, tmp_path_factory):
    """The two ways to the same registry and the same files."""
    folder = tmp_path_factory.mktemp("features")
    url = read(shared_database.url("owner")).searching("feast").for_sqlalchemy()
    source.apply(REPO, url, folder, translated=translated)
    write_features(folder)
    direct = Direct.of(FeatureStoreYaml(REPO, url, folder).read(), REPO, translated)
    assert direct is not None
    return direct, ThroughFeast(REPO, url, folder, translated=translated)


def asked(days_before, known_days_later=None):
    keys = {key: dtype for table in SPEC.feature_tables for key, dtype in table.keys.items()}
    rows = pl.DataFrame(
        {"__row": list(range(5))}
        | {
            name: pl.Series([value(dtype, key, 0) for key in (0, 1, 2, 9, 1)], dtype=dtype)
            for name, dtype in keys.items()
        }
    )
    at = pl.Series([AS_OF - timedelta(days=days) for days in days_before], dtype=pl.Datetime("us", "UTC"))
    rows = rows.with_columns(event_timestamp=at)
    if known_days_later is None:
        return rows
    return rows.with_columns(known_at=pl.col("event_timestamp") + timedelta(days=known_days_later))


@pytest.mark.parametrize(
    "rows",
    [asked([0] * 5), asked([0, 3, 5, 1, 40]), asked([6] * 5, 2), asked([6, 2, 9, 0, 4], 2)],
    ids=["an instant", "many instants", "an instant known later", "many instants known later"],
)
@pytest.mark.parametrize("lacking", [frozenset(), frozenset({next(iter(SPEC.feature_tables[0].features))})])
def test_features_are_those_that_feast_gives(both, rows, lacking):
    absent = {table.name: frozenset[str]() for table in SPEC.feature_tables}
    absent[SPEC.feature_tables[0].name] = lacking
    ours, theirs = (way.ask(SPEC, rows, {}, absent).sort("__row") for way in both)
    assert ours.select(theirs.columns).equals(theirs)
    assert ours.select(theirs.columns).schema == theirs.schema
    assert set(ours.columns) == set(theirs.columns)


def test_both_ways_serve_the_same_under_the_same_settings(both):
    direct, through = both
    assert direct.served() == through.served()
    assert (direct.store, direct.cutoffs) == (through.store, through.cutoffs)
    assert all(map(direct.answers, direct.served()))


def test_through_feast_a_view_is_decoded_once_for_all_parts(both, monkeypatch):
    import feast

    absent = {table.name: frozenset[str]() for table in SPEC.feature_tables}
    first = both[1].ask(SPEC, asked([0] * 5), {}, absent)
    monkeypatch.setattr(feast.FeatureView, "from_proto", None)
    monkeypatch.setattr(feast.FeatureService, "from_proto", None)
    assert both[1].ask(SPEC, asked([0] * 5), {}, absent).equals(first)


def a_service():
    """A service of one view of files, with a feature of plain type."""
    view, service = FeatureView(), FeatureService()
    view.spec.name = "rides"
    view.spec.batch_source.type = 1
    view.spec.features.add(name="count", value_type=4)
    part = service.spec.features.add(feature_view_name="rides")
    part.feature_columns.add(name="count")
    return view, service


def of_lists(view, _):
    view.spec.features[0].value_type = 14


def in_snowflake(view, _):
    view.spec.batch_source.type = 8


def of_a_view_on_demand(_, service):
    service.spec.features[0].feature_view_name = "on_demand"


def of_one_version(_, service):
    service.spec.features[0].version_tag = 3


def of_one_name_twice(_, service):
    service.spec.features[0].feature_columns.add(name="count")


@pytest.mark.parametrize(
    "change", [of_lists, in_snowflake, of_a_view_on_demand, of_one_version, of_one_name_twice]
)
def test_what_only_feast_can_read_is_left_to_it(change):
    view, service = a_service()
    view, service = (
        FeatureView.FromString(view.SerializeToString()),
        type(service).FromString(service.SerializeToString()),
    )
    way = Direct({"rides": view}, {"s": service}, StoreSettings(), Path())
    assert way.answers("s")
    change(view, service)
    assert not way.answers("s")


@pytest.mark.parametrize(
    "change",
    [
        {"registry": "data/registry.db"},
        {"registry": {"registry_type": "sql", "path": "sqlite:///registry.db"}},
        {"offline_store": {"type": "duckdb"}},
        {"offline_store": {"type": StoreSettings().type, "cache_mb": "many"}},
    ],
)
def test_another_store_another_registry_and_wrong_settings_are_left_to_feast(change, tmp_path):
    url = "postgresql+psycopg://nobody@127.0.0.1:9/nothing"
    assert Direct.of(FeatureStoreYaml(REPO, url, tmp_path).read() | change, REPO, translated) is None


def test_a_source_asks_feast_where_the_registry_holds_what_only_feast_can_read(both, monkeypatch):
    direct, through = both
    features = source.FeastFeatureSource(
        REPO, through.registry_url, through.feature_dir, translated=translated
    )
    rows = asked([0] * 5).drop("__row")
    expected = features.retrieve(SPEC, rows)
    left = replace(features)
    left.__dict__.update(_direct=replace(direct, views={}), _through_feast=through)
    counted = []
    real = ThroughFeast.ask
    monkeypatch.setattr(ThroughFeast, "ask", lambda *words: counted.append(1) or real(*words))
    assert left.retrieve(SPEC, rows).equals(expected)
    assert counted == [1]


def test_types_are_those_that_our_store_gives_through_feast():
    from feast import types
    from feast.value_type import ValueType

    from nightjar.adapters.feast_polars.declared import polars_type

    names = ("Bytes", "String", "Int32", "Int64", "Float64", "Float32", "Bool", "UnixTimestamp")
    plain = [getattr(types, name) for name in names]
    assert {dtype.to_value_type().value: polars_type(dtype) for dtype in plain} == TYPES
    assert ValueType.UNIX_TIMESTAMP.value == 8


def test_a_retrieval_imports_no_feast(both):
    through = both[1]
    program = f"""
import sys
from pathlib import Path
import polars as pl
import models
from db.session import translated
from nightjar.adapters.feast.source import FeastFeatureSource
features = FeastFeatureSource(
    Path({str(REPO)!r}), {through.registry_url!r}, Path({str(through.feature_dir)!r}), translated=translated
)
rows = pl.read_parquet(sys.stdin.buffer)
print(features.retrieve(models.model("flight_delay"), rows).height)
print(sorted(set(sys.modules) & {{"feast", "pandas", "dask", "typeguard"}}))
"""
    import io

    rows = io.BytesIO()
    asked([0] * 5).drop("__row").write_parquet(rows)
    done = subprocess.run(
        [sys.executable, "-c", program],
        input=rows.getvalue(),
        capture_output=True,
        cwd=REPO.parent,
        timeout=120,
        check=False,
    )
    assert done.stdout.decode().split("\n")[:2] == ["5", "[]"], done.stderr.decode()
