"""Many nights through shipped in-memory stores: order and threads change nothing that is published, and
what fails stays by itself.
"""

import threading
from contextlib import nullcontext
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightjar.adapters.contracts import Checked
from nightjar.adapters.files.artifacts import FsspecArtifacts
from nightjar.adapters.memory_registry import MemoryRegistry
from nightjar.core.errors.database import StoreUnavailable
from nightjar.core.errors.machine import OutOfMemory, StorageRefused, told_of
from nightjar.core.errors.model import NoHonestChampion
from nightjar.core.errors.night import AuditFailed, NightBusy, Stopped
from nightjar.core.errors.settings import BadSettings
from nightjar.core.lifecycle.promotion import require_gates
from nightjar.core.night.clock import night_of
from nightjar.core.night.plan import Planned
from nightjar.core.night.reprocess import Order, Reprocess
from nightjar.testing.memory import MemoryGoOn
from nightjar.testing.nights import changed, in_memory, in_turn, on, with_parts
from nightjar.testing.predictors import Formulas
from nightjar.testing.raws import Steady
from nightjar.testing.specs import toy_spec
from nightjar.testing.versions import champion_of, toy_candidate
from nightjar.usecases.scoring.backfill import Backfill, missed_nights, planned_nights
from nightjar.usecases.scoring.patience import ATTEMPTS
from nightjar.usecases.scoring.scorers import by_then, named_or

DAYS = [date(2013, 6, 15) + timedelta(days=n) for n in range(6)]
KEYS = [f"k{n}" for n in range(10)]
BY_KEY = Formulas(lambda version: (pl.col("entity_key").hash(seed=1) % 10_000) / 20_000)
GONE = StoreUnavailable("the database", "it is gone")


class Raw(Steady):
    """Another population each day, the same each time."""

    def read(self, dataset, first, last, known_at=None):
        return pl.DataFrame({"entity_key": [f"{key}-{first}" for key in KEYS]})


class Features:
    def retrieve(self, spec, entities):
        return entities.with_columns(x=0.0)


def check(spec, frame):
    return Checked(
        valid=frame,
        quarantined=pl.DataFrame(schema=dict.fromkeys(("entity_key", "reasons", "row"), pl.String)),
    )


def scoring(folder):
    registry, spec = MemoryRegistry(), toy_spec(catch_up=3)
    champion_of(registry)
    return in_memory(
        spec=spec,
        raw=Raw(),
        features=Features(),
        artifacts=FsspecArtifacts(f"file://{folder}"),
        predictors=BY_KEY,
        registry=registry,
        check=check,
    )


@pytest.fixture
def night(tmp_path):
    return scoring(tmp_path)


@dataclass
class Faults:
    """How the parts of each date's night fail: the errors of its attempts, in turn; after them it
    succeeds.
    """

    errors: dict
    tried: list = field(default_factory=list)
    parts: object = None

    def of(self, night):
        self.parts = night.executor
        return on(night, self)

    def run(self, night, jobs):
        self.tried.append(night.score_date)
        if self.errors.get(night.score_date):
            raise self.errors[night.score_date].pop(0)
        return self.parts.run(night, jobs)


def every(days=DAYS):
    return [Planned(score_date=day) for day in days]


def planned(night, reprocess=Reprocess.FAILED, order=Order.OLDEST):
    return planned_nights(night.store, night.inputs.spec, DAYS[0], DAYS[-1], reprocess, order)


def published(night):
    """What analysts see: the scores of each published night."""
    seen = {
        row.score_date: night.store.published_scores(night.store.run(row.run_id))
        for row in night.store.published("toy")
    }
    return {
        day: tuple(zip(scores["entity_key"], scores["score"], strict=True)) for day, scores in seen.items()
    }


@settings(max_examples=15)
@given(
    before=st.lists(st.sampled_from(DAYS)),
    interrupted=st.lists(st.sampled_from(DAYS)),
    reprocess=st.sampled_from([Reprocess.FAILED, Reprocess.ALL]),
    order=st.sampled_from(Order),
    parallel=st.integers(1, 4),
)
def test_published_scores_do_not_depend_on_order_threads_or_what_was_there(
    before, interrupted, reprocess, order, parallel
):
    with TemporaryDirectory() as folder:
        plain, other = scoring(Path(folder) / "plain"), scoring(Path(folder) / "other")
        Backfill(night=plain).run(every())
        Backfill(night=other).run(every(before))
        Backfill(night=Faults({day: [KeyError()] for day in DAYS}).of(other)).run(every(interrupted))
        summary = Backfill(night=other, parallel=parallel).run(planned(other, reprocess, order))
        assert not summary.failed
        assert published(other) == published(plain)


def test_a_second_backfill_finds_nothing_to_do(night):
    first, second = Backfill(night=night).run(planned(night)), Backfill(night=night).run(planned(night))
    assert (str(first), str(second)) == (
        "6 published now, 0 already, 0 failed, 0 skipped",
        "0 published now, 6 already, 0 failed, 0 skipped",
    )


def test_nights_are_scored_in_the_order_asked_for(night):
    faults = Faults({})
    Backfill(night=faults.of(night)).run(planned(night, order=Order.NEWEST))
    assert faults.tried == DAYS[::-1]


@pytest.mark.parametrize("parallel", [1, 3])
def test_a_night_that_fails_does_not_stop_the_rest(night, parallel):
    odd = {DAYS[3]: [AuditFailed("toy", DAYS[3], ["odd"])], DAYS[1]: [ValueError("a fault of ours")]}
    summary = Backfill(night=Faults(odd).of(night), parallel=parallel).run(planned(night))
    assert str(summary) == "4 published now, 0 already, 2 failed, 0 skipped"
    assert [failed.score_date for failed in summary.failed] == [DAYS[1], DAYS[3]]
    assert told_of(summary.failed[0].error) == "ValueError: a fault of ours"
    with pytest.raises(ValueError, match="a fault of ours"):
        summary.raise_failure()


def test_each_way_to_reprocess_takes_the_nights_it_names(night):
    Backfill(night=Faults({DAYS[0]: [AuditFailed("toy", DAYS[0], ["odd"])]}).of(night)).run(every(DAYS[:2]))
    none = Backfill(night=night).run(planned(night, Reprocess.NONE))
    assert str(none) == "4 published now, 1 already, 0 failed, 1 skipped"
    assert str(Backfill(night=night).run(planned(night))) == "1 published now, 5 already, 0 failed, 0 skipped"
    again = Backfill(night=night).run(planned(night, Reprocess.ALL))
    assert str(again) == "6 published now, 0 already, 0 failed, 0 skipped"
    assert {summary.revision for summary in again.nights} == {2}


def test_what_may_pass_is_tried_again_and_goes_on_with_its_revision(night):
    Backfill(night=night).run(planned(night))
    faults = Faults({DAYS[0]: [GONE, OSError(28, "No space left on device")], DAYS[1]: [GONE] * ATTEMPTS})
    summary = Backfill(night=faults.of(night), pause_s=0, flow_run="one").run(
        planned(night, Reprocess.ALL)[:2]
    )
    assert [(done.score_date, done.revision) for done in summary.nights] == [(DAYS[0], 2)]
    assert [failed.error for failed in summary.failed] == [GONE]
    assert (faults.tried.count(DAYS[0]), faults.tried.count(DAYS[1])) == (3, ATTEMPTS)


@pytest.mark.parametrize(
    ("said", "means"),
    [
        (OSError(28, "No space left on device"), StorageRefused),
        (OSError("Cannot allocate memory (os error 12)"), OutOfMemory),
        (MemoryError(), OutOfMemory),
    ],
)
def test_a_machine_that_stays_full_is_told_with_its_remedy(night, said, means):
    summary = Backfill(night=Faults({DAYS[0]: [said] * ATTEMPTS}).of(night), pause_s=0).run(every(DAYS[:1]))
    assert isinstance(summary.failed[0].error, means)


def test_a_night_that_another_process_scores_is_waited_for_once_and_then_found_published(night):
    entered, let_go = threading.Event(), threading.Event()

    def slowly(work, parts):
        entered.set()
        let_go.wait(10)
        return in_turn(work, parts)

    other = threading.Thread(
        target=lambda: with_parts(night, slowly).run(night_of(night.inputs.spec, DAYS[0]))
    )
    other.start()
    entered.wait(10)
    nights = planned(night)
    busy = Backfill(night=night, pause_s=60).run(nights[:1])
    assert [type(failed.error) for failed in busy.failed] == [NightBusy]
    threading.Timer(0.2, let_go.set).start()
    waited = Backfill(night=night, wait_s=10).run(nights[:1])
    other.join()
    assert waited.nights[0].already_published


@pytest.mark.parametrize("parallel", [1, 2])
def test_an_interrupted_backfill_begins_no_other_night_and_leaves_none_half_done(night, parallel):
    faults = Faults({DAYS[1]: [KeyboardInterrupt()]})
    with pytest.raises(KeyboardInterrupt):
        Backfill(night=faults.of(night), parallel=parallel).run(planned(night))
    assert DAYS[1] not in published(night)
    assert parallel > 1 or faults.tried == DAYS[:2]
    assert not Backfill(night=night).run(planned(night)).failed
    assert set(published(night)) == set(DAYS)


@settings(max_examples=40)
@given(after=st.integers(0, 32), parallel=st.integers(1, 3))
def test_a_stopped_backfill_publishes_nothing_more_and_the_next_one_does_the_rest(after, parallel):
    with TemporaryDirectory() as folder:
        night, stop = scoring(folder), MemoryGoOn(after)
        summary = Backfill(night=changed(night, go_on=stop), parallel=parallel).run(every())
        seen = published(night)
        assert len(seen) == len(summary.published_now) == stop.asked[:after].count(True)
        assert (len(summary.nights) + len(summary.stopped), summary.failed) == (len(DAYS), ())
        with pytest.raises(Stopped) if summary.stopped else nullcontext():
            summary.raise_failure()
        again = Backfill(night=night).run(planned(night))
        assert len(again.published_now) == len(DAYS) - len(seen)
        assert published(night).keys() == set(DAYS)
        assert seen.items() <= published(night).items()


def test_a_night_is_asked_about_before_it_begins_before_each_part_and_last_before_it_is_published(night):
    stop = MemoryGoOn(99)
    Backfill(night=changed(night, go_on=stop)).run(every(DAYS[:1]))
    assert stop.asked == [False, *[False] * 3, True]


def test_a_stopped_backfill_says_so_beside_what_failed(night):
    odd = {DAYS[0]: [AuditFailed("toy", DAYS[0], ["odd"])]}
    summary = Backfill(night=Faults(odd).of(changed(night, go_on=MemoryGoOn(4)))).run(every())
    assert str(summary) == "0 published now, 0 already, 1 failed, 0 skipped, 5 stopped"
    with pytest.raises(Stopped, match="it was set to Cancelled"):
        summary.raise_failure()


def test_a_night_that_was_stopped_is_caught_up(night):
    start = datetime(2013, 6, 20, 1, 30, tzinfo=UTC)
    Backfill(night=night).run(every(DAYS[:2]))
    Backfill(night=changed(night, go_on=MemoryGoOn(2))).run(every(DAYS[2:3]))
    assert [missed.score_date for missed in missed_nights(night.store, night.inputs.spec, start)] == DAYS[2:5]


def test_threads_know_what_is_bound_to_the_context_of_the_caller(night):
    bound = ContextVar("bound", default="nothing")
    bound.set("flow run")
    seen = []

    def noted(work, jobs):
        seen.append(bound.get())
        return in_turn(work, jobs)

    Backfill(night=with_parts(night, noted), parallel=3).run(planned(night))
    assert seen == ["flow run"] * len(DAYS)


def test_dates_the_wrong_way_round_are_refused(night):
    with pytest.raises(BadSettings, match="lies before"):
        planned_nights(night.store, night.inputs.spec, DAYS[1], DAYS[0], Reprocess.NONE, Order.OLDEST)


def test_missed_nights_are_those_within_reach_that_nobody_scored(night):
    start = datetime(2013, 6, 20, 1, 30, tzinfo=UTC)  # the evening of the 19th, so its night is the 20th
    assert missed_nights(night.store, night.inputs.spec, start) == ()
    Backfill(night=Faults({DAYS[3]: [AuditFailed("toy", DAYS[3], ["odd"])]}).of(night)).run(
        every([DAYS[0], DAYS[3]])
    )
    found = missed_nights(night.store, night.inputs.spec, start)
    assert [missed.score_date for missed in found] == [
        DAYS[2],
        DAYS[4],
    ]  # the 15th is published, the 16th too long ago, the 18th held back
    assert missed_nights(night.store, replace(night.inputs.spec, catch_up=0), start) == ()
    assert not Backfill(night=replace(night)).run(found).failed
    assert missed_nights(night.store, night.inputs.spec, start) == ()


def versions_of(night):
    """Score date -> number of the version whose scores analysts see."""
    runs = {row.score_date: night.store.run(row.run_id) for row in night.store.published("toy")}
    return {day: night.inputs.registry.version_by_id(run.version_id).number for day, run in runs.items()}


def later_champion(night):
    """A champion that was trained on what was known on the evening of DAYS[3]."""
    registry, evening = night.inputs.registry, night_of(night.inputs.spec, DAYS[3]).as_of
    dataset = registry.add_dataset("toy", "2" * 64, "file:///2", 1, DAYS[0], DAYS[2], evening)
    version = registry.add_version(toy_candidate(dataset_id=dataset.id, artifact_sha256="2" * 64))
    registry.promote(version, "champion", "it knows more")


def test_each_night_gets_the_champion_that_could_have_scored_it(night):
    later_champion(night)
    assert not Backfill(night=night).run(planned(night)).failed
    assert list(versions_of(night).values()) == [1, 1, 1, 2, 2, 2]


def test_a_version_that_a_person_names_scores_every_night_and_the_ledger_says_why(night):
    later_champion(night)
    named = named_or(2, "to compare", require_gates, by_then)
    assert not Backfill(night=night, choose=named).run(planned(night)).failed
    assert set(versions_of(night).values()) == {2}
    assert {row.reason for row in night.store.published("toy")} == {"to compare"}


def test_an_unfinished_night_is_begun_anew_for_the_version_that_a_person_names(night):
    later_champion(night)
    Backfill(night=Faults({DAYS[0]: [KeyError()]}).of(night)).run(every(DAYS[:1]))
    summary = Backfill(night=night, choose=named_or(2, None, require_gates, by_then)).run(planned(night)[:1])
    assert [(done.version_number, done.revision) for done in summary.nights] == [(2, 2)]


def test_a_night_that_no_champion_could_have_scored_fails_alone(night):
    evening = night_of(night.inputs.spec, DAYS[3]).as_of
    registry = MemoryRegistry()
    dataset = registry.add_dataset("toy", "0" * 64, "file:///0", 1, DAYS[0], DAYS[2], evening)
    registry.promote(registry.add_version(toy_candidate(dataset_id=dataset.id)), "champion", "the first")
    summary = Backfill(night=changed(night, registry=registry)).run(planned(night))
    assert [failed.score_date for failed in summary.failed] == DAYS[:3]
    assert {type(failed.error) for failed in summary.failed} == {NoHonestChampion}
    assert len(summary.published_now) == 3
