"""`nightjar status`: what it says of nights, and that it needs no server and little time."""

import time
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace

import polars as pl
import pytest

from models.flight_delay.spec import SPEC
from nightjar.cli.status import asked, counted, incidents_told, night_row, reasons, seen_of, show_server
from nightjar.core.night.calendar import calendar
from nightjar.core.night.claim import Request
from nightjar.core.night.entities import Night, Part, Population
from nightjar.core.night.part_rows import SCORES
from nightjar.core.platform.attempts import Attempt, Pause, ServerStatus
from nightjar.core.telling.incidents import Incident, Note, Severity, Step, Trouble
from nightjar.server import status
from nightjar.testing.memory import MemoryNights
from nightjar.testing.versions import toy_version

DAY = date(2013, 6, 15)
NOON = datetime(2013, 6, 15, 12, tzinfo=UTC)
NONE_ASIDE = pl.DataFrame(schema={"entity_key": pl.String, "reasons": pl.String, "row": pl.String})


@pytest.fixture
def store():
    return MemoryNights()


def fail(store, day, error, request=None):
    night = Night(model="toy", score_date=day, as_of=datetime(2013, 6, 15, 1, tzinfo=UTC))
    with store.night(night, toy_version(), None, *([request] if request else [])) as claimed:
        store.fail(claimed.run, error)


def entries(store, tried=None):
    return calendar(store.standings("toy", date.min, date.max), (), tried or {})


def test_it_says_why_each_failed_night_has_no_scores(store):
    fail(store, DAY, "NoPopulation: nothing to score")
    fail(store, DAY + timedelta(days=1), "StoreUnavailable: gone")
    fail(store, DAY + timedelta(days=2), "AuditFailed: half of it")
    assert list(reasons(entries(store))) == [
        "2013-06-17 run 3 failed: AuditFailed: half of it",
        "2013-06-16 run 2 failed: StoreUnavailable: gone",
        "2013-06-15 run 1 failed: NoPopulation: nothing to score",
    ]
    assert counted(entries(store)) == "1 held back, 2 failed"


def test_a_failure_that_a_newer_revision_replaced_is_told_no_more(store):
    fail(store, DAY, "first")
    fail(store, DAY, "second", Request(force=True))
    assert list(reasons(entries(store))) == ["2013-06-15 run 2 failed: second"]


def test_where_nothing_ran_nothing_failed(store):
    assert (list(reasons(entries(store))), counted(entries(store))) == ([], "")


def test_a_published_night_shows_the_run_that_analysts_see_and_not_the_newest(store):
    night = Night(model="toy", score_date=DAY, as_of=datetime(2013, 6, 15, 1, tzinfo=UTC))
    unset = {column: [None] for column in SCORES}
    rows = pl.DataFrame({**unset, "entity_key": ["a"], "score": [0.5]}, schema=SCORES)
    with store.night(night, toy_version(), None) as claimed:
        population = Population(uri="file:///rows", sha256="2" * 64, rows=1, parts=1)
        run = store.record_population(claimed.run, population)
        store.write_part(run, Part(number=0, start=0, stop=1), rows, NONE_ASIDE)
        store.publish(run)
    fail(store, DAY, "ContractBroken: a column is gone", Request(force=True))
    seen = seen_of(SimpleNamespace(store=store), entries(store), {DAY: store.publication("toy", DAY)})
    ((name, what, number, revision, rows, published_at),) = [
        night_row(entry, seen[DAY]) for entry in entries(store)
    ]
    assert (name, what, number, revision, rows) == (str(DAY), "published", run.id, 1, 1)
    assert published_at == f"{store.publication('toy', DAY).published_at:%Y-%m-%d %H:%M:%S}"
    assert list(reasons(entries(store))) == [f"{DAY} run 2 failed: ContractBroken: a column is gone"]


@pytest.mark.parametrize(
    ("tried", "says"), [({DAY: 1}, "missing: 1 attempt failed"), ({DAY: 2}, "missing: 2 attempts failed")]
)
def test_a_night_without_a_run_says_how_often_it_was_tried(store, tried, says):
    assert [night_row(entry, None)[:2] for entry in entries(store, tried)] == [("2013-06-15", says)]


def test_gaps_are_shown_between_published_nights(run, world):
    first, last = date(2013, 3, 3), date(2013, 3, 7)  # they have landed, and no other test scores these days
    for day in (first, last):
        run("score", "--date", day, "--version", 1, "--reason", "the champion was trained later")
    lines = [" ".join(line.split()) for line in run("status", "--limit", 100).splitlines()]
    assert [line.split(" ", 2)[1] for line in lines if line.startswith((f"{last} ", f"{first} "))][:2] == [
        "published",
        "published",
    ]
    assert "2013-03-04 to 2013-03-06 missing: 3 nights - - - -" in lines


def incident(model):
    trouble = Trouble(
        model=model, kind="late", severity=Severity.CRITICAL, cause="late", sentence="Late.", runbook="x"
    )
    return Incident((Note(**trouble.model_dump(), id=1, step=Step.BEGAN, noted_at=NOON),))


@pytest.mark.parametrize(
    ("model", "says"),
    [
        (None, "open incidents: 4; nightjar alerts lists them"),
        ("toy", "open incidents: 1 of toy, 1 of the platform; nightjar alerts lists them"),
        ("toys", "open incidents: 2 of toys, 1 of the platform; nightjar alerts lists them"),
        ("other", "open incidents: 1 of the platform; nightjar alerts lists them"),
    ],
)
def test_incidents_of_other_models_are_not_counted_beside_a_model(model, says):
    found = [incident(of) for of in ("toys", "toy", "", "toys")]
    assert incidents_told(found, model) == says
    assert incidents_told([incident("another")], "toy") == incidents_told([], model) == ""


@pytest.mark.parametrize(
    ("attempts", "pauses", "says"),
    [
        (0, 0, "no attempt of the last 14 days failed before a run began. Nothing is paused."),
        (1, 1, "1 attempt of the last 14 days failed before a run began. 1 pause stops runs."),
        (2, 2, "2 attempts of the last 14 days failed before a run began. 2 pauses stop runs."),
    ],
)
def test_what_the_server_knows_is_told_in_sentences(capsys, attempts, pauses, says):
    attempt = Attempt(flow_run="f", flow="score", name="n", ended_at=NOON, state="Failed", why="why")
    server = ServerStatus(pauses=(Pause("the pool", "a person paused it"),) * pauses)
    show_server(server, (attempt,) * attempts, 10)
    assert capsys.readouterr().out.splitlines()[-1] == f"Prefect: {says}"


@dataclass(frozen=True)
class Alone:
    """A platform that knows its settings and nothing else."""

    settings: object


@pytest.mark.parametrize(
    ("url", "says"),
    [
        pytest.param(None, "PREFECT_API_URL is not set", id="none"),
        pytest.param("http://127.0.0.1:1/api", "cannot be reached", id="nothing listens"),
        pytest.param("silent", "cannot be reached", id="it takes connections and says nothing"),
    ],
)
def test_a_server_that_cannot_be_asked_costs_seconds_and_no_error(world, monkeypatch, silent, url, says):
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    monkeypatch.setattr(status, "WAITS_S", 0.3)
    if url is not None:
        monkeypatch.setenv("PREFECT_API_URL", silent if url == "silent" else url)
    started = time.monotonic()
    told = asked(Alone(world.platform.settings.model_copy(update={"prefect_port": 1})), SPEC)
    assert isinstance(told, str)
    assert says in told
    assert time.monotonic() - started < 15
