"""What cannot be done is said before anything that takes long: no day is landed for it, no feature is
built.
"""

import re
import shutil
from datetime import date

import pytest

import models
from nightjar.core.errors.base import NightjarError
from nightjar.core.errors.inputs import DataGone, NoPopulation
from nightjar.showing import remedies
from nightjar.usecases.scoring.scorers import by_then

SPEC = models.model("flight_delay")


@pytest.fixture
def untouched(world):
    """The built days and the landed ones, which a refused command leaves as they were."""

    def now():
        return [
            world.platform.feature_files.fingerprints(table) for table in SPEC.feature_tables
        ], world.platform.raw.days("schedules")

    before = now()
    yield
    assert now() == before


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (
            ("backfill", "--from", "2013-03-10", "--to", "2013-03-12"),
            62,
            r"flight_delay 2013-03-10: no version was champion at .* `nightjar retrain .* --version NUMBER`",
        ),
        (("score", "--date", "2013-03-10", "--version", "9"), 2, r"no version 9\. Registered: 1\."),
        (("score", "--date", "2014-03-01"), 6, "nothing to score on 2014-03-01: no schedules"),
        (
            ("backfill", "--from", "2014-01-01", "--to", "2014-03-01"),
            6,
            "nothing to score on 2014-01-01 to 2014-03-01: no schedules",
        ),
        (("demo", "--today", "2013-12-30"), 6, "nothing to score on 2014-01-01"),
        (
            ("retrain", "--today", "2013-01-20"),
            17,
            "20,000 rows before 2012-12-09 are needed to train on, there are 0",
        ),
        (("retrain", "--today", "2012-01-20"), 17, "no flights landed by then"),
        (
            ("monitor", "--today", "2199-01-01"),
            2,
            r"The day 2199-01-01 has not come yet.* `--today \d{4}-\d\d-\d\d`",
        ),
        (
            ("retrain", "--today", "2199-01-01"),
            2,
            r"The day 2199-01-01 has not come yet.* `--today \d{4}-\d\d-\d\d`",
        ),
        (
            ("features", "build", "--today", "2199-01-01"),
            2,
            r"The day 2199-01-01 has not come yet.* `--today \d{4}-\d\d-\d\d`",
        ),
    ],
)
def test_a_command_that_cannot_succeed_says_so_at_once(run, words, code, told):
    with pytest.raises(NightjarError) as refused:
        run(*words)
    assert re.search(told, remedies.told(refused.value))
    assert refused.value.exit_code == code


@pytest.mark.usefixtures("untouched")
def test_a_backtest_whose_page_cannot_be_written_does_not_walk(run):
    with pytest.raises(NotADirectoryError):
        run("backtest", "--from", "2013-03-10", "--to", "2013-03-12", "--html", "/dev/null/pages/page.html")


@pytest.mark.parametrize(
    "words",
    [
        ("score", "--date", "2013-03-10"),
        ("backfill", "--from", "2013-03-10", "--to", "2013-03-12"),
        ("late", "--rescore"),
        ("quarantine", "replay"),
        ("demo",),
    ],
    ids=" ".join,
)
def test_a_cluster_without_an_address_is_refused_before_there_is_a_home(command_line, tmp_path, words):
    home = tmp_path / "home"
    code, said = command_line.run(*words, NIGHTJAR_EXECUTOR="dask", NIGHTJAR_HOME=str(home))
    assert code == 2
    assert "NIGHTJAR_DASK_SCHEDULER is not set" in said
    assert not home.exists()


def test_the_demo_of_a_new_home_asks_no_database_whether_it_can_succeed(command_line, tmp_path):
    code, said = command_line.run("demo", "--today", "2013-12-30", NIGHTJAR_HOME=str(tmp_path / "home"))
    assert code == 6
    assert "nothing to score on 2014-01-01" in said


def test_some_dates_without_a_population_do_not_stop_the_others(world):
    last = max(world.platform.raw.days("schedules"))
    world.platform.require_scorable(SPEC)([date(2012, 12, 31), last], by_then)
    with pytest.raises(NoPopulation):
        world.platform.require_scorable(SPEC)([date(2012, 12, 31)], by_then)


@pytest.fixture
def unmounted(world):
    """The empty folder that is left when its disk is not mounted. A demo asked the feed before."""
    folder = world.platform.settings.data
    away = folder.rename(folder.with_name("another disk"))
    (folder / "inbox").mkdir(parents=True)
    yield folder
    shutil.rmtree(folder)
    away.rename(folder)


@pytest.mark.parametrize(
    "words",
    [
        ("score", "--date", "2013-03-16", "--force"),
        ("backfill", "--from", "2013-03-16", "--to", "2013-03-17", "--reprocess", "all"),
        ("retrain", "--today", "2013-03-17"),
        ("features", "build", "--today", "2013-03-17"),
    ],
)
def test_nothing_is_written_into_the_folder_on_which_no_disk_is_mounted(run, unmounted, words):
    with pytest.raises(DataGone, match=r"is empty\. Is its disk mounted\?"):
        run(*words)
    assert [*unmounted.rglob("*")] == [unmounted / "inbox"]


def test_corrections_are_not_built_from_nothing(world, unmounted):
    with pytest.raises(DataGone):
        world.platform.prepare(SPEC).corrected()
    assert [*unmounted.rglob("*")] == [unmounted / "inbox"]


def test_a_folder_that_is_lost_for_good_is_filled_anew_if_a_person_says_so(run, unmounted):
    assert "weather of 3 days" in run("features", "build", "--today", "2013-01-03", "--from-nothing")
