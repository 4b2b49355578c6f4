"""A night says what each of its stages took, and a part says it once."""

from datetime import UTC, date, datetime

import pandera.polars as pa
import polars as pl
import pytest

from nightjar.adapters.contracts import check
from nightjar.adapters.files.artifacts import FsspecArtifacts
from nightjar.adapters.memory_registry import MemoryRegistry
from nightjar.adapters.telemetry.meter import ProcessMeter
from nightjar.core.errors.database import StoreUnavailable
from nightjar.core.errors.night import AuditFailed
from nightjar.core.night.entities import Night
from nightjar.core.night.stages import IN_ORDER
from nightjar.testing.memory import MemoryStages
from nightjar.testing.nights import changed, in_memory, with_parts
from nightjar.testing.predictors import Formulas
from nightjar.testing.raws import Steady
from nightjar.testing.specs import toy_spec
from nightjar.testing.versions import champion_of, registered
from nightjar.usecases.monitoring.follow_up import metered

DAY = date(2013, 6, 15)
NIGHT = Night(model="toy", score_date=DAY, as_of=datetime(2013, 6, 15, 1, tzinfo=UTC))
WHY = "one row of ten is broken"
PART = ["snapshot", "retrieval", "contract", "predict", "write"]


class World(Steady):
    def recorded(self, dataset):
        return {}

    def read(self, dataset, first, last, known_at=None):
        return pl.DataFrame({"entity_key": [f"k{n}" for n in range(10)]})

    def generations(self, spec):
        return {}

    def reading(self, generations):
        return self

    def retrieve(self, spec, entities):
        numbers = pl.col("entity_key").str.slice(1).cast(pl.Float64)
        return entities.with_columns(x=pl.when(numbers == 9).then(None).otherwise(numbers))


def contract():
    return pa.DataFrameSchema({"entity_key": pa.Column(pl.String), "x": pa.Column(pl.Float64)})


@pytest.fixture
def registry():
    registry = MemoryRegistry()
    champion_of(registry)
    return registry


@pytest.fixture
def night(tmp_path, registry):
    night = in_memory(
        spec=toy_spec(contract=contract),
        raw=World(),
        features=World(),
        artifacts=FsspecArtifacts(f"file://{tmp_path}"),
        predictors=Formulas(lambda version: pl.col("x") / 100),
        registry=registry,
        check=check,
    )
    return changed(night, meter=ProcessMeter(keep=(MemoryStages(night.store).record,)))


def stages(night, run_id):
    """(part, stage, role) -> the stage."""
    return {(part, stage.stage, stage.role): stage for part, stage in night.store.stages(run_id)}


def test_a_night_has_every_stage_of_each_part_and_of_the_whole(night):
    run_id = night.run(NIGHT, accept=WHY).run_id
    found = stages(night, run_id)
    whole = [stage for part, stage, _ in found if part is None]
    assert sorted(whole, key=IN_ORDER.index) == [
        "readiness",
        "population",
        "snapshot",
        "draw",
        "audit",
        "publish",
    ]
    for part in range(3):
        assert [stage for of, stage, _ in found if of == part] == PART
    assert {stage for _, stage, _ in found} <= set(IN_ORDER)
    assert not any(stage.error or stage.retries for stage in found.values())


def test_rows_and_quarantine_of_the_stages_add_up_to_the_night(night):
    summary = night.run(NIGHT, accept=WHY)
    every = night.store.stages(summary.run_id)
    of_parts = [(stage.stage, stage) for part, stage in every if part is not None]
    for name in ("snapshot", "retrieval", "contract", "write"):
        assert sum(stage.rows for each, stage in of_parts if each == name) == 10
    assert sum(stage.quarantined for each, stage in of_parts if each == "write") == summary.quarantined
    assert sum(stage.rows for each, stage in of_parts if each == "predict") == summary.scored
    assert all(stage.size for each, stage in of_parts if each in {"snapshot", "retrieval", "write"})


def test_champion_and_challenger_are_told_apart(night, registry):
    registry.promote(registered(registry), "challenger", "it is new")
    found = stages(night, night.run(NIGHT, accept=WHY).run_id)
    assert {role for part, stage, role in found if stage == "predict"} == {"champion", "challenger"}


def test_a_part_that_failed_leaves_no_stage_and_its_retry_says_so(night):
    def fails_first(work, jobs):
        with pytest.raises(StoreUnavailable):
            unwilling(jobs[0])
        return [work(job) for job in jobs]

    class Unwilling:
        def __getattr__(self, name):
            return getattr(night.store, name)

        def write_part(self, *given):
            with given[-1]("write"):
                raise StoreUnavailable("the database", "it is gone")

    unwilling = changed(night, store=Unwilling()).executor.work
    run_id = with_parts(night, fails_first).run(NIGHT, accept=WHY).run_id
    found = stages(night, run_id)
    assert len([part for part, *_ in found if part == 0]) == len(PART)
    assert (found[0, "write", ""].retries, found[1, "write", ""].retries) == (1, 0)


def test_a_night_that_is_held_back_keeps_what_it_took_and_which_stage_ended_it(night):
    def loses_rows(receipts):
        return receipts[:-1]

    class Short:
        def __getattr__(self, name):
            return getattr(night.store, name)

        def receipts(self, run):
            found = night.store.receipts(run)
            return loses_rows(found)

    with pytest.raises(AuditFailed):
        changed(night, store=Short()).run(NIGHT)
    (run,) = night.store.runs("toy")
    found = stages(night, run.id)
    assert found[None, "audit", ""].error == "AuditFailed"
    assert (None, "publish", "") not in found


def test_what_follows_a_publication_is_a_stage_of_its_name(night):
    run = night.store.run(night.run(NIGHT, accept=WHY).run_id)
    step = metered(lambda name, run, work: work(), night.meter)
    step("drift", run, lambda: None)
    assert (None, "drift", "") in stages(night, run.id)
