"""Which words name the row to explain, and what is shown of it."""

from datetime import UTC, date, datetime
from io import StringIO

import pytest
import typer

from nightjar.cli.explain import parsed
from nightjar.core.errors.settings import BadSettings
from nightjar.core.explaining.row import Added, FeatureRow, RowExplained, Shown, Source, VersionTold
from nightjar.showing.console import AsWritten
from nightjar.showing.explained import FILES_SHOWN, show

DAY, AT = date(2013, 6, 15), datetime(2013, 6, 15, 1, tzinfo=UTC)


@pytest.mark.parametrize("words", [["toy", "2013-06-15", "a b"], ["2013-06-15", "a b"]])
def test_a_row_is_named_by_date_and_key_after_the_model_or_without_it(words):
    assert parsed(words, "toy") == ("toy", DAY, "a b")


@pytest.mark.parametrize("words", [["a"], ["toy", "2013-06-15", "a", "b"], ["toy", "yesterday", "a"]])
def test_other_words_are_refused(words):
    with pytest.raises(typer.BadParameter):
        parsed(words, None)


def test_two_models_are_refused():
    with pytest.raises(BadSettings, match="Two models are named, toy and other"):
        parsed(["toy", "2013-06-15", "a"], "other")


def told(**changes):
    source = Source(
        dataset="rain", day=DAY, recorded_at=AT, place="/x[1]", rows=1, of=9, keys=({"city": "ROME"},)
    )
    feature = FeatureRow(
        table="rains",
        keys={"city": "ROME"},
        event_timestamp=AT,
        created=AT,
        raw_day=DAY,
        same=True,
        sources=(source,) * 8,
    )
    values = {
        "model": "toy",
        "score_date": DAY,
        "entity_key": "a[bold]",
        "standing": "scored",
        "run_id": 3,
        "revision": 2,
        "scored_by_run": 1,
        "as_of": AT,
        "known_at": AT,
        "score": 0.25,
        "outputs": {},
        "version": VersionTold(
            number=4, algorithm="catboost", trained_from=DAY, trained_through=DAY, rows=9, refit_of=3
        ),
        "base_value": -1.0,
        "raw_score": -1.1,
        "unexplained": None,
        "broken": (),
        "inputs": (Added(input="mm", value=None, contribution=-0.1, words="unknown mm"),),
        "publications": (
            Shown(
                published_at=AT, action="publish", reason=None, run_id=1, revision=1, version=4, score=None
            ),
        ),
        "neighbours": (),
        "population": (source,),
        "features": (feature,),
        "features_from": None,
    }
    return RowExplained(**values | changes)


def shown(row):
    written = StringIO()
    show(row, AsWritten(width=300, file=written))
    return written.getvalue()


def test_score_version_contributions_and_sources_are_shown_as_they_are():
    text = shown(told())
    assert "toy 2013-06-15 a[bold]: score 0.2500" in text
    assert "its score kept from run 1" in text
    assert "version 4 (catboost), a refit of version 3" in text
    assert "raw score -1.1000 = base -1.0000 + inputs -0.1000" in text
    assert "the entity has no score on the nights around" in text
    assert "city=ROME" in text
    assert "/x[1]" in text
    assert f"raw rows of rains: the newest {FILES_SHOWN} of 8 deliveries" in text


def test_what_has_no_score_or_no_contributions_says_so():
    broken = told(
        standing="quarantined", score=None, broken=({"column": "dest", "check": "known", "value": "?"},)
    )
    assert "no score, set aside" in shown(broken)
    assert "dest" in shown(broken)
    assert "no contributions: it cannot tell" in shown(told(unexplained="it cannot tell"))


def test_json_holds_the_same_and_reads_back():
    assert RowExplained.model_validate_json(told().model_dump_json()) == told()
