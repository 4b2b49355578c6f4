"""The first nights of a model are held to nights that were never scored, read as of their own evenings."""

from dataclasses import replace
from datetime import date, timedelta

import polars as pl
import pytest

from nightjar.adapters.contracts import check
from nightjar.adapters.files.artifacts import FsspecArtifacts
from nightjar.adapters.files.rehearsed import RehearsedFiles
from nightjar.adapters.memory_registry import MemoryRegistry
from nightjar.core.errors.inputs import MissingFeatures
from nightjar.core.errors.night import AuditFailed
from nightjar.core.model.sources import ParquetTable, ReadAtNight
from nightjar.core.model.spec import RawDataset
from nightjar.core.night.clock import as_of, night_of
from nightjar.testing.nights import in_memory
from nightjar.testing.predictors import Formulas
from nightjar.testing.raws import Steady
from nightjar.testing.specs import HAPPENED, PLANNED, toy_spec
from nightjar.testing.versions import champion_of
from nightjar.usecases.scoring import rehearsal
from nightjar.usecases.scoring.rehearsal import NIGHTS, Rehearsal

DAY = date(2013, 6, 15)
KEYS = [f"k{number}" for number in range(100)]
X = pl.col("entity_key").str.slice(1).cast(pl.Float64)
SCANNED = RawDataset(
    name="scanned",
    columns={"key": pl.String(), "day": pl.Date()},
    keys=("key",),
    day_column="day",
    source=ParquetTable(known=ReadAtNight(), url="file:///rows"),
)
TERMS = {"the code": "a"}
BY_X = Formulas(lambda _: X / 200)
SPEC = toy_spec()


class Raw(Steady):
    """Each day has the same keys. `changed` are those of a day. What is read is known on the evening."""

    def __init__(self, first=DAY - timedelta(days=60)):
        self.first, self.changed, self.asked = first, {}, []

    def recorded(self, dataset, days=None):
        every = (self.first + timedelta(days=number) for number in range(90))
        return {day: (as_of(SPEC, day) - timedelta(hours=1),) for day in every}

    def refused(self, dataset):
        return ()

    def read(self, dataset, first, last, known_at=None):
        self.asked.append((first, known_at))
        return pl.DataFrame({"entity_key": self.changed.get(first, KEYS)}).with_columns(date=first)


class Features:
    times = 1.0

    def generations(self, spec):
        return {}

    def reading(self, generations):
        return self

    def retrieve(self, spec, rows):
        return rows.with_columns(x=X * self.times)


@pytest.fixture
def night(tmp_path):
    """night(spec) is the use case; its guard rehearses what it lacks."""

    def made(spec=SPEC, first=DAY - timedelta(days=60), terms=TERMS):
        registry = MemoryRegistry()
        champion_of(registry)
        use_case = in_memory(
            spec=spec,
            raw=Raw(first),
            features=Features(),
            artifacts=FsspecArtifacts(f"file://{tmp_path}"),
            predictors=BY_X,
            registry=registry,
            check=check,
        )
        return replace(
            use_case,
            guard=replace(
                use_case.guard,
                rehearse=Rehearsal(use_case.inputs, RehearsedFiles(tmp_path / "rehearsed"), lambda: terms),
            ),
        )

    return made


def why(use_case, day=DAY):
    with pytest.raises(AuditFailed) as held:
        use_case.run(night_of(SPEC, day))
    return str(held.value)


def test_half_a_population_is_held_on_the_very_first_night_of_a_model(night):
    use_case = night()
    use_case.inputs.raw.changed[DAY] = KEYS[::2]
    assert "rows" in why(use_case)


def test_another_unit_is_held_on_the_second_night(night):
    use_case = night()
    use_case.run(night_of(SPEC, DAY))
    use_case.inputs.features.times = 1.609344  # what was rehearsed is kept
    assert "kilometres for miles" in why(use_case, DAY + timedelta(days=1))


def test_an_ordinary_first_night_is_published(night):
    assert night().run(night_of(SPEC, DAY)).scored == len(KEYS)


def test_each_night_is_read_as_of_its_own_evening(night):
    use_case = night()
    use_case.run(night_of(SPEC, DAY))
    asked = use_case.inputs.raw.asked
    assert all(known_at == as_of(SPEC, day) for day, known_at in asked)
    assert len({day for day, _ in asked}) == NIGHTS + 1


def test_what_is_rehearsed_once_is_not_read_again(night):
    use_case = night()
    use_case.run(night_of(SPEC, DAY))
    use_case.inputs.raw.asked.clear()
    use_case.run(night_of(SPEC, DAY + timedelta(days=1)))
    assert {day for day, _ in use_case.inputs.raw.asked} == {DAY + timedelta(days=1)}


def test_what_other_code_rehearsed_is_read_again(night):
    night().run(night_of(SPEC, DAY))
    upgraded = night(terms={"the code": "b"})
    upgraded.run(night_of(SPEC, DAY))
    assert len({day for day, _ in upgraded.inputs.raw.asked}) == NIGHTS + 1


def test_an_earlier_night_that_lacks_more_gets_all_that_it_lacks(night, tmp_path):
    """A version that comes later first scores a night before which many are published."""
    use_case = night()
    run = use_case.store.run(use_case.run(night_of(SPEC, DAY)).run_id)
    rehearse = Rehearsal(use_case.inputs, RehearsedFiles(tmp_path / "others"), lambda: TERMS)
    for published in (20, 4):
        days = [DAY + timedelta(days=number) for number in range(published)]
        of_day = run.model_copy(update={"score_date": DAY + timedelta(days=published)})
        assert len(rehearse(of_day, days, len(KEYS))) == NIGHTS - published


def test_a_model_that_is_taken_up_again_is_held_to_the_nights_of_its_pause(night):
    use_case = night()
    for before in (53, 52):
        use_case.run(night_of(SPEC, DAY - timedelta(days=before)))
    use_case.inputs.raw.changed |= {DAY - timedelta(days=n): KEYS[::2] for n in range(40)}
    assert use_case.run(night_of(SPEC, DAY)).scored == len(KEYS) / 2, "as the nights of the pause"
    use_case.inputs.raw.changed.pop(DAY + timedelta(days=1), None)
    assert "rows" in why(use_case, DAY + timedelta(days=1)), "as before the pause"


@pytest.mark.parametrize("first", [DAY, DAY - timedelta(days=3)])
def test_without_past_deliveries_little_is_said(night, first):
    use_case = night(first=first)
    use_case.inputs.raw.changed[DAY] = KEYS[::2]
    assert use_case.run(night_of(SPEC, DAY)).scored == len(KEYS) / 2


def test_large_nights_are_not_rehearsed(night, monkeypatch):
    monkeypatch.setattr(rehearsal, "MOST_ROWS", len(KEYS) - 1)
    use_case = night()
    use_case.run(night_of(SPEC, DAY))
    assert {day for day, _ in use_case.inputs.raw.asked} == {DAY}


def test_a_table_that_only_knows_what_it_holds_now_is_not_asked_for_past_evenings(night):
    use_case = night(toy_spec(datasets=(PLANNED, HAPPENED, SCANNED)))
    use_case.run(night_of(SPEC, DAY))
    assert {day for day, _ in use_case.inputs.raw.asked} == {DAY}


def test_past_nights_that_cannot_be_read_hold_no_night(night):
    use_case = night()
    whole = use_case.inputs.features.retrieve

    def retrieve(spec, rows):
        if rows.height > len(KEYS):
            raise MissingFeatures(spec.name, ["x"], "toy")
        return whole(spec, rows)

    use_case.inputs.features.retrieve = retrieve
    assert use_case.run(night_of(SPEC, DAY)).scored == len(KEYS)
