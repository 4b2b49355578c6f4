"""Explain one row of a published night: its inputs, what each added, and where each came from."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from typing import Any

import polars as pl

from nightjar.core.entity_keys import on_night
from nightjar.core.errors.night import NoSuchRow, NothingPublished
from nightjar.core.explaining.contributions import BASE, Unexplained
from nightjar.core.explaining.reasons import strongest
from nightjar.core.explaining.row import Added, Neighbour, RowExplained, Shown, VersionTold
from nightjar.core.model.entities import Version
from nightjar.core.model.explain import Explain, spelled
from nightjar.core.night.entities import Run
from nightjar.core.ports.nights import NightReader
from nightjar.usecases.explaining.lineage import Lineage
from nightjar.usecases.explaining.night import ExplainNight

NIGHTS = 3
"""How many published nights are told before the row's night, and how many after it."""
PLAIN = Explain(highest=1)
"""The words of a model whose spec has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainRow:
    """What analysts see of a row, and why. It only reads."""

    night: ExplainNight
    store: NightReader
    lineage: Lineage

    def __call__(self, score_date: date, entity_key: str) -> RowExplained:
        """Raises NothingPublished, NoSuchRow, StoreUnavailable, ArtifactBroken."""
        run = self._run(score_date)
        row, scored = self._row(run, entity_key), self._scored(run, entity_key)
        version, spec = self._version(run, scored), self.night.inputs.spec
        rows = self.night.inputs.with_features(row, run)
        told, unexplained = self._contributions(version, rows) if scored else (None, None)
        facts = row.row(0, named=True)
        return RowExplained(
            model=spec.name,
            score_date=score_date,
            entity_key=entity_key,
            standing="scored" if scored else "quarantined",
            run_id=run.id,
            revision=run.revision,
            scored_by_run=facts.get("carried_from") or run.id,
            as_of=run.as_of,
            known_at=run.known_at,
            score=scored["score"] if scored else None,
            outputs=dict(zip(version.outputs, (scored or {}).get("outputs") or (), strict=False)),
            version=self._told(version),
            base_value=None if told is None else told[BASE],
            raw_score=None if told is None else sum(told.values()),
            unexplained=unexplained,
            broken=() if scored else self._broken(run, entity_key),
            inputs=tuple(self._added(rows.row(0, named=True), told)),
            publications=tuple(self._publications(run, entity_key)),
            neighbours=tuple(self._neighbours(run, entity_key)),
            population=tuple(self.lineage.population(run, facts)),
            features=tuple(self.lineage.features(run, facts)),
            features_from=None
            if spec.features is None
            else f"{spec.features.service} of {spec.features.repo}",
        )

    def _run(self, score_date: date) -> Run:
        model = self.night.inputs.spec.name
        publication = self.store.publication(model, score_date)
        if publication is None:
            runs = self.store.runs_of(model, score_date)
            raise NothingPublished(model, score_date, runs[-1].state if runs else None)
        return self.store.run(publication.run_id)

    def _row(self, run: Run, key: str) -> pl.DataFrame:
        """The row of the population: the first one with this key."""
        found = self.night.inputs.rows_of(run, pl.Series([key]))
        if found.is_empty():
            population = self.night.inputs.snapshot(run)
            near = get_close_matches(key, population["entity_key"].drop_nulls().to_list())
            raise NoSuchRow(run.model, run.score_date, key, near)
        return found[:1]

    def _scored(self, run: Run, key: str) -> Mapping[str, Any] | None:
        return next(self.store.scores_for(run, pl.Series([key])).iter_rows(named=True), None)

    def _broken(self, run: Run, key: str) -> tuple[Mapping[str, Any], ...]:
        aside = self.store.quarantined(run).filter(pl.col("entity_key") == key)["reasons"]
        return tuple(reason for reasons in aside for reason in json.loads(reasons))

    def _version(self, run: Run, scored: Mapping[str, Any] | None) -> Version:
        """The version that serves a row of a run."""
        return self.night.version_of(run, None if scored is None else scored["arm"])

    def _told(self, version: Version) -> VersionTold:
        known = self.night.inputs.registry.datasets(version.model)
        dataset = next(dataset for dataset in known if dataset.id == version.dataset_id)
        return VersionTold(
            **version.model_dump(include={"number", "algorithm", "trained_through", "refit_of"}),
            trained_from=dataset.first_date,
            rows=dataset.rows,
        )

    def _contributions(
        self, version: Version, rows: pl.DataFrame
    ) -> tuple[Mapping[str, float] | None, str | None]:
        """Of each input and BASE; or why there are none."""
        try:
            return self.night.contributions_by(version)(rows).row(0, named=True), None
        except Unexplained as why:
            return None, str(why)

    def _added(self, row: Mapping[str, Any], told: Mapping[str, float] | None) -> Iterator[Added]:
        """The inputs, the strongest first; those that added nothing come last, in the order of the spec."""
        spec = self.night.inputs.spec
        added = {name: (told or {}).get(name) for name in spec.inputs}
        first = strongest([contribution or 0.0 for contribution in added.values()])
        order = [*first, *(place for place in range(len(added)) if place not in first)]
        for name in (spec.inputs[place] for place in order):
            words = (spec.explain or PLAIN).told(name, row.get(name))
            yield Added(input=name, value=spelled(row.get(name)), contribution=added[name], words=words)

    def _publications(self, run: Run, key: str) -> Iterator[Shown]:
        """What was published of the night, oldest first."""
        for publication in self.store.publications_of(run.model, run.score_date):
            shown = self.store.run(publication.run_id)
            scored = self._scored(shown, key)
            yield Shown(
                **publication.model_dump(include={"published_at", "action", "reason", "run_id"}),
                revision=shown.revision,
                version=self._version(shown, scored).number,
                score=None if scored is None else scored["score"],
            )

    def _neighbours(self, run: Run, key: str) -> Iterator[Neighbour]:
        """The entity on the published nights around. A key that holds the score date holds theirs there."""
        published = self.store.published(run.model)
        place = next(n for n, night in enumerate(published) if night.score_date == run.score_date)
        around = (*published[max(place - NIGHTS, 0) : place], *published[place + 1 : place + 1 + NIGHTS])
        for night in around:
            other = self.store.run(night.run_id)
            keys = on_night(key, run.score_date, night.score_date)
            if (found := next(filter(None, (self._scored(other, each) for each in keys)), None)) is not None:
                yield Neighbour(
                    score_date=night.score_date,
                    entity_key=found["entity_key"],
                    score=found["score"],
                    version=self._version(other, found).number,
                )
