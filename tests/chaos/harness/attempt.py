"""One attempt at a night in a process of its own: the production wiring, with ports that stop where the
harness asks them to.

Nothing in production knows of it: a subclass of the platform wraps its own ports, and takes its connections
through the harness's proxy.
"""

import os
import socket
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Any

from harness.line import command

import models
from nightjar.core.errors.base import NightjarError
from nightjar.core.errors.machine import REFUSALS, refused
from nightjar.core.night.clock import night_of
from nightjar.executors.pools import Threads
from nightjar.wiring.platform import Platform
from nightjar.wiring.settings import Settings

STORE = {
    "night": "claim",
    "record_population": "population",
    "write_part": "part",
    "distribution": "audit",
    "publish": "publish",
}
WAIT_S = 100
ACCEPT = "nights are scored weeks apart here, and may look different"
BOUNDARIES = (
    "claim",
    "snapshot",
    "population",
    "features",
    "part",
    "audit",
    "profile",
    "publish",
    "drift",
    "report",
    "ledger",
)


@dataclass
class Stops:
    """Where this process waits for the harness: boundary -> which passage. `meet` is the harness's socket."""

    number: int
    meet: str
    asked: Mapping[str, int]
    passed: Counter[str] = field(default_factory=Counter)
    counting: Lock = field(default_factory=Lock)

    def __call__(self, boundary: str) -> None:
        with self.counting:
            self.passed[boundary] += 1
            due = self.asked.get(boundary) == self.passed[boundary]
        if due:
            with socket.socket(socket.AF_UNIX) as meeting:
                meeting.connect(self.meet)
                meeting.sendall(f"{self.number} {boundary}\n".encode())
                meeting.recv(1)


@dataclass(frozen=True)
class Tapped:
    """A port whose calls stop before and after, under the names of a night's boundaries; the rest goes
    through.
    """

    port: Any
    boundaries: Mapping[str, str]
    stop: Stops

    def __getattr__(self, name: str) -> Any:
        call, boundary = getattr(self.port, name), self.boundaries.get(name)
        return (
            call if boundary is None else lambda *args, **kwargs: self._tapped(boundary, call, args, kwargs)
        )

    def _tapped(
        self, boundary: str, call: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> Any:
        self.stop(f"before {boundary}")
        result = call(*args, **kwargs)
        if isinstance(result, AbstractContextManager):
            return self._entered(boundary, result)
        self.stop(f"after {boundary}")
        return result

    @contextmanager
    def _entered(self, boundary: str, context: AbstractContextManager[Any]) -> Iterator[Any]:
        with context as entered:
            self.stop(f"after {boundary}")
            yield entered


@dataclass(frozen=True)
class TappedPlatform(Platform):
    stop: Stops | None = None
    port: int = 0

    def url(self, role: Any) -> str:
        direct = super().url(role)
        host = direct.rpartition("/")[0].rpartition(":")[0]
        return f"{host}:{self.port}/{direct.rpartition('/')[2]}" if self.port else direct

    @cached_property
    def store(self) -> Any:
        return Tapped(super().store, STORE, self.stop)

    @cached_property
    def features(self) -> Any:
        return Tapped(super().features, {"retrieve": "features"}, self.stop)

    @cached_property
    def artifacts(self) -> Any:
        return Tapped(super().artifacts, {"put": "snapshot", "put_bundle": "snapshot"}, self.stop)

    @cached_property
    def drift_ledger(self) -> Any:
        return Tapped(super().drift_ledger, {"record_drift": "drift", "record_report": "ledger"}, self.stop)


class PlainReport:
    """A report without charts: drawing one with Evidently takes ten seconds, and where the process dies in
    it makes no difference.
    """

    def __init__(self, stop: Stops) -> None:
        self.stop = stop

    def draw(
        self, spec: Any, run: Any, night: Any, reference: Any, columns: Any, into: Path
    ) -> tuple[Any, ...]:
        self.stop("before report")
        into.write_text(
            f"{run.model} {run.score_date}\n{night.height} rows\n"
            + "\n".join(str(column) for column in columns)
        )
        self.stop("after report")
        return ()


def run(order: dict[str, Any]) -> int:
    os.environ["TMPDIR"], tempfile.tempdir = order["tmp"], None
    try:
        if "argv" in order:
            os.environ |= {
                f"NIGHTJAR_{name.upper()}": str(value) for name, value in order["settings"].items()
            }
            return command(order["argv"])
        return night(order)
    except NightjarError as error:
        sys.stdout.write(f"{type(error).__name__}: {error}\n")
        return error.exit_code
    except REFUSALS as error:
        traceback.print_exc()
        return refused(error).exit_code


def night(order: dict[str, Any]) -> int:
    """What the flow does, in its order: features, the night with its parts on threads, drift and report."""
    stop = Stops(order["number"], order.get("meet", ""), order.get("stops", {}))
    platform = TappedPlatform(
        Settings(**order["settings"], _env_file=None), stop=stop, port=order.get("port", 0)
    )
    spec = models.model("flight_delay")
    of = night_of(spec, date.fromisoformat(order["date"]))
    platform.prepare(spec).ready(of.as_of)
    request = dict(order.get("request", {}))
    if "known_at" in request:
        request["known_at"] = datetime.fromisoformat(request["known_at"])
        platform.prepare(spec).corrected(request["known_at"])
    scoring = platform.score_night(spec, executor=Threads(platform.score_part, 2))
    guard = replace(scoring.guard, profiles=Tapped(scoring.guard.profiles, {"record": "profile"}, stop))
    summary = replace(scoring, guard=guard).run(
        of, **request, accept=ACCEPT, wait_s=WAIT_S, flow_run=order.get("flow_run")
    )
    sys.stdout.write(summary.model_dump_json() + "\n")
    if order.get("report", True):
        scored = platform.store.run(summary.run_id)
        if not platform.drift_ledger.reports(scored, "drift"):
            replace(platform.watch_night(spec), writer=PlainReport(stop)).report(scored)
    platform.close()
    return 0
