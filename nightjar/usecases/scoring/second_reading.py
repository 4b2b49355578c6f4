"""Read the features of sampled rows a second time, from the files of the tables and without the store."""

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from nightjar.core.inputs.findings import Finding
from nightjar.core.inputs.misread import misread
from nightjar.core.model.generations import FIRST, Generations
from nightjar.core.model.spec import ModelSpec
from nightjar.core.night.entities import Run
from nightjar.core.ports.features import FeatureRows


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondReading:
    """It finds what a join gets wrong: other keys, another day, features that were not known yet.

    A table that was built wrong is read the same twice: only its history tells.
    """

    spec: ModelSpec
    tables: FeatureRows

    def findings(self, run: Run, sampled: pl.DataFrame, generations: Generations) -> Iterator[Finding]:
        """sampled: rows with their features, as the run sees them. generations: those that the run reads."""
        for table in self.spec.feature_tables:
            if {*table.keys} <= {*sampled.columns}:
                held = self.tables.recent(
                    table,
                    sampled.select(*table.keys),
                    run.as_of,
                    max(run.as_of, run.known_at),
                    generations.get(table.name, FIRST),
                )
                yield from misread(sampled, table, held)
