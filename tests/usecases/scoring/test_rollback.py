from datetime import UTC, date, datetime

import polars as pl
import pytest

from nightjar.core.errors.settings import BadSettings
from nightjar.core.night.claim import Request
from nightjar.core.night.entities import Night, Part, Population
from nightjar.core.night.part_rows import SCORES
from nightjar.testing.memory import MemoryNights
from nightjar.testing.versions import toy_version
from nightjar.usecases.scoring.rollback import roll_back

DAY = date(2013, 6, 15)
NIGHT = Night(model="toy", score_date=DAY, as_of=datetime(2013, 6, 15, 1, tzinfo=UTC))
NONE_ASIDE = pl.DataFrame(schema={"entity_key": pl.String, "reasons": pl.String, "row": pl.String})


@pytest.fixture
def store():
    """Two published revisions, and one that failed."""
    store, version = MemoryNights(), toy_version()
    scores = pl.DataFrame(
        {
            "entity_key": ["a"],
            "score": [0.5],
            "outputs": [None],
            "challenger_score": [None],
            "challenger_outputs": [None],
            "arm": [None],
            "carried_from": [None],
        },
        schema=SCORES,
    )
    for publish in (True, True, False):
        with store.night(NIGHT, version, None, Request(force=True)) as claimed:
            run = store.record_population(
                claimed.run, Population(uri="file:///p", sha256="2" * 64, rows=1, parts=1)
            )
            store.write_part(run, Part(number=0, start=0, stop=1), scores, NONE_ASIDE)
            store.publish(run) if publish else store.fail(run, "it broke")
    return store


def test_an_earlier_run_is_shown_again_with_the_reason(store):
    publication = roll_back(store, "toy", DAY, 1, "the second was wrong").publication
    assert (publication.run_id, publication.action, publication.reason) == (
        1,
        "rollback",
        "the second was wrong",
    )
    assert store.publication("toy", DAY) == publication


def test_what_is_shown_already_gets_no_second_row(store):
    shown = store.publication("toy", DAY)
    assert roll_back(store, "toy", DAY, shown.run_id, "again").publication == shown


@pytest.mark.parametrize(
    ("day", "run_id", "reason", "said"),
    [
        (DAY, 3, "x", "Run 3 of toy 2013-06-15 was never published: it is failed. Name one of 1, 2."),
        (DAY, 9, "x", "is none of that night. Name one of 1, 2."),
        (date(2013, 6, 16), 1, "x", "is none of that night. None of its runs was."),
        (DAY, 1, "  ", "needs a reason"),
    ],
)
def test_anything_else_is_refused_with_the_runs_there_are(store, day, run_id, reason, said):
    with pytest.raises(BadSettings, match=said):
        roll_back(store, "toy", day, run_id, reason)
    assert store.publication("toy", DAY).run_id == 2
