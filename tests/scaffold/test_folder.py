"""What `nightjar new-model` writes is a model: it is written whole, in our style, and passes its own gates.

tests/models/test_every_model.py holds it to the contract of every model.
"""

import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from itertools import product
from pathlib import Path

import polars as pl
import pytest

from nightjar.adapters.contracts import check
from nightjar.adapters.deliveries.raw_days import RawFiles
from nightjar.adapters.files.artifacts import FsspecArtifacts
from nightjar.adapters.files.feature_tables import FeatureDirectory
from nightjar.adapters.learners.store import PredictorStore
from nightjar.adapters.memory_registry import MemoryRegistry
from nightjar.core.errors.settings import BadSettings
from nightjar.core.model.occasions import is_occasion
from nightjar.scaffold.choices import Every, NewKind
from nightjar.scaffold.folder import new_model
from nightjar.testing.scaffolds import SCAFFOLDS, WRITTEN, written
from nightjar.usecases.data.features import build_features
from nightjar.usecases.data.landing import land_until
from nightjar.usecases.lifecycle.retrain import retrain
from nightjar.wiring.settings import PROJECT

KNOWN = datetime.combine(WRITTEN - timedelta(days=1), datetime.min.time(), UTC)
SPECS = {**SCAFFOLDS, "new_month": written("new_month", NewKind.regression, Every.month)}
OURS = 'lint.isort.known-first-party=["models", "nightjar"]'
IN_OUR_STYLE = ("--config", PROJECT / "pyproject.toml", "--config", OURS)


class BuiltFeatures:
    """Of each key the newest row that was recorded in time: what Feast does, without Feast."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def require(self, spec) -> None:
        """Nothing is lacking: the tables are read where they were built."""

    def generations(self, spec) -> dict[str, str]:
        """Each table has its first one."""
        return {}

    def retrieve(self, spec, rows: pl.DataFrame) -> pl.DataFrame:
        for table in spec.feature_tables:
            built = pl.read_parquet(self.root / table.name / "**" / "*.parquet", hive_partitioning=False)
            known = built.select(*table.keys, *table.features, event_timestamp="created")
            rows = rows.sort("event_timestamp").join_asof(
                known.sort("event_timestamp"),
                on="event_timestamp",
                by=list(table.keys),
                check_sortedness=False,
            )
        return rows.sort("score_date", "entity_key")


@pytest.mark.chaos
@pytest.mark.parametrize("spec", [pytest.param(spec, id=name) for name, spec in SPECS.items()])
def test_it_trains_on_its_sample_data_and_passes_its_gates(spec, tmp_path):
    """Months of files take five to ten seconds each.

    On every day tests/scaffold/test_walk.py takes a new model through the commands to a champion and a
    published night, and tests/models/test_every_model.py holds those of each kind to the contract of a model.
    """
    raw, features = RawFiles(tmp_path), FeatureDirectory(tmp_path)
    land_until(spec, raw=raw, inbox=tmp_path / "inbox", until=KNOWN)
    build_features(spec, raw=raw, features=features, known_at=KNOWN, recipe_of=lambda table: table.name)
    artifacts = FsspecArtifacts(str(tmp_path / "artifacts"))
    trained = retrain(
        spec,
        known_at=KNOWN,
        raw=raw,
        features=BuiltFeatures(tmp_path / "features"),
        artifacts=artifacts,
        predictors=PredictorStore(artifacts),
        registry=MemoryRegistry(),
        code_version="c",
    )
    assert trained.promoted, trained.decision
    assert trained.left_out["outcomes without a population row"] == 0
    rows = pl.read_parquet(artifacts.get(trained.version.reference_uri))
    assert check(spec, rows.select("entity_key", *spec.inputs)).quarantined.is_empty()


def test_the_sample_data_of_each_begins_on_a_date_that_it_scores():
    for kind, every in product(NewKind, Every):
        spec = written(f"begins_{kind}_{every}", kind, every)
        assert spec.data_from is not None
        assert is_occasion(spec, spec.data_from)


def test_each_is_written_in_our_style(tmp_path):
    for kind, every in product(NewKind, Every):
        new_model(f"{kind}_{every}", kind, every, tmp_path, WRITTEN)
    for step in (("check",), ("format", "--check")):
        ruff = [Path(sys.executable).with_name("ruff"), *step, "--no-cache", *IN_OUR_STYLE, tmp_path]
        done = subprocess.run(ruff, capture_output=True, text=True, check=False, cwd=PROJECT)
        assert done.returncode == 0, done.stdout


def test_a_folder_that_is_there_is_kept_and_a_bad_name_writes_nothing(tmp_path):
    before = new_model("shops", NewKind.binary, Every.day, tmp_path, date(2026, 3, 2))
    with pytest.raises(BadSettings, match="is there already"):
        new_model("shops", NewKind.binary, Every.day, tmp_path, date(2026, 3, 2))
    with pytest.raises(BadSettings, match="cannot be called 'My Shops'"):
        new_model("My Shops", NewKind.binary, Every.day, tmp_path, date(2026, 3, 2))
    assert [folder.name for folder in tmp_path.iterdir()] == ["shops"]
    assert len(before) == 8


@pytest.mark.parametrize("name", ["class", "import", "lambda"])
def test_a_name_that_no_code_can_import_is_refused_with_the_reason(tmp_path, name):
    with pytest.raises(
        BadSettings, match=f"'{name}': it is a keyword of Python, so no code can import from mod"
    ):
        new_model(name, NewKind.binary, Every.day, tmp_path, date(2026, 3, 2))
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_would_hide_a_module_is_refused(tmp_path):
    (tmp_path / "recording.py").touch()
    with pytest.raises(BadSettings, match=r"Python would import the folder in place of .*recording\.py"):
        new_model("recording", NewKind.binary, Every.day, tmp_path, date(2026, 3, 2))
    assert [path.name for path in tmp_path.iterdir()] == ["recording.py"]


def test_a_word_that_python_takes_as_a_name_too_is_one(tmp_path):
    assert new_model("match", NewKind.binary, Every.day, tmp_path, date(2026, 3, 2))
