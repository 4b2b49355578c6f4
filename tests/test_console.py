from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace

import pytest

from nightjar.adapters.memory import MemoryScoreStore
from nightjar.console import failures
from nightjar.core.claim import Request
from nightjar.core.entities import Night

DAY = date(2013, 6, 15)
CHAMPION = SimpleNamespace(id=1)


@pytest.fixture
def store():
    return MemoryScoreStore()


def fail(store, day, error, request=None):
    night = Night(model="toy", score_date=day, as_of=datetime(2013, 6, 15, 1, tzinfo=UTC))
    with store.night(night, CHAMPION, None, *([request] if request else [])) as claimed:
        store.fail(claimed.run, error)


def test_status_says_why_each_failed_night_has_no_scores(store):
    fail(store, DAY, "NoPopulation: nothing to score")
    fail(store, DAY + timedelta(days=1), "AuditFailed: absurd")
    assert list(failures(store, store.runs("toy"))) == [
        "2013-06-16 run 2 failed: AuditFailed: absurd",
        "2013-06-15 run 1 failed: NoPopulation: nothing to score",
    ]


def test_a_failure_that_a_newer_revision_replaced_is_told_no_more(store):
    fail(store, DAY, "first")
    fail(store, DAY, "second", Request(force=True))
    assert list(failures(store, store.runs("toy"))) == ["2013-06-15 run 2 failed: second"]


def test_where_nothing_ran_nothing_failed(store):
    assert list(failures(store, ())) == []
