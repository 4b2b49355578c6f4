"""The stage: a home on a small disk of its own, its Postgres, an undisturbed twin of the database, and
readers who never stop looking.
"""

import json
import shutil
import signal
import socket
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import psycopg
from harness.disk import Disk
from harness.nursery import Child, Nursery
from harness.tally import Tally
from harness.wire import Proxy

from nightjar.wiring.database import DATABASE
from nightjar.wiring.platform import Platform
from nightjar.wiring.settings import Settings

DISK, ARTIFACT_DISK = "1500m", "24m"
READ_EVERY_S = 0.05

PUBLISHED = """
    SELECT count(*), count(DISTINCT entity_key), md5(string_agg(entity_key || ' ' || score, E'\\n'
        ORDER BY entity_key COLLATE "C", score))
    FROM analytics.scores WHERE score_date = %s
"""
ROWS = "SELECT entity_key, score FROM analytics.scores WHERE score_date = %s"
ODD_RUNS = """
    SELECT run.id FROM nightjar.run LEFT JOIN nightjar.receipt ON receipt.run_id = run.id
    WHERE run.score_date = %(night)s AND run.state = 'published' GROUP BY run.id
    HAVING count(receipt.part) IS DISTINCT FROM run.population_parts OR sum(receipt.rows) IS DISTINCT
        FROM run.population_rows
        OR sum(receipt.scored) IS DISTINCT FROM (SELECT count(*) FROM nightjar.score
            WHERE score_date = %(night)s AND run_id = run.id)
        OR sum(receipt.quarantined) IS DISTINCT FROM (SELECT count(*) FROM nightjar.quarantined_row
            WHERE run_id = run.id)
"""
LOCKS = """
    SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid)
    WHERE locktype = 'advisory' AND usename = 'nightjar_writer' AND datname = current_database()
"""


class Stage:
    """world: a platform with landed days and a champion; only its files and its champion are copied."""

    def __init__(self, world: Platform) -> None:
        self.root = Path(tempfile.mkdtemp(prefix="nightjar-chaos-"))
        self.root.chmod(0o755)
        self.disk = Disk(self.root / "disk", DISK)
        self.home = self.disk.folder / "home"
        self.artifact_disk = Disk(self.home / "artifacts", ARTIFACT_DISK)
        for folder in ("logs", "meet", "disk/tmp"):
            (self.root / folder).mkdir()
        self.nursery = Nursery(self.root / "logs")
        self.platform = Platform(Settings(home=self.home, _env_file=None))
        self.tally = Tally()
        self.expected: dict[str, list[tuple[int, str]]] = {}
        self.readers: list[Child] = []
        self._copy(world)
        self.proxy = Proxy(lambda: int((self.platform.local.folder / "port").read_text()))
        self.meeting = socket.socket(socket.AF_UNIX)
        self.meeting.bind(str(self.root / "meet" / "socket"))
        self.meeting.listen(16)

    def _copy(self, world: Platform) -> None:
        shutil.copytree(world.settings.data, self.home / "data")
        shutil.copytree(world.settings.data, self.home / "clean" / "data")
        self.platform.migrate()
        self.platform.apply_features()
        with (
            psycopg.connect(world.url("owner")) as source,
            psycopg.connect(self.platform.url("owner")) as target,
        ):
            for table in ("dataset", "model_version", "promotion"):
                _carry(source, target, f"nightjar.{table}")
        with psycopg.connect(self.platform.local.url("admin", "postgres"), autocommit=True) as admin:
            admin.execute(f"CREATE DATABASE clean TEMPLATE {DATABASE}")

    # what processes are told

    @property
    def settings(self) -> dict[str, Any]:
        return {"home": str(self.home)}

    @cached_property
    def clean_settings(self) -> dict[str, Any]:
        """The twin: the same Postgres and champion, but a database, data and artifacts that nobody
        disturbs.
        """
        local = self.platform.local
        return {
            **self.settings,
            "database_url": local.url("owner", "clean"),
            "writer_password": local.passwords["writer"],
            "data_dir": str(self.home / "clean" / "data"),
            "artifact_url": f"file://{self.home}/clean/artifacts",
        }

    def start(self, **order: Any) -> Child:
        """An attempt: with `date`, the night as the flow does it; with `argv`, the command line."""
        told = {
            "settings": self.settings,
            "tmp": str(self.disk.folder / "tmp"),
            "meet": self.meeting.getsockname(),
            **order,
        }
        return self.nursery.start("harness.attempt", **told)

    # what is true of an undisturbed night

    def learn(self, *nights: date) -> None:
        """Score the nights undisturbed, once each, in the twin, and keep how many rows they have and their
        digest.
        """
        for night in nights:
            if str(night) not in self.expected:
                self.expected[str(night)] = [self._undisturbed(night)]

    def learn_repair(self, night: date, request: Mapping[str, Any]) -> None:
        """Repair the night undisturbed in the twin.

        From now on what it has then is what it is to have, though the old is seen until then.
        """
        repaired = self._undisturbed(night, request=dict(request))
        assert repaired != self.expected[str(night)][-1], "a repair that changes nothing proves nothing"
        self.expected[str(night)].append(repaired)

    def _undisturbed(self, night: date, **order: Any) -> tuple[int, str]:
        self.platform.local.start()
        child = self.start(settings=self.clean_settings, date=str(night), report=False, **order)
        assert child.wait(120) == 0, child.said()
        rows, distinct, digest = self.query(PUBLISHED, [night], "clean")[0]
        assert rows == distinct > 0
        return rows, digest

    def land_everywhere(self, dataset: str, day: date, file: Path, recorded_at: str) -> None:
        for settings in (self.settings, self.clean_settings):
            child = self.start(
                settings=settings, argv=["land", dataset, str(day), str(file), "--recorded-at", recorded_at]
            )
            assert child.wait(60) == 0, child.said()

    # readers

    @contextmanager
    def watched(self, *nights: date) -> Iterator[None]:
        """Readers look at these nights above all; they are started when first needed, and look on until
        the end.
        """
        self.learn(*nights)
        facts = self.root / "facts.json"
        fresh = facts.with_suffix(".fresh")
        fresh.write_text(json.dumps({"expected": self.expected, "watched": [str(night) for night in nights]}))
        fresh.replace(facts)
        for number in range(len(self.readers), 2):
            order = {
                "settings": self.settings,
                "facts": str(facts),
                "notes": str(self.notes(number)),
                "every_s": READ_EVERY_S,
            }
            self.readers.append(self.nursery.start("harness.reader", **order))
        yield

    def notes(self, number: int) -> Path:
        return self.root / f"reader-{number}.json"

    def dismiss_readers(self) -> None:
        """Let the readers go, and put what they saw on the tally."""
        for number, reader in enumerate(self.readers):
            reader.signal(signal.SIGTERM)
            reader.wait(30)
            notes = json.loads(self.notes(number).read_text())
            self.tally.add_seen(notes["counts"])
            self.tally.faults += notes["examples"]
        self.readers = []

    # what is true of the night that was disturbed

    def query(
        self, sql: str, arguments: "list[Any] | Mapping[str, Any] | None" = None, database: str = DATABASE
    ) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.platform.local.url("admin", database)) as connection:
            return connection.execute(sql, arguments).fetchall()

    def publications(self, night: date) -> int:
        self.platform.local.start()
        return self.query("SELECT count(*) FROM nightjar.publication WHERE score_date = %s", [night])[0][0]

    def faults(self, night: date, publications: int) -> Iterator[str]:
        """What a healed night has that an undisturbed one has not; in words."""
        rows, distinct, digest = self.query(PUBLISHED, [night])[0]
        if (rows, digest) != self.expected[str(night)][-1]:
            clean, found = (set(self.query(ROWS, [night], database)) for database in ("clean", DATABASE))
            self.tally.differing_rows += len(clean ^ found)
            yield f"{night}: {len(clean ^ found)} rows differ from the undisturbed night's"
        if rows != distinct:
            self.tally.duplicate_rows += rows - distinct
            yield f"{night}: {rows - distinct} duplicate rows"
        if (found := self.publications(night)) != publications:
            yield f"{night}: published {found} times instead of {publications}"
        if odd := self.query(ODD_RUNS, {"night": night}):
            yield f"{night}: receipts of published runs {odd} do not add up to what is stored"
        if held := self.query(LOCKS)[0][0]:
            yield f"{night}: {held} locks are still held"

    def close(self) -> None:
        self.dismiss_readers()
        self.nursery.close()
        self.proxy.close()
        self.meeting.close()
        self.disk.free()
        self.artifact_disk.free()
        self.platform.local.stop()
        self.platform.local.remove()
        self.artifact_disk.unmount()
        self.disk.unmount()
        shutil.rmtree(self.root, ignore_errors=True)


def _carry(source: "psycopg.Connection[Any]", target: "psycopg.Connection[Any]", table: str) -> None:
    """The rows of a table, as they are."""
    with (
        source.cursor().copy(f"COPY {table} TO STDOUT") as read,
        target.cursor().copy(f"COPY {table} FROM STDIN") as write,
    ):
        for chunk in read:
            write.write(chunk)
