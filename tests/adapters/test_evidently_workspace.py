"""Evidently's own UI finds each night once in its workspace, under the project of its model."""

from datetime import UTC, date, datetime

import polars as pl
import pytest

from nightjar.adapters.evidently_workspace import EvidentlyWorkspace
from nightjar.adapters.reports import quiet
from nightjar.core.night.entities import Run, RunState
from nightjar.testing.specs import toy_spec

SPEC = toy_spec(numeric=("wind",))
AS_OF = datetime(2013, 9, 2, 1, tzinfo=UTC)
NIGHT = pl.DataFrame({"entity_key": ["a", "b"], "wind": [1.0, 2.0], "score": [0.1, 0.2]})


def run_of(number: int) -> Run:
    return Run(
        id=number,
        model="toy",
        score_date=date(2013, 9, number),
        revision=1,
        attempt=1,
        state=RunState.PUBLISHED,
        as_of=AS_OF,
        known_at=AS_OF,
        version_id=3,
    )


@pytest.mark.filterwarnings("ignore")  # Evidently's own
def test_nights_are_added_once_whichever_process_adds_them(tmp_path):
    first = EvidentlyWorkspace(tmp_path, SPEC)
    assert not first.holds(run_of(1))
    assert first.add(run_of(1), NIGHT, NIGHT)
    again = EvidentlyWorkspace(tmp_path, SPEC)
    assert (again.holds(run_of(1)), again.holds(run_of(2))) == (True, False)
    assert again.add(run_of(2), NIGHT, NIGHT)
    assert not again.add(run_of(3), NIGHT.select("entity_key"), NIGHT), "nothing can be drawn"
    with quiet():
        from evidently.ui.workspace import Workspace

        (project,) = Workspace(str(tmp_path)).list_projects()
        assert (project.name, len(project._workspace.list_runs(project.id))) == ("toy", 2)
