"""Blows against a night: where it is struck, what is done to it, and what must be true once somebody has
tried again.
"""

import os
import select
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from threading import Event
from typing import Any
from uuid import uuid4

import psycopg
from harness.nursery import Child
from harness.stage import Stage
from harness.wire import SPOTS

from nightjar.core.errors.base import NightjarError, Retryable
from nightjar.core.errors.database import EmbeddedPostgresFailed

PATIENCE_S = 150
"""How long an attempt may take until the suite calls it hung."""


@dataclass(frozen=True)
class Blow:
    """deed: a name in DEEDS.

    where: a boundary such as "before publish" (of its `passage`-th time), or a spot on the wire, or after
    seconds.
    """

    deed: str
    where: str = ""
    passage: int = 1
    after_s: float | None = None

    @property
    def place(self) -> str:
        return self.where if self.after_s is None else "a random moment"


@dataclass
class Attack:
    """Attempts at the same work, each struck down by a blow, and then those that nobody disturbs.

    nights: what the work publishes, each once. request: what else than being published is wanted of a single
    night: `force`, or `repair` and `known_at`. argv: the work is done by this command instead of the flow's
    steps. finishers: how many attempts heal, all at once.
    beside: published nights that are scored anew meanwhile; a blow against Postgres hits them too. name: of
    the flow run that its attempts are retries of; another attack at the same night must not pass for one.
    """

    stage: Stage
    blows: Sequence[Blow]
    nights: Sequence[date]
    request: Mapping[str, Any] = field(default_factory=dict)
    argv: Sequence[str] = ()
    finishers: int = 1
    beside: Sequence[date] = ()
    frozen: list[Child] = field(default_factory=list)
    name: str = field(default_factory=lambda: uuid4().hex)

    def run(self) -> list[Blow]:
        """Strike, heal, compare; what is not as undisturbed goes on the stage's tally as a fault.

        Returns the blows that found nothing to hit.
        """
        nights = (*self.nights, *self.beside)
        with self.stage.watched(*nights):
            before = {night: self.stage.publications(night) for night in nights}
            others = [self._again(night) for night in self.beside]
            missed = self._strike_all()
            for night, other in zip(self.beside, others, strict=True):
                if other.wait(PATIENCE_S) != 0:
                    self._require_end(other, Blow("a blow at its neighbour"))
                    self._require_healed([self._again(night)])
            faults = [fault for night in nights for fault in self.stage.faults(night, before[night] + 1)]
        self.stage.tally.nights += len(nights)
        self.stage.tally.faults += [f"{fault} (after {self.blows})" for fault in faults]
        return missed

    def _strike_all(self) -> list[Blow]:
        missed, struck_at = [], time.monotonic()
        for number, blow in enumerate(self.blows):
            child, landed = self._struck(blow)
            if landed:
                struck_at = time.monotonic()
            else:
                missed.append(blow)
            if child.code == 0:  # it lived on and published: nothing is left to strike
                missed += self.blows[number + 1 :]
                break
        self._heal(struck_at)
        return missed

    def _again(self, night: date) -> Child:
        return self.stage.start(date=str(night), request={"force": True}, flow_run=f"{night} {self.name}")

    # one attempt that is struck

    def _struck(self, blow: Blow) -> tuple[Child, bool]:
        """Start an attempt and strike it; whether it was struck, or ended before the blow could fall."""
        tally, landed = self.stage.tally, Event()
        child = self._attempt(
            stops={blow.where: blow.passage} if blow.where not in SPOTS and blow.after_s is None else {}
        )
        strike = Strike(self.stage, child, landed, DEEDS[blow.deed])
        self._wait_for(blow, child, strike)
        self.stage.proxy.clear()
        if landed.is_set():
            tally.kills[blow.deed] += 1
            tally.spots[blow.place] += 1
        if landed.is_set() and blow.deed == "freeze":
            self.frozen.append(child)
        else:
            self._require_end(child, blow)
        RELIEF.get(blow.deed, lambda stage: None)(self.stage)
        return child, landed.is_set()

    def _attempt(self, **told: Any) -> Child:
        if self.argv:
            return self.stage.start(argv=[*self.argv])
        night = self.nights[0]
        asked = {"request": dict(self.request), "flow_run": f"{night} {self.name}"} if self.request else {}
        return self.stage.start(date=str(night), port=self.stage.proxy.port, **asked, **told)

    def _wait_for(self, blow: Blow, child: Child, strike: "Strike") -> None:
        if blow.where in SPOTS:
            trap = self.stage.proxy.set_trap(SPOTS[blow.where], strike)
            _until(lambda: child.code is not None or strike.landed.is_set())
            if trap.sprung:
                strike.landed.wait(30)
        elif blow.after_s is not None:
            if child.wait(blow.after_s) is None:
                strike()
        else:
            self._meet(child, strike)

    def _meet(self, child: Child, strike: "Strike") -> None:
        """Wait until the child stands at its boundary; strike; let it go on, if there is anyone left to go
        on.
        """
        meeting, deadline = self.stage.meeting, time.monotonic() + PATIENCE_S
        while child.code is None and time.monotonic() < deadline:
            if select.select([meeting], [], [], 0.05)[0]:
                with meeting.accept()[0] as visitor:
                    number = int(visitor.recv(200).split()[0])
                    if number == child.order["number"]:
                        strike()
                    with suppress(OSError):
                        visitor.sendall(b".")
                return

    def _require_end(self, child: Child, blow: Blow) -> None:
        """It was killed, or it ended by itself in a way that says: try again."""
        code = child.wait(PATIENCE_S)
        tally = self.stage.tally
        if code is None:
            child.signal(signal.SIGKILL)
            tally.faults.append(f"{self.nights[0]}: hung after {blow}: {child.said()[-2000:]}")
            return
        tally.ends[ENDS.get(code, f"exit code {code}")] += 1
        if code not in ENDS:
            tally.faults.append(f"{self.nights[0]}: exit code {code} after {blow}: {child.said()[-3000:]}")

    # healing

    def _heal(self, struck_at: float) -> None:
        started = [self._attempt() for _ in range(self.finishers)]
        self._require_healed(started)
        if self.blows:
            last = self.blows[-1]
            self.stage.tally.heals_s.append(
                (max(child.ended_at for child in started) - struck_at, f"{last.deed}: {last.place}")
            )
        for zombie in self.frozen:
            zombie.signal(signal.SIGCONT)
            self._require_end(zombie, Blow("wake a zombie"))
        self.stage.proxy.reappear()

    def _require_healed(self, started: Sequence[Child]) -> None:
        for child in started:
            if child.wait(PATIENCE_S) != 0:
                child.signal(signal.SIGKILL)
                self.stage.tally.faults.append(
                    f"{self.nights[0]}: not healed after {self.blows}: exit code {child.code}: "
                    f"{child.said()[-3000:]}"
                )


@dataclass
class Strike:
    """A deed against one process, done once. Calling it returns whether the process lives on."""

    stage: Stage
    child: Child
    landed: Event
    deed: "Callable[[Stage, Child], None]"

    def __call__(self) -> bool:
        with suppress(
            psycopg.OperationalError, EmbeddedPostgresFailed, ProcessLookupError
        ):  # what was to be struck is down already
            self.deed(self.stage, self.child)
            self.landed.set()
        return self.child.code is None


def _kill(stage: Stage, child: Child) -> None:
    child.signal(signal.SIGKILL)
    child.wait(30)


def _terminate_sessions(stage: Stage, child: Child) -> None:
    stage.query(
        "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity WHERE usename = "
        "'nightjar_writer' AND datname = current_database()"
    )


def _kill_a_backend(stage: Stage, child: Child) -> None:
    """The whole server then restarts its processes, as after a crash."""
    found = stage.query(
        "SELECT pid FROM pg_stat_activity WHERE usename = 'nightjar_writer' AND datname = "
        "current_database() ORDER BY state_change DESC"
    )
    for (pid,) in found[:1]:
        os.kill(pid, signal.SIGKILL)


def _kill_postgres(stage: Stage, child: Child) -> None:
    pid = stage.platform.local._postmaster()
    if pid is None:
        raise ProcessLookupError
    os.kill(pid, signal.SIGKILL)


def _stop_postgres_immediately(stage: Stage, child: Child) -> None:
    local = stage.platform.local
    local._check(local._run("pg_ctl", "stop", "-D", str(local._data), "-m", "immediate", "-w"))


def _cut(stage: Stage, child: Child) -> None:
    stage.proxy.cut()


def _vanish(stage: Stage, child: Child) -> None:
    stage.proxy.vanish()
    _kill(stage, child)


def _freeze(stage: Stage, child: Child) -> None:
    """A process that stands still and whose connections are gone: a paused machine, cut off."""
    child.signal(signal.SIGSTOP)
    _terminate_sessions(stage, child)


DEEDS: Mapping[str, Callable[[Stage, Child], None]] = {
    "kill the process": _kill,
    "kill postgres": _kill_postgres,
    "stop postgres immediately": _stop_postgres_immediately,
    "kill a backend": _kill_a_backend,
    "terminate the sessions": _terminate_sessions,
    "cut the connection": _cut,
    "freeze": _freeze,
    "lose the machine": _vanish,
    "fill the disk": lambda stage, child: stage.disk.fill(),
    "fill the artifact store": lambda stage, child: stage.artifact_disk.fill(),
    "make the artifact store read-only": lambda stage, child: stage.artifact_disk.remount("ro"),
}
RELIEF: Mapping[str, Callable[[Stage], None]] = {
    "fill the disk": lambda stage: stage.disk.free(),
    "fill the artifact store": lambda stage: stage.artifact_disk.free(),
    "make the artifact store read-only": lambda stage: stage.artifact_disk.remount("rw"),
}


def _retryable(root: type[NightjarError] = Retryable) -> dict[int, str]:
    found = {root.exit_code: root.__name__}
    for child in root.__subclasses__():
        found |= _retryable(child)
    return found


ENDS: Mapping[int, str] = {
    **{code: name for code, name in _retryable().items() if code != 1},
    0: "published",
    -signal.SIGKILL: "killed",
}
"""How an attempt may end that was struck: exit code -> in words."""


def _until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not done() and time.monotonic() < deadline:
        time.sleep(0.005)
