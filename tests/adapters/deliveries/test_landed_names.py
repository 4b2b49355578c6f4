"""A landed file that is gone is missed: its day has landed all the same, and nobody reads on without it."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from nightjar.adapters.deliveries.landed_names import LandedNames
from nightjar.adapters.deliveries.raw_days import RawFiles
from nightjar.core.errors.inputs import BadDelivery, DeliveriesLost
from nightjar.core.model.spec import RawDataset
from nightjar.testing.counting import below, counted

DAY, A_DAY, HOUR = date(2013, 6, 15), timedelta(days=1), timedelta(hours=1)
NOON = datetime(2013, 6, 16, 12, tzinfo=UTC)
VISITS = RawDataset(
    name="visits", columns={"day": pl.Date(), "shop": pl.String()}, keys=("shop",), day_column="day"
)


class Feed:
    """Delivers files of shops. A number is a day: 0 is DAY."""

    def __init__(self, folder: Path) -> None:
        self.raw, self.folder = RawFiles(folder / "data"), folder

    def land(self, number, *shops, at=NOON, last=None):
        day = DAY + number * A_DAY
        file = self.folder / f"{number}.csv"
        file.write_text(
            "\n".join(["day,shop", *(f"{day},{shop}" for shop in shops), f"# rows={len(shops)}\n"])
        )
        return self.raw.land(VISITS, day, file, at, last)

    def read(self, number, known_at=None):
        day = DAY + number * A_DAY
        rows = self.raw.read(VISITS, day, day, known_at)
        assert rows.height == self.raw.scan(VISITS, day, day, known_at).collect().height
        return rows["shop"].to_list()

    def kept(self):
        """The files of raw days with their bytes."""
        return {path: path.read_bytes() for path in (self.raw.root / "raw").rglob("*.parquet")}

    def lose(self, number, at=NOON):
        [file] = (self.raw.root / "raw" / "visits").glob(f"date={DAY + number * A_DAY}*/{at:%Y%m%dT%H%M%SZ}*")
        file.unlink()
        return str(file)

    def lost(self):
        return [each.file for each in self.raw.lost("visits")]


@pytest.fixture
def feed(tmp_path):
    return Feed(tmp_path)


def test_a_lost_day_is_named_has_landed_and_cannot_be_read(feed):
    for number in range(3):
        feed.land(number, "north")
    days, recorded = feed.raw.days("visits"), feed.raw.recorded("visits")
    file = feed.lose(1)
    Path(file).parent.rmdir()
    assert feed.lost() == [file]
    assert (feed.raw.days("visits"), feed.raw.recorded("visits")) == (days, recorded)
    for read in (feed.raw.read, feed.raw.scan):
        with pytest.raises(DeliveriesLost, match=rf"\(1\): visits 2013-06-16 \({file}\)"):
            read(VISITS, DAY, DAY + 2 * A_DAY)
    assert feed.read(0) == feed.read(2) == ["north"]


def test_the_loss_of_all_raw_days_is_no_empty_store(feed):
    feed.land(0, "north")
    shutil.rmtree(feed.raw.root / "raw")
    assert len(feed.lost()) == len(feed.raw.days("visits")) == 1
    with pytest.raises(DeliveriesLost):
        feed.read(0)


@pytest.mark.parametrize("at", [NOON, NOON + 99 * HOUR, NOON - 99 * HOUR, None])
@pytest.mark.parametrize("corrected", [False, True])
def test_the_same_content_is_put_back_where_it_was(feed, at, corrected):
    feed.land(0, "north")
    if corrected:
        feed.land(0, "north", "south", at=NOON + HOUR)
    whole, days = feed.kept(), feed.raw.days("visits")
    feed.lose(0)
    assert feed.land(0, "north", at=at) == (
        "restored and corrected" if corrected and at == NOON + 99 * HOUR else "restored"
    )
    assert feed.lost() == []
    assert whole.items() <= feed.kept().items()
    if not corrected:
        assert feed.raw.days("visits") == days
        assert feed.land(0, "north", at=at) == "unchanged"


def test_other_content_is_a_correction_and_the_loss_stays(feed):
    feed.land(0, "north")
    file = feed.lose(0)
    with pytest.raises(BadDelivery, match=r"was recorded at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC too"):
        feed.land(0, "south")
    assert feed.land(0, "south", at=NOON + HOUR) == "corrected"
    assert feed.read(0) == ["south"]
    assert feed.lost() == [file]
    with pytest.raises(DeliveriesLost):
        feed.read(0, known_at=NOON)


def test_a_file_about_several_days_is_missed_on_each(feed):
    feed.land(0, "north", last=DAY + 2 * A_DAY)
    feed.lose(0)
    with pytest.raises(DeliveriesLost, match="visits 2013-06-15 to 2013-06-17"):
        feed.read(2)
    assert feed.land(0, "north", last=DAY + 2 * A_DAY) == "restored"


def test_a_store_from_before_misses_what_was_there_when_it_was_looked_at(feed):
    for number in range(3):
        feed.land(number, "north")
    shutil.rmtree(feed.raw.root / "landed")
    feed.lose(0)
    assert feed.lost() == []
    assert feed.raw.take_stock("visits") == ()
    file = feed.lose(1)
    assert feed.lost() == [each.file for each in feed.raw.take_stock("visits")] == [file]
    assert DAY not in feed.raw.days("visits")


class Killed(BaseException):
    """Nothing catches it."""


@pytest.mark.parametrize("before", ["the file is in its place", "its name is noted"])
@pytest.mark.parametrize("again", [False, True])
def test_a_killed_landing_is_never_told_lost_and_hides_no_loss(feed, monkeypatch, before, again):
    """again: it lands in the place of a file that was lost."""
    feed.land(1, "north")
    if again:
        feed.land(0, "north")
        feed.lose(0)

    def killed(*_):
        raise Killed

    owner, name = (Path, "replace") if before == "the file is in its place" else (LandedNames, "add")
    with monkeypatch.context() as patched:
        patched.setattr(owner, name, killed)
        with pytest.raises(Killed):
            feed.land(0, "north")
    there = owner is LandedNames
    assert bool(feed.lost()) is (again and not there)
    assert (DAY in feed.raw.days("visits")) is (again or there)
    shutil.copytree(feed.raw.root, feed.folder / "after the kill")
    feed.raw.take_stock("visits")
    assert feed.land(0, "north") == ("unchanged" if there else "restored" if again else "landed")
    assert feed.lost() == []
    assert feed.lost() == [] != [feed.lose(0)]
    assert len(feed.lost()) == 1
    landed_at_once = replace(feed.raw, root=feed.folder / "after the kill")
    feed.raw = landed_at_once
    feed.land(0, "north")
    assert feed.lost() == [] != [feed.lose(0)]
    assert len(feed.lost()) == 1


def test_of_files_that_land_at_once_none_is_forgotten(feed):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: feed.land(number, "north"), range(40)))
    shutil.rmtree(feed.raw.root / "raw")
    assert len(feed.lost()) == 40


def test_a_file_that_is_landing_does_not_seem_lost(feed, monkeypatch):
    """Another process looks at the very moment: names are read before files."""
    feed.land(0, "north")
    of = LandedNames.of

    def then_one_lands(names, dataset):
        found = of(names, dataset)
        with monkeypatch.context() as patched:
            patched.setattr(LandedNames, "of", of)
            feed.land(1, "north")
        return found

    monkeypatch.setattr(LandedNames, "of", then_one_lands)
    assert feed.raw.lost("visits") == ()


def test_the_names_are_listed_once_however_many_they_are_and_none_is_opened(feed):
    work = {}
    for number in range(9):
        feed.land(number, "north")
        with counted() as counts:
            feed.read(number)
        work[number] = counts
    listed, opened = (
        [below(getattr(each, kind), feed.raw.root / "landed") for each in work.values()]
        for kind in ("listed", "opened")
    )
    assert listed == [["visits", "visits"]] * 9, "a read and a scan"
    assert opened == [[]] * 9


def test_what_is_given_up_is_read_by_nobody_and_what_was_built_of_it_stays(feed):
    for number in range(2):
        feed.land(number, "north")
    days, whole = feed.raw.days("visits"), feed.kept()
    assert feed.raw.give_up("visits", DAY) == (), "nothing is lost"
    file = feed.lose(0)
    assert [each.file for each in feed.raw.give_up("visits", DAY)] == [file]
    assert feed.lost() == [] == feed.read(0)
    assert feed.raw.days("visits") == days
    assert [*feed.raw.recorded("visits")] == [DAY + A_DAY]
    assert feed.land(0, "north", at=NOON + HOUR) == "restored"
    assert feed.kept() == whole
    assert (feed.raw.days("visits"), feed.read(0)) == (days, ["north"])
    feed.lose(0)
    assert feed.lost() == [file]


def test_a_held_day_has_not_landed_for_readers_whether_it_is_lost_or_not(feed):
    for number in range(2):
        feed.land(number, "north")
    feed.raw = replace(feed.raw, held=lambda dataset: {(DAY, NOON): None})
    assert [*feed.raw.days("visits")] == [*feed.raw.recorded("visits")] == [DAY + A_DAY]
    assert feed.lost() == [] == feed.read(0)
    file = feed.lose(0)
    assert feed.lost() == [file]
    assert [*feed.raw.days("visits")] == [DAY + A_DAY]
    assert feed.read(0) == []
