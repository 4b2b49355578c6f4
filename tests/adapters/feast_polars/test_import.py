"""What importing the package does to others: nothing. And what `python -O` changes: no answer."""

import inspect
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[3]
RETRIEVE = """
import sys
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
from typeguard import typechecked

def plain(): ...

if sys.flags.optimize and typechecked(plain) is not plain:
    sys.exit("typeguard's decorator does something")

from feast import Entity, FeatureView, Field, FileSource
from feast.types import Int64
from {package} import declared, entity_frame, joining

at = datetime(2024, 1, 10, tzinfo=UTC)
pl.DataFrame({"k": [1], "ts": [at], "v": [7]}).write_parquet("rows.parquet")
fields = [Field(name="k", dtype=Int64), Field(name="v", dtype=Int64)]
source = FileSource(name="rows", path="rows.parquet", timestamp_field="ts")
things = [Entity(name="thing", join_keys=["k"])]
views = FeatureView(name="things", entities=things, schema=fields, source=source)
asked = entity_frame.EntityFrame.of(pl.DataFrame({"k": [1, 2], "event_timestamp": [at, at]}))
of = declared.view_of(views, ["things:v"], full_feature_names=False)
join = joining.PointInTimeJoin([of], asked, Path(), True)
print(
    next(join.frames(None))["v"].to_list(),
    [name for name in sys.modules if name.split(".")[0] in {others}],
)
"""


def test_importing_the_package_leaves_typeguard_as_it_is():
    import typeguard

    import nightjar.adapters.feast_polars

    assert nightjar.adapters.feast_polars.__all__
    assert (inspect.getsourcefile(typeguard.typechecked) or "").endswith("_decorators.py")


def retrieved(package: str, others: set[str], folder: Path, *options: str) -> str:
    program = RETRIEVE.replace("{package}", package).replace("{others}", repr(others))
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(folder), str(PROJECT)])}
    command = [sys.executable, *options, "-W", "ignore", "-c", program]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.chaos  # a process that imports Feast; .importlinter holds the package to what it may import
def test_a_copy_of_the_folder_works_without_the_project_and_without_the_checks_of_typeguard(tmp_path):
    shutil.copytree(PROJECT / "nightjar" / "adapters" / "feast_polars", tmp_path / "elsewhere")
    assert retrieved("elsewhere", {"nightjar"}, tmp_path, "-O") == "[7, None] []"
