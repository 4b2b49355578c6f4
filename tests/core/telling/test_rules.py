"""Every rule has its runbook and its line, is quiet when nothing is wrong, and sees what is."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from nightjar.core.errors.base import NightjarError
from nightjar.core.errors.model import BadSpec, ModelBroken, NameClash
from nightjar.core.errors.platform import NotDeployed, NoWorker
from nightjar.core.inputs.findings import Finding
from nightjar.core.inputs.refusals import Refusal
from nightjar.core.lost import LostDelivery
from nightjar.core.monitoring.losses import TrailingLoss
from nightjar.core.night.entities import Run, RunState
from nightjar.core.night.plan import Standing
from nightjar.core.telling.facts import (
    DataFacts,
    DiskFacts,
    Fault,
    ModelFacts,
    NightFacts,
    PlatformFacts,
    SetAside,
    Unseen,
    fault_of,
)
from nightjar.core.telling.incidents import Ending, Incident, Note, Step, ended
from nightjar.core.telling.rules import OF_A_MODEL, OF_THE_PLATFORM, judged, undecided, why_unmended

PROJECT = Path(__file__).parents[3]
NOW = datetime(2026, 1, 2, 11, tzinfo=UTC)
DAY = date(2026, 1, 2)
QUIET = {"model": "toy", "now": NOW, "zone": "America/New_York"}
HOUR = timedelta(hours=1)
BEGAN = "It began 2026-01-02 11:00 UTC."
QUIETLY = PlatformFacts(now=NOW)


@pytest.mark.parametrize("rule", [*OF_A_MODEL, *OF_THE_PLATFORM], ids=lambda rule: rule.kind)
def test_every_rule_has_a_runbook_that_exists_and_its_line_on_the_page(rule):
    assert (PROJECT / "runbooks" / f"{rule.runbook}.md").exists()
    line = f"| `{rule.kind}` | {rule.severity.value} | {rule.means} | [{rule.runbook}]"
    assert line in (PROJECT / "docs" / "alerts.md").read_text()


@pytest.mark.parametrize("rule", [*OF_A_MODEL, *OF_THE_PLATFORM], ids=lambda rule: rule.kind)
def test_the_runbook_of_a_rule_names_its_alert(rule):
    assert f"`{rule.kind}`" in (PROJECT / "runbooks" / f"{rule.runbook}.md").read_text()


def kinds(model: ModelFacts, platform: PlatformFacts | None = None) -> list[str]:
    found, _ = judged([model], platform or PlatformFacts(now=NOW), "http://ui")
    return [each.kind for each in found]


def night(**facts) -> NightFacts:
    return NightFacts(**{"score_date": DAY, "promised": NOW - HOUR, "standing": None} | facts)


NEWER = night(score_date=DAY + timedelta(days=1), published_at=NOW, rows=100)
FINE = {"loss": TrailingLoss(metric="brier", nights=20, last=DAY, value=0.1, expected=0.2)}


@pytest.mark.parametrize(
    ("kind", "subject", "facts", "told"),
    [
        ("outcomes_doubted", str(DAY), {"doubts_too_old": frozenset({DAY})}, "Nobody has accepted it"),
        ("partial", f"{DAY} rows", {"nights": (NEWER, night())}, "night of 2026-01-03 is the newest"),
        ("quarantine_unread", "", {"nights_too_old": 3}, "3 older nights may have some"),
        ("outcomes_missing", "", {"outcomes_too_old": (DAY,)}, "1 older night without them (2026-01-02"),
        ("degraded", "", {}, "Nobody can compare now"),
        ("late", str(DAY), {"nights": (night(promised=NOW + HOUR),)}, "by 2026-01-02 07:00 (America"),
        ("late", str(DAY), {"nights": (night(owed=False),)}, "schedule does not ask for it any more"),
        ("delivery_refused", "rain 2026-01-02", {"settled": frozenset()}, "nobody has cleared it"),
    ],
)
def test_what_only_becomes_too_old_is_not_told_as_mended(kind, subject, facts, told):
    note = noted(kind, subject)
    why = why_unmended([ModelFacts(**QUIET | facts)], PlatformFacts(now=NOW), note)
    assert told in why
    end = ended(Incident((note,)), Ending(unmended=why))
    assert (end.step, end.trouble.sentence) == (Step.UNSEEN, f"This is told no more. {why} {BEGAN} It was: x")
    fine = ModelFacts(**QUIET | FINE, nights=(night(published_at=NOW),), settled=frozenset({subject}))
    assert why_unmended([fine], PlatformFacts(now=NOW), note) is None
    assert ended(Incident((note,)), Ending()).trouble.sentence == f"This is over. {BEGAN} It was: x"


def test_a_receiver_or_a_model_that_is_taken_away_is_not_told_as_mended():
    gone = noted("receiver_gone", "old").model_copy(update={"model": ""})
    assert why_unmended([], PlatformFacts(now=NOW, channels=frozenset({"new"})), gone)
    assert why_unmended([], PlatformFacts(now=NOW, channels=frozenset({"old"})), gone) is None
    assert "no folder of toy" in why_unmended([], PlatformFacts(now=NOW), noted("late", str(DAY)))
    broken = noted("model_broken", "toy").model_copy(update={"model": ""})
    assert "no folder of toy" in why_unmended([], PlatformFacts(now=NOW), broken)
    assert why_unmended([], PlatformFacts(now=NOW, folders=frozenset({"toy"})), broken) is None


def noted(kind: str, subject: str) -> Note:
    told = {"model": "toy", "kind": kind, "subject": subject, "cause": kind, "sentence": "x", "runbook": "y"}
    return Note(**told, severity="warning", id=1, step=Step.BEGAN, noted_at=NOW)


def test_nothing_wrong_is_no_trouble():
    fine = night(published_at=NOW - 5 * HOUR, rows=100)
    assert kinds(ModelFacts(**QUIET, nights=(fine,), drifted={}, refused=(), lost=())) == []


def refusal(**fields) -> Refusal:
    told = {
        "dataset": "weather",
        "day": DAY,
        "content": "1f",
        "file": "/feed/weather.csv",
        "column": None,
        "problem": "is truncated",
        "remedy": "Have it delivered again, whole.",
        "recorded_at": NOW,
        "refused_at": NOW,
    }
    return Refusal(**told | fields)


NONE_POLLS = fault_of(NoWorker("No worker polls"))
DOUBT = Finding(name="shadow", sentence="3 of 9 differ", holds=False)
SEEN = {
    "doubted": {"doubted": {DAY: (DOUBT,)}},
    "late": {"nights": (night(),)},
    "partial": {
        "nights": (night(published_at=NOW, rows=100, quarantined=2),),
        "max_quarantine_share": 0.02,
    },
    "quarantine_unread": {
        "set_aside": (SetAside(score_date=DAY, published_at=NOW - 25 * HOUR, rows=1),),
    },
    "drifted": {"drifted": {"distance": "level 0.4"}, "drift_of": DAY},
    "degraded": {"loss": TrailingLoss(metric="brier", nights=20, last=DAY, value=0.21, expected=0.2)},
    "champion_stale": {"trained_at": NOW - 500 * HOUR, "trainings_due": 2},
    "outcomes_missing": {"without_outcomes": (DAY,)},
    "outcomes_doubted": {"doubted_outcomes": {DAY: Fault("looks like half of the rows", "volume")}},
    "outcomes_held": {"held": {DAY: Fault("looks like seconds for minutes", "units")}},
    "delivery_refused": {"refused": (refusal(),)},
    "deliveries_lost": {"lost": (LostDelivery("weather", DAY, DAY, "/x", NOW),)},
}


@pytest.mark.parametrize("kind", SEEN)
def test_a_rule_sees_its_trouble_and_no_other_does(kind):
    assert kinds(ModelFacts(**QUIET | SEEN[kind])) == [kind]


def test_a_night_is_late_from_its_promise_on_and_the_sentence_has_its_zone():
    early = night(promised=NOW + HOUR)
    assert kinds(ModelFacts(**QUIET, nights=(early,))) == []
    (trouble,), _ = judged([ModelFacts(**QUIET, nights=(night(),))], PlatformFacts(now=NOW), None)
    assert "2026-01-02 05:00 (America/New_York)" in trouble.sentence


RUN = Run(
    id=3,
    model="toy",
    score_date=DAY,
    revision=1,
    attempt=1,
    state=RunState.FAILED,
    version_id=1,
    challenger_id=None,
    population=None,
    as_of=NOW,
    known_at=NOW,
)
HELD = Standing(run=RUN, error="AuditFailed: half of it", published=False, held=False, flow_run="f1")
FOUND = [
    Finding(name="volume", sentence="Half of the rows are missing\nRows: 99. Limit: 160"),
    Finding(
        name="units", column="distance", sentence="distance looks like kilometres", runbook="bad-delivery"
    ),
]


def told(**facts):
    """The troubles of a model."""
    return judged([ModelFacts(**QUIET, **facts)], PlatformFacts(now=NOW), "http://ui")[0]


def test_a_night_that_the_audit_held_back_is_told_with_the_names_and_sentences_of_its_findings():
    (held,) = told(nights=(night(promised=NOW + HOUR, standing=HELD, findings=tuple(FOUND)),))
    assert (held.kind, held.subject, held.runbook) == ("held_back", str(DAY), "audit-failed")
    assert held.sentence.split("\n") == [
        f"The night of {DAY} is held back and waits for a person.",
        "- Half of the rows are missing (volume).",
        "  Rows: 99. Limit: 160.",
        "- distance looks like kilometres (units).",
    ]
    assert held.link == f"http://ui/desk/toy/{DAY}.html"


def test_what_did_not_hold_a_night_is_not_told_as_what_holds_it():
    (held,) = told(nights=(night(promised=NOW + HOUR, standing=HELD, findings=(DOUBT, *FOUND)),))
    assert "shadow" not in held.sentence
    assert held.cause == "held_back volume"


def test_of_many_findings_a_message_names_the_first_and_counts_the_others():
    (held,) = told(nights=(night(promised=NOW + HOUR, standing=HELD, findings=tuple(FOUND * 3)),))
    assert held.sentence.count("(volume)") == 2
    assert held.sentence.endswith("\nAnd 3 more findings.")


def test_a_night_that_is_held_back_for_another_reason_is_told_with_its_error_and_its_flow_run():
    (held,) = told(nights=(night(promised=NOW + HOUR, standing=HELD),))
    assert held.sentence.endswith("waits for a person. half of it")
    assert held.link == "http://ui/v2/runs/flow-run/f1"


def test_a_night_with_an_error_leads_to_the_runbook_of_the_error_and_by_hand_to_its_own_page():
    error = "StaleFeatures: the newest row is 74 h old. Runbook: runbooks/stale-features.md"
    by_hand = replace(HELD, error=error, flow_run=None)
    (held,) = told(nights=(night(promised=NOW + HOUR, standing=by_hand),))
    assert held.sentence.endswith("is held back and waits for a person. the newest row is 74 h old.")
    assert (held.cause, held.runbook) == ("held_back StaleFeatures", "stale-features")
    assert held.link == f"http://ui/desk/toy/{DAY}.html"


def test_a_late_night_says_whether_a_run_has_begun_it():
    assert told(nights=(night(),))[0].sentence.endswith("No run has begun it.")
    left = replace(HELD, run=RUN.model_copy(update={"state": RunState.CLAIMED}))
    assert "It is left unfinished." in " ".join(
        each.sentence for each in told(nights=(night(standing=left),))
    )


def test_a_failed_and_a_held_night_are_one_incident_and_stay_open_while_it_is_scored():
    lost = replace(HELD, error="StoreUnavailable: gone. Runbook: runbooks/database-down.md")
    (failed,), (held,) = (told(nights=(night(promised=NOW + HOUR, standing=each),)) for each in (lost, HELD))
    assert (failed.kind, held.kind) == ("failed", "held_back")
    assert failed.key == held.key
    assert held.differs(failed)
    died = replace(HELD, run=RUN.model_copy(update={"state": RunState.CLAIMED}), claimed_at=NOW, error=None)
    for standing in (replace(lost, held=True), died):
        scored = ModelFacts(**QUIET, nights=(night(promised=NOW + HOUR, standing=standing),))
        assert kinds(scored) == []
        for kind in ("failed", "held_back"):
            assert undecided([scored], QUIETLY, noted(kind, str(DAY)))
            assert not undecided([scored], QUIETLY, noted(kind, str(DAY - timedelta(days=1))))
    over = ModelFacts(**QUIET, nights=(night(published_at=NOW, standing=replace(HELD, published=True)),))
    assert not undecided([over], QUIETLY, noted("failed", str(DAY)))
    assert not undecided([scored], QUIETLY, noted("late", str(DAY)))
    assert not undecided([], QUIETLY, noted("failed", str(DAY)))


def test_a_disk_that_fills_up_is_one_incident():
    filling, full = (
        judged([], PlatformFacts(now=NOW, disks=(DiskFacts("/x", free, 100),)), None)[0][0] for free in (9, 2)
    )
    assert (filling.kind, full.kind) == ("disk_filling", "disk_full")
    assert filling.key == full.key
    assert not full.differs(filling)


def test_a_data_folder_that_is_gone_is_told_if_something_must_be_in_it_and_ends_nothing_of_its_disk():
    def seen(**fields) -> PlatformFacts:
        data = {"place": "/data", "lacking": "is empty", "since": NOW - HOUR, "needed": True}
        return PlatformFacts(now=NOW, data=DataFacts(**data | fields))

    ((gone,), _) = judged([], seen(), None)
    assert (gone.kind, gone.subject, gone.critical) == ("data_gone", "/data", True)
    assert gone.sentence.startswith("The data folder /data is empty. Is its disk mounted? ")
    for waits in (seen(since=NOW - timedelta(seconds=30)), seen(needed=False)):
        assert judged([], waits, None) == ((), judged([], QUIETLY, None)[1] | {("", "data_gone")})
    there = seen(lacking="", since=None)
    assert judged([], there, None) == judged([], QUIETLY, None)
    for kind in ("disk_filling", "disk_full"):
        full = noted(kind, "/data").model_copy(update={"model": ""})
        assert undecided([], seen(), full)
        assert not undecided([], there, full)
        assert "on the disk of another one" in why_unmended([], there, full)
        mended = replace(there, disks=(DiskFacts("/data", 99, 100),))
        assert why_unmended([], mended, full) is None
    note = noted("data_gone", "/data").model_copy(update={"model": ""})
    assert why_unmended([], there, note) is None
    assert "another data folder now: /new" in why_unmended([], seen(place="/new"), note)


def test_nights_that_fail_without_the_data_folder_share_its_cause():
    facts = PlatformFacts(now=NOW, **PLATFORM["data_gone"])
    found, _ = judged([ModelFacts(**QUIET, nights=(night(),))], facts, None)
    assert {each.cause for each in found} == {"data_gone"}


@pytest.mark.parametrize(
    ("free", "total", "words"),
    [
        (int(3e6), int(168e6), "3 MB of 168 MB (1.8%) are free at /x."),
        (int(20e9), int(252e9), "20.0 GB of 252.0 GB (7.9%) are free at /x."),
    ],
)
def test_what_is_free_of_a_small_disk_is_told_in_megabytes(free, total, words):
    (seen,), _ = judged([], PlatformFacts(now=NOW, disks=(DiskFacts("/x", free, total),)), None)
    assert seen.sentence == words


def test_a_day_of_outcomes_that_is_held_by_another_check_has_another_cause():
    first, second = (told(held={DAY: Fault("x", name)})[0] for name in ("volume", "units"))
    assert second.differs(first)


def test_another_file_that_is_refused_is_another_cause_and_all_are_told_in_one_message():
    first, later = refusal(), refusal(content="2e", recorded_at=NOW + HOUR, problem="is empty")
    (before,), (now,) = told(refused=(first,)), told(refused=(first, later))
    assert now.key == before.key
    assert now.differs(before)
    assert now.sentence == (
        "The delivery weather 2026-01-02, recorded 2026-01-02 12:00 UTC, is set aside: is empty. "
        "Have it delivered again, whole."
    )
    several = told(refused=(later, refusal(day=DAY + timedelta(days=1))))
    assert len(several) == 2
    assert {each.cause for each in several} == {"delivery_refused"}


@pytest.mark.parametrize(
    ("rule", "errors"),
    [
        (
            lambda error: {"broken": {"toy": fault_of(error)}},
            [
                ModelBroken("toy", "cannot be imported: No module named x", "ModuleNotFoundError"),
                ModelBroken("toy", "cannot be imported: invalid syntax", "SyntaxError"),
                BadSpec("toy", "name", "is wrong"),
                BadSpec("toy", "part_rows", "is wrong"),
                NameClash("dataset flights", "toy", "other"),
            ],
        ),
        (
            lambda error: {"workers": (fault_of(error),), "workerless_since": NOW - HOUR},
            [NoWorker("No worker polls"), NoWorker("The pool is paused", "paused"), NotDeployed("no pool")],
        ),
    ],
    ids=["model_broken", "worker_gone"],
)
def test_another_error_of_the_platform_is_another_cause_with_its_runbook(rule, errors):
    def seen(error: NightjarError):
        return judged([], PlatformFacts(now=NOW, **rule(error)), None)[0][0]

    found = [seen(error) for error in errors]
    assert len({each.key for each in found}) == 1
    assert len({each.cause for each in found}) == 1, "one message tells them"
    assert len({each.because for each in found}) == len(errors)
    assert [each.runbook for each in found] == [error.runbook for error in errors]
    assert not seen(errors[0]).differs(found[0])


def test_each_column_that_drifted_is_a_trouble_of_its_own_and_one_message_tells_all():
    found = told(drifted={"wind": "level 0.4; usual 0.1", "rain": ""}, drift_of=DAY)
    assert [each.subject for each in found] == ["wind", "rain"]
    assert {each.cause for each in found} == {"drifted"}
    assert found[0].sentence == f"The column wind of {DAY} drifted: level 0.4; usual 0.1."


PLATFORM = {
    "disk_full": {"disks": (DiskFacts("/x", 2, 100),)},
    "disk_filling": {"disks": (DiskFacts("/x", 9, 100),)},
    "data_gone": {"data": DataFacts(place="/x", lacking="is empty", since=NOW - HOUR, needed=True)},
    "database_filling": {"database_bytes": 95, "database_limit": 100},
    "notifications_filling": {"notifications": 0.6},
    "server_gone": {"server_silent_since": NOW - timedelta(minutes=3)},
    "worker_gone": {"workers": (NONE_POLLS,), "workerless_since": NOW - timedelta(minutes=3)},
    "model_broken": {"broken": {"toy": fault_of(ModelBroken("toy", "cannot be imported"))}},
    "model_unseen": {"unseen": {"toy": Unseen(fault_of(ZeroDivisionError("x")), NOW - timedelta(minutes=2))}},
    "receiver_gone": {"untold": {"alert": NOW - HOUR}},
}


@pytest.mark.parametrize("kind", PLATFORM)
def test_the_platform_is_looked_at_too(kind):
    assert kinds(ModelFacts(**QUIET), PlatformFacts(now=NOW, **PLATFORM[kind])) == [kind]


def test_a_model_that_cannot_be_looked_at_for_a_moment_neither_begins_nor_ends_anything():
    moment = Unseen(fault_of(ZeroDivisionError("secret")), NOW - timedelta(seconds=90))
    facts = PlatformFacts(now=NOW, unseen={"toy": moment}, folders=frozenset({"toy"}))
    note = noted("model_unseen", "toy").model_copy(update={"model": ""})
    assert judged([], facts, None)[0] == ()
    assert undecided([], facts, note)
    assert not undecided([], PlatformFacts(now=NOW), note)


def test_a_model_that_cannot_be_looked_at_is_told_by_its_error_and_not_by_what_it_quotes():
    def seen(error: Exception):
        unseen = {"toy": Unseen(fault_of(error), NOW - HOUR)}
        return judged([], PlatformFacts(now=NOW, unseen=unseen), None)[0][0]

    sentence = (
        "Nobody can look at toy since 2026-01-02 10:00 UTC, so nobody is told what is wrong with it. "
        "ZeroDivisionError; its log says more."
    )
    unforeseen, known = seen(ZeroDivisionError("secret")), seen(ModelBroken("toy", "lacks x"))
    assert (unforeseen.sentence, unforeseen.runbook) == (sentence, "unexpected-error")
    assert "lacks x" in known.sentence
    assert known.runbook == "bad-spec"
    assert known.differs(unforeseen)


def test_a_server_that_is_silent_for_a_moment_neither_begins_nor_ends_anything():
    facts = PlatformFacts(now=NOW, server_silent_since=NOW - timedelta(seconds=30))
    found, unknown = judged([], facts, None)
    assert found == ()
    assert ("", "server_gone") in unknown


def test_a_worker_that_is_about_to_start_neither_begins_nor_ends_anything():
    facts = PlatformFacts(now=NOW, workers=(NONE_POLLS,), workerless_since=NOW - timedelta(seconds=30))
    found, unknown = judged([], facts, None)
    assert found == ()
    assert ("", "worker_gone") in unknown


def test_nights_that_are_late_without_a_worker_share_its_cause():
    facts = PlatformFacts(now=NOW, **PLATFORM["worker_gone"])
    found, _ = judged([ModelFacts(**QUIET, nights=(night(),))], facts, None)
    assert {each.cause for each in found} == {"worker_gone"}


def test_what_is_unknown_is_named():
    _, unknown = judged([ModelFacts(**QUIET)], PlatformFacts(now=NOW), None)
    of_toy = {("toy", kind) for kind in ("drifted", "delivery_refused", "deliveries_lost")}
    assert of_toy | {("", "worker_gone")} <= unknown


def test_the_files_of_a_dataset_that_are_lost_are_one_trouble():
    lost = [
        LostDelivery(name, day, day, "/x", NOW)
        for name in ("rain", "wind")
        for day in (DAY, DAY + timedelta(days=2))
    ]
    found = told(lost=(*lost,))
    assert [each.subject for each in found] == ["rain", "wind"]
    assert found[0].sentence.startswith(
        f"The data folder lacks 2 files of rain that had landed, about {DAY} to {DAY + timedelta(days=2)}. "
    )


@pytest.mark.parametrize(("due", "asked"), [(2, "for 2 trainings"), (9, "for at least 9 trainings")])
def test_trainings_that_are_missing_are_counted_up_to_nine(due, asked):
    facts = ModelFacts(**QUIET, trained_at=NOW - 500 * HOUR, trainings_due=due)
    (stale,), _ = judged([facts], PlatformFacts(now=NOW), None)
    assert asked in stale.sentence


def test_no_page_is_told_that_lies_on_the_server_that_is_gone():
    gone = PlatformFacts(now=NOW, server_silent_since=NOW - HOUR)
    ((trouble,), _) = judged([], gone, "http://ui")
    assert trouble.link is None
