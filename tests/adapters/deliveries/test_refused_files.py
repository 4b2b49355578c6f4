from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from nightjar.adapters.deliveries.content import Content
from nightjar.adapters.deliveries.refused_files import RefusedFiles, content_of
from nightjar.core.errors.inputs import DamagedFile
from nightjar.core.inputs.refusals import Refusal

DAY, NOON = date(2013, 6, 15), datetime(2013, 6, 16, 12, tzinfo=UTC)
BYTES = b"day,shop\n2013-06"


@pytest.fixture
def files(tmp_path):
    return RefusedFiles(tmp_path)


def refusal(content=BYTES, recorded_at=NOON, day=DAY, problem="is truncated"):
    return Refusal(
        dataset="visits",
        day=day,
        content=content_of(None if content is None else Content.of(content), problem),
        file="in.csv",
        column="shop",
        problem=problem,
        remedy="Have it delivered again.",
        recorded_at=recorded_at,
        refused_at=NOON + timedelta(days=1),
    )


def test_what_is_kept_is_listed_with_its_bytes(files):
    kept = files.keep(refusal(), Content.of(BYTES))
    assert files.open("visits") == (kept,)
    assert kept == refusal().model_copy(update={"kept": kept.kept})
    assert Path(kept.kept).read_bytes() == BYTES
    assert files.open("trains") == ()


def test_the_same_content_is_kept_once_though_it_lies_elsewhere_and_is_said_to_be_newer(files):
    assert files.keep(refusal(), Content.of(BYTES))
    again = refusal(recorded_at=NOON + timedelta(hours=1)).model_copy(update={"file": "other.csv"})
    assert files.keep(again, Content.of(BYTES)) is None
    assert [refusal.file for refusal in files.open("visits")] == ["in.csv"]
    assert files.keep(refusal(day=DAY + timedelta(1)), Content.of(BYTES)), "another day is another delivery"


def test_what_could_not_be_read_is_told_apart_by_what_was_wrong(files):
    assert files.keep(refusal(None, problem="is a FIFO"), None).kept is None
    assert files.keep(refusal(None, problem="is a FIFO"), None) is None
    assert files.keep(refusal(None, problem="is a folder"), None)


def test_only_what_was_recorded_by_an_instant_is_settled(files):
    files.keep(refusal(b"first"), Content.of(b"first"))
    files.keep(refusal(b"second", NOON + timedelta(hours=1)), Content.of(b"second"))
    [settled] = files.settle("visits", DAY, NOON)
    assert Path(settled.kept).read_bytes() == b"first", "nothing is lost"
    assert [Path(left.kept).read_bytes() for left in files.open("visits")] == [b"second"]
    assert files.settled("visits") == (settled,)
    assert len(files.settle("visits", DAY)) == 1
    assert files.settle("visits", DAY) == ()
    assert files.open("visits") == ()


def test_what_was_settled_is_open_again_only_if_it_was_delivered_anew(files):
    files.keep(refusal(), Content.of(BYTES))
    files.settle("visits", DAY)
    assert files.keep(refusal(), Content.of(BYTES)) is None
    assert files.open("visits") == ()
    assert files.keep(refusal(recorded_at=NOON + timedelta(seconds=1)), Content.of(BYTES))
    assert len(files.open("visits")) == 1
    assert len(list(files.root.rglob("*.csv"))) == 1


def test_a_settling_that_was_killed_midway_is_finished_by_the_next(files, monkeypatch):
    kept = files.keep(refusal(), Content.of(BYTES))

    def killed(self, target, rename=Path.replace):
        if self.suffix == ".json":
            raise KeyboardInterrupt
        return rename(self, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            files.settle("visits", DAY)
    assert [left.content for left in files.open("visits")] == [kept.content]
    [settled] = files.settle("visits", DAY)
    assert Path(settled.kept).read_bytes() == BYTES


def test_a_record_that_somebody_wrote_over_is_named(files):
    record = Path(files.keep(refusal(), Content.of(BYTES)).kept).with_suffix(".json")
    record.write_text('{"dataset": "visits"}')
    with pytest.raises(
        DamagedFile, match=rf"{record.name} is damaged: it is no record of a refused delivery"
    ):
        files.open("visits")
