"""What the doctor finds before a night does."""

import shutil
import time
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import polars as pl
import psycopg
import pytest
from sqlalchemy import insert
from typer.testing import CliRunner

import models
from db.listening import listening
from db.tables import DatasetRow, table_of
from nightjar.adapters.memory_registry import MemoryRegistry
from nightjar.cli import alerts, app, data, doctor
from nightjar.core.errors.database import StoreUnavailable
from nightjar.core.errors.inputs import ArtifactsLost, DeliveriesSetAside
from nightjar.core.kinds.gates import GateResult, Verdict
from nightjar.testing.specs import toy_spec
from nightjar.testing.versions import registered
from nightjar.wiring.platform import Platform
from nightjar.wiring.settings import Settings

ASKS = GateResult(
    name="min_loss_shuffled", value=1.0, threshold=0.5, reason="it is too good", verdict=Verdict.ASKS
)
DAY, NOON = date(2013, 3, 1), datetime(2013, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def platform(database, tmp_path):
    """On a Postgres that is not the embedded one of its home."""
    writer = database.server.passwords["writer"]
    made = Platform(
        Settings(home=tmp_path, database_url=database.url("owner"), writer_password=writer, _env_file=None)
    )
    yield made
    made.close()


def test_of_many_bad_deliveries_the_first_are_named_and_the_others_counted():
    told = str(DeliveriesSetAside("toy", [f"weather {day}" for day in range(1_388)]))
    assert "set aside (1,388): weather 0, weather 1, weather 2, weather 3, weather 4, and 1,383 more." in told


def test_a_bad_delivery_is_a_finding_until_it_is_settled(platform, tmp_path):
    spec, day = models.model("flight_delay"), date(2013, 3, 1)
    assert doctor.deliveries(platform, spec) == "none is set aside"
    platform.raw.receive(
        spec.dataset("weather"), day, tmp_path / "nowhere.csv", datetime(2013, 3, 2, tzinfo=UTC)
    )
    with pytest.raises(DeliveriesSetAside):
        doctor.deliveries(platform, spec)
    name, verdict, found = doctor.verdict("deliveries", partial(doctor.deliveries, platform, spec))
    assert (name, verdict) == ("deliveries", "NO")
    assert (
        "set aside (1): weather 2013-03-01. Look with `nightjar deliveries list --model flight_delay`"
        in found
    )
    platform.raw.settle("weather", day)
    assert doctor.deliveries(platform, spec) == "none is set aside"


def test_the_disk_with_the_least_room_counts_be_it_that_of_the_data(tmp_path, monkeypatch):
    shared = Path("/dev/shm")
    platforms = [
        Platform(Settings(home=home, data_dir=data, _env_file=None))
        for home, data in ((tmp_path / "not" / "there", shared), (shared, tmp_path))
    ]
    monkeypatch.setattr(doctor, "ENOUGH_DISK_GB", 1e9)
    least = min((shared, tmp_path), key=lambda place: shutil.disk_usage(place).free)
    for platform in platforms:
        with pytest.raises(OSError, match=f"GB free at {least}"):
            doctor.disk(platform)


def test_a_data_folder_that_is_gone_is_a_finding_if_a_version_was_trained_on_it(world, monkeypatch):
    spec, folder = models.model("flight_delay"), world.platform.settings.data
    monkeypatch.setattr("nightjar.wiring.platform.lacking", lambda _: "is empty")
    name, verdict, found = doctor.verdict("data", partial(doctor.data, world.platform, spec))
    assert (name, verdict) == ("data", "NO")
    assert found.startswith(f"The data folder {folder} is empty. Is its disk mounted?")
    assert found.endswith("Runbook: runbooks/data-gone.md")
    untrained = models.model("route_delay")
    assert "none landed yet" in doctor.data(world.platform, untrained)


def test_a_landed_day_that_is_lost_is_a_finding_until_it_is_there_or_given_up(
    platform, tmp_path, monkeypatch, capsys
):
    spec, day = models.model("flight_delay"), date(2013, 3, 1)
    [delivery] = (each for each in spec.deliveries(tmp_path, day, day) if each.dataset == "weather")
    land = partial(platform.raw.land, spec.dataset("weather"), day, delivery.path, delivery.recorded_at)
    assert land() == "landed"
    for mended in (False, True):
        [file] = (platform.raw.root / "raw" / "weather" / f"date={day}").iterdir()
        file.unlink()
        name, verdict, found = doctor.verdict("data", partial(doctor.data, platform, spec))
        assert (name, verdict) == ("data", "NO")
        assert f"gone from the disk (1): weather 2013-03-01 ({file})" in found
        assert "`nightjar land weather 2013-03-01 FILE --model flight_delay`" in found
        assert "`nightjar deliveries clear weather 2013-03-01 --lost --model flight_delay`" in found
        assert found.endswith("Runbook: runbooks/delivery-lost.md")
        if not mended:
            assert land() == "restored"
            assert "weather to 2013-03-01" in doctor.data(platform, spec)
    monkeypatch.setattr("nightjar.cli.data.opened", lambda: platform)
    data.deliveries_list("flight_delay")
    data.deliveries_clear("weather", day, "flight_delay", lost=True)
    data.deliveries_list("flight_delay")
    said = capsys.readouterr().out.replace("\n", "")
    assert f"lost: weather 2013-03-01: {file} is gone" in said
    assert "To land one: `nightjar land weather 2013-03-01 FILE --model flight_delay`" in " ".join(
        said.split()
    )
    assert f"given up: weather 2013-03-01: {file}" in said
    assert "weather to 2013-03-01" in doctor.data(platform, spec)


def test_a_file_that_a_row_names_and_that_is_gone_is_a_finding(platform, tmp_path):
    file = tmp_path / "file.parquet"
    pl.DataFrame({"x": [1]}).write_parquet(file)
    uri, sha256 = platform.artifacts.put("dataset", file)
    frozen = {"sha256": sha256, "rows": 1, "first_date": DAY, "last_date": DAY, "known_at": NOON}
    with platform.engine.begin() as connection:
        connection.execute(insert(table_of(DatasetRow)).values(model="toy", uri=uri, **frozen))
    assert "and has all 1 that are named" in doctor.artifacts(platform)
    platform.artifacts.remove(uri)
    with pytest.raises(ArtifactsLost, match=rf"gone from the disk \(1\): {uri}"):
        doctor.artifacts(platform)


def test_a_database_that_takes_no_writes_is_not_called_well(platform, database):
    assert "schema up to date" in doctor.postgres(platform)
    platform.close()
    with psycopg.connect(database.url("admin"), autocommit=True) as admin:
        admin.execute(f"ALTER DATABASE {database.name} SET default_transaction_read_only = on")
    with pytest.raises(StoreUnavailable, match="takes no writes"):
        doctor.postgres(platform)


def test_that_no_watcher_runs_is_marked_and_is_no_failure(platform, database, monkeypatch):
    """Also where incidents are listed: that none is open means nothing then."""
    monkeypatch.setattr(alerts, "opened", lambda: platform)
    check = partial(doctor.watcher, platform)
    name, mark, told = doctor.verdict("watcher", check)
    assert (name, mark) == ("watcher", "-")
    assert told.startswith("No watcher runs")
    assert "No watcher runs" in CliRunner().invoke(app, ["alerts"]).output
    with listening(database.url("writer")) as listener:
        assert listener.leads()
        assert doctor.verdict("watcher", check)[1:] == ("ok", "one looks")
        assert CliRunner().invoke(app, ["alerts"]).output == "no incident is open\n"


def test_a_server_that_hangs_is_asked_once_and_named(silent, tmp_path, monkeypatch):
    monkeypatch.setenv("PREFECT_API_URL", silent)
    monkeypatch.setattr(doctor, "ANSWERS_WITHIN_S", 0.3)
    started = time.monotonic()
    [(name, verdict, found)] = doctor.prefect(Settings(home=tmp_path, _env_file=None))
    assert (name, verdict) == ("prefect server", "NO")
    assert "cannot be reached: timed out" in found
    assert time.monotonic() - started < 15


def test_the_doctor_does_not_send_people_to_itself():
    def check():
        raise StoreUnavailable("The score database", "it is gone")

    _, _, found = doctor.verdict("database", check)
    assert "it is gone" in found
    assert "nightjar doctor" not in found


def test_a_model_whose_version_waits_for_a_person_is_not_told_only_to_train_again():
    registry, spec = MemoryRegistry(), toy_spec()
    ask = partial(doctor.champion, SimpleNamespace(registry=registry), spec)
    assert "has no champion to score with. Train one. Run `nightjar retrain" in doctor.verdict("", ask)[2]
    registered(registry, gates=(ASKS,))
    name, verdict, found = doctor.verdict("champion", ask)
    assert (name, verdict) == ("champion", "NO")
    assert "The newest version is version 1. It waits for a person since" in found
    assert "min_loss_shuffled (asks a person)" in found
    assert "`nightjar models --model toy` shows its gates" in found
    assert "`nightjar promote 1 --model toy --reason REASON`" in found
    assert "`nightjar retrain --model toy`" in found
