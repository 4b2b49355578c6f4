"""What a night asks of Postgres: a fixed number of statements, and a few for each part. None is counted in
seconds.
"""

from datetime import UTC, date, datetime

import polars as pl
import pytest

from nightjar.adapters.contracts import check
from nightjar.adapters.files.artifacts import FsspecArtifacts
from nightjar.core.night.entities import Night
from nightjar.testing.counting import counted
from nightjar.testing.memory import MemoryFeatureFiles
from nightjar.testing.nights import score_night
from nightjar.testing.predictors import Formulas
from nightjar.testing.raws import Steady
from nightjar.testing.specs import toy_spec
from nightjar.testing.versions import champion_of
from nightjar.usecases.scoring.guard import NightGuard

NIGHT = Night(model="toy", score_date=date(2013, 6, 15), as_of=datetime(2013, 6, 15, 1, tzinfo=UTC))
A_NIGHT, A_PART = 41, 6
"""Statements at most. Lower them when you have saved some; raise them only with a reason.

One of a part says how long it may stand still: a frozen process would keep the part from all others.
"""


class Raw(Steady):
    def __init__(self, rows):
        self.rows = rows

    def refused(self, dataset):
        return ()

    def recorded(self, dataset):
        return {}

    def read(self, dataset, first, last, known_at=None):
        return pl.DataFrame({"entity_key": [f"k{n:06}" for n in range(self.rows)]})


class Features:
    def generations(self, spec):
        return {}

    def reading(self, generations):
        return self

    def retrieve(self, spec, entities):
        return entities.with_columns(x=pl.col("entity_key").str.len_chars().cast(pl.Float64))


@pytest.fixture
def work_of(on_postgres, tmp_path):
    """work_of(rows) counts a new revision of the night with so many rows, and tells its parts."""
    spec = toy_spec()
    champion_of(on_postgres.registry)

    def work(rows):
        night = score_night(
            store=on_postgres.store,
            guard=NightGuard(
                spec=spec,
                files=MemoryFeatureFiles(),
                profiles=on_postgres.profiles,
                readings=on_postgres.readings,
            ),
            spec=spec,
            raw=Raw(rows),
            features=Features(),
            artifacts=FsspecArtifacts(f"file://{tmp_path}"),
            predictors=Formulas(lambda version: (pl.col("entity_key").hash(seed=1) % 10_000) / 20_000),
            registry=on_postgres.registry,
            check=check,
        )
        with counted() as counts:
            parts = night.run(NIGHT, force=True, accept="a test").parts
        return counts, parts

    work(1)  # the first opens connections
    return work


def test_a_night_asks_a_fixed_number_of_statements_and_a_few_for_each_part(work_of):
    few, parts = work_of(8)
    many, more_parts = work_of(40)
    assert more_parts >= parts + 5
    per_part = (len(many.statements) - len(few.statements)) / (more_parts - parts)
    assert per_part <= A_PART
    assert len(few.statements) - per_part * parts <= A_NIGHT
    assert (many.commits - few.commits) == more_parts - parts, "a part is one transaction that writes"


def test_rows_of_a_part_cost_bytes_and_no_statements(work_of):
    few, parts = work_of(3)
    more, same_parts = work_of(4)
    assert (parts, len(few.statements)) == (same_parts, len(more.statements))
    each = more.copied_bytes - few.copied_bytes
    assert 0 < each <= 120, "bytes that are copied for a row"
