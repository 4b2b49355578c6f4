"""A flow run asks the Prefect server for its own state, and stops when a person has changed it.

It ends in the state that the person set. Prefect does not do this. It ends the process of a run only if the
run is `Cancelling`. The state that a process proposes at its end becomes the run's state. So a run that a
person set to Cancelled would continue and then be Completed.
"""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from functools import cache, wraps
from threading import Lock
from typing import ParamSpec, TypeVar, cast
from uuid import UUID

import httpx
from prefect import get_run_logger
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.objects import State
from prefect.context import FlowRunContext, SettingsContext, get_settings_context
from prefect.exceptions import Abort, ObjectNotFound
from prefect.settings import PREFECT_CLIENT_MAX_RETRIES
from prefect.states import Cancelled, Suspended

from nightjar.core.errors.night import Stopped

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")

ANSWER_HOLDS_S = 1.0
ANSWERED_WITHIN_S = 2.0
ASKED_AGAIN_AFTER_S = 5.0
"""After a question that was not answered, the server is asked again after this time.

A night continues without the server, because locks and the ledger keep it correct.
"""


def why_not(began: UUID, now: State | None) -> str | None:
    """Return the reason why an attempt that began with a `Running` state must stop, or None.

    now: the flow run's current state, None if the run was deleted. Each `Running` state has its own id, so
    another attempt has another id.
    """
    if now is None:
        return "it was deleted"
    if now.is_running() and now.id == began:
        return None
    if now.is_running() or now.is_pending() or now.is_scheduled():
        return f"another attempt of it is {now.name}"
    return f"it was set to {now.name}"


def left_as(found: State) -> State | None:
    """Return the state to which a stopped run must still be set, or None if its state is right.

    Only its worker ends a `Cancelling` run, and the worker may be gone. A `Paused` run would be resumed as
    `Running`, although its process has ended.
    """
    if found.is_cancelling():
        return Cancelled(message="It stopped by itself, as it was asked to.")
    if found.is_paused() and not found.state_details.pause_reschedule:
        return Suspended(
            pause_expiration_time=found.state_details.pause_timeout, pause_key=found.state_details.pause_key
        )
    return None


class Attempt:
    """The attempt of a flow run that began with a `Running` state. Threads may share it."""

    def __init__(self, flow_run: UUID, began: UUID) -> None:
        self.flow_run, self.began = flow_run, began
        self._found: State | None = None
        self._why: str | None = None
        self._ask_at = 0.0
        self._answered = True
        self._lock = Lock()
        self._asker = ThreadPoolExecutor(1, thread_name_prefix="may-go-on")
        self._context = copy_context()
        self._client = self._context.run(impatient_client)

    def go_on(self, *, last: bool) -> None:
        """Raises Stopped if the attempt must stop, and again at each later call."""
        with self._lock:
            if self._why is None and (last or time.monotonic() >= self._ask_at):
                self._look()
            if self._why is not None:
                raise Stopped(self._why)

    def _look(self) -> None:
        try:
            self._found = self._asked(self._state)
        except Exception as error:  # noqa: BLE001  # without an answer the night continues
            self._ask_at = time.monotonic() + ASKED_AGAIN_AFTER_S
            if self._answered:
                get_run_logger().warning(
                    "the Prefect server does not say whether this run may go on, so it does: %r", error
                )
            self._answered = False
        else:
            self._ask_at, self._answered = time.monotonic() + ANSWER_HOLDS_S, True
            self._why = why_not(self.began, self._found)

    def _asked(self, call: Callable[..., T], *args: object, **options: object) -> T:
        """Make a request on a separate thread, to limit its total time.

        A client limits only the time of each step of a request.
        """
        answer = self._asker.submit(self._context.run, call, *args, **options)
        try:
            return answer.result(ANSWERED_WITHIN_S)
        finally:
            answer.cancel()

    def _state(self) -> State | None:
        try:
            return self._client.read_flow_run(self.flow_run).state
        except ObjectNotFound:
            return None

    def end(self) -> Abort:
        """Return the signal that lets Prefect's engine end the process without proposing a state."""
        signal = Abort(f"Flow run {self.flow_run} is left as it is")
        if self._found is not None:
            # The signal's class declares no state, but the engine reads one.
            signal.state = self._leave(self._found)  # pyright: ignore[reportAttributeAccessIssue]
        return signal

    def _leave(self, found: State) -> State:
        wanted = left_as(found)
        if wanted is None:
            return found
        try:
            self._asked(self._client.set_flow_run_state, self.flow_run, wanted, force=True)
        except Exception as error:  # noqa: BLE001  # the server itself ends the run later
            get_run_logger().warning("this run could not be set to %s: %s", wanted.name, error)
        return wanted


def impatient_client() -> SyncPrefectClient:
    """Return a client that does not retry. Prefect's default client retries for a minute.

    Retries are a setting of the context in which the client is created and used. The client keeps no
    connection, so a restart of the server does not make the next question fail.
    """
    settings = get_settings_context()
    once = settings.settings.copy_with_update(updates={PREFECT_CLIENT_MAX_RETRIES: 0})
    SettingsContext(profile=settings.profile, settings=once).__enter__()
    return get_client(
        sync_client=True,
        httpx_settings={"timeout": ANSWERED_WITHIN_S, "limits": httpx.Limits(max_keepalive_connections=0)},
    )


attempt_of = cache(Attempt)


def attempt() -> Attempt | None:
    """Return the attempt of the flow run for which this thread works."""
    context = FlowRunContext.get()
    run = None if context is None else context.flow_run
    return None if run is None or run.state is None else attempt_of(run.id, run.state.id)


def go_on(*, last: bool = False) -> None:
    """Implements the port `GoOn` for the flow run for which this thread works."""
    ours = attempt()
    if ours is not None:
        ours.go_on(last=last)


@contextmanager
def ends_as_told() -> Iterator[None]:
    """Enclose all work of a flow.

    If the run's state was changed meanwhile, the process ends and the run keeps that state. This is so after
    success and after an error.
    """
    try:
        go_on(last=True)
        yield
    finally:
        leave_if_stopped()


def leave_if_stopped() -> None:
    ours = attempt()
    if ours is not None:
        try:
            ours.go_on(last=True)
        except Stopped as stopped:
            get_run_logger().warning("%s", stopped)
            raise ours.end() from None


def cancelled_if_stopped(work: Callable[P, R]) -> Callable[P, R]:
    """Let a task of a stopped run start no work and end as Cancelled, without a traceback.

    If a task returns a state, the task ends in this state and has no result. A caller that asks for the
    result gets a CancelledRun.
    """

    @wraps(work)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            go_on()
            return work(*args, **kwargs)
        except Stopped as stopped:
            return cast("R", Cancelled(message=str(stopped)))

    return run
