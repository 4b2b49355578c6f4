"""What a failed flow run leaves for people: its error, the remedy and the runbook."""

from collections.abc import Iterator
from contextlib import contextmanager

from prefect import get_run_logger
from prefect.artifacts import create_markdown_artifact
from prefect.client.orchestration import get_client
from structlog.contextvars import bind_contextvars

from flows.showing import slug, with_runbook
from flows.stopping import ends_as_told
from nightjar.core.errors.base import NightjarError
from nightjar.core.errors.machine import REFUSALS, refused
from nightjar.core.errors.night import Stopped
from nightjar.showing import markdown
from nightjar.showing.remedies import advised


@contextmanager
def fails_nothing(what: str) -> Iterator[None]:
    """For what tells people of a run: whatever goes wrong in it is logged, and the run ends as it would have.

    Raises Stopped.
    """
    try:
        yield
    except Stopped:
        raise
    except Exception:  # noqa: BLE001  # it is logged with its traceback, and a person looks at it by day
        get_run_logger().exception(
            "%s failed; what is published stays published. Runbook: runbooks/report-failed.md", what
        )


@contextmanager
def failures_told(model: str) -> Iterator[None]:
    """Whatever ends the flow leaves its runbook as an artifact, beside the failed run in the UI.

    A run that was stopped has not failed. The model is bound to the log from here on.
    """
    bind_contextvars(model=model)
    try:
        with ends_as_told():
            yield
    except REFUSALS as error:
        tell(model, meant := advised(refused(error)))
        raise meant from error
    except Exception as error:
        tell(model, advised(error))
        raise  # Prefect shows its text, as the state of the run


def tell(model: str, error: Exception) -> None:
    """Leave the error and its runbook.

    The error is what the run ends with: that it could not be told must not replace it.
    """
    runbook = error.runbook if isinstance(error, NightjarError) else NightjarError.runbook
    says = str(error) if isinstance(error, NightjarError) else f"{error} Runbook: runbooks/{runbook}.md"
    get_run_logger().error("%s: %s", type(error).__name__, says)
    with fails_nothing("showing the runbook"), get_client(sync_client=True) as client:
        text = with_runbook(client, f"**{type(error).__name__}**: {markdown.literal(str(error))}", runbook)
        create_markdown_artifact(
            key=f"failure-{slug(model)}", description=f"What to do: runbooks/{runbook}.md", markdown=text
        )
