"""Says whether a worker takes runs, for those who watch."""

from httpx import HTTPStatusError

from nightjar.core.errors.base import NightjarError
from nightjar.core.errors.platform import NotDeployed, NoWorker
from nightjar.core.telling.facts import Fault, fault_of
from nightjar.server.checks import workers
from nightjar.server.deploy import connected_briefly
from nightjar.showing.remedies import advised
from nightjar.wiring.settings import Settings

ANSWERS_WITHIN_S = 10.0


def lacking_worker(settings: Settings, api: str) -> tuple[Fault, ...] | None:
    """Return why no worker takes runs: nothing if one does, None if nobody could say."""
    try:
        with connected_briefly(settings, api, ANSWERS_WITHIN_S) as client:
            workers(client, settings)
    except (NoWorker, NotDeployed) as error:
        return (fault_of(advised(error)),)
    except (HTTPStatusError, NightjarError):
        return None
    return ()
