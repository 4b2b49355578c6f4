"""Models that share a feature table build it one after the other."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import polars as pl
import pytest

import models
from nightjar.core.errors.night import WorkBusy
from nightjar.testing.specs import WEATHER, toy_spec
from nightjar.wiring.platform import Platform
from nightjar.wiring.settings import Settings

WIND = replace(WEATHER, name="wind", features={"speed": pl.Float64()})
ONE = toy_spec(name="one", feature_tables=(WIND, WEATHER))
TWO = toy_spec(name="two", feature_tables=(WEATHER, WIND))
APART = toy_spec(name="apart", feature_tables=(replace(WEATHER, name="snow"),))


@pytest.fixture
def platform(database, tmp_path):
    def made(**settings):
        passwords = {"writer_password": database.server.passwords["writer"]}
        urls = {"database_url": database.url("owner"), "home": tmp_path}
        opened.append(Platform(Settings(**urls, **passwords, **settings, _env_file=None)))
        return opened[-1]

    opened = []
    yield made
    for each in opened:
        each.close()


def test_a_model_does_not_build_while_another_builds_a_table_that_it_shares(platform):
    patient, hasty = platform(), platform(night_wait_s=0)
    with patient.prepare(ONE).alone():
        with pytest.raises(WorkBusy, match="eature table weather: being done"), hasty.prepare(TWO).alone():
            pass
        with hasty.prepare(APART).alone():
            """No table is shared."""
    with hasty.prepare(TWO).alone():
        """It is free again."""


def test_models_that_share_tables_take_turns_whatever_their_order(platform):
    inside = []

    def build(spec):
        with platform(night_wait_s=60).prepare(spec).alone():
            inside.append(spec.name)
            assert len(inside) == 1
            inside.remove(spec.name)
        return spec.name

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(build, [ONE, TWO, ONE, TWO])) == ["one", "one", "two", "two"]


def test_a_receiver_is_named_by_its_kind_and_by_nothing_else_of_its_url(tmp_path):
    given = "critical=mailto://ops:s3cret@example.org warning=webhook+http://127.0.0.1:9/t0ken"
    names = [*Platform(Settings(home=tmp_path, alert_urls=given, _env_file=None)).ways_to_people()]
    assert [name.rpartition(" ")[0] for name in names] == [
        "alert critical mailto",
        "alert warning webhook+http",
    ]
    assert not [word for word in ("s3cret", "t0ken", "example", "127") if word in " ".join(names)]


def test_a_backtest_knows_the_code_of_its_model_and_that_of_the_platform_by_their_files(platform):
    code = platform().backtest(models.model("route_delay")).code
    spec = Path(models.__file__).parent / "route_delay" / "spec.py"
    assert code["route_delay/spec.py"] == sha256(spec.read_bytes()).hexdigest()
    assert code["the code"]


def test_drift_and_reasons_of_a_night_share_the_training_sample_that_one_of_them_reads(platform):
    follow = platform().follow_up(ONE)
    assert follow.explain.inputs is follow.watch.inputs
