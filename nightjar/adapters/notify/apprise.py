"""Alerts a person through the service of NIGHTJAR_ALERT_URL, which is a URL as Apprise defines it."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pydantic import SecretStr

from nightjar.adapters.notify.deadline import within
from nightjar.core.errors.settings import BadSettings

ANSWERS_WITHIN_S = 30.0


def service(url: SecretStr) -> Any:
    """Return Apprise with the service of the URL.

    Our messages are texts. Of a text Apprise makes HTML without a space at which a line may break, so what
    takes HTML as well as texts, such as mails, gets the text itself.
    Raises BadSettings. The error does not repeat the URL, because the URL holds a token.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Apprise imports imghdr, which is deprecated
        from apprise import Apprise, NotifyFormat  # noqa: PLC0415  # here, so that its warning is hidden

        with unheard("apprise"):
            found = Apprise.instantiate(url.get_secret_value())
    if found is None:
        raise BadSettings(
            "NIGHTJAR_ALERT_URL is no URL that Apprise knows",
            "Write it like https://hooks.slack.com/..., jsons://host/path or mailtos://host. "
            "Put slack+https:// and webhook+https:// into NIGHTJAR_ALERT_URLS: the Prefect server cannot "
            "send to them.",
        )
    if found.notify_format == NotifyFormat.HTML:
        found.notify_format = NotifyFormat.TEXT
    services = Apprise()
    services.add(found)
    return services


def told(url: SecretStr, title: str, text: str, kind: str = "failure") -> bool:
    """Return True if the service took the message.

    kind: info, success, warning or failure. Services of people on call make an alert of the last two alone.
    A broken service must not keep the platform from ending, so its errors are caught.
    """
    try:
        found = service(url)
    except BadSettings:
        return False
    return within(ANSWERS_WITHIN_S, lambda: _notified(found, title, text, kind), late=False)


def _notified(found: Any, title: str, text: str, kind: str) -> bool:
    try:
        with unheard("apprise"), unheard("urllib3.connectionpool"):
            return bool(found.notify(title=title, body=text, body_format="text", notify_type=kind))
    except Exception:  # noqa: BLE001  # each service of Apprise raises its own errors
        return False


@contextmanager
def unheard(library: str) -> Iterator[None]:
    """Drop all that a library logs: its log names the URL that it cannot use, with the token."""

    def nothing(_: logging.LogRecord) -> bool:
        return False

    logger = logging.getLogger(library)
    logger.addFilter(nothing)
    try:
        yield
    finally:
        logger.removeFilter(nothing)
