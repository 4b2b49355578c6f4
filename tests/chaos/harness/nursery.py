"""Real processes, born in milliseconds: a parent that has imported everything, and started nothing, forks one
for each order.

A process of its own takes seconds to import Feast and CatBoost; two hundred kills would take an hour.
"""

import faulthandler
import gc
import json
import os
import selectors
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from threading import Condition, Thread
from typing import Any

PRELOADED = (
    "catboost",
    "db.migrate",
    "db.stores.drift",
    "db.stores.outcomes",
    "db.stores.registry",
    "db.stores.nights",
    "db.stores.profiles",
    "harness.attempt",
    "harness.line",
    "harness.reader",
    "harness.refusal",
    "models",
    "nightjar.adapters.contracts",
    "nightjar.adapters.deliveries.raw_days",
    "nightjar.adapters.feast_polars",
    "nightjar.adapters.feast.repo",
    "nightjar.adapters.learners.store",
    "nightjar.wiring.executors",
    "nightjar.wiring.platform",
    "nightjar.cli",
    "nightjar.cli.doctor",
    "nightjar.usecases.data.features",
    "nightjar.usecases.data.landing",
    "nightjar.usecases.monitoring.monitor",
    "rich.markdown",
    "skops.io",
    "sklearn.linear_model",
    "tenacity",
)


@dataclass
class Child:
    """A process as its orderer sees it. `code` is its exit code, or minus the signal that ended it."""

    order: dict[str, Any]
    log: Path
    changed: Condition
    pid: int = 0
    code: int | None = None
    ended_at: float = field(default=0.0)

    def wait(self, timeout_s: float) -> int | None:
        with self.changed:
            self.changed.wait_for(lambda: self.code is not None, timeout_s)
            return self.code

    def signal(self, number: int) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def said(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""


class Nursery:
    """Orders are dictionaries with `module`, whose `run(order) -> exit code` the new process calls."""

    def __init__(self, logs: Path) -> None:
        paths = os.pathsep.join(path for path in sys.path if path)
        environment = {**os.environ, "PYTHONPATH": paths, "OPENBLAS_NUM_THREADS": "1"}
        command = [sys.executable, "-W", "ignore", "-m", "harness.nursery", str(logs)]
        self._parent = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
            start_new_session=True,
        )
        self._logs, self._changed, self._children, self._ready = logs, Condition(), [], False
        self._listener = Thread(target=self._listen, daemon=True)
        self._listener.start()

    def start(self, module: str, **order: Any) -> Child:
        with self._changed:
            number = len(self._children)
            child = Child(
                {"module": module, "number": number, **order}, self._logs / f"{number}.log", self._changed
            )
            self._children.append(child)
            self._say(child.order)
            # It imports for a minute on a machine with much other work.
            assert self._changed.wait_for(lambda: child.pid, 240), "the nursery does not answer"
        return child

    def close(self) -> None:
        self._parent.stdin.close()
        self._parent.wait(30)
        self._listener.join(10)
        self._parent.stdout.close()

    def _say(self, order: dict[str, Any]) -> None:
        self._parent.stdin.write(json.dumps(order) + "\n")
        self._parent.stdin.flush()

    def _listen(self) -> None:
        for line in self._parent.stdout:
            event = json.loads(line)
            with self._changed:
                child = self._children[event.pop("number")]
                for name, value in event.items():
                    setattr(child, name, value)
                if child.code is not None:
                    child.ended_at = time.monotonic()
                self._changed.notify_all()


def main() -> None:
    logs = Path(sys.argv[1])
    for module in PRELOADED:
        import_module(module)
    faulthandler.enable()  # a child that crashes says in its log where
    gc.freeze()
    orders, alive = _Lines(), {}
    with _woken_by_children() as woken, selectors.DefaultSelector() as waiting:
        waiting.register(0, selectors.EVENT_READ)
        waiting.register(woken, selectors.EVENT_READ)
        while not orders.ended:
            for key, _ in waiting.select():
                if key.fd == woken:
                    os.read(woken, 4096)
                    _bury(alive)
                else:
                    for order in orders.read():
                        pid = _born(order, logs)
                        alive[pid] = order["number"]
                        _tell(number=order["number"], pid=pid)
    for pid in alive:
        os.kill(pid, signal.SIGKILL)
        os.kill(pid, signal.SIGCONT)


class _Lines:
    ended, _rest = False, b""

    def read(self) -> list[dict[str, Any]]:
        chunk = os.read(0, 65536)
        self.ended = not chunk
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        return [json.loads(line) for line in lines]


@contextmanager
def _woken_by_children() -> Iterator[int]:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    yield reading


def _bury(alive: dict[int, int]) -> None:
    while alive:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if not pid:
            return
        _tell(number=alive.pop(pid), code=os.waitstatus_to_exitcode(status))


def _tell(**event: Any) -> None:
    sys.stdout.write(json.dumps(event) + "\n")
    sys.stdout.flush()


def _born(order: dict[str, Any], logs: Path) -> int:
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        os.setsid()
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for target, path in (
            (0, os.devnull),
            (1, logs / f"{order['number']}.log"),
            (2, logs / f"{order['number']}.log"),
        ):
            opened = os.open(
                path, os.O_RDONLY if target == 0 else os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644
            )
            os.dup2(opened, target)
            os.close(opened)
        code = import_module(order["module"]).run(order)
    except BaseException:  # noqa: BLE001  # whatever it is, it ends this process and nothing else
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    main()
