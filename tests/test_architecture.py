"""What docs/architecture.md draws is what the code does: the rooms, the states of a run, those of a
delivery.
"""

import ast
import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import psycopg
import pytest

from nightjar.adapters.deliveries.raw_days import RawFiles
from nightjar.core.model.spec import RawDataset
from nightjar.core.night.entities import RunState

PROJECT = Path(__file__).parents[1]
PAGE = (PROJECT / "docs" / "architecture.md").read_text()
EDGE = re.compile(r"^    (\[\*\]|\w+) --> (\w+): (.+)$", re.MULTILINE)
OF_A_RUN, OF_A_DELIVERY = (
    [*EDGE.findall(drawing)]
    for drawing in re.findall(r"```mermaid\nstateDiagram-v2\n(.*?)```", PAGE, re.DOTALL)
)


# --- rooms ---


def rooms() -> Iterator[tuple[str, str]]:
    """Each package with the first paragraph of its docstring; not migrations, and of models only the
    folder of them.
    """
    for top in ("db", "flows", "models", "nightjar"):
        for file in sorted(PROJECT.glob(f"{top}/**/__init__.py")):
            name = str(file.parent.relative_to(PROJECT))
            if not name.startswith(("db/migrations", "models/")):
                told = ast.get_docstring(ast.parse(file.read_text()))
                assert told, f"{name} does not say what its subject is"
                yield name, " ".join(told.split("\n\n")[0].split())


def test_every_package_is_listed_with_its_subject():
    listed = re.findall(r"^\| `([a-z_/]+)` \| (.+) \|$", PAGE, re.MULTILINE)
    assert [*listed] == [*rooms()]


def test_every_room_of_the_engine_is_drawn():
    (drawing,) = re.findall(r"## The house\n\n```mermaid\n(.*?)```", PAGE, re.DOTALL)
    drawn = set(re.findall(r"nightjar\.(\w+)", drawing))
    assert drawn == {
        name.split("/")[1] for name, _ in rooms() if name.count("/") == 1 and name.startswith("nightjar/")
    }


# --- a run ---

BEGUN = """
    INSERT INTO nightjar.run (model, score_date, revision, as_of, known_at, version_id)
    SELECT 'flight_delay', '2013-06-15', 1, now(), now(), id FROM nightjar.model_version RETURNING id
"""
VERSION = """
    WITH kept AS (
        INSERT INTO nightjar.dataset (model, sha256, uri, rows, first_date, last_date, known_at)
        VALUES ('flight_delay', repeat('a', 64), 'file:///d', 1, '2013-01-01', '2013-01-02', now())
            RETURNING id
    )
    INSERT INTO nightjar.model_version (model, number, kind, score_low, score_high, algorithm, dataset_id,
        artifact_uri, artifact_sha256, reference_uri,
        params, metrics, gates, code_version, trained_through)
    SELECT 'flight_delay', 1, 'binary', 0, 1, 'catboost', id, 'file:///a', repeat('b', 64), 'file:///r', '{}',
        '{}', '[]', 'c', '2013-01-02' FROM kept
"""
FORBIDDEN = re.compile(r"cannot change any more|may not make it")


@pytest.fixture(scope="module")
def allowed(shared_database) -> Callable[[str, str], bool]:
    """Whether the database lets its owner bring a run from one state to another.

    That a night is whole is another question.
    """
    with psycopg.connect(shared_database.url("owner"), autocommit=True) as owner:
        owner.execute(VERSION)
        run = owner.execute(BEGUN).fetchone()[0]

    def may(old: str, new: str) -> bool:
        with psycopg.connect(shared_database.url("owner")) as owner:
            owner.execute(
                "ALTER TABLE nightjar.run DISABLE TRIGGER USER, DROP CONSTRAINT run_published_has_population"
            )
            owner.execute("UPDATE nightjar.run SET state = %s WHERE id = %s", [old, run])
            owner.execute("ALTER TABLE nightjar.run ENABLE TRIGGER USER")
            try:
                owner.execute("UPDATE nightjar.run SET state = %s WHERE id = %s", [new, run])
            except psycopg.Error as refusal:
                return not FORBIDDEN.search(str(refusal))
            finally:
                owner.rollback()
            return True

    return may


def test_the_states_of_a_run_are_drawn():
    assert {new for _, new, _ in OF_A_RUN} == set(RunState)


@pytest.mark.parametrize("old", RunState)
def test_the_database_allows_the_changes_of_a_run_that_are_drawn_and_no_other(allowed, old):
    drawn = {new for before, new, _ in OF_A_RUN if before == old}
    assert {new for new in RunState if new != old and allowed(old, new)} == drawn


# --- a delivery ---

VISITS = RawDataset(name="visits", columns={"shop": pl.String()}, keys=("shop",))
DAY = date(2013, 6, 15)
NOON = datetime(2013, 6, 16, 12, tzinfo=UTC)
WHOLE, CORRECTED, BROKEN = "shop\nnorth\n# rows=1\n", "shop\nsouth\n# rows=1\n", "shop\nnorth\n"


class Feed:
    """Delivers files of one day, an hour after each other, and says in which state the newest is."""

    def __init__(self, root: Path) -> None:
        self.raw, self.file, self.at = RawFiles(root / "data"), root / "visits.csv", NOON

    def state(self) -> set[str]:
        settled = {"settled"} if list(self.raw.root.glob("refused/settled/**/*.json")) else set()
        name = "lost" if self.raw.lost("visits") else "landed" if self.raw.recorded("visits") else "given_up"
        landed = {name} if self.raw.days("visits") else set()
        return settled | landed | ({"refused"} if self.raw.refused("visits") else set())

    def delivered(self, text: str) -> object:
        self.file.write_text(text)
        self.at += timedelta(hours=1)
        return self.raw.receive(VISITS, DAY, self.file, self.at)

    def cleared(self) -> None:
        self.raw.settle("visits", DAY)

    def lost(self) -> None:
        [file] = (self.raw.root / "raw" / "visits" / f"date={DAY}").iterdir()
        file.unlink()

    def given_up(self) -> None:
        self.raw.give_up("visits", DAY)

    def replaced(self) -> None:
        self.delivered(WHOLE)
        self.raw.settle("visits", DAY, self.at)


CLEARED, LOST, GIVEN_UP = "cleared", "lost", "given up"
DONE: dict[str, Callable[[Feed], None]] = {
    CLEARED: Feed.cleared,
    LOST: Feed.lost,
    GIVEN_UP: Feed.given_up,
}
STEPS: dict[str, tuple[list[str], Callable[[Feed], object], object]] = {
    "whole, and as its dataset says": ([], lambda feed: feed.delivered(WHOLE), "landed"),
    "anything else": ([], lambda feed: feed.delivered(BROKEN).problem[:12], "is truncated"),
    "a correction lands beside it": ([WHOLE], lambda feed: feed.delivered(CORRECTED), "corrected"),
    "the same content changes nothing": ([WHOLE], lambda feed: feed.delivered(WHOLE), "unchanged"),
    "its file is gone from the disk": ([WHOLE], Feed.lost, None),
    "the same content is put back": ([WHOLE, LOST], lambda feed: feed.delivered(WHOLE), "restored"),
    "a person gives it up": ([WHOLE, LOST], Feed.given_up, None),
    "the lost file lands after all": (
        [WHOLE, LOST, GIVEN_UP],
        lambda feed: feed.delivered(WHOLE),
        "restored",
    ),
    "the same content is told once": ([BROKEN], lambda feed: feed.delivered(BROKEN), "refused before"),
    "another delivery of its day lands": ([BROKEN], Feed.replaced, None),
    "a person clears it": ([BROKEN], Feed.cleared, None),
    "the same content is delivered anew": ([BROKEN, CLEARED], lambda feed: feed.delivered(BROKEN).day, DAY),
}
"""What happens -> what was delivered or done before, what to do, what comes of it."""


def test_every_step_of_a_delivery_that_is_drawn_is_tried():
    assert {why for _, _, why in OF_A_DELIVERY} == set(STEPS)


@pytest.mark.parametrize(("old", "new", "why"), OF_A_DELIVERY)
def test_a_delivery_changes_its_state_as_drawn(tmp_path, old, new, why):
    feed = Feed(tmp_path)
    before, step, answer = STEPS[why]
    for text in before:
        DONE[text](feed) if text in DONE else feed.delivered(text)
    assert old in (feed.state() or {"[*]"})
    assert step(feed) == answer
    assert new in feed.state()
