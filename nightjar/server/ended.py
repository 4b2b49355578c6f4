"""A run that has ended stays as it ended until somebody puts it back in the queue.

This is a rule for Prefect's server, which has no such rule. Without it the server accepts each state that a
process proposes. A run that was cancelled while its process started would become `Running`. A run that was
cancelled in its last milliseconds would become `Completed`. The rule does not apply to a forced change, such
as one that a person makes in the UI.
"""

from typing import Any

import prefect.server.models  # noqa: F401  # the policies cannot be imported before the models
from prefect.server.database.orm_models import FlowRun
from prefect.server.orchestration.core_policy import CoreFlowPolicy
from prefect.server.orchestration.rules import FlowRunOrchestrationRule, OrchestrationContext
from prefect.server.schemas.core import FlowRunPolicy
from prefect.server.schemas.states import TERMINAL_STATES, State, StateType

from nightjar.server.automations import TAG


class StayEnded(FlowRunOrchestrationRule):
    """The rule for runs of our deployments. A retry of such a run always begins in the queue."""

    FROM_STATES: set[StateType | None] = {*TERMINAL_STATES}  # noqa: RUF012  # as the base class has it
    # Mutable as well, as the base class has it.
    TO_STATES: set[StateType | None] = {  # noqa: RUF012
        StateType.RUNNING,
        StateType.COMPLETED,
        StateType.FAILED,
    }

    async def before_transition(
        self,
        initial_state: "State[Any] | None",
        proposed_state: "State[Any] | None",
        context: OrchestrationContext[FlowRun, FlowRunPolicy],
    ) -> None:
        if (
            initial_state is not None
            and proposed_state is not None
            and context.run.deployment_id
            and TAG in (context.run.tags or [])
        ):
            await self.abort_transition(
                f"The run is {initial_state.name}; only a retry, through the queue, changes that."
            )


def keep_ended() -> None:
    """Add the rule to the server's rules for states that a process proposes.

    A second call changes nothing.
    """
    rules = CoreFlowPolicy.priority()
    if StayEnded not in rules:
        CoreFlowPolicy.priority = staticmethod(lambda: [StayEnded, *rules])
