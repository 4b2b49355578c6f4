"""Bad deliveries as an operator meets them: nights on real files and Postgres while the feed sends what is
broken.
"""

import contextlib
import dataclasses
import os
import shutil
from datetime import date, timedelta

import pytest

import models
from nightjar.core.errors.inputs import BadDelivery, DataGone
from nightjar.core.errors.night import WorkBusy
from nightjar.core.errors.settings import BadSettings
from nightjar.core.night.clock import dates_between
from nightjar.showing.remedies import told
from nightjar.usecases.data.landing import set_aside
from nightjar.wiring.platform import Platform

SPEC = models.model("flight_delay")
FIRST, LAST = NIGHTS = date(2013, 3, 22), date(2013, 3, 25)
BAD_DAY = date(2013, 3, 24)


@pytest.fixture(scope="module")
def platform(world, tmp_path_factory):
    """The world's database, with data of its own: what is set aside here is nobody else's."""
    data = shutil.copytree(world.platform.settings.data, tmp_path_factory.mktemp("apart") / "data")
    platform = Platform(world.platform.settings.model_copy(update={"data_dir": data}))
    yield platform
    platform.close()


def test_without_the_data_folder_nobody_says_that_nothing_is_set_aside(world, run, monkeypatch, tmp_path):
    gone = Platform(world.platform.settings.model_copy(update={"data_dir": tmp_path / "gone"}))
    monkeypatch.setattr("nightjar.cli.data.opened", lambda: gone)
    with contextlib.closing(gone), pytest.raises(DataGone):
        run("deliveries", "list")


@pytest.fixture
def feed(platform, run, monkeypatch):
    """feed({(dataset, day): change}) lets the feed deliver these files badly from now on."""
    for module in ("data", "nights"):
        monkeypatch.setattr(f"nightjar.cli.{module}.opened", lambda: platform)

    def sends(bad):
        def deliver(inbox, first, last):
            for delivery in SPEC.deliver(inbox, first, last):
                if change := bad.get((delivery.dataset, delivery.day)):
                    change(delivery.path)
                yield delivery

        monkeypatch.setitem(models.MODELS, SPEC.name, dataclasses.replace(SPEC, deliver=deliver))

    return sends


def cut(path):
    path.write_bytes(path.read_bytes()[:500])


def fifo(path):
    path.unlink()
    os.mkfifo(path)


def published(world, first=FIRST, last=LAST):
    return [
        day
        for (day,) in world.query(
            f"SELECT DISTINCT score_date FROM scores WHERE score_date BETWEEN '{first}' AND '{last}' ORDER "
            "BY 1"
        )
    ]


def test_bad_deliveries_fail_only_the_night_that_has_nothing_else_and_are_told_until_they_are_mended(
    run, feed, world, platform
):
    landed_before = date(2013, 3, 15)
    feed(
        {("schedules", landed_before): cut, ("weather", date(2013, 3, 20)): fifo, ("schedules", BAD_DAY): cut}
    )
    said = run("backfill", "--from", FIRST, "--to", LAST, code=5)
    assert "3 published now, 0 already, 1 failed" in said
    assert f"{BAD_DAY}:" in said
    assert "is truncated" in said
    assert "Runbook: runbooks/bad-delivery.md" in said
    assert published(world) == [day for day in dates_between(*NIGHTS) if day != BAD_DAY]

    status, listed = run("status"), run("deliveries", "list")
    for dataset, day in (
        ("schedules", landed_before),
        ("weather", date(2013, 3, 20)),
        ("schedules", BAD_DAY),
    ):
        assert f"{dataset} {day}" in " ".join(listed.split())
        assert f"{dataset} {day}" in " ".join(status.split())
    assert (
        world.scheduled(landed_before)
        == platform.raw.read(SPEC.dataset("schedules"), landed_before, landed_before).height
    )

    feed({("schedules", landed_before): cut})
    run("score", "--date", BAD_DAY)
    assert published(world) == list(dates_between(*NIGHTS))
    assert [(refusal.dataset, refusal.day) for refusal in set_aside(SPEC, platform.raw)] == [
        ("schedules", landed_before)
    ]
    assert "cleared: schedules 2013-03-15: is truncated" in run(
        "deliveries", "clear", "schedules", landed_before
    )
    run("features", "build", "--today", LAST)
    assert run("deliveries", "list") == "no delivery is set aside\n"
    assert "set aside" not in run("status")


def test_a_feed_that_sends_bad_weather_fails_the_nights_that_need_it_with_its_error(run, feed, world):
    """Two evenings later no weather is young enough."""
    night = LAST + timedelta(days=3)
    feed({("weather", day): cut for day in dates_between(LAST - timedelta(days=1), night)})
    with pytest.raises(BadDelivery, match=r"is truncated.* the newest row of weather is of ") as refused:
        run("score", "--date", night)
    assert f"`nightjar score --model flight_delay --date {night} --accept REASON`" in told(refused.value)
    assert published(world, night, night) == []
    feed({})
    run("score", "--date", night)
    assert published(world, night, night) == [night]


def test_a_file_about_several_days_is_landed_by_hand_with_its_last_day(run, feed, platform, tmp_path):
    feed({})
    days, file = (date(2014, 1, 5), date(2014, 1, 6)), tmp_path / "in.csv"
    columns = SPEC.dataset("weather").columns
    rows = [f"JFK,{day}T09:00:00Z,{'1,' * 8}1" for day in days]
    file.write_text("\n".join([",".join(columns), *rows, "# rows=2\n"]))
    asked = ("land", "weather", days[0], file)
    with pytest.raises(BadDelivery, match="are about 2014-01-05 to 2014-01-06"):
        run(*asked)
    first, again = run(*asked, "--through", days[1]), run(*asked, "--through", days[1])
    [at] = platform.raw.recorded("weather")[days[1]]
    instant = f"{at:%Y-%m-%d %H:%M:%S} UTC"
    assert first == f"weather 2014-01-05 to 2014-01-06: landed, as recorded now ({instant})\n"
    assert again == f"weather 2014-01-05 to 2014-01-06: unchanged; it stays recorded at {instant}\n"
    assert platform.raw.read(SPEC.dataset("weather"), *days)["date"].to_list() == list(days)


def test_a_file_is_landed_by_hand_while_no_other_process_lands(run, feed, platform, tmp_path, monkeypatch):
    """Otherwise both could land a file of the same day and instant."""
    feed({})
    hasty = Platform(platform.settings.model_copy(update={"night_wait_s": 0.0}))
    monkeypatch.setattr("nightjar.cli.data.opened", lambda: hasty)
    [weather] = [each for each in SPEC.deliver(tmp_path, LAST, LAST) if each.dataset == "weather"]
    asked = ("land", "weather", LAST, weather.path, "--recorded-at", weather.recorded_at.isoformat())
    with platform.prepare(SPEC).alone(), pytest.raises(WorkBusy):
        run(*asked)
    at = f"{weather.recorded_at:%Y-%m-%d %H:%M:%S} UTC"
    assert run(*asked) == f"weather {LAST}: unchanged; it stays recorded at {at}\n"
    hasty.close()


def test_a_correction_is_told_with_the_instant_that_it_counts_from(run, feed, tmp_path):
    feed({})
    [weather] = [each for each in SPEC.deliver(tmp_path, LAST, LAST) if each.dataset == "weather"]
    *lines, _ = weather.path.read_text().splitlines()[:-1]
    weather.path.write_text("\n".join([*lines, f"# rows={len(lines) - 1}\n"]))
    later = weather.recorded_at + timedelta(hours=1)
    asked = ("land", "weather", LAST, weather.path, "--recorded-at", later.isoformat())
    assert run(*asked) == f"weather {LAST}: corrected, as recorded at {later:%Y-%m-%d %H:%M:%S} UTC\n"


def test_a_file_is_not_landed_as_known_in_the_future_where_no_night_would_see_it(
    run, feed, platform, tmp_path
):
    feed({})
    before = platform.raw.recorded("weather")
    with pytest.raises(BadSettings, match="is in the future; no night sees the file until then"):
        run("land", "weather", "2014-01-05", tmp_path / "in.csv", "--recorded-at", "2199-01-05T12:00:00Z")
    assert platform.raw.recorded("weather") == before


def test_a_bad_file_landed_by_hand_ends_with_its_error_and_nothing_is_set_aside(
    run, feed, platform, tmp_path
):
    feed({})
    os.mkfifo(tmp_path / "in.csv")
    for file, said in (
        (tmp_path / "in.csv", "is a FIFO, not a regular file"),
        ("/dev/zero", "is a character device"),
        (tmp_path, "is a folder"),
    ):
        with pytest.raises(BadDelivery, match=said):
            run("land", "schedules", BAD_DAY, file)
    assert set_aside(SPEC, platform.raw) == ()
