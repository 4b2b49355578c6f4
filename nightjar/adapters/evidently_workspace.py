"""A workspace of Evidently: a folder of snapshots that `evidently ui` shows."""

from dataclasses import dataclass
from datetime import datetime, time
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from nightjar.adapters.reports import quiet, sides_of, values
from nightjar.core.model.spec import ModelSpec
from nightjar.core.night.entities import Run


@dataclass(frozen=True)
class EvidentlyWorkspace:
    """The project of a model in the workspace of a folder."""

    folder: Path
    spec: ModelSpec

    def add(self, run: Run, night: pl.DataFrame, reference: pl.DataFrame) -> bool:
        """Add the values of a night and of training. Return False if there is nothing that can be drawn.

        night, reference: the model's inputs and `score`. At most 5,000 rows of each are looked at.
        """
        sides = sides_of(self.spec, night, reference)
        if sides:
            at = datetime.combine(run.score_date, time())
            self._workspace.add_run(self._project.id, values(sides, name_of(run), at))
        return bool(sides)

    def holds(self, run: Run) -> bool:
        return name_of(run) in self._names

    @cached_property
    def _names(self) -> frozenset[str]:
        snapshots = map(self._snapshot, self._workspace.list_runs(self._project.id))
        return frozenset(snapshot.name for snapshot in snapshots if snapshot is not None)

    def _snapshot(self, number: Any) -> Any:
        return self._workspace.get_run(self._project.id, number)

    @cached_property
    def _project(self) -> Any:
        known = self._workspace.search_project(self.spec.name)
        exact = (project for project in known if project.name == self.spec.name)
        return next(exact, None) or self._workspace.create_project(self.spec.name, self.spec.title)

    @cached_property
    def _workspace(self) -> Any:
        with quiet():
            from evidently.ui.workspace import Workspace  # noqa: PLC0415  # seconds

            return Workspace(str(self.folder))


def name_of(run: Run) -> str:
    return f"{run.score_date}, run {run.id}"
