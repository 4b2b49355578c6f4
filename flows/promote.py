"""The flow by which a person decides about a version, in a form of Prefect's UI. No process waits for it."""

from typing import Annotated

from prefect import flow, get_run_logger
from pydantic import Field

import models
from flows.about import ModelName, platform
from flows.failures import failures_told
from nightjar.usecases.lifecycle.by_hand import Decided, decide_by_hand, serve_by_hand

Reason = Annotated[str, Field(min_length=3, pattern=r"\S")]
Share = Annotated[float, Field(ge=0, le=1)]
Number = Annotated[int, Field(ge=1)]


@flow(name="promote", flow_run_name="{model} version {version}: {decision}")
def promote(
    model: ModelName, version: Number, decision: Decided, reason: Reason, share: Share | None = None
) -> None:
    """Decide what a version is from the next night on.

    Args:
        model: Name of a folder in models/.
        version: Number of the version. The table of the monitoring names the challenger.
        decision: champion: its scores are published; a version that failed gates is refused. challenger: it
            scores in shadow. withdrawn: it is challenger no longer.
        reason: Why. The ledger keeps it.
        share: Of the entities that a challenger serves, from 0 to 1. 0: in shadow. Empty: unchanged.

    """
    with failures_told(model):
        opened = platform()
        about = (models.model(model), opened.registry, opened.artifacts, version)
        get_run_logger().info(decide_by_hand(*about, decision, reason))
        if share is not None and decision is Decided.CHALLENGER:
            get_run_logger().info(serve_by_hand(*about, share, reason))
