"""Score one part of a night: its features, contract, scores and receipt.

A worker needs only the part job and its own wiring.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

import polars as pl
import structlog
from structlog.contextvars import bound_contextvars

from nightjar.core.errors.night import ClaimLost
from nightjar.core.lifecycle.arms import with_arms
from nightjar.core.night.entities import Part, PartJob, Receipt, Run
from nightjar.core.night.repair import split_carried
from nightjar.core.ports.going_on import GoOn, unasked
from nightjar.core.ports.nights import NightStore
from nightjar.core.ports.stages import Meter, Stages, unmetered
from nightjar.usecases.scoring.inputs import NightInputs
from nightjar.usecases.scoring.snapshot import part_of

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ScorePart:
    """Carries out part jobs. Idempotent: a stored part is left unchanged, and its receipt is returned.

    inputs: gives the inputs of a model's nights, by the model's name. go_on is called before each job.
    meter: measures the stages of each part.
    """

    inputs: Callable[[str], NightInputs]
    store: NightStore
    go_on: GoOn = unasked
    meter: Meter = unmetered

    def __call__(self, job: PartJob) -> Receipt:
        """Score and store the part. Memory is bounded by its rows.

        Raises Stopped, ContractBroken, MissingFeatures, ArtifactBroken, StoreUnavailable. Raises ClaimLost if
        the run is no longer the one that the job was made for.
        """
        self.go_on()
        run = self.store.run(job.run_id)
        if run.claim != job.claim:
            raise ClaimLost(run.model, run.score_date, run.id)
        with (
            bound_contextvars(model=run.model, score_date=str(run.score_date), run=run.id, part=job.part),
            self.meter(run, job.part) as stages,
        ):
            return self._stored(run, part_of(run, job.part), self.inputs(run.model), stages)

    def _stored(self, run: Run, part: Part, inputs: NightInputs, stages: Stages) -> Receipt:
        started = time.monotonic()
        with stages("snapshot") as tell:
            stored = inputs.part(run, part)
            kept, fresh = split_carried(stored)
            tell(rows=part.rows, size=int(stored.estimated_size()))
        with stages("retrieval") as tell:
            rows = inputs.with_features(fresh, run)
            tell(rows=rows.height, size=int(rows.estimated_size()))
        with stages("contract") as tell:
            checked = inputs.check(inputs.spec, rows)
            tell(rows=rows.height, quarantined=checked.quarantined.height)
        scores = pl.concat([with_arms(run, kept), inputs.scores(run, checked.valid, stages)])
        receipt = self.store.write_part(run, part, scores, checked.quarantined, stages)
        counts = receipt.model_dump(include={"rows", "scored", "quarantined"})
        log.info("part_scored", **counts, kept=kept.height, seconds=round(time.monotonic() - started, 2))
        return receipt
