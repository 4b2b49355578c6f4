"""Read the features of sampled rows a second time: from the tables, and from what was delivered."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import polars as pl

from nightjar.core.inputs.findings import Finding
from nightjar.core.inputs.misread import misbuilt, misread
from nightjar.core.model.generations import FIRST, Generations
from nightjar.core.model.spec import FeatureTable, ModelSpec
from nightjar.core.night.entities import Run
from nightjar.core.ports.features import FeatureRows
from nightjar.core.ports.raw import RawStore
from nightjar.usecases.scoring.anew import Anew

Computed = Mapping[str, pl.DataFrame]
"""What `Anew.newest` gives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondReading:
    """It finds what a join gets wrong: other keys, another day, features that were not known yet.

    A table with wrong files is read the same twice. anew: computes it once more; None: nothing does.
    """

    spec: ModelSpec
    tables: FeatureRows
    anew: Anew | None = None

    def computed(self, run: Run, raw: RawStore) -> Computed:
        """The newest rows of the tables that can be computed. Raises as `Anew.newest`."""
        return {} if self.anew is None else self.anew.newest(run, raw)

    def findings(
        self, run: Run, sampled: pl.DataFrame, generations: Generations, computed: Computed
    ) -> Iterator[Finding]:
        """sampled: rows with their features, as the run sees them. generations: those that the run reads.

        The files of a table are read if it cannot be computed, and to tell if they or the join are wrong.
        """
        for table in self.spec.feature_tables:
            if {*table.keys} <= {*sampled.columns}:
                anew = computed.get(table.name)
                wrong = [] if anew is None else [*misbuilt(sampled, table, anew)]
                if wrong and self.anew is not None and not self.anew.made_by_this_code(table, generations):
                    anew, wrong = None, []
                if anew is None or wrong:
                    held = self._held(table, run, sampled, generations)
                    yield from [*misread(sampled, table, held)] or wrong

    def _held(
        self, table: FeatureTable, run: Run, sampled: pl.DataFrame, generations: Generations
    ) -> pl.DataFrame:
        known_at, generation = max(run.as_of, run.known_at), generations.get(table.name, FIRST)
        return self.tables.recent(table, sampled.select(*table.keys), run.as_of, known_at, generation)
