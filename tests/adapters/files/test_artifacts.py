import hashlib
import os
import re
import shutil
import subprocess
import threading
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import fsspec
import pytest

from nightjar.adapters.files.artifacts import FsspecArtifacts
from nightjar.core.errors.database import StoreUnavailable
from nightjar.core.errors.model import ArtifactBroken
from nightjar.core.errors.settings import BadSettings
from nightjar.wiring.settings import PROJECT


@pytest.fixture(params=["plain", "file", "memory", "s3"])
def store(request, tmp_path, monkeypatch):
    if request.param == "s3":
        monkeypatch.setenv("AWS_ENDPOINT_URL", request.getfixturevalue("s3"))
    url = {
        "s3": f"s3://features/{uuid.uuid4().hex}",
        "plain": str(tmp_path / "store"),
        "file": f"file://{tmp_path / 'store'}",
        "memory": f"memory://{uuid.uuid4().hex}",
    }[request.param]
    return FsspecArtifacts(url, cache=tmp_path / "cache")


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "model.cbm"
    path.write_bytes(b"some bytes")
    return path


def test_what_was_put_is_got_again_by_its_content(store, file):
    uri, sha256 = store.put("model", file)
    assert sha256 == hashlib.sha256(b"some bytes").hexdigest()
    assert uri == f"{store.url}/model/{sha256[:2]}/{sha256}.cbm"
    assert store.get(uri, sha256).read_bytes() == b"some bytes"
    assert store.get(uri).read_bytes() == b"some bytes"


def test_files_that_are_gone_are_named_those_of_a_bundle_too(store, file, tmp_path):
    other = tmp_path / "rows.parquet"
    other.write_bytes(b"other bytes")
    whole = [
        store.put("model", file)[0],
        store.put_bundle("population", [other, file.rename(tmp_path / "x.json")])[0],
    ]
    assert store.lost(whole) == []
    store.remove(whole[0])
    first = whole[1].replace(".parts", ".0")
    store.remove(f"{first}.parquet")
    assert store.lost([*whole, *whole]) == sorted([whole[0], first])
    store.remove(whole[1])
    assert store.lost(whole[1:]) == whole[1:]


def test_files_that_still_lie_where_the_store_was_before_are_not_lost(file, tmp_path):
    before = FsspecArtifacts(str(tmp_path / "before"))
    uris = [
        before.put("model", file)[0],
        before.put_bundle("population", [file.rename(tmp_path / "x.json")])[0],
    ]
    now = FsspecArtifacts(str(tmp_path / "now"))
    assert now.lost(uris) == []
    member = uris[1].replace(".parts", ".0")
    before.remove(f"{member}.json")
    assert now.lost(uris) == [member]


@pytest.mark.parametrize("scheme", ["file://", ""])
def test_what_was_put_before_the_store_moved_is_found_where_it_lies_now(scheme, file, tmp_path):
    uri, sha256 = FsspecArtifacts(f"{scheme}{tmp_path / 'store'}").put("model", file)
    shutil.copytree(tmp_path / "store", tmp_path / "moved")
    moved = FsspecArtifacts(f"{scheme}{tmp_path / 'moved'}")
    assert (
        moved.get(uri, sha256)
        == moved.local_path(moved.present(uri))
        == tmp_path / "moved" / "model" / sha256[:2] / f"{sha256}.cbm"
    )
    other = FsspecArtifacts(f"memory://{uuid.uuid4().hex}", cache=tmp_path / "cache")
    assert other.get(uri, sha256) == tmp_path / "store" / "model" / sha256[:2] / f"{sha256}.cbm", (
        "a store that was begun anew leaves it there"
    )
    other.put("model", file)
    assert other.present(uri).startswith("memory://")
    shutil.rmtree(tmp_path / "store")
    shutil.rmtree(tmp_path / "moved")
    with pytest.raises(ArtifactBroken, match=r"moved.*missing"):
        moved.get(uri, sha256)


def test_the_same_bytes_are_stored_once(store, file, tmp_path):
    again = tmp_path / "copy.cbm"
    again.write_bytes(file.read_bytes())
    assert store.put("model", file) == store.put("model", again)


@pytest.fixture
def files(tmp_path):
    made = [tmp_path / f"{name}.parquet" for name in "ab"]
    for path in made:
        path.write_bytes(path.name.encode())
    return made


def test_the_files_of_a_bundle_are_read_one_by_one(store, files):
    uri, sha256 = store.put_bundle("population", files)
    assert uri == f"{store.url}/population/{sha256[:2]}/{sha256}.parts"
    assert store.members(uri, sha256) == 2
    assert [store.get_member(uri, sha256, number, ".parquet").read_bytes() for number in (0, 1)] == [
        b"a.parquet",
        b"b.parquet",
    ]
    assert store.put_bundle("population", files) == (uri, sha256)
    assert store.put_bundle("population", files[::-1])[1] != sha256
    assert {each.kind for each in store.files()} == {"population"}


def test_the_list_of_a_bundle_is_read_once_for_all_of_its_files(store, files, monkeypatch):
    """It is as long as there are files. If each file read it, the work would grow with the square of them."""
    uri, sha256 = store.put_bundle("population", files)
    got, get = [], FsspecArtifacts.get

    def counted(self, *place):
        got.append(place[0])
        return get(self, *place)

    monkeypatch.setattr(FsspecArtifacts, "get", counted)
    for number in range(store.members(uri, sha256)):
        store.get_member(uri, sha256, number, ".parquet")
    assert (got.count(uri), len(got)) == (1, 1 + len(files))


def test_a_file_of_a_bundle_that_holds_other_bytes_or_is_gone_is_broken(tmp_path, files):
    store = FsspecArtifacts(str(tmp_path / "store"))
    uri, sha256 = store.put_bundle("population", files)
    first, second = (store.get_member(uri, sha256, number, ".parquet") for number in (0, 1))
    first.unlink()
    second.chmod(0o644)
    second.write_bytes(b"other")
    with pytest.raises(ArtifactBroken, match="missing"):
        store.get_member(uri, sha256, 0, ".parquet")
    with pytest.raises(ArtifactBroken, match="its bytes have the hash"):
        store.get_member(uri, sha256, 1, ".parquet")
    assert store.put_bundle("population", files) == (uri, sha256)
    assert store.get_member(uri, sha256, 1, ".parquet").read_bytes() == b"b.parquet", (
        "what is put again is whole again"
    )


def test_a_missing_artifact_is_broken(store, file):
    uri, sha256 = store.put("model", file)
    gone = uri.replace(sha256, "0" * 64)
    with pytest.raises(ArtifactBroken, match="missing"):
        store.get(gone, "0" * 64)


def test_other_bytes_than_registered_are_broken(store, file):
    uri, _ = store.put("model", file)
    with pytest.raises(ArtifactBroken, match="hash"):
        store.get(uri, "1" * 64)


def test_a_damaged_local_file_is_noticed_and_replaced_when_put_again(tmp_path, file):
    store = FsspecArtifacts(f"file://{tmp_path / 'store'}")
    uri, sha256 = store.put("model", file)
    kept = store.local_path(uri)
    kept.chmod(0o644)
    kept.write_bytes(b"rotten")
    with pytest.raises(ArtifactBroken):
        store.get(uri, sha256)
    store.put("model", file)
    assert store.get(uri, sha256).read_bytes() == b"some bytes"


def test_a_damaged_cached_copy_is_fetched_again(tmp_path, file):
    store = FsspecArtifacts(f"memory://{uuid.uuid4().hex}", cache=tmp_path / "cache")
    uri, sha256 = store.put("model", file)
    copy = store.get(uri, sha256)
    copy.chmod(0o644)
    copy.write_bytes(b"rotten")
    assert store.get(uri, sha256).read_bytes() == b"some bytes"


def test_copies_that_nobody_uses_any_more_are_removed_when_another_is_made(tmp_path):
    url, uris, copies = f"memory://{uuid.uuid4().hex}", [], []
    for name in "abc":
        (tmp_path / name).write_bytes(name.encode())
        uris.append(FsspecArtifacts(url).put("model", tmp_path / name)[0])
    for uri in uris[:2]:
        copies.append(FsspecArtifacts(url, cache=tmp_path / "cache").get(uri))
        os.utime(copies[-1], (0, 0))
    store = FsspecArtifacts(url, cache=tmp_path / "cache")
    assert store.get(uris[1]) == copies[1]
    assert store.get(uris[2]).exists()
    assert [copy.exists() for copy in copies] == [False, True]


def test_only_a_local_store_has_paths_to_open(tmp_path):
    assert FsspecArtifacts("memory://x").local_path("memory://x/report/ab/ab.html") is None
    assert (
        FsspecArtifacts(f"file://{tmp_path}").local_path(f"file://{tmp_path}/report/ab/ab.html")
        == tmp_path / "report/ab/ab.html"
    )


def test_a_copy_cannot_be_changed_by_accident(store, file):
    uri, sha256 = store.put("model", file)
    assert store.get(uri, sha256).stat().st_mode & 0o222 == 0


def test_threads_that_put_the_same_file_leave_one_whole_copy(tmp_path, file):
    store = FsspecArtifacts(str(tmp_path / "store"))
    threads = [threading.Thread(target=store.put, args=("model", file)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [path.read_bytes() for path in (tmp_path / "store").rglob("*") if path.is_file()] == [
        b"some bytes"
    ]


def test_a_store_whose_driver_is_not_installed_names_the_remedy(file):
    with pytest.raises(BadSettings, match="NIGHTJAR_ARTIFACT_URL"):
        FsspecArtifacts("nosuch://bucket").put("model", file)


def test_a_store_that_cannot_be_written_is_unavailable(tmp_path, file):
    (tmp_path / "store").write_text("a file where the folder should be")
    with pytest.raises(StoreUnavailable):
        FsspecArtifacts(str(tmp_path / "store")).put("model", file)


def test_a_removed_file_is_gone_and_may_be_removed_again(store, file):
    uri, sha256 = store.put("model", file)
    store.remove(uri)
    store.remove(uri)
    with pytest.raises(ArtifactBroken, match="missing"):
        store.get(uri, sha256)


def test_a_probe_tells_whether_a_store_works_and_leaves_nothing(store, tmp_path):
    store.probe()
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("nosuch://bucket", BadSettings),
        ("/dev/null/x", StoreUnavailable),
        ("http://127.0.0.1:1/x", (BadSettings, StoreUnavailable)),
    ],
)
def test_a_probe_of_a_store_that_is_none_says_so(url, error):
    with pytest.raises(error):
        FsspecArtifacts(url).probe()


def test_an_error_that_only_the_driver_knows_is_the_stores(tmp_path, file):
    """Drivers of object stores raise errors of their own where credentials or networks are missing."""

    class Broken(fsspec.AbstractFileSystem):
        protocol = "broken"

        def exists(self, path, **_):
            raise LookupError("no credentials found")

    fsspec.register_implementation("broken", Broken, clobber=True)
    with pytest.raises(StoreUnavailable, match="no credentials found"):
        FsspecArtifacts("broken://bucket").put("model", file)


def test_what_was_put_is_listed_with_its_kind_size_and_age(store, file):
    started = datetime.now(UTC) - timedelta(seconds=2)
    uri, _ = store.put("model", file)
    listed = list(store.files())
    assert [(found.uri, found.kind, found.bytes) for found in listed] == [(uri, "model", 10)]
    assert started < listed[0].changed_at < datetime.now(UTC) + timedelta(seconds=2)


def test_an_empty_store_lists_nothing(store):
    assert list(store.files()) == []


def test_only_what_was_put_is_listed(tmp_path, file):
    store = FsspecArtifacts(str(tmp_path / "store"))
    uri, sha256 = store.put("model", file)
    folder = store.local_path(uri).parent
    for name in (f".{sha256}.cbm.{'0' * 32}", "notes.txt", f"{sha256}.cbm.bak.old", f"{'f' * 64}.cbm"):
        (folder / name).write_text("not ours")
    assert [found.uri for found in store.files()] == [uri]


def test_a_listed_file_can_be_discarded_once(store, file):
    uri, sha256 = store.put("model", file)
    (listed,) = store.files()
    assert store.discard(listed)
    assert not store.discard(listed)
    assert list(store.files()) == []
    store.cache = store.cache / "another"  # a remote file that is gone may still lie in a cache
    with pytest.raises(ArtifactBroken):
        store.get(uri, sha256)


def test_a_file_that_was_put_again_since_it_was_listed_is_not_discarded(store, file):
    uri, sha256 = store.put("model", file)
    (listed,) = store.files()
    old = replace(listed, changed_at=listed.changed_at - timedelta(days=3))
    assert not store.discard(old)
    assert store.get(uri, sha256).exists()


def test_a_local_file_that_is_put_again_is_young_again(tmp_path, file):
    store = FsspecArtifacts(str(tmp_path / "store"))
    uri, _ = store.put("model", file)
    os.utime(store.local_path(uri), (0, 0))
    store.put("model", file)
    (listed,) = store.files()
    assert listed.changed_at > datetime.now(UTC) - timedelta(minutes=5)


def test_an_old_object_that_is_put_again_is_written_again(tmp_path, file):
    store = FsspecArtifacts(f"memory://{uuid.uuid4().hex}", cache=tmp_path / "cache")
    uri, _ = store.put("model", file)
    fs, path = fsspec.core.url_to_fs(uri)
    fs.store[path].modified = datetime.now(UTC) - timedelta(days=3)
    store.put("model", file)
    (listed,) = store.files()
    assert listed.changed_at > datetime.now(UTC) - timedelta(minutes=5)


def test_the_command_of_the_runbook_names_changed_files_and_no_others(file, tmp_path):
    store = FsspecArtifacts(str(tmp_path / "a home" / "artifacts"))
    rows = [tmp_path / f"{number}.parquet" for number in range(11)]
    for one in rows:
        one.write_text(one.name)
    whole, listed = store.put("model", file)[0], store.put_bundle("population", rows)[0]
    part = listed.replace(".parts", ".10.parquet")
    command = re.findall("```sh\n(.*?)```", (PROJECT / "runbooks/artifact-broken.md").read_text(), re.DOTALL)[
        0
    ]

    def said():
        home = {**os.environ, "NIGHTJAR_HOME": str(tmp_path / "a home")}
        return subprocess.run(
            ["bash", "-c", command], env=home, capture_output=True, text=True, check=True
        ).stdout

    assert said() == ""
    for changed in map(Path, (whole, part)):
        changed.chmod(0o644)
        changed.write_text("other bytes")
    place = len(f"{store.url}/")
    assert said().splitlines() == [f"BROKEN {whole[place:]}", f"BROKEN {part[place:]}"]
