"""Put the metrics by which a walk's champions were judged beside those of the nights that they scored."""

from collections.abc import Iterator
from itertools import groupby

import polars as pl

from nightjar.core.kinds.kind import Kind
from nightjar.core.kinds.metrics import Metrics, Of
from nightjar.core.lifecycle.backtest import WHO, StepDone, Who
from nightjar.core.lifecycle.correlating import Correlation, Judged, correlations
from nightjar.core.model.entities import Version
from nightjar.core.ports.artifacts import Artifacts
from nightjar.usecases.lifecycle.backtest import Walked, scored_by


def foretold(kind: Kind, walked: Walked, artifacts: Artifacts) -> tuple[Correlation, ...]:
    """How well each metric foretold the nights, over the champions of a walk. Raises ArtifactBroken."""
    return correlations(kind.judging, [*_judged(kind, walked, artifacts)])


def _judged(kind: Kind, walked: Walked, artifacts: Artifacts) -> Iterator[Judged]:
    made = {version.number: version for step in walked.steps for version in step.versions}
    for champion, steps in groupby(walked.steps, lambda step: step.champion):
        if champion is not None:
            online = _online(kind, [*steps], artifacts)
            yield Judged(offline=_offline(made[champion]), online=online)


def _offline(version: Version) -> Metrics:
    return {row.metric: row.value for row in version.metrics if row.of is Of.VERSION}


def _online(kind: Kind, steps: list[StepDone], artifacts: Artifacts) -> Metrics:
    rows = scored_by(steps, artifacts).filter(pl.col(WHO) == Who.CHAMPION)
    return kind.measure(rows["score"], rows["outcome"], rows["outputs"])
