"""A failed flow run shows people its error, the remedy and the runbook."""

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
    """Log an error of a block that informs people, so that it does not change how the run ends.

    Raises Stopped.
    """
    try:
        yield
    except Stopped:
        raise
    except Exception:  # noqa: BLE001  # it is logged with its traceback for a person to read later
        get_run_logger().exception(
            "%s failed; what is published stays published. Runbook: runbooks/report-failed.md", what
        )


@contextmanager
def failures_told(model: str) -> Iterator[None]:
    """If the flow fails, leave the error's runbook as an artifact beside the failed run in the UI.

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
    """Show the error and its runbook.

    The run ends with this error. A failure to show it must not replace it.
    """
    runbook = error.runbook if isinstance(error, NightjarError) else NightjarError.runbook
    says = str(error) if isinstance(error, NightjarError) else f"{error} Runbook: runbooks/{runbook}.md"
    get_run_logger().error("%s: %s", type(error).__name__, says)
    with fails_nothing("showing the runbook"), get_client(sync_client=True) as client:
        text = with_runbook(client, f"**{type(error).__name__}**: {markdown.literal(str(error))}", runbook)
        create_markdown_artifact(
            key=f"failure-{slug(model)}", description=f"What to do: runbooks/{runbook}.md", markdown=text
        )
