"""How a night differs from its comparable nights: read it, keep what was read, and compare."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl
import structlog

from nightjar.core.comparison.comparable import RECENT, Comparables, comparables, lacking, months_before
from nightjar.core.inputs.again import repeated
from nightjar.core.inputs.findings import Finding
from nightjar.core.inputs.ordinary_readings import LEAST_NIGHTS, RATE, unusual
from nightjar.core.inputs.readings import COUNTED, EARLIER, columns_by_date, readings, same_by_chance
from nightjar.core.inputs.rules import MOVED
from nightjar.core.model.occasions import occasions_between, oldest_of
from nightjar.core.model.spec import ModelSpec
from nightjar.core.night.entities import Run
from nightjar.core.ports.readings import Readings
from nightjar.core.ports.rehearsal import Rehearse, Rehearsed, unrehearsed
from nightjar.core.retyped import beside

log = structlog.get_logger(__name__)

DAY = timedelta(days=1)
MOST_NIGHTS = 100
"""Comparable nights are looked for among so many published nights before: a quarter of a daily model."""
LASTING = 3
"""If a person accepted so many nights in a row, the world has changed: accepted nights are then ordinary."""


@dataclass(frozen=True, slots=True)
class Earlier:
    """What is kept of the nights before a night.

    samples: newest first. comparable, read: the nights that it should look like, and the readings of those
    that have some. last: the newest night before; None: there is none.
    """

    samples: Sequence[pl.DataFrame]
    comparable: Comparables
    read: Mapping[date, pl.DataFrame]
    last: date | None
    months: Sequence[date] = ()


@dataclass(frozen=True, slots=True)
class Unlike:
    """rehearse: reads the nights before the published ones, where there are few of these since a pause."""

    spec: ModelSpec
    kept: Readings
    rehearse: Rehearse = unrehearsed

    def earlier(self, run: Run, counted: pl.DataFrame) -> Earlier:
        """What the night of a run is compared with. counted: the `counts` of all rows that can be scored."""
        published = self.kept.published(run.model, run.score_date, MOST_NIGHTS)
        before = self.rehearse(run, published, _rows(counted))
        nights = self._comparables(run, {**published, **dict.fromkeys(before, False)})
        months = months_before(run.score_date, {*published, *before})
        wanted = {*nights.every, *nights.quarter, *months}
        return Earlier(
            samples=self._samples(run, nights, before),
            comparable=nights,
            read={
                **{night: each.readings for night, each in before.items() if night in wanted},
                **self.kept.of_nights(run.model, wanted - before.keys()),
            },
            last=max((*published, *before), default=None),
            months=months,
        )

    def findings(
        self,
        run: Run,
        counted: pl.DataFrame,
        sample: pl.DataFrame,
        earlier: Earlier,
        gaps: Mapping[str, str] | None = None,
    ) -> tuple[Finding, ...]:
        """Keep the readings of a run, and return what its comparable nights do not explain.

        Nothing is found if fewer than LEAST_NIGHTS of them are of the last RECENT occasions.
        counted: the `counts` of all rows that can be scored. sample: the rows whose entities are compared,
        with their inputs, `score` and `entity`. gaps: as in `unusual`.
        """
        if sample.is_empty():
            return ()
        samples = [beside(sample, each) for each in earlier.samples]
        now = pl.concat([readings(sample, self.spec, samples), counted])
        self.kept.record(run, _ordinary(now, gaps or {}), sample)
        nights, read = earlier.comparable, earlier.read
        since = oldest_of(self.spec, run.score_date, RECENT)
        recent = sum(night >= since for night in nights.every if night in read)
        if recent < LEAST_NIGHTS or earlier.last is None:
            log.info("readings_not_compared", recent_nights=recent, needed=LEAST_NIGHTS)
            return ()
        since_last = occasions_between(self.spec, earlier.last, run.score_date)
        missed = [day for day in since_last if earlier.last < day < run.score_date]
        near = [read[night] for night in nights.every if night in read]
        alike = [read[night] for night in nights.alike if night in read]
        return (
            *unusual(
                now,
                near,
                alike,
                holiday=nights.holiday,
                steady=self.spec.without_holidays,
                apart=1 + len(missed),
                unseen=self._unseen(run, missed),
                gaps=gaps,
                months=[read[night] for night in earlier.months if night in read],
                by_date=columns_by_date(run.score_date, now, read),
            ),
            *repeated(now, read, RATE, by_chance=same_by_chance(now, read.values())),
        )

    def _samples(
        self, run: Run, nights: Comparables, before: Mapping[date, Rehearsed]
    ) -> Sequence[pl.DataFrame]:
        """The sampled rows of the last EARLIER nights, newest first.

        If they lack the night's weekday (`lacking`), its newest night stands for the oldest of them.
        """
        published = self.kept.samples(run.model, run.score_date, EARLIER)
        known = {**published, **{night: each.sample for night, each in before.items()}}
        week = sorted(known, reverse=True)[:EARLIER]
        alike = lacking(run.score_date, week, nights.alike) if len(week) == EARLIER else None
        if alike is not None:
            if alike not in before:
                known |= self.kept.samples(run.model, alike + DAY, 1)
            if alike in known and not known[alike].is_empty():
                week[-1] = alike
        return [known[night] for night in week]

    def _unseen(self, run: Run, missed: Sequence[date]) -> Mapping[str, int]:
        """Feature -> how many of these occasions are among the days that its values carry."""
        return {
            name: sum((run.score_date - day).days <= table.lookback_days for day in missed)
            for table in self.spec.feature_tables
            for name in table.features
        }

    def _comparables(self, run: Run, published: Mapping[date, bool]) -> Comparables:
        """published: the nights before, newest first, and which of them a person accepted."""
        lasting = all(list(published.values())[:LASTING])
        odd = [] if lasting else [night for night, accepted in published.items() if accepted]
        return comparables(run.score_date, published, is_holiday=self.spec.is_holiday, odd=odd)


def _ordinary(now: pl.DataFrame, gaps: Collection[str]) -> pl.DataFrame:
    """What later nights are compared with: they do not learn how a column moves when a gap comes or goes."""
    return now.filter(~(pl.col("column").is_in([*gaps]) & pl.col("name").is_in(MOVED))) if gaps else now


def _rows(counted: pl.DataFrame) -> int:
    """The rows of the whole night."""
    return int(counted.filter(name=COUNTED, column="", slice="")["value"].sum())
