"""Windows of feature tables go through the artifact store to a worker that has no data folder."""

import errno
import os
import shutil
import uuid
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from nightjar.adapters.files.artifacts import FsspecArtifacts
from nightjar.adapters.files.feature_tables import FeatureDirectory
from nightjar.adapters.files.shared_features import SharedFeatures
from nightjar.core.errors.model import ArtifactBroken
from nightjar.core.model.generations import Generation
from nightjar.core.model.spec import FeatureTable

AS_OF = datetime(2013, 6, 15, 16, tzinfo=UTC)
TABLE = FeatureTable(
    name="shop_days",
    keys={"shop": pl.String()},
    features={"visits": pl.Int64()},
    ttl=timedelta(days=3),
    lookback_days=0,
    sources=("visits",),
    compute=lambda raw, first, last: pl.DataFrame(),
    description="visits of shops",
)


@pytest.fixture(params=["file", "s3"])
def url(request, tmp_path, monkeypatch):
    if request.param == "file":
        return f"file://{tmp_path / 'store'}"
    monkeypatch.setenv("AWS_ENDPOINT_URL", request.getfixturevalue("s3"))
    return f"s3://features/{uuid.uuid4().hex}"


def rows(day, visits=1):
    moment = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return pl.DataFrame({"shop": ["a"], "visits": [visits], "event_timestamp": [moment], "created": [moment]})


@pytest.fixture
def tables(tmp_path):
    made = FeatureDirectory(tmp_path / "data")
    made.write(TABLE, pl.concat(rows(date(2013, 6, day)) for day in range(10, 17)), {})
    return made


def at_worker(url, tmp_path, name="worker") -> SharedFeatures:
    return SharedFeatures(FsspecArtifacts(url, cache=tmp_path / name))


def share(shared: SharedFeatures, tmp_path, generations=None):
    return shared.share(tmp_path / "data" / "features", [TABLE], generations or {}, AS_OF)


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_worker_finds_the_window_and_nothing_else(url, tables, tmp_path):
    shared = share(at_worker(url, tmp_path, "here"), tmp_path)
    folder = at_worker(url, tmp_path).folder(shared)
    assert files(folder) == [f"shop_days/date=2013-06-{day}/part.parquet" for day in (12, 13, 14, 15)]
    for name in files(folder):
        assert (folder / name).read_bytes() == (tmp_path / "data" / "features" / name).read_bytes()
    assert at_worker(url, tmp_path).folder(shared) == folder


def test_what_did_not_change_is_stored_once(url, tables, tmp_path):
    here = at_worker(url, tmp_path, "here")
    first = share(here, tmp_path)
    before = {file.uri: file.changed_at for file in here.artifacts.files()}
    assert share(here, tmp_path) == first
    tables.write(TABLE, rows(date(2013, 6, 14), visits=2).with_columns(created=AS_OF), {})
    later = share(here, tmp_path)
    after = {file.uri: file.changed_at for file in here.artifacts.files()}
    assert len(after) == len(before) + 2  # a file, and the list
    kept = [uri for uri in before if uri != first[0]]
    assert url.startswith("file") or [after[uri] for uri in kept] == [before[uri] for uri in kept]
    one, other = (at_worker(url, tmp_path).folder(each) for each in (first, later))
    changed = "shop_days/date=2013-06-14/part.parquet"
    assert (one / changed).read_bytes() != (other / changed).read_bytes()


def test_a_run_reads_its_own_generation(url, tables, tmp_path):
    tables.use(TABLE, Generation("_new", "recipe"))
    tables.write(TABLE, rows(date(2013, 6, 15), visits=9), {}, "_new")
    shared = share(at_worker(url, tmp_path, "here"), tmp_path, {"shop_days": "_new"})
    folder = at_worker(url, tmp_path).folder(shared)
    assert files(folder) == [
        "shop_days/_generations.json",
        "shop_days/_new/date=2013-06-15/part.parquet",
    ]


def test_a_damaged_file_is_refused_and_leaves_no_folder(tables, tmp_path):
    url = f"file://{tmp_path / 'store'}"
    shared = share(at_worker(url, tmp_path, "here"), tmp_path)
    stored = next((tmp_path / "store" / "features").rglob("*.parquet"))
    stored.chmod(0o644)
    stored.write_bytes(stored.read_bytes()[:-1])
    with pytest.raises(ArtifactBroken, match="its bytes have the hash"):
        at_worker(url, tmp_path).folder(shared)
    assert not files(tmp_path / "worker")
    assert share(at_worker(url, tmp_path, "here"), tmp_path) == shared, "the next attempt stores it again"
    assert files(at_worker(url, tmp_path).folder(shared))


def test_a_worker_forgets_the_folders_of_old_nights(tables, tmp_path):
    url = f"file://{tmp_path / 'store'}"
    worker = at_worker(url, tmp_path)
    old = worker.folder(share(worker, tmp_path))
    os.utime(old, (0, 0))
    tables.write(TABLE, rows(date(2013, 6, 14), visits=2).with_columns(created=AS_OF), {})
    new = worker.folder(share(worker, tmp_path))
    assert (old.exists(), new.exists()) == (False, True)
    shutil.rmtree(tmp_path / "data")
    assert files(new)


def test_a_folder_that_was_removed_meanwhile_is_made_again(url, tables, tmp_path):
    worker = at_worker(url, tmp_path)
    shared = share(worker, tmp_path)
    before = files(worker.folder(shared))
    shutil.rmtree(worker.artifacts.cache)
    assert files(worker.folder(shared)) == before


def test_a_folder_stays_while_it_is_asked_for(tables, tmp_path):
    worker = at_worker(f"file://{tmp_path / 'store'}", tmp_path)
    shared = share(worker, tmp_path)
    os.utime(worker.folder(shared), (0, 0))
    kept = worker.folder(shared)
    tables.write(TABLE, rows(date(2013, 6, 14), visits=2).with_columns(created=AS_OF), {})
    worker.folder(share(worker, tmp_path))
    assert files(kept)


def test_a_folder_that_cannot_be_put_in_its_place_is_told(tables, tmp_path, monkeypatch):
    def refusing(self, target):
        raise OSError(errno.EIO, "Input/output error")

    worker = at_worker(f"file://{tmp_path / 'store'}", tmp_path)
    shared = share(worker, tmp_path)
    monkeypatch.setattr(Path, "rename", refusing)
    with pytest.raises(OSError, match="Input/output error"):
        worker.folder(shared)
