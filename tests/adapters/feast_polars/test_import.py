"""What importing the package does to others: nothing. And what `python -O` changes: no answer."""

import inspect
import os
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).parents[3]
RETRIEVE = """
import sys
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
from typeguard import typechecked

def plain(): ...

if typechecked(plain) is not plain or sys.flags.optimize != 1:
    sys.exit("typeguard's decorator does something")

from feast import Entity, FeatureView, Field, FileSource
from feast.types import Int64
from nightjar.adapters.feast_polars import entity_frame, joining, view

at = datetime(2024, 1, 10, tzinfo=UTC)
pl.DataFrame({"k": [1], "ts": [at], "v": [7]}).write_parquet("rows.parquet")
fields = [Field(name="k", dtype=Int64), Field(name="v", dtype=Int64)]
source = FileSource(name="rows", path="rows.parquet", timestamp_field="ts")
views = FeatureView(name="things", entities=[Entity(name="thing", join_keys=["k"])], schema=fields, source=source)
asked = entity_frame.EntityFrame.of(pl.DataFrame({"k": [1, 2], "event_timestamp": [at, at]}))
join = joining.PointInTimeJoin([view.View.of(views, ["things:v"], full_feature_names=False)], asked, Path(), True)
print(next(join.frames(None))["v"].to_list())
"""


def test_importing_the_package_leaves_typeguard_as_it_is():
    import typeguard

    import nightjar.adapters.feast_polars

    assert nightjar.adapters.feast_polars.__all__
    assert (inspect.getsourcefile(typeguard.typechecked) or "").endswith("_decorators.py")


def test_under_optimisation_typeguard_does_nothing_and_answers_stay(tmp_path):
    environment = os.environ | {"PYTHONPATH": str(PROJECT)}
    command = [sys.executable, "-O", "-W", "ignore", "-c", RETRIEVE]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[7, None]"
