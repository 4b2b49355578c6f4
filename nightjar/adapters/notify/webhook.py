"""A signed webhook: the message of a publication goes to a URL by POST."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import httpx
from pydantic import SecretStr

from nightjar.adapters.notify.deadline import within
from nightjar.core.telling.publications import PublicationNews, message
from nightjar.core.telling.signing import headers

ANSWERS_WITHIN_S = 15.0
LATE = f"took longer than {ANSWERS_WITHIN_S:.0f} s"


@dataclass(frozen=True, slots=True)
class Webhook:
    """A `Consumer`. keys: of the signatures; the receiver knows one of them."""

    url: SecretStr
    keys: Sequence[bytes] = field(repr=False)

    def __call__(self, news: PublicationNews) -> str | None:
        body = json.dumps(message(news), separators=(",", ":")).encode()
        signed = headers(news.message_id, datetime.now(UTC), body, self.keys)
        return posted(self.url, body, {"content-type": "application/json", **signed})


def posted(url: SecretStr, body: bytes, headers: dict[str, str]) -> str | None:
    """Send a body. Return None if the answer is 2xx, or else why it is not, without the URL.

    A redirect is not followed: it would carry the message where nobody asked for it.
    """
    return within(ANSWERS_WITHIN_S, lambda: _posted(url, body, headers), LATE)


def _posted(url: SecretStr, body: bytes, headers: dict[str, str]) -> str | None:
    try:
        answer = httpx.post(url.get_secret_value(), content=body, headers=headers, timeout=ANSWERS_WITHIN_S)
    # Not the text of the error: it may name the URL, which may hold a token.
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return type(error).__name__
    return None if answer.is_success else f"answered {answer.status_code}"
