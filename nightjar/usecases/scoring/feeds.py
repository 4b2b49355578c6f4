"""Read what was delivered last for the features of a night: its feeds."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from nightjar.core.inputs.delivered import DAYS, of_delivery
from nightjar.core.inputs.readings import MOST_ROWS, READING
from nightjar.core.model.spec import ModelSpec, RawDataset
from nightjar.core.night.clock import dates_between
from nightjar.core.night.entities import Run
from nightjar.core.night.reach import AHEAD
from nightjar.core.ports.raw import RawStore

BEFORE = timedelta(days=45)
"""So long before a night's as_of a day is looked for."""


def days_near(run: Run) -> tuple[date, ...]:
    """The days among which the newest ones of a feed are looked for."""
    return dates_between((run.as_of - BEFORE).date(), (run.as_of + AHEAD).date())


@dataclass(frozen=True, slots=True)
class Feeds:
    """The datasets that feature tables read and that nothing else looks at.

    The population is audited row by row, and outcomes are checked when they land. Of a table that is scanned
    nothing is delivered.
    """

    spec: ModelSpec
    raw: RawStore

    def readings(self, run: Run) -> pl.DataFrame:
        """The readings of the newest day of each feed that the run could know at its as_of.

        A correction that the run knows counts. Columns: those of READING.
        """
        return pl.concat([pl.DataFrame(schema=READING), *(of for of in self._readings(run))])

    def _readings(self, run: Run) -> Iterator[pl.DataFrame]:
        for dataset in self._watched():
            days = self._known(dataset, run)
            if days and (newest := self._read(dataset, days[-1:], run)):
                few = newest[0].height <= MOST_ROWS
                earlier = self._read(dataset, days[:-1][-(DAYS if few else 1) :], run)
                yield of_delivery(dataset, newest[0], earlier[::-1])

    def _watched(self) -> list[RawDataset]:
        seen = {window.dataset for window in (*self.spec.population_reads, *self.spec.outcome_reads)}
        names = dict.fromkeys(name for table in self.spec.feature_tables for name in table.sources)
        return [each for name in names if name not in seen and (each := self.spec.dataset(name)).delivered]

    def _known(self, dataset: RawDataset, run: Run) -> list[date]:
        """The days of which something was known at the night's as_of, oldest first."""
        return sorted(
            day
            for day, instants in self.raw.recorded(dataset.name, days_near(run)).items()
            if min(instants) <= run.as_of
        )

    def _read(self, dataset: RawDataset, days: list[date], run: Run) -> list[pl.DataFrame]:
        """The rows of each of these days that has any, oldest first."""
        if not days:
            return []
        rows = self.raw.read(dataset, days[0], days[-1], max(run.as_of, run.known_at))
        wanted = rows.filter(pl.col("date").is_in(days))
        return wanted.sort("date", maintain_order=True).partition_by("date")
