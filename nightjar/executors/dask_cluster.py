"""Score parts on the workers of a Dask cluster.

The receipts in the database say which parts are done. The cluster is asked only whether it still works.
Imports Dask: import this module where it is first needed.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any, TypeVar
from uuid import uuid4

import structlog
from distributed import Client, Future
from distributed.comm.core import CommClosedError, connect
from distributed.scheduler import KilledWorker
from distributed.security import Security

from nightjar.core.errors.base import NightjarError
from nightjar.core.errors.cluster import ClusterGone, WorkersKilled, WorkerUnfit
from nightjar.core.errors.machine import may_pass
from nightjar.core.errors.night import ClaimLost
from nightjar.core.errors.settings import BadSettings
from nightjar.core.night.entities import Night, PartJob, Receipt
from nightjar.core.ports.going_on import GoOn, unasked

log = structlog.get_logger(__name__)
# A scheduler that is gone is told by us. Its client would print a traceback into a night that goes on.
logging.getLogger("distributed.client").setLevel(logging.CRITICAL)

TICK_S = 1.0
"""How often a waiting night asks whether it may go on, and whether it still has a scheduler."""
PULSE_S = 5.0
"""How often the scheduler is asked for its workers."""
ANSWER_S = 30.0
"""How long a scheduler may take to answer. A busy one is slow, and is not gone."""
SILENT_S = 60.0
"""A worker that has sent no heartbeat for this long loses its parts to the others."""
WORKER_ANSWER_S = 10.0
"""How long a worker may take to answer a question. One that is frozen never does."""
FRUITLESS = 3
"""After this many rounds in a row that stored no part, the night fails."""
UNREACHABLE = (OSError, TimeoutError, CommClosedError)

Answer = TypeVar("Answer")

Work = Callable[[PartJob], Receipt]
Stored = Callable[[int], Sequence[Receipt]]
"""The receipts of a run, by its id."""


@dataclass(frozen=True, slots=True)
class DaskCluster:
    """Implements ports.PartExecutor. Raises ClusterGone, WorkerUnfit, Stopped, and what the parts raise.

    Parts are given out in rounds. A round ends when the cluster has no part left, or is lost itself. The next
    one gives out the parts that have no receipt by then, to other workers than those that failed.
    address: of the scheduler. prepared: called with the run before its first round. It brings what the parts
    read to where workers find it, and returns what scores a part: a function that they find by its name.
    stored: asked before each round. wait_s: how long to wait for a scheduler and a first worker.
    """

    address: str
    prepared: Callable[[int], Work]
    stored: Stored
    go_on: GoOn = unasked
    wait_s: float = 60.0

    def run(self, night: Night, jobs: Sequence[PartJob]) -> list[Receipt]:  # noqa: ARG002  # nobody watches
        receipts = self._receipts(jobs)
        work: Work | None = None
        failed: list[Exception] = []
        fruitless = 0
        while left := [job for job in jobs if job.part not in receipts]:
            work = work or self.prepared(left[0].run_id)
            if failed:
                self._pause(left, failed[0], fruitless)
            failed = self._round(work, left, workers_of(failed))
            before, receipts = len(receipts), self._receipts(jobs)
            fruitless = 0 if len(receipts) > before else fruitless + 1
            if fruitless and not failed:
                unseen = "says that parts are done, and no receipt of them is stored"
                failed = [ClusterGone(self.address, unseen)]
            require_worth_another_round(failed, fruitless)
        return [receipts[job.part] for job in jobs]

    def ask_workers(self, question: Callable[[], Answer]) -> "dict[str, Answer | Exception]":
        """Call a function on each worker. Return its answers by the worker's address. Raises ClusterGone.

        What a worker raised is its answer. That of one that says nothing for WORKER_ANSWER_S is TimeoutError.
        """
        with self._connected() as client:
            try:
                workers = [*client.scheduler_info(n_workers=-1)["workers"]]
                found: Any = client.sync(answers, client, question, workers)
            except UNREACHABLE as error:
                raise ClusterGone(self.address, "does not answer") from error
        return found

    def given_up(self, problem: str) -> ClusterGone:
        """The error when `wait_s` is over. problem: what was the case all that time."""
        return ClusterGone(self.address, f"{problem} {self.wait_s:.0f} s", waited=True)

    def _receipts(self, jobs: Sequence[PartJob]) -> dict[int, Receipt]:
        run_ids = {job.run_id for job in jobs}
        return {receipt.part: receipt for run_id in run_ids for receipt in self.stored(run_id)}

    def _pause(self, left: Sequence[PartJob], why: Exception, fruitless: int) -> None:
        log.warning("parts_given_out_again", parts=len(left), why=str(why))
        for _ in range(2**fruitless):
            self.go_on()
            time.sleep(TICK_S)

    def _round(self, work: Work, jobs: Sequence[PartJob], avoided: frozenset[str]) -> list[Exception]:
        """Give out the jobs and wait. Return why parts failed, or why the round ended early."""
        try:
            with self._connected() as client:
                return Round.of(client, self, work, jobs, avoided).failures()
        except ClusterGone as gone:
            return [gone]

    @contextmanager
    def _connected(self) -> Iterator[Client]:
        """A client of a scheduler that has a worker. Raises ClusterGone."""
        try:
            asyncio.run(greeted(self.address, self.wait_s))
            client = Client(self.address, timeout=self.wait_s, set_as_default=False)
        except UNREACHABLE as error:
            raise self.given_up("does not answer within") from error
        except MemoryError as error:  # the first bytes of another protocol, read as a length
            raise ClusterGone(self.address, "is no scheduler of Dask", waited=True) from error
        try:
            yield client
        finally:
            with suppress(*UNREACHABLE):
                client.close(timeout=PULSE_S)


async def greeted(address: str, within_s: float) -> None:
    """Connect to a scheduler, and hear its greeting. A client of Dask waits for it without limit.

    Raises TimeoutError, OSError, and MemoryError if something else answers. Raises BadSettings for an address
    that needs certificates where Dask has none.
    """
    async with asyncio.timeout(within_s):
        secrets = Security().get_connection_args("client")
        if address.startswith("tls://") and secrets.get("ssl_context") is None:
            remedy = (
                "Name them in Dask's configuration (distributed.comm.tls) on all machines, or use tcp://."
            )
            raise BadSettings(f"{address} needs certificates, and Dask has none", remedy)
        tell = partial(log.warning, "waits_for_scheduler", cluster=address, wait_s=within_s)
        telling = asyncio.get_running_loop().call_later(PULSE_S, tell)
        try:
            comm = await connect(address, timeout=within_s, **secrets)
        finally:
            telling.cancel()
    comm.abort()


async def answers(client: Client, question: Callable[[], object], workers: Sequence[str]) -> dict[str, Any]:
    """What each worker answers. They are asked at once, and each by itself: one alone may be frozen."""

    async def of(worker: str) -> tuple[str, Any]:
        # The public way has no limit of time.
        asked = client._run(question, workers=[worker], on_error="return")  # noqa: SLF001
        done, _ = await asyncio.wait([task := asyncio.ensure_future(asked)], timeout=WORKER_ANSWER_S)
        if not done:
            task.cancel()
            return worker, TimeoutError(f"it does not answer within {WORKER_ANSWER_S:.0f} s")
        answered: Any = task.result()
        return worker, answered[worker]

    return dict(await asyncio.gather(*map(of, workers)))


def workers_of(failed: Sequence[Exception]) -> frozenset[str]:
    """The workers on which parts failed."""
    return frozenset(error.worker for error in failed if isinstance(error, NightjarError) and error.worker)


def require_worth_another_round(failed: Sequence[Exception], fruitless: int) -> None:
    """Raise the first error that another round does not mend."""
    for error in failed:
        waited = isinstance(error, ClusterGone) and error.waited
        if waited or fruitless == FRUITLESS or not may_pass(error) or isinstance(error, ClaimLost):
            raise error


@dataclass(eq=False)
class Round:
    """Jobs that were given to a cluster once.

    seen: worker -> its last heartbeat by the scheduler's clock, and when that was new here.
    served_at: when there last was a worker.
    """

    client: Client
    cluster: DaskCluster
    jobs: Mapping[Any, PartJob]
    futures: dict[Any, Future]
    ended: "SimpleQueue[Future]" = field(default_factory=SimpleQueue)
    seen: dict[str, tuple[float, float]] = field(default_factory=dict)
    served_at: float = field(default_factory=time.monotonic)

    @classmethod
    def of(
        cls,
        client: Client,
        cluster: DaskCluster,
        work: Work,
        jobs: Sequence[PartJob],
        avoided: frozenset[str],
    ) -> "Round":
        """Raises ClusterGone if there is no worker in time."""
        keyed = {f"part-{job.run_id}-{job.part}-{uuid4().hex}": job for job in jobs}
        made = cls(client, cluster, keyed, {})
        others = [worker for worker in made.workers_in_time() if worker not in avoided]
        futures = client.map(
            work,
            [*keyed.values()],
            key=[*keyed],
            pure=False,
            # A worker that comes later may take parts too, unless some are avoided.
            workers=(others or None) if avoided else None,
        )
        made.futures.update({future.key: future for future in futures})
        for future in futures:
            future.add_done_callback(made.ended.put)
        return made

    def workers_in_time(self) -> list[str]:
        until = time.monotonic() + self.cluster.wait_s
        if not (workers := [*self._workers()]):
            log.warning("waits_for_worker", cluster=self.cluster.address, wait_s=self.cluster.wait_s)
        while not workers:
            if time.monotonic() > until:
                raise self.cluster.given_up("had no worker for")
            self.cluster.go_on()
            time.sleep(TICK_S / 4)
            workers = [*self._workers()]
        return workers

    def failures(self) -> list[Exception]:
        """Wait until no part is left. Return the errors of those that failed. Raises ClusterGone, Stopped."""
        found: list[Exception] = []
        pulse_at = time.monotonic() + PULSE_S
        while self.futures:
            try:
                future = self.ended.get(timeout=TICK_S)
            except Empty:
                self.cluster.go_on()
            else:
                found.extend(self._failure(future))
            self._require_scheduler()
            if time.monotonic() > pulse_at:
                self._pulse()
                pulse_at = time.monotonic() + PULSE_S
        return found

    def _failure(self, future: Future) -> Iterator[Exception]:
        """Why a part that has ended failed, if it did. Its receipt is not fetched: the database has it."""
        job = self.jobs[future.key]
        self.futures.pop(future.key, None)
        if future.status == "error":
            error = future.exception(timeout=ANSWER_S)
            if not isinstance(error, BaseException):
                raise self._gone("does not say why a part failed")
            yield self._told(job, error)
        elif future.status != "finished":
            raise self._gone("lost a part")

    def _told(self, job: PartJob, error: BaseException) -> Exception:
        if isinstance(error, KilledWorker):
            killed = WorkersKilled(
                self.cluster.address, job.part, error.allowed_failures + 1, str(error.last_worker.address)
            )
            killed.__cause__ = error
            return killed
        if isinstance(error, NightjarError) or may_pass(error):
            return error  # pyright: ignore[reportReturnType]  # none of them is a signal
        if isinstance(error, ImportError) or "deserializ" in str(error):
            return WorkerUnfit(
                f"The cluster at {self.cluster.address}", [f"Nightjar cannot be loaded ({error})"]
            )
        return error if isinstance(error, Exception) else RuntimeError(repr(error))

    def _require_scheduler(self) -> None:
        """Raises ClusterGone if the connection was lost. A new scheduler knows nothing of our parts."""
        if self.client.status != "running":
            raise self._gone("was lost")

    def _pulse(self) -> None:
        """Take the parts of silent workers away from them. Raises ClusterGone if there is no worker left."""
        now = time.monotonic()
        workers = self._workers()
        self.seen = {
            worker: (beat, self.seen[worker][1] if self.seen.get(worker, (None,))[0] == beat else now)
            for worker, beat in workers.items()
        }
        for worker, (_, since) in self.seen.items():
            if now - since > SILENT_S:
                log.warning("worker_silent", worker=worker, seconds=round(now - since))
                self._ask("unregister", address=worker, stimulus_id=f"silent-{uuid4().hex}")
        if workers:
            self.served_at = now
        elif now - self.served_at > self.cluster.wait_s:
            raise self.cluster.given_up("had no worker for")

    def _workers(self) -> dict[str, float]:
        """Worker -> its last heartbeat by the scheduler's clock. Raises ClusterGone."""
        found = self._ask("identity", n_workers=-1)
        return {worker: float(known["last_seen"]) for worker, known in found["workers"].items()}

    def _ask(self, what: str, **arguments: Any) -> Any:
        call = partial(getattr(self.client.scheduler, what), **arguments)
        try:
            return self.client.sync(call, callback_timeout=ANSWER_S)
        except UNREACHABLE as error:
            raise self._gone("does not answer") from error

    def _gone(self, problem: str) -> ClusterGone:
        return ClusterGone(self.cluster.address, problem)
