"""Artifacts are immutable files named by content: `<url>/<kind>/<first two of sha>/<sha><suffix>`.

They are on a local disk, S3, GCS or any other storage that fsspec can use. A bundle is several files under
the name of its manifest. The manifest `<sha>.parts` lists the hash of each file, one a line. File n is
`<sha>.<n><suffix>`.
"""

import errno
import hashlib
import math
import os
import re
import shutil
import tempfile
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any
from uuid import uuid4

from nightjar.adapters.files.atomic import discard_unchanged, replacing
from nightjar.adapters.files.copies import own_folder, remove_unused, used
from nightjar.adapters.files.stores import filesystem, translated
from nightjar.core.errors.model import ArtifactBroken
from nightjar.core.upkeep.retention import StoredFile

READ_ONLY = 0o444
STORED = re.compile(r"(?P<kind>[^/]+)/(?P<folder>[0-9a-f]{2})/(?P=folder)[0-9a-f]{62}(\.\d+)?(\.\w+)?$")
MANIFEST = ".parts"
MEMBERS = (".parquet", ".json")
"""The suffixes of the files of a bundle."""
AT_ONCE = 16
"""How many files are read or written at once, because a store answers each after some time."""
YOUNG = timedelta(hours=12)
"""An object older than this is written again when it is put again.

Retention removes old objects that no row names. The row of this object is written later.
"""
MOST_MANIFESTS = 16
"""So many are kept in memory: each part of a night asks for that of the night, which is as long as there are
parts.
"""
TIDY_EVERY_S = 3600.0
"""A process that downloads looks this often for copies that nobody uses any more."""


class FsspecArtifacts:
    """Implements ports.Artifacts.

    Each file that is read is checked against its hash. Checked remote files are kept in a local cache.
    url: an fsspec URL or a plain path. cache: the folder for copies of remote files. Many processes may share
    it.
    Raises ArtifactBroken (missing, or other bytes), StoreUnavailable (retryable), BadSettings (a URL whose
    driver is not installed, a cache that is another account's).
    """

    def __init__(self, url: str, cache: Path | None = None) -> None:
        self.url = url.rstrip("/")
        self.cache = cache or Path(tempfile.gettempdir()) / f"nightjar-artifacts-{os.getuid()}"
        self._tidy_at = -math.inf
        self._hashes = lru_cache(MOST_MANIFESTS)(self._read_hashes)

    def put(self, kind: str, file: Path) -> tuple[str, str]:
        sha256 = _sha256(file)
        uri = self._uri(kind, sha256, file.suffix)
        self._put(uri, file, sha256)
        return uri, sha256

    def put_all(self, kind: str, files: Sequence[Path], young: timedelta) -> list[tuple[str, str]]:
        """Do `put` for many files. What is stored and younger than `young` is not written again.

        One listing says what is stored, and several files are written at once.
        """
        hashes = [_sha256(file) for file in files]
        uris = [self._uri(kind, sha256, file.suffix) for sha256, file in zip(hashes, files, strict=True)]
        since = datetime.now(UTC) - young
        kept = {(file.uri, file.bytes) for file in self.files(kind) if file.changed_at > since}
        given = {uri: (uri, file, sha256) for uri, file, sha256 in zip(uris, files, hashes, strict=True)}
        lacking = [each for each in given.values() if (each[0], each[1].stat().st_size) not in kept]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(lambda each: self._put(*each), lacking))
        return [*zip(uris, hashes, strict=True)]

    def get_all(self, places: Sequence[tuple[str, str]]) -> list[Path]:
        """Do `get` for many (uri, sha256), several at once."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return [*pool.map(lambda place: self.get(*place), places)]

    def put_bundle(self, kind: str, files: Sequence[Path]) -> tuple[str, str]:
        hashes = [_sha256(file) for file in files]
        with tempfile.TemporaryDirectory() as folder:
            manifest = Path(folder) / f"manifest{MANIFEST}"
            manifest.write_text("".join(f"{sha256}\n" for sha256 in hashes))
            name = _sha256(manifest)
            for number, (file, sha256) in enumerate(zip(files, hashes, strict=True)):
                self._put(self._uri(kind, name, f".{number}{file.suffix}"), file, sha256)
            return self.put(kind, manifest)  # last: if it is there, so are all files that it names

    def get_member(self, uri: str, sha256: str, number: int, suffix: str) -> Path:
        return self.get(f"{uri.removesuffix(MANIFEST)}.{number}{suffix}", self._hashes(uri, sha256)[number])

    def members(self, uri: str, sha256: str) -> int:
        return len(self._hashes(uri, sha256))

    def _read_hashes(self, uri: str, sha256: str) -> list[str]:
        return self.get(uri, sha256).read_text().split()

    def _uri(self, kind: str, sha256: str, suffix: str) -> str:
        return f"{self.url}/{kind}/{sha256[:2]}/{sha256}{suffix}"

    def _put(self, uri: str, file: Path, sha256: str) -> None:
        local = self.local_path(uri)
        if local is None:
            self._upload(uri, file)
        else:
            with translated(uri):
                if not _there(local, sha256):
                    _copy(file, local)

    def get(self, uri: str, sha256: str | None = None) -> Path:
        expected = sha256 or PurePosixPath(uri).stem
        uri = self.present(uri)
        local = self.local_path(uri)
        if local is not None:
            if not local.is_file():
                raise ArtifactBroken(uri, "the file is missing")
            return _verified(uri, local, expected)
        kept = own_folder(self.cache) / expected[:2] / f"{expected}{PurePosixPath(uri).suffix}"
        if not _there(kept, expected):
            self._tidy()
            self._download(uri, kept, expected)
        return kept

    def remove(self, uri: str) -> None:
        """Remove a stored file. It is no error if the file is already gone."""
        local = self.local_path(uri)
        with translated(uri), suppress(FileNotFoundError):
            if local is not None:
                local.unlink()
            else:
                fs, path = filesystem(uri)
                fs.rm_file(path)

    def files(self, kind: str = "") -> Iterator[StoredFile]:
        """Yield all files that were put here, of one kind or of all. Files with other names are skipped."""
        url = f"{self.url}/{kind}".rstrip("/")
        fs, root = filesystem(url)
        with translated(url):
            fs.invalidate_cache()
            found = fs.find(root, detail=True) if fs.exists(root) else {}
            for path, info in found.items():
                if match := STORED.search(path):
                    yield StoredFile(
                        f"{self.url}/{match[0]}", match["kind"], info["size"], _changed_at(fs, path, info)
                    )

    def lost(self, uris: Iterable[str]) -> list[str]:
        """Those of the files that are gone, and the members of bundles that are.

        One listing says what is stored. Of each bundle the manifest is read, and nothing else. Raises
        ArtifactBroken for a manifest with other bytes.
        """
        stored = {_name(file.uri) for file in self.files()}
        return [one for uri in sorted(set(uris)) for one in self._lost(uri, stored)]

    def _lost(self, uri: str, stored: Collection[str]) -> Iterator[str]:
        if not self._held(uri, stored):
            yield uri
        elif uri.endswith(MANIFEST):
            bundle = uri.removesuffix(MANIFEST)
            for number in range(self.members(uri, PurePosixPath(bundle).name)):
                if not any(self._held(f"{bundle}.{number}{suffix}", stored) for suffix in MEMBERS):
                    yield f"{bundle}.{number}"

    def _held(self, uri: str, stored: Collection[str]) -> bool:
        """stored: the names of what one listing found here. What lies elsewhere is looked for alone."""
        return _name(uri) in stored or (
            not uri.startswith(f"{self.url}/") and self._exists(self.present(uri))
        )

    def discard(self, file: StoredFile) -> bool:
        """Remove a listed file, unless it was put again since. Return True if it was removed."""
        local = self.local_path(file.uri)
        if local is not None:
            with translated(file.uri):
                return discard_unchanged(local, file.changed_at)
        fs, path = filesystem(file.uri)
        with translated(file.uri):
            fs.invalidate_cache()
            if not fs.exists(path) or _changed_at(fs, path, fs.info(path)) > file.changed_at:
                return False
            fs.rm_file(path)
            return True

    def probe(self) -> None:
        """Write, read and remove a small file.

        Raises the errors that a night would raise: StoreUnavailable, BadSettings, ArtifactBroken.
        """
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "probe.txt"
            file.write_text(uuid4().hex)
            afresh = FsspecArtifacts(self.url, cache=Path(folder) / "cache")
            uri, sha256 = afresh.put("probe", file)
            try:
                afresh.get(uri, sha256)
            finally:
                afresh.remove(uri)

    def present(self, uri: str) -> str:
        """Return the place where a file is now.

        Rows name the place where it was put. If the store has moved since, the file has the same name there.
        """
        match = STORED.search(uri)
        if match is None or uri.startswith(f"{self.url}/"):
            return uri
        here = f"{self.url}/{match[0]}"
        return uri if not self._exists(here) and self._exists(uri) else here

    def local_path(self, uri: str) -> Path | None:
        if "://" not in uri:
            return Path(uri)
        return Path(uri.removeprefix("file://")) if uri.startswith("file://") else None

    def _exists(self, uri: str) -> bool:
        local = self.local_path(uri)
        if local is not None:
            return local.is_file()
        fs, path = filesystem(uri)
        with translated(uri):
            return bool(fs.exists(path))

    def _upload(self, uri: str, file: Path) -> None:
        """Upload a file unless the store already has a young object of the same size.

        Object stores show an object whole or not at all. An object of another size was left by an interrupted
        write to another kind of store.
        """
        fs, path = filesystem(uri)
        with translated(uri):
            if (
                fs.exists(path)
                and fs.size(path) == file.stat().st_size
                and _changed_at(fs, path, fs.info(path)) > datetime.now(UTC) - YOUNG
            ):
                return
            fs.makedirs(str(PurePosixPath(path).parent), exist_ok=True)
            fs.put_file(str(file), path)

    def _tidy(self) -> None:
        if time.monotonic() > self._tidy_at:
            self._tidy_at = time.monotonic() + TIDY_EVERY_S
            remove_unused(self.cache)

    def _download(self, uri: str, kept: Path, expected: str) -> None:
        fs, path = filesystem(uri)
        with tempfile.TemporaryDirectory() as folder, translated(uri):
            fresh = Path(folder) / "artifact"
            fs.get_file(path, str(fresh))
            _copy(_verified(uri, fresh, expected), kept)


def _there(local: Path, sha256: str) -> bool:
    """True if a file is there, whole. The call also sets its time of change to now.

    Retention removes old files that no row names. The row of this file is written later. Old copies are
    removed too.
    """
    try:
        if not used(local):
            return False
    except PermissionError:  # another account's file can only be replaced
        return False
    except OSError as error:
        if error.errno != errno.EROFS:  # a read-only file is not pruned either
            raise
    try:
        return _sha256(local) == sha256
    except FileNotFoundError:
        return False


def _changed_at(fs: Any, path: str, info: Mapping[str, Any]) -> datetime:
    """Return when a stored file was written (UTC). Each driver has its own name for it."""
    found = next(
        (info[name] for name in ("mtime", "LastModified", "last_modified") if info.get(name) is not None),
        None,
    ) or fs.modified(path)
    if isinstance(found, int | float):
        return datetime.fromtimestamp(found, UTC)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _verified(uri: str, file: Path, expected: str) -> Path:
    found = _sha256(file)
    if found != expected:
        raise ArtifactBroken(uri, f"its bytes have the hash {found[:12]}..., not {expected[:12]}...")
    return file


def _copy(source: Path, target: Path) -> None:
    with source.open("rb") as read, replacing(target) as write:
        shutil.copyfileobj(read, write, 1 << 20)
        os.fchmod(write.fileno(), READ_ONLY)


def _sha256(file: Path) -> str:
    with file.open("rb") as read:
        return hashlib.file_digest(read, "sha256").hexdigest()


def _name(uri: str) -> str:
    """The name of a file in its store, wherever the store lies."""
    match = STORED.search(uri)
    return uri if match is None else match[0]
