"""A person is told, through the service that NIGHTJAR_ALERT_URL names, as Apprise writes it."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pydantic import SecretStr

from nightjar.core.errors.settings import BadSettings


def service(url: SecretStr) -> Any:
    """Apprise's own object for the URL.

    Raises BadSettings, which doesn't repeat the URL: it holds a token.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # its import of imghdr is no news to who deploys
        from apprise import Apprise  # noqa: PLC0415  # only here can its warning be kept from the terminal

        with unheard("apprise"):
            found = Apprise.instantiate(url.get_secret_value())
    if found is None:
        raise BadSettings(
            "NIGHTJAR_ALERT_URL is no URL that Apprise knows",
            "Write it like https://hooks.slack.com/..., jsons://host/path or mailtos://...",
        )
    return found


def told(url: SecretStr, title: str, text: str) -> bool:
    """Whether the service took the message.

    One that is out of order must not keep the platform from ending.
    """
    try:
        with unheard("apprise"), unheard("urllib3.connectionpool"):
            return bool(service(url).notify(title=title, body=text))
    except Exception:  # noqa: BLE001  # each service of Apprise fails in a way of its own
        return False


@contextmanager
def unheard(library: str) -> Iterator[None]:
    """Nothing of what a library logs is passed on: it names the URL that it cannot use, token included."""

    def nothing(_: logging.LogRecord) -> bool:
        return False

    logger = logging.getLogger(library)
    logger.addFilter(nothing)
    try:
        yield
    finally:
        logger.removeFilter(nothing)
