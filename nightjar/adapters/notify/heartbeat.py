"""The heartbeat: a URL elsewhere that expects to be asked, and tells people when it is not."""

import httpx
from pydantic import SecretStr

from nightjar.adapters.notify.deadline import within

ANSWERS_WITHIN_S = 10.0


def beat(url: SecretStr) -> str | None:
    """Ask the URL. Return None if it answers 2xx, or else why not, without the URL."""
    return within(ANSWERS_WITHIN_S, lambda: _beat(url), f"took longer than {ANSWERS_WITHIN_S:.0f} s")


def _beat(url: SecretStr) -> str | None:
    try:
        answer = httpx.get(url.get_secret_value(), timeout=ANSWERS_WITHIN_S)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return type(error).__name__
    return None if answer.is_success else f"answered {answer.status_code}"
