"""Gather in what two versions differ."""

from dataclasses import dataclass
from datetime import date

import polars as pl

from nightjar.core.errors.night import NotPublished
from nightjar.core.lifecycle.differing import (
    ScoreDifference,
    VersionDifference,
    beside,
    changes,
    code_of,
    data_of,
    metrics_of,
    parameters_of,
    score_difference,
    slices_of,
)
from nightjar.core.model.entities import Version
from nightjar.core.model.record import Surroundings
from nightjar.core.night.entities import Run
from nightjar.core.night.repair import split_carried
from nightjar.core.ports.nights import NightReader
from nightjar.usecases.lifecycle.documents import read_evidence
from nightjar.usecases.scoring.inputs import NightInputs
from nightjar.usecases.scoring.scorers import version_of
from nightjar.usecases.scoring.snapshot import fixed, part_of


def changed_since(version: Version, commit: str, now: Surroundings) -> tuple[str, ...]:
    """What is another than when a version was trained: code, features, libraries, threads. In words.

    A pool of threads that is not there now is that of a library which is not loaded: it says nothing.
    """
    made = {"commit": commit, **now.model_dump(mode="json")}
    then = code_of(version)
    known = {name: value for name, value in made.items() if name in then}
    return tuple(
        f"{one.what} was {one.first or 'not there'} and is {one.second or 'gone'}"
        for one in changes(then, known)
        if one.second is not None or not one.what.startswith("threads.")
    )


@dataclass(frozen=True, slots=True)
class Differences:
    inputs: NightInputs
    store: NightReader

    def between(self, first: int, second: int, score_date: date | None = None) -> VersionDifference:
        """How two versions differ.

        score_date: a published night, whose rows both score; None: the latest that is published, if any is.
        Raises NoVersion, NotPublished, ArtifactBroken, MissingFeatures.
        """
        registry, model = self.inputs.registry, self.inputs.spec.name
        a, b = (version_of(registry, model, number) for number in (first, second))
        datasets = {dataset.id: dataset for dataset in registry.datasets(model)}
        data = [data_of(version, datasets[version.dataset_id]) for version in (a, b)]
        slices = [slices_of(read_evidence(version, self.inputs.artifacts)) for version in (a, b)]
        run = self._night(score_date)
        return VersionDifference(
            model=model,
            first=first,
            second=second,
            data=changes(*data),
            parameters=changes(parameters_of(a), parameters_of(b)),
            code=changes(code_of(a), code_of(b)),
            metrics=beside(metrics_of(a), metrics_of(b)),
            slices=beside(*slices),
            scores=None if run is None else self._scores(run, a, b),
        )

    def _night(self, score_date: date | None) -> Run | None:
        model = self.inputs.spec.name
        if score_date is not None:
            shown = self.store.publication(model, score_date)
            if shown is None:
                raise NotPublished(model, score_date)
            return self.store.run(shown.run_id)
        published = self.store.published(model)
        return self.store.run(published[-1].run_id) if published else None

    def _scores(self, run: Run, a: Version, b: Version) -> ScoreDifference | None:
        """Both score the rows of a run by the same inputs. Rows that a repair carried are left out."""
        scored = [self._part(run, number, a, b) for number in range(fixed(run).parts)]
        return score_difference(run.id, run.score_date, pl.concat(scored))

    def _part(self, run: Run, number: int, a: Version, b: Version) -> pl.DataFrame:
        _, fresh = split_carried(self.inputs.part(run, part_of(run, number)))
        rows = self.inputs.check(self.inputs.spec, self.inputs.with_features(fresh, run)).valid
        scores = [self.inputs.scorer.given(version, rows)["score"] for version in (a, b)]
        return rows.select("entity_key", first=scores[0], second=scores[1])
