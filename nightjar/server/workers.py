"""Says whether a worker takes runs, for those who watch."""

from prefect.settings import PREFECT_API_REQUEST_TIMEOUT, PREFECT_CLIENT_MAX_RETRIES, temporary_settings

from nightjar.core.errors.base import NightjarError
from nightjar.core.errors.platform import NotDeployed, NoWorker
from nightjar.server.checks import workers
from nightjar.server.deploy import connected
from nightjar.wiring.settings import Settings

ANSWERS_WITHIN_S = 10.0


def lacking_worker(settings: Settings, api: str) -> str | None:
    """Return why no worker takes runs, an empty text if one does, None if nobody could say."""
    try:
        with (
            temporary_settings(
                {PREFECT_API_REQUEST_TIMEOUT: ANSWERS_WITHIN_S, PREFECT_CLIENT_MAX_RETRIES: 0}
            ),
            connected(settings, api) as client,
        ):
            workers(client, settings)
    except (NoWorker, NotDeployed) as error:
        return error.words.rstrip(".")
    except NightjarError:
        return None
    return ""
