"""Says whether a worker takes runs, for those who watch."""

from httpx import HTTPStatusError

from nightjar.core.errors.base import NightjarError
from nightjar.core.errors.platform import NotDeployed, NoWorker
from nightjar.server.checks import workers
from nightjar.server.deploy import connected_briefly
from nightjar.wiring.settings import Settings

ANSWERS_WITHIN_S = 10.0


def lacking_worker(settings: Settings, api: str) -> str | None:
    """Return why no worker takes runs, an empty text if one does, None if nobody could say."""
    try:
        with connected_briefly(settings, api, ANSWERS_WITHIN_S) as client:
            workers(client, settings)
    except (NoWorker, NotDeployed) as error:
        return error.words.rstrip(".")
    except (HTTPStatusError, NightjarError):
        return None
    return ""
