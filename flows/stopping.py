"""A flow run asks the Prefect server for its own state, and stops when somebody has changed it.

It ends in the state that they gave it. Prefect leaves that to the flow. Prefect ends the process of a run
that is `Cancelling`, and of no other. Whatever a process proposes at its end becomes the run's state. So
a run that a person set to Cancelled would go on, and then be Completed.
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
"""Since a question that was not answered.

A night goes on without the server: locks and the ledger keep it exact, not the server.
"""


def why_not(began: UUID, now: State | None) -> str | None:
    """Why an attempt that began with a `Running` state may not go on; None if it may.

    now: the state that the flow run is in, None if the run is gone. Each `Running` has an id of its own, so
    that of another attempt differs.
    """
    if now is None:
        return "it was deleted"
    if now.is_running() and now.id == began:
        return None
    if now.is_running() or now.is_pending() or now.is_scheduled():
        return f"another attempt of it is {now.name}"
    return f"it was set to {now.name}"


def left_as(found: State) -> State | None:
    """The state that a stopped run still has to be brought to, if that is not the one it is in.

    Nobody but its worker ends a `Cancelling`, and that may be gone. A `Paused` would be resumed as `Running`,
    and its process has ended.
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
        """Raises Stopped, from then on."""
        with self._lock:
            if self._why is None and (last or time.monotonic() >= self._ask_at):
                self._look()
            if self._why is not None:
                raise Stopped(self._why)

    def _look(self) -> None:
        try:
            self._found = self._asked(self._state)
        except Exception as error:  # noqa: BLE001  # without an answer the night goes on
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
        """On a thread of its own: a client has limits for each step of a request, and none for the whole."""
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
        """The signal on which Prefect's engine ends the process and proposes no state of its own."""
        signal = Abort(f"Flow run {self.flow_run} is left as it is")
        if self._found is not None:
            # The signal's class declares no state, but the engine looks for one.
            signal.state = self._leave(self._found)  # pyright: ignore[reportAttributeAccessIssue]
        return signal

    def _leave(self, found: State) -> State:
        wanted = left_as(found)
        if wanted is None:
            return found
        try:
            self._asked(self._client.set_flow_run_state, self.flow_run, wanted, force=True)
        except Exception as error:  # noqa: BLE001  # the server brings it to an end by itself, later
            get_run_logger().warning("this run could not be set to %s: %s", wanted.name, error)
        return wanted


def impatient_client() -> SyncPrefectClient:
    """A client that does not try again. Prefect's own does so for a minute.

    That is a setting of the context in which the client is made and used. It keeps no connection, so a server
    that was started anew meanwhile does not make a question fail.
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
    """That of the flow run for which this thread works."""
    context = FlowRunContext.get()
    run = None if context is None else context.flow_run
    return None if run is None or run.state is None else attempt_of(run.id, run.state.id)


def go_on(*, last: bool = False) -> None:
    """The port `GoOn`, for whatever flow run this thread works for."""
    ours = attempt()
    if ours is not None:
        ours.go_on(last=last)


@contextmanager
def ends_as_told() -> Iterator[None]:
    """Around all that a flow does.

    However that ends: a run whose state was changed meanwhile ends its process, and keeps that state.
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
    """For tasks: in a run that was stopped, one begins no work and ends as Cancelled, without a traceback.

    A state that a task returns is how the task ends, and no result: whoever asks for one gets a CancelledRun.
    """

    @wraps(work)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            go_on()
            return work(*args, **kwargs)
        except Stopped as stopped:
            return cast("R", Cancelled(message=str(stopped)))

    return run
