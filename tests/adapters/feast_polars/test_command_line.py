"""What Feast's own command line, UI and validation do with a repo that names our store."""

import asyncio
from contextlib import chdir
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest
from click.testing import CliRunner
from feast import FeatureStore
from feast.cli.cli import cli
from feast.dqm.errors import ValidationFailed
from feast.dqm.profilers.profiler import Profile, Profiler
from feast.infra.offline_stores.file_source import SavedDatasetFileStorage
from feast.ui_server import get_app
from httpx import ASGITransport, AsyncClient

NOON = datetime(2024, 1, 10, 12, tzinfo=UTC)
DAY = timedelta(days=1)
UTC_US = pl.Datetime("us", "UTC")
YAML = """
project: commanded
provider: local
registry: registry.db
offline_store: {type: nightjar.adapters.feast_polars.PolarsOfflineStore}
online_store: {type: sqlite, path: online.db}
entity_key_serialization_version: 3
"""
DEFINITIONS = """
from datetime import timedelta
from feast import Entity, FeatureView, Field, FileSource
from feast.types import Int64
from feast.value_type import ValueType

thing = Entity(name="thing", join_keys=["k"], value_type=ValueType.INT64)
source = FileSource(
    name="rows", path="rows", timestamp_field="ts", created_timestamp_column="created",
    tags={"partition": "date"}
)
schema = [Field(name="k", dtype=Int64), Field(name="v", dtype=Int64)]
things = FeatureView(
    name="things", entities=[thing], schema=schema, source=source, ttl=timedelta(days=9), online=True
)
"""

pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning",
    "ignore::FutureWarning",
    "ignore::RuntimeWarning",
    "ignore::ResourceWarning",
    "ignore::UserWarning",
)


def land(repo, at, value):
    folder = repo / "rows" / f"date={at.date()}"
    folder.mkdir(parents=True)
    pl.DataFrame({"k": [1], "ts": [at], "created": [at], "v": [value]}).cast(
        {"ts": UTC_US, "created": UTC_US}
    ).write_parquet(folder / "part.parquet")


@pytest.fixture(scope="module")
def repo(tmp_path_factory) -> Any:
    """A repo that was planned and applied from the command line."""
    folder = tmp_path_factory.mktemp("commanded")
    (folder / "feature_store.yaml").write_text(YAML)
    (folder / "commanded_definitions.py").write_text(DEFINITIONS)
    land(folder, NOON, 1)
    with pytest.MonkeyPatch.context() as where:
        where.syspath_prepend(str(folder))
        assert "things" in command(folder, "plan")
        command(folder, "apply")
    return folder


def command(folder, *arguments):
    with chdir("."):  # to plan and to apply, Feast changes to the folder and stays there
        result = CliRunner().invoke(cli, ["--chdir", str(folder), *arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def served(folder):
    return FeatureStore(str(folder)).get_online_features(["things:v"], [{"k": 1}]).to_dict()["v"]


def test_what_was_applied_is_listed_and_served_after_materialising(repo):
    assert "things" in command(repo, "feature-views", "list")
    command(repo, "materialize", (NOON - DAY).isoformat(), NOON.isoformat())
    assert served(repo) == [1]
    land(repo, NOON + DAY, 2)
    command(repo, "materialize-incremental", (NOON + DAY).isoformat())
    assert served(repo) == [2]


def test_the_ui_shows_the_views(repo):
    pytest.importorskip("grpc", reason="`feast ui` needs grpc: install feast[grpcio]")
    app = get_app(FeatureStore(str(repo)), "commanded")

    async def pages() -> list[str]:
        async with AsyncClient(transport=ASGITransport(app), base_url="http://feast") as client:
            return [
                (await client.get(path)).text for path in ("/", "/api/v1/feature_views?project=commanded")
            ]

    home, views = asyncio.run(pages())
    assert "Feast" in home
    assert "things" in views


class MeanOf(Profiler):
    """The mean of a saved dataset's `v`, which a later one may not exceed."""

    def analyze_dataset(self, dataset: Any) -> Any:
        return AtMost(dataset["v"].mean())


class AtMost(Profile):
    def __init__(self, most: float) -> None:
        self.most = most

    def validate(self, dataset: Any) -> Any:
        errors = [f"{v} is more than {self.most}" for v in dataset["v"] if v > self.most]
        return SimpleNamespace(is_success=not errors, errors=errors)


def test_a_retrieval_is_validated_against_a_saved_dataset(repo):
    store = FeatureStore(str(repo))
    asked = pl.DataFrame({"k": [1], "event_timestamp": [NOON]})
    job = store.get_historical_features(asked, features=["things:v"])
    saved = store.create_saved_dataset(
        job, "saved", SavedDatasetFileStorage(path=str(repo / "saved.parquet"))
    )
    reference = saved.as_reference("reference", MeanOf())
    assert job.to_df(validation_reference=reference)["v"].tolist() == [1]
    land(repo, NOON + 2 * DAY, 5)
    later = store.get_historical_features(
        asked.with_columns(event_timestamp=NOON + 2 * DAY), features=["things:v"]
    )
    with pytest.raises(ValidationFailed):
        later.to_df(validation_reference=reference)
