"""An analyst who never stops looking: every 50 ms the published scores of the nights under attack, now and
then those of all nights.

It notes what an analyst must never see: a night in part, an entity twice, two runs at once, other scores than
an undisturbed night's, a published night that is gone.
"""

import json
import os
import signal
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg

from nightjar.wiring.database import DATABASE
from nightjar.wiring.platform import Platform
from nightjar.wiring.settings import Settings

NIGHTS = """
    SELECT score_date::text, count(*), count(DISTINCT entity_key), count(DISTINCT run_id),
           md5(string_agg(entity_key || ' ' || score, E'\\n' ORDER BY entity_key COLLATE "C", score))
    FROM analytics.scores WHERE score_date = ANY (%s::date[]) GROUP BY score_date
"""
EVERY_NIGHT_EACH = 50
"""Polls from one look at every night to the next."""


class Watch:
    """`facts` is a file of the harness: which nights to look at, and of each night the rows and digests of
    its undisturbed publications.
    """

    def __init__(self, facts: Path, notes: Path) -> None:
        self.facts, self.notes = facts, notes
        self.counts: Counter[str] = Counter()
        self.examples: list[str] = []
        self.seen: dict[str, int] = {}

    def look(self, connection: psycopg.Connection[Any]) -> None:
        facts = json.loads(self.facts.read_text())
        every = self.counts["polls"] % EVERY_NIGHT_EACH == 0
        asked = list(facts["expected"]) if every else facts["watched"]
        found = {row[0]: row[1:] for row in connection.execute(NIGHTS, [asked]).fetchall()}
        self.counts["polls"] += 1
        for night in self.seen.keys() & set(asked) - found.keys():
            self._note("vanished", f"{night} was published and is gone")
        for night, (rows, distinct, runs, digest) in found.items():
            self._judge(night, rows, distinct, runs, digest, facts["expected"][night])

    def _judge(
        self, night: str, rows: int, distinct: int, runs: int, digest: str, clean: list[tuple[int, str]]
    ) -> None:
        """clean: what the night may look like, oldest first: once the newer was seen, the older must not
        come back.
        """
        self.counts["nights looked at"] += 1
        allowed = clean[self.seen.get(night, 0) :]
        if distinct != rows:
            self._note("duplicates", f"{night}: {rows} rows of {distinct} entities")
        if rows not in {known for known, _ in allowed} or runs != 1:
            self._note("half nights", f"{night}: {rows} rows of {runs} runs; undisturbed it has {allowed}")
        elif [rows, digest] not in allowed:
            self._note("differing", f"{night}: other scores than undisturbed")
        else:
            self.seen[night] = clean.index([rows, digest])

    def _note(self, kind: str, example: str) -> None:
        self.counts[kind] += 1
        self.examples = [*self.examples, example][:20]

    def write(self) -> None:
        fresh = self.notes.with_suffix(".fresh")
        fresh.write_text(json.dumps({"counts": self.counts, "examples": self.examples}))
        fresh.replace(self.notes)


def run(order: dict[str, Any]) -> int:
    platform = Platform(Settings(**order["settings"], _env_file=None))
    watch = Watch(Path(order["facts"]), Path(order["notes"]))
    signal.signal(signal.SIGTERM, lambda *_: (_ for _ in ()).throw(SystemExit(0)))
    parent = os.getppid()
    try:
        while os.getppid() == parent:
            with suppress(psycopg.OperationalError, OSError):
                look_on(watch, platform.local.url("analyst", DATABASE), order["every_s"])
            watch.counts["no answer"] += 1
            time.sleep(0.05)
    finally:
        watch.write()
    return 0


def look_on(watch: Watch, url: str, every_s: float) -> None:
    with psycopg.connect(url, autocommit=True, connect_timeout=3) as connection:
        while True:
            watch.look(connection)
            watch.write()
            time.sleep(every_s)
