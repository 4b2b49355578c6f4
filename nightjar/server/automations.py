"""The Prefect server's automations: they act where a process no longer can.

They end dead runs, pause deployments, and alert a person. healing.py does the retries.
`wanted` returns the whole list, as values. `sync` makes the server's automations equal to it. It does not
touch automations with other names.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from http.client import NOT_FOUND
from uuid import UUID

from httpx import HTTPStatusError
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import StateType
from prefect.events.actions import ActionTypes, ChangeFlowRunState, PauseDeployment, SendNotification
from prefect.events.schemas.automations import Automation, AutomationCore, EventTrigger, Posture

from nightjar.core.platform.circuit import OPENED
from nightjar.core.platform.healing import GIVEN_UP
from nightjar.server.paging import every

PREFIX = "nightjar: "
PRESUMED = "presumed"
RUNBOOK = "Runbook: runbooks/stuck-run.md"
TAG = "nightjar"
"""Every deployment of ours carries it.

A run that was started in another way sends no heartbeats. It does not carry this tag, so it does not count
as dead.
"""

ROUNDS = 5
"""Two deployments that want different automations would change them for ever."""

Labels = dict[str, str | list[str]]

OURS: Labels = {"prefect.resource.role": "tag", "prefect.resource.id": f"prefect.tag.{TAG}"}
RUN: Labels = {"prefect.resource.id": "prefect.flow-run.*"}
EACH_RUN = {"prefect.resource.id"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long the server waits, in seconds, and how many failures in a row it accepts.

    dead_after_s: time without a sign of life; three heartbeats of 30 s.
    stuck_after_s: time from when a worker takes a run until it is running; this takes 6 to 30 s.
    settled_after_s: time since a death was reported; a second report comes up to 10 s later.
    crashes_within_s: `failures` crashes of one deployment within this time count together.
    """

    dead_after_s: float = 90
    stuck_after_s: float = 180
    settled_after_s: float = 30
    failures: int = 3
    crashes_within_s: float = 7 * 24 * 3600


def wanted(patience: Patience, alert: UUID | None) -> tuple[AutomationCore, ...]:
    """Return all our automations.

    alert: the notification block that alerts a person; with None nobody is alerted.
    """
    healing = (dead(patience), stuck(patience), cancelling(patience), crashing(patience, alert))
    return healing if alert is None else (*healing, told(alert))


def dead(patience: Patience) -> AutomationCore:
    """Covers a worker and a run that die together: no process is left to end the state `Running`."""
    alive = {"prefect.flow-run.Running", "prefect.flow-run.heartbeat"}
    return AutomationCore(
        name=f"{PREFIX}a run without a sign of life has crashed",
        description=f"No heartbeat for {patience.dead_after_s:.0f} s. {RUNBOOK}",
        trigger=silence(alive, patience.dead_after_s),
        actions=[
            becomes(StateType.CRASHED, f"{PRESUMED} dead: no sign of life for {patience.dead_after_s:.0f} s.")
        ],
    )


def stuck(patience: Patience) -> AutomationCore:
    taken = {f"prefect.flow-run.{state}" for state in ("Pending", "Submitting", "InfrastructurePending")}
    return AutomationCore(
        name=f"{PREFIX}a run that was taken but never started has crashed",
        description=f"Not running {patience.stuck_after_s:.0f} s after a worker took it. {RUNBOOK}",
        trigger=silence(taken, patience.stuck_after_s),
        actions=[
            becomes(
                StateType.CRASHED,
                f"{PRESUMED} dead: not started {patience.stuck_after_s:.0f} s after a worker took it.",
            )
        ],
    )


def cancelling(patience: Patience) -> AutomationCore:
    """Covers a `Cancelling` run whose worker and process are both gone.

    Only these two end such a run.
    """
    return AutomationCore(
        name=f"{PREFIX}a run that was asked to stop and is silent is cancelled",
        description=f"No heartbeat for {patience.dead_after_s:.0f} s. {RUNBOOK}",
        trigger=silence({"prefect.flow-run.Cancelling"}, patience.dead_after_s),
        actions=[
            becomes(
                StateType.CANCELLED,
                f"No sign of life for {patience.dead_after_s:.0f} s after it was asked to stop.",
            )
        ],
    )


def crashing(patience: Patience, alert: UUID | None) -> AutomationCore:
    """The circuit breaker for runs whose process is dead.

    flows/circuit.py counts the runs that fail while their process lives, and counts them exactly. Here a
    crash counts once the server has given the run up. A crash that is retried does not count.
    """
    actions: list[ActionTypes] = [PauseDeployment(source="inferred", deployment_id=None)]
    if alert is not None:
        text = (
            f"{patience.failures} runs of {{{{ deployment.name }}}} crashed and their retries too. "
            "Its schedule is paused. Runbook: runbooks/circuit-open.md"
        )
        actions.append(
            SendNotification(
                block_document_id=alert, subject="Nightjar: {{ deployment.name }} is paused", body=text
            )
        )
    return AutomationCore(
        name=f"{PREFIX}a deployment whose runs keep crashing is paused",
        description=(
            f"{patience.failures} runs crashed, and their retries too. Runbook: runbooks/circuit-open.md"
        ),
        trigger=EventTrigger(
            expect={"prefect.flow-run.Crashed"},
            match={**RUN, "prefect.state-message": f"{GIVEN_UP}*"},
            match_related=OURS,
            for_each={"related:deployment:prefect.resource.id"},
            posture=Posture.Reactive,
            threshold=patience.failures,
            within=timedelta(seconds=patience.crashes_within_s),
        ),
        actions=actions,
    )


def told(alert: UUID) -> AutomationCore:
    return AutomationCore(
        name=f"{PREFIX}a person is told of a broken circuit",
        description="Through NIGHTJAR_ALERT_URL. Runbook: runbooks/circuit-open.md",
        trigger=EventTrigger(expect={OPENED}, posture=Posture.Reactive, threshold=1, within=timedelta(0)),
        actions=[
            SendNotification(
                block_document_id=alert,
                subject="Nightjar: {{ event.resource.name }} is paused",
                body="{{ event.payload.text }}",
            )
        ],
    )


def silence(signs: set[str], seconds: float) -> EventTrigger:
    """Fires if the server hears nothing of the run for some seconds after one of the signs."""
    return EventTrigger(
        after=signs,
        expect={"prefect.flow-run.*"},
        match=RUN,
        match_related=OURS,
        for_each=EACH_RUN,
        posture=Posture.Proactive,
        threshold=1,
        within=timedelta(seconds=seconds),
    )


def becomes(state: StateType, message: str, name: str | None = None) -> ActionTypes:
    """Change the run's state. A person sees the message at the run."""
    return ChangeFlowRunState(state=state, name=name, message=f"{message} {RUNBOOK}", force=False)


def sync(client: SyncPrefectClient, automations: Iterable[AutomationCore]) -> int:
    """Create, update and delete until the server's automations with our prefix are these.

    Return how many were touched; a second call returns 0. Of two deployments at once each may create all of
    them. Then the one that looks last finds each name twice.
    """
    asked, touched = tuple(automations), 0
    for _ in range(ROUNDS):
        if not (now := _made_equal(client, asked)):
            break
        touched += now
    return touched


def _made_equal(client: SyncPrefectClient, automations: Iterable[AutomationCore]) -> int:
    """Look once, and return how many were touched. Of several with one name all processes keep the same."""
    touched, found = 0, sorted(ours(client), key=lambda each: each.id)
    missing = {automation.name: automation for automation in automations}
    for each in found:
        asked = missing.pop(each.name, None)
        if asked is None:
            delete(client, each.id)
        elif essence(each) != essence(asked):
            # Send the whole automation: the server keeps its own value for each unset field.
            client.update_automation(each.id, essence(asked))
        else:
            continue
        touched += 1
    for automation in missing.values():
        client.create_automation(automation)
    return touched + len(missing)


def delete(client: SyncPrefectClient, automation: UUID) -> None:
    """Delete an automation. Another deployment may have been faster."""
    try:
        client.delete_automation(automation)
    except HTTPStatusError as error:
        if error.response.status_code != NOT_FOUND:
            raise


def differing(client: SyncPrefectClient, automations: Iterable[AutomationCore]) -> list[str]:
    """Return the names of the automations that `sync` would touch."""
    found, asked = ({each.name: essence(each) for each in some} for some in (ours(client), automations))
    return sorted(
        name.removeprefix(PREFIX)
        for name in found.keys() | asked.keys()
        if found.get(name) != asked.get(name)
    )


def ours(client: SyncPrefectClient) -> list[Automation]:
    return [each for each in every(client.read_automations) if each.name.startswith(PREFIX)]


def essence(automation: AutomationCore) -> AutomationCore:
    """Return an automation without the fields that the server adds, and switched on.

    So the next deployment switches an automation on again that an operator disabled.
    """
    return AutomationCore.model_validate(
        automation.model_dump(include=set(AutomationCore.model_fields), exclude={"owner_resource"})
    )
