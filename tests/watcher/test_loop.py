"""The watcher looks at all models. One that cannot be looked at hides no other, and stops the heartbeat."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from sqlalchemy import text

import models
from nightjar.core.errors.database import RightsMissing, StoreUnavailable
from nightjar.core.errors.model import ModelBroken
from nightjar.core.errors.settings import BadSettings
from nightjar.core.telling.facts import Fault, ModelFacts, fault_of
from nightjar.core.telling.incidents import Severity, Trouble, changes
from nightjar.server import workers
from nightjar.testing.specs import toy_spec
from nightjar.usecases.telling.looking import LookAtModel
from nightjar.watcher.looks import LookAtPlatform
from nightjar.watcher.loop import LOOKS_EVERY, Watcher, one_round
from nightjar.watcher.outage import Outage
from nightjar.wiring.folders import Found
from nightjar.wiring.platform import Platform
from nightjar.wiring.settings import Settings

NOW = datetime.now(UTC)
BLIND, SEEN = toy_spec(name="blind"), toy_spec(name="seen")


@dataclass
class Beating(Watcher):
    """Counts its heartbeats."""

    beats: list[datetime] = field(default_factory=list[datetime])

    def heartbeat(self) -> None:
        self.beats.append(NOW)


@pytest.fixture
def platform(shared_database, tmp_path, monkeypatch):
    monkeypatch.setattr(models, "MODELS", {"blind": BLIND, "seen": SEEN})
    monkeypatch.setattr(models, "NAMES", ("blind", "seen"))
    password = shared_database.server.passwords["writer"]
    settings = Settings(
        database_url=shared_database.url("owner"), writer_password=password, home=tmp_path, _env_file=None
    )
    opened = Platform(settings)
    yield opened
    opened.close()


@pytest.fixture
def watcher(platform):
    outage = Outage(platform.ways_to_people, "http://ui")
    return Beating(platform, LookAtPlatform(platform, None), outage, leads=True)


@pytest.fixture
def fails(monkeypatch):
    """Make the look at the model BLIND raise an error. The look at SEEN is the real one."""
    real = Platform.look_at

    def with_error(error):
        def look(_now, *_open) -> ModelFacts:
            raise error

        monkeypatch.setattr(
            Platform, "look_at", lambda platform, spec: look if spec is BLIND else real(platform, spec)
        )

    return with_error


def begin(platform, model: str) -> None:
    """Note an incident that no look will find."""
    trouble = Trouble(
        model=model,
        kind="champion_stale",
        severity=Severity.WARNING,
        cause="champion_stale",
        sentence="Nothing trains.",
        runbook="model-worse",
    )
    platform.incidents().note(
        lambda opened: changes(opened, [trouble], NOW, unknown=lambda _: True, seen=frozenset())
    )


def do_rounds(watcher, times: int) -> None:
    people = watcher.platform.tell_people()
    for _ in range(times):
        watcher.looked_at = None
        one_round(watcher, lambda _: None, people, NOW)


def of_models(platform) -> set[str]:
    return {incident.now.model for incident in platform.incidents().opened()} - {""}


@pytest.mark.parametrize("error", [BadSettings("A setting is wrong", "Mend it."), ZeroDivisionError()])
def test_a_model_that_cannot_be_looked_at_keeps_its_incidents_and_others_are_looked_at(
    platform, watcher, fails, error
):
    begin(platform, "blind")
    begin(platform, "seen")
    fails(error)
    do_rounds(watcher, 2)
    assert of_models(platform) == {"blind"}
    assert watcher.looked_at == NOW
    assert watcher.beats == []
    assert told_unseen(platform) == []
    watcher.look(NOW + timedelta(minutes=2))
    assert told_unseen(platform) == ["blind"]
    end_all(platform)


def end_all(platform) -> None:
    platform.incidents().note(
        lambda opened: changes(opened, [], NOW, unknown=lambda _: False, seen=frozenset())
    )


def told_unseen(platform) -> list[str]:
    return [each.now.subject for each in platform.incidents().opened() if each.now.kind == "model_unseen"]


def test_a_model_that_the_watcher_cannot_import_anew_is_told_until_it_can(platform, watcher):
    outdated = {"blind": fault_of(ModelBroken("blind", "needs newer code"))}
    finds(watcher, Found({"seen": SEEN}, {}, frozenset({"blind", "seen"}), outdated))
    assert not watcher.look(NOW)
    assert not watcher.look(NOW + timedelta(minutes=2))
    assert told_unseen(platform) == ["blind"]
    finds(watcher, Found({"seen": SEEN, "blind": BLIND}, {}, frozenset({"blind", "seen"})))
    assert watcher.look(NOW + timedelta(minutes=3))
    assert watcher.look(NOW + timedelta(minutes=4))
    assert told_unseen(platform) == []


def test_incidents_of_a_model_whose_folder_is_removed_end(platform, watcher):
    begin(platform, "removed")
    do_rounds(watcher, 2)
    assert of_models(platform) == set()


def finds(watcher, found: Found) -> None:
    watcher.folders = SimpleNamespace(now=lambda: found)


BROKEN = Found(
    {"seen": SEEN},
    {"blind": fault_of(ModelBroken("blind", "lacks x"))},
    frozenset({"blind", "seen"}),
)
ENDING = text("SELECT sentence FROM nightjar.incident WHERE kind = :kind ORDER BY id DESC LIMIT 1")


def ending(platform, kind: str) -> str:
    with platform.engine.connect() as connection:
        return connection.execute(ENDING, {"kind": kind}).scalar_one()


def test_a_model_whose_folder_is_broken_is_told_and_keeps_its_incidents(platform, watcher, monkeypatch):
    monkeypatch.setattr(models, "MODELS", {"seen": SEEN})
    monkeypatch.setattr(models, "BROKEN", {"blind": ModelBroken("blind", "cannot be imported: it lacks x")})
    begin(platform, "blind")
    do_rounds(watcher, 3)
    found = {(each.now.kind, each.now.subject) for each in platform.incidents().opened()}
    assert {("champion_stale", ""), ("model_broken", "blind")} <= found
    end_all(platform)


def test_a_model_that_is_mended_while_the_watcher_runs_is_looked_at(platform, watcher):
    begin(platform, "blind")
    finds(watcher, BROKEN)
    do_rounds(watcher, 3)
    assert of_models(platform) == {"blind"}
    finds(watcher, Found({"blind": BLIND, "seen": SEEN}, {}, frozenset({"blind", "seen"})))
    do_rounds(watcher, 2)
    assert platform.incidents().opened() == ()
    assert ending(platform, "model_broken").startswith("This is over. It began ")


def test_a_broken_model_whose_folder_is_removed_was_not_mended(platform, watcher):
    finds(watcher, BROKEN)
    do_rounds(watcher, 2)
    finds(watcher, Found({"seen": SEEN}, {}, frozenset({"seen"})))
    do_rounds(watcher, 2)
    assert platform.incidents().opened() == ()
    told = "This is told no more. There is no folder of blind any more. It began "
    assert ending(platform, "model_broken").startswith(told)


def test_the_first_look_of_a_watcher_ends_nothing(platform, watcher):
    begin(platform, "seen")
    do_rounds(watcher, 1)
    assert of_models(platform) == {"seen"}
    do_rounds(watcher, 1)
    assert of_models(platform) == set()


def test_a_watcher_that_stands_by_looks_at_nothing_and_begins_anew_when_it_leads(platform, watcher):
    begin(platform, "seen")
    do_rounds(watcher, 1)
    watcher.lead(False)
    do_rounds(watcher, 3)
    assert watcher.looked_at is None
    assert watcher.beats == [NOW]
    watcher.lead(True)
    do_rounds(watcher, 1)
    assert of_models(platform) == {"seen"}, "the first look ends nothing"
    do_rounds(watcher, 1)
    assert of_models(platform) == set()


def test_a_clock_that_was_set_back_stops_no_look(watcher):
    watcher.looked_at = NOW
    assert not watcher.due(NOW + LOOKS_EVERY / 2)
    assert watcher.due(NOW + LOOKS_EVERY)
    assert watcher.due(NOW - timedelta(days=1))


def test_the_heart_beats_after_a_look_at_every_model(watcher):
    do_rounds(watcher, 2)
    assert watcher.beats == [NOW, NOW]


@pytest.mark.parametrize("error", [StoreUnavailable("It", "gone"), RightsMissing("It", "no SELECT")])
def test_an_error_of_the_database_is_of_no_model_and_ends_the_look(watcher, fails, error):
    fails(error)
    with pytest.raises(type(error)):
        do_rounds(watcher, 1)
    assert watcher.looked_at is None


def test_a_data_folder_that_goes_away_is_told_and_its_return_too(platform, watcher, tmp_path, monkeypatch):
    monkeypatch.setattr(
        LookAtModel,
        "__call__",
        lambda look, now, *_: ModelFacts(model=look.spec.name, now=now, zone="UTC", trained_on_files=True),
    )
    data = platform.settings.data
    for minute in range(6):
        (data / "raw").mkdir(parents=True, exist_ok=True) if minute in {0, 4} else None
        if minute == 1:
            (data / "raw").rmdir()
        watcher.look(NOW + timedelta(minutes=minute))
        opened = {each.now.kind: each.now.sentence for each in platform.incidents().opened()}
        assert ("data_gone" in opened) is (minute in {3, 4}), minute
    assert ending(platform, "data_gone").startswith("This is over. It began ")


@pytest.mark.parametrize("made", [None, "data", "artifacts"])
def test_only_a_watcher_on_a_machine_of_its_own_may_have_no_data_folder(platform, made):
    if made is not None:
        (platform.settings.home / made).mkdir(parents=True)
    facts = LookAtPlatform(platform, None)(NOW, {}, needs_data=True)
    assert facts.data.lacking == ("is empty" if made == "data" else "is not there")
    assert facts.data.needed is (made is not None)
    assert {each.place for each in facts.disks} <= {str(platform.settings.home)}


def test_it_remembers_since_when_no_worker_takes_runs(platform, monkeypatch):
    gone = (Fault("No worker polls", "NoWorker"),)
    said = iter((gone, gone, (), gone))
    monkeypatch.setattr(workers, "lacking_worker", lambda *_: next(said))
    monkeypatch.setattr(LookAtPlatform, "_answers", lambda _: True)
    look, minutes = LookAtPlatform(platform, "http://api"), [NOW + timedelta(minutes=n) for n in range(4)]
    assert [look(minute, {}).workerless_since for minute in minutes] == [NOW, NOW, None, minutes[3]]
