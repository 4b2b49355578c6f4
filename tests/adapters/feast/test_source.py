"""The real feature repo, applied to a real registry, and retrieved from as a night would."""

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import polars as pl
import pytest

from db.session import translated
from db.urls import read
from models import MODELS
from nightjar.adapters.feast import source
from nightjar.adapters.files.generations import read_from
from nightjar.core.errors.database import StoreUnavailable
from nightjar.core.errors.inputs import (
    ContractBroken,
    FeastRegistryEmpty,
    FeastSchemaGone,
    MissingFeatures,
    NotOurStore,
    UnsafeFeatureStore,
)
from nightjar.core.errors.model import BadSpec
from nightjar.core.errors.settings import BadSettings
from nightjar.core.model.generations import Generation
from nightjar.core.model.spec import FeastService
from nightjar.testing.counting import Work, below, counted

REPO = Path(__file__).parents[3] / "feature_repo"
SPEC = MODELS["flight_delay"]
AS_OF = datetime(2013, 3, 2, 2, tzinfo=UTC)
INSTANT = pl.Datetime("us", "UTC")

apply = partial(source.apply, translated=translated)
FeastFeatureSource = partial(source.FeastFeatureSource, translated=translated)


def registry_of(url, schema="feast"):
    return read(url).searching(schema).for_sqlalchemy()


def one(dtype):
    return "x" if dtype == pl.String else 1


def write_features(folder, **changes):
    """One row of each table, with 1 or "x" in every column, known an hour before AS_OF."""
    for table in SPEC.feature_tables:
        columns = {**table.keys, **table.features, "event_timestamp": INSTANT, "created": INSTANT}
        known = {"event_timestamp": AS_OF - timedelta(hours=2), "created": AS_OF - timedelta(hours=1)}
        row = {name: known.get(name, one(dtype)) for name, dtype in columns.items()} | changes
        file = folder / table.name / f"date={row['event_timestamp'].date()}" / "part.parquet"
        file.parent.mkdir(parents=True, exist_ok=True)
        pl.DataFrame([row], schema=columns).write_parquet(file)


def entities(*values, at=AS_OF):
    keys = {key: dtype for table in SPEC.feature_tables for key, dtype in table.keys.items()}
    rows = {
        key: pl.Series([one(dtype) if value else None for value in values], dtype=dtype)
        for key, dtype in keys.items()
    }
    return pl.DataFrame(
        {"entity_key": [f"e{i}" for i in range(len(values))]} | rows | {"context": [0.5] * len(values)}
    ).with_columns(event_timestamp=pl.lit(at, dtype=INSTANT))


@pytest.fixture(scope="module")
def declared(shared_database, tmp_path_factory):
    """The name of a database whose registry holds what the models declare."""
    apply(REPO, registry_of(shared_database.url("owner")), tmp_path_factory.mktemp("declared"))
    return shared_database.name


@pytest.fixture
def database(request, copied_database, template):
    """With `applied`, a copy of the one in which the models are declared."""
    source = request.getfixturevalue("declared") if "applied" in request.fixturenames else template
    with copied_database(source) as database:
        yield database


@pytest.fixture
def registry(database):
    return registry_of(database.url("owner"))


@pytest.fixture
def applied(database, tmp_path):
    write_features(tmp_path / "features")
    return FeastFeatureSource(REPO, registry_of(database.url("writer")), tmp_path / "features")


def test_the_writer_retrieves_every_row_with_declared_types_and_applying_again_changes_nothing(
    applied, registry
):
    asked = entities(1, 0, 1)
    result = applied.retrieve(SPEC, asked)
    assert result.select(asked.columns).equals(asked)
    features = {name: dtype for table in SPEC.feature_tables for name, dtype in table.features.items()}
    assert dict(result.drop(asked.columns).schema) == features
    assert result.select(pl.all_horizontal(pl.col(*features).is_not_null())).to_series().to_list() == [
        True,
        False,
        True,
    ]
    apply(REPO, registry, applied.feature_dir)
    assert FeastFeatureSource(REPO, registry, applied.feature_dir).retrieve(SPEC, asked).equals(result)


def test_features_that_were_moved_are_found_without_applying_again(applied, registry, tmp_path):
    shutil.copytree(REPO, tmp_path / "repo")
    yaml = tmp_path / "repo" / "feature_store.yaml"
    yaml.write_text(
        yaml.read_text().replace(
            "online_store: null", "online_store: {type: sqlite, path: ${NIGHTJAR_FEATURE_DIR}/online.db}"
        )
    )
    apply(tmp_path / "repo", registry, applied.feature_dir)
    expected = applied.retrieve(SPEC, entities(1))
    (tmp_path / "larger" / "disk").mkdir(parents=True)
    shutil.move(applied.feature_dir, tmp_path / "larger" / "disk" / "features")
    moved = replace(applied, feature_dir=tmp_path / "larger" / "disk" / "features")
    assert moved.retrieve(SPEC, entities(1)).equals(expected)
    assert not applied.feature_dir.exists()


def test_what_was_recorded_after_the_as_of_is_not_known(applied):
    features = [name for table in SPEC.feature_tables for name in table.features]
    result = applied.retrieve(SPEC, entities(1, at=AS_OF - timedelta(hours=1, seconds=1)))
    assert all(result[name].null_count() == 1 for name in features)


def test_a_correction_is_known_where_the_entities_say_so_and_what_is_new_is_not(applied):
    features = [name for table in SPEC.feature_tables for name in table.features]
    for file in applied.feature_dir.glob("*/*/*.parquet"):
        kept = pl.read_parquet(file)
        corrected = kept.with_columns(
            *(pl.col(name) + 1 for name in kept.columns if name in features),
            created=AS_OF + timedelta(hours=5),
        )
        pl.concat([kept, corrected]).write_parquet(file)
    asked = entities(1, 1).with_columns(known_at=pl.Series([AS_OF, AS_OF + timedelta(hours=5)]))
    result = applied.retrieve(SPEC, asked)
    assert result.select(asked.columns).equals(asked)
    assert all((result[name].item(1) - result[name].item(0)) == 1 for name in features)
    early = entities(1, at=AS_OF - timedelta(hours=1, seconds=1)).with_columns(
        known_at=pl.lit(AS_OF + timedelta(hours=5))
    )
    assert all(applied.retrieve(SPEC, early)[name].is_null().all() for name in features)


def test_threads_share_a_source_and_the_database_is_not_asked_again(applied, database):
    asked = entities(1, 0)
    with ThreadPoolExecutor(4) as threads:
        results = list(threads.map(lambda _: applied.retrieve(SPEC, asked), range(8)))
    assert all(result.equals(results[0]) for result in results)
    import psycopg

    with psycopg.connect(database.url("admin"), autocommit=True) as admin:
        admin.execute("DROP SCHEMA feast CASCADE")
    assert applied.retrieve(SPEC, asked).equals(results[0])


def test_a_run_reads_the_generation_that_it_names_whichever_is_read_today(applied, registry):
    table, dropped = SPEC.feature_tables[0], next(iter(SPEC.feature_tables[0].features))
    old = applied.retrieve(SPEC, entities(1))
    write_features(applied.feature_dir / "next", **dict.fromkeys(table.features, 2.0))
    read_from(applied.feature_dir / table.name, Generation("", "r1"))
    shutil.move(applied.feature_dir / "next" / table.name, applied.feature_dir / table.name / "_two")
    for file in applied.feature_dir.glob(f"{table.name}/date=*/*.parquet"):
        pl.read_parquet(file).drop(dropped).write_parquet(file)
    read_from(applied.feature_dir / table.name, Generation("_two", "r2"))
    assert applied.generations(SPEC) == {table.name: "_two"}
    new = applied.retrieve(SPEC, entities(1))
    assert new.select(*table.features).row(0) == (2.0,) * len(table.features)
    assert new.drop(*table.features).equals(old.drop(*table.features))
    before = applied.reading({}).retrieve(SPEC, entities(1))
    assert before.drop(dropped).equals(old.drop(dropped))
    assert before[dropped].to_list() == [None]
    assert before.schema == old.schema
    apply(REPO, registry, applied.feature_dir)
    again = FeastFeatureSource(REPO, registry, applied.feature_dir)
    assert again.retrieve(SPEC, entities(1)).equals(new)
    assert again.reading({}).retrieve(SPEC, entities(1)).equals(before)


def test_what_reads_chosen_generations_lists_the_tables_once_and_the_next_lists_them_anew(applied):
    night, works = applied.reading({}), list[Work]()
    for each in (night, night, applied.reading({})):
        with counted() as work:
            assert each.retrieve(SPEC, entities(1)).height == 1
        works.append(work)
    first, again, other = (below([*work.listed, *work.opened], applied.feature_dir) for work in works)
    assert len(first) == len(other) >= len(SPEC.feature_tables)
    assert again == []


@pytest.mark.parametrize(
    ("uri", "generation", "found"),
    [
        ("carrier", "_two", "carrier/_two"),
        ("carrier/_one", "", "carrier"),
        (
            "/data/carrier/features/carrier/*/*.parquet",
            "_two",
            "/data/carrier/features/carrier/_two/*/*.parquet",
        ),
        ("s3://bucket/carrier/_one", "_two", "s3://bucket/carrier/_two"),
        ("elsewhere/files", "_two", "elsewhere/files"),
    ],
)
def test_a_generation_lies_inside_the_folder_of_its_table(uri, generation, found):
    from nightjar.adapters.feast.generation_paths import inside

    assert inside(uri, "carrier", generation) == found


def test_the_first_night_without_any_history_has_null_features(applied):
    shutil.rmtree(applied.feature_dir)
    result = applied.retrieve(SPEC, entities(1))
    assert all(result[name].null_count() == 1 for table in SPEC.feature_tables for name in table.features)


def test_features_that_the_service_lacks_are_named(applied):
    first = SPEC.feature_tables[0]
    wider = replace(
        SPEC,
        feature_tables=(
            replace(first, features={**first.features, "brand_new": pl.Float64()}),
            *SPEC.feature_tables[1:],
        ),
    )
    with pytest.raises(MissingFeatures, match="brand_new"):
        applied.retrieve(wider, entities(1))
    with pytest.raises(MissingFeatures, match="other_model"):
        applied.retrieve(replace(SPEC, name="other_model"), entities(1))


def test_a_feature_that_the_files_lack_is_named(applied):
    for file in (applied.feature_dir / "weather").glob("*/*.parquet"):
        pl.read_parquet(file, hive_partitioning=False).drop("weather_temp").write_parquet(file)
    with pytest.raises(ContractBroken, match=r"'weather'.*lacks columns \['weather_temp'\]"):
        applied.retrieve(SPEC, entities(1))


def test_entities_without_a_join_key_are_refused(applied):
    key = next(iter(SPEC.feature_tables[0].keys))
    with pytest.raises(ContractBroken, match=f"column {key} is missing"):
        applied.retrieve(SPEC, entities(1).drop(key))


def test_a_join_key_of_a_type_that_its_table_does_not_have_is_named(applied):
    table = next(table for table in SPEC.feature_tables if pl.String() in table.keys.values())
    key = next(name for name, dtype in table.keys.items() if dtype == pl.String)
    numbered = entities(1).with_columns(pl.lit(1).alias(key))
    with pytest.raises(ContractBroken, match=f"join key '{key}' is Int32 in the entity frame and String"):
        applied.retrieve(SPEC, numbered)


def test_a_feature_of_another_type_than_the_registry_has_is_named(applied):
    for file in (applied.feature_dir / "weather").glob("*/*.parquet"):
        rows = pl.read_parquet(file, hive_partitioning=False).with_columns(weather_temp=pl.lit("cold"))
        rows.write_parquet(file)
    with pytest.raises(ContractBroken, match=r"view 'weather': .*cold.*Declare what the files hold"):
        applied.retrieve(SPEC, entities(1))


def test_a_registry_nobody_applied_to_says_what_is_missing(registry, tmp_path):
    with pytest.raises(FeastRegistryEmpty, match="Tell Feast what the models declare"):
        FeastFeatureSource(REPO, registry, tmp_path).retrieve(SPEC, entities(1))


def test_a_registry_out_of_reach_is_retryable(tmp_path):
    with pytest.raises(StoreUnavailable, match="Feast's registry cannot be reached"):
        FeastFeatureSource(REPO, "postgresql+psycopg://nobody@127.0.0.1:9/nothing", tmp_path).retrieve(
            SPEC, entities(1)
        )


@pytest.mark.parametrize("change", [{"password": "s3cret"}, {"dbname": "nowhere"}])
def test_a_registry_that_refuses_us_is_a_setting_to_correct(database, tmp_path, change):
    wrong = registry_of(read(database.url("owner")).changed(**change).text)
    for act in (
        lambda: apply(REPO, wrong, tmp_path),
        lambda: FeastFeatureSource(REPO, wrong, tmp_path).require(SPEC),
    ):
        with pytest.raises(BadSettings, match="Feast's registry refuses us") as refused:
            act()
        assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize(
    "line",
    [
        "offline_store: file",
        "offline_store: {type: dask}",
        "",
        "offline_store: {type: feast.x.DaskOfflineStore}",
    ],
)
def test_a_store_that_loses_rows_is_refused(tmp_path, line):
    (tmp_path / "feature_store.yaml").write_text(f"project: nightjar\nregistry: {{path: r.db}}\n{line}\n")
    for act in (
        lambda: apply(tmp_path, "", tmp_path),
        lambda: FeastFeatureSource(tmp_path, "", tmp_path).retrieve(SPEC, entities(1)),
    ):
        with pytest.raises(UnsafeFeatureStore, match="loses rows"):
            act()


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ("type: duckdb", "cache_mb: Extra inputs are not permitted"),
        ("type: nightjar.adapters.nowhere.PolarsOfflineStore", "Could not import module"),
        ("type: [nightjar", r"line \d+: expected"),
    ],
)
def test_a_feature_store_yaml_that_nobody_can_read_says_where_and_keeps_its_secrets(tmp_path, wrong, named):
    ours = "type: nightjar.adapters.feast_polars.PolarsOfflineStore"
    (tmp_path / "feature_store.yaml").write_text(
        (REPO / "feature_store.yaml").read_text().replace(ours, wrong)
    )
    with pytest.raises(BadSettings, match=rf"feature_store\.yaml.*{named}") as refused:
        apply(tmp_path, "postgresql+psycopg://owner:secret@localhost/nightjar", tmp_path)
    assert "secret" not in str(refused.value)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_another_store_of_feast_gives_the_same_features_in_the_same_order(applied, registry, tmp_path):
    shutil.copytree(REPO, tmp_path / "repo")
    yaml = tmp_path / "repo" / "feature_store.yaml"
    duckdb = (
        yaml.read_text()
        .replace("type: nightjar.adapters.feast_polars.PolarsOfflineStore", "type: duckdb")
        .replace("  root:", "  # root:")
        .replace("  corrections_only:", "  # corrections_only:")
        .replace("  cache_mb:", "  # cache_mb:")
    )
    yaml.write_text(duckdb)
    definitions = tmp_path / "repo" / "definitions.py"
    definitions.write_text(
        definitions.read_text().replace(
            "path=table.name,", f'path="{applied.feature_dir}/" + table.name + "/*/*.parquet",'
        )
    )
    asked = entities(1, 0, 1).with_columns(
        event_timestamp=pl.col("event_timestamp") + pl.duration(minutes=pl.int_range(3))
    )
    expected = applied.retrieve(SPEC, asked)
    apply(tmp_path / "repo", registry, applied.feature_dir)
    other = FeastFeatureSource(tmp_path / "repo", registry, applied.feature_dir)
    assert other.retrieve(SPEC, asked).equals(expected)
    same = asked.with_columns(known_at="event_timestamp")
    assert other.retrieve(SPEC, same).drop("known_at").equals(expected)
    with pytest.raises(NotOurStore, match="'duckdb' of feature_store"):
        other.retrieve(SPEC, same.with_columns(pl.col("known_at") + timedelta(hours=1)))


def test_our_store_with_its_cutoffs_switched_off_is_asked_for_none(applied, registry, tmp_path):
    shutil.copytree(REPO, tmp_path / "repo")
    yaml = tmp_path / "repo" / "feature_store.yaml"
    yaml.write_text(yaml.read_text().replace("  root:", "  known_at: null\n  root:"))
    source = FeastFeatureSource(tmp_path / "repo", registry, applied.feature_dir)
    with pytest.raises(NotOurStore):
        source.retrieve(SPEC, entities(1).with_columns(known_at=AS_OF + timedelta(hours=1)))


def test_keys_and_features_that_feast_cannot_hold_are_refused_and_shared_tables_are_one():
    from nightjar.adapters.feast.repo import _module

    definitions = _module(REPO / "definitions.py")
    table = SPEC.feature_tables[0]
    key = next(iter(table.keys))
    for changed, said in (
        (
            replace(table, name="other", keys={key: pl.Int64()}, features={"new": pl.Float64()}),
            f"join key {key} is",
        ),
        (replace(table, name="other", features={"new": pl.Duration()}), "Feast has no type for"),
    ):
        with pytest.raises(BadSpec, match=said):
            dict(definitions.feast_objects([SPEC, replace(SPEC, name="second", feature_tables=(changed,))]))
    assert (
        len(dict(definitions.feast_objects([SPEC, replace(SPEC, name="second")])))
        == len(dict(definitions.feast_objects([SPEC]))) + 1
    )


def test_a_model_with_a_feast_of_its_own_declares_nothing_in_ours():
    from nightjar.adapters.feast.repo import _module

    own = replace(SPEC, name="own", feature_tables=(), features=FeastService(repo=REPO, service="x"))
    assert dict(_module(REPO / "definitions.py").feast_objects([own])) == {}


def test_a_registry_whose_schema_was_dropped_says_what_brings_it_back(database, tmp_path):
    with pytest.raises(FeastSchemaGone, match=r"schema of Feast's registry is gone\. Migrate the database"):
        apply(REPO, registry_of(database.url("owner"), "nowhere"), tmp_path)


@pytest.mark.chaos  # it takes 10 seconds to start, and reads what the tests above have applied
def test_feasts_own_command_line_finds_nothing_to_change_after_apply(applied, registry):
    environment = os.environ | {
        "NIGHTJAR_FEAST_REGISTRY": registry,
        "NIGHTJAR_FEATURE_DIR": str(applied.feature_dir),
        "FEAST_USAGE": "False",
    }
    feast = Path(sys.executable).with_name("feast")
    done = subprocess.run(
        [feast, "plan"], cwd=REPO, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "No changes to registry" in done.stdout


def test_a_broken_model_keeps_what_the_registry_has_of_it(applied, registry, tmp_path):
    """Its nights would lack their features until somebody applies again."""
    shutil.copytree(REPO, tmp_path / "repo")
    definitions = tmp_path / "repo" / "definitions.py"
    definitions.write_text(definitions.read_text() + "\nfor name in [*globals()]:\n    if name.startswith(")
    with definitions.open("a") as file:
        file.write("('service_', 'view_')):\n        del globals()[name]\n")
    whole = definitions.read_text()
    definitions.write_text(whole + "COMPLETE = False\n")
    apply(tmp_path / "repo", registry, applied.feature_dir)
    fresh = replace(applied, repo=tmp_path / "repo")
    assert fresh.retrieve(SPEC, entities(1)).height == 1
    definitions.write_text(whole)
    apply(tmp_path / "repo", registry, applied.feature_dir)
    with pytest.raises(MissingFeatures):
        replace(applied, repo=tmp_path / "repo").retrieve(SPEC, entities(1))
