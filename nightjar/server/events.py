"""Each publication becomes an event on the Prefect server, on which deployments may trigger."""

from dataclasses import dataclass

from httpx import HTTPStatusError

from nightjar.core.errors.base import NightjarError
from nightjar.core.telling.publications import PublicationNews, event
from nightjar.server.deploy import connected_briefly
from nightjar.wiring.settings import Settings

ANSWERS_WITHIN_S = 10.0


@dataclass(frozen=True, slots=True)
class PrefectEvents:
    """A `Consumer`: the server at `api`.

    The server answers when it has the event. Prefect's own `emit_event` waits for no answer.
    """

    settings: Settings
    api: str

    def __call__(self, news: PublicationNews) -> str | None:
        try:
            with connected_briefly(self.settings, self.api, ANSWERS_WITHIN_S) as client:
                client.request("POST", "/events", json=[event(news)])
        except HTTPStatusError as error:
            return f"answered {error.response.status_code}"
        except NightjarError as error:
            return str(error)
        return None
