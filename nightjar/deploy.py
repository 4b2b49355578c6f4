"""What a Prefect server is told of us: the work pool, the deployments of prefect.yaml, the automations, where alerts go.

Doing it again changes nothing.
"""

import logging
import os
import subprocess
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from http.client import FORBIDDEN, UNAUTHORIZED
from pathlib import Path
from uuid import UUID

from httpx import HTTPStatusError, Response, TransportError
from prefect.blocks.notifications import SlackWebhook
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.exceptions import ObjectNotFound
from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, temporary_settings
from pydantic import SecretStr

from nightjar.automations import Patience, sync, wanted
from nightjar.core.errors import BadSettings, PlatformFailed, StoreUnavailable
from nightjar.deployments import pauses_kept
from nightjar.server.login import login
from nightjar.server.pool import ensure_pool
from nightjar.settings import PROJECT, Settings

ALERT_BLOCK = "nightjar-alert"
PREFECT = (sys.executable, "-m", "nightjar.server.prefect", "--no-prompt")
"""Prefect's command line, with our worker in it."""


def environment(settings: Settings, api: str) -> dict[str, str]:
    """What every process that talks to the server at `api` sees: this process's environment and Prefect's settings as we need them."""
    known = login(settings, api)
    auth = {} if known is None else {"PREFECT_API_AUTH_STRING": known.get_secret_value()}
    return {
        **os.environ,
        "PREFECT_API_URL": api,
        "PREFECT_HOME": str(settings.home / "prefect"),
        "PREFECT_SERVER_EPHEMERAL_ENABLED": "false",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",
        "PREFECT_LOGGING_EXTRA_LOGGERS": "nightjar",
        "DO_NOT_TRACK": "1",
        **auth,
    }


def local_api(settings: Settings) -> str:
    """Where `nightjar up` serves the API."""
    return f"http://127.0.0.1:{settings.prefect_port}/api"


def api_url(settings: Settings) -> str:
    """The server that PREFECT_API_URL names, or else that of `nightjar up`."""
    return os.environ.get("PREFECT_API_URL") or local_api(settings)


def deploy(settings: Settings, api: str, log: Path) -> None:
    """Doing it again changes nothing; what is paused stays paused.

    Raises PlatformFailed, naming the log, if Prefect refuses; BadSettings for an alert URL that leads nowhere.
    """
    env = environment(settings, api)
    with connected(settings, api) as client, pauses_kept(client):
        ensure_pool(client)
        prefect(["deploy", "--all"], env, log)
    automate(settings, api)


def prefect(arguments: list[str], env: Mapping[str, str], log: Path) -> None:
    done = subprocess.run([*PREFECT, *arguments], env=env, cwd=PROJECT, capture_output=True, text=True, check=False)
    with log.open("a") as file:
        file.write(f"$ prefect {' '.join(arguments)}\n{done.stdout}{done.stderr}")
    if done.returncode != 0:
        raise PlatformFailed(f"`prefect {' '.join(arguments)}`", f"ended with code {done.returncode}", log)


def automate(settings: Settings, api: str, patience: Patience | None = None) -> int:
    """Make the server's automations those of `nightjar.automations`; return how many were touched."""
    with connected(settings, api) as client:
        alert = alert_block(client, settings.alert_url)
        return sync(client, wanted(patience or Patience(failures=settings.circuit_failures), alert))


@contextmanager
def connected(settings: Settings, api: str) -> Iterator[SyncPrefectClient]:
    """Prefect's client.

    Raises BadSettings where the server refuses our login or the name that we call it by, StoreUnavailable
    where there is none.
    """
    known = login(settings, api)
    auth = None if known is None else known.get_secret_value()
    try:
        with temporary_settings({PREFECT_API_URL: api, PREFECT_API_AUTH_STRING: auth}), get_client(sync_client=True) as client:
            yield client
    except HTTPStatusError as error:
        if error.response.status_code == UNAUTHORIZED:
            raise BadSettings(f"The Prefect server at {api} refuses us", "Set NIGHTJAR_PREFECT_AUTH to its user:password.") from error
        if error.response.status_code == FORBIDDEN:
            why = f"The Prefect server at {api} refuses us: {detail(error.response)}"
            raise BadSettings(why, "Correct it where the server runs.") from error
        raise
    except TransportError as error:
        raise StoreUnavailable(f"The Prefect server at {api}", str(error)) from error


def detail(answer: Response) -> str:
    """Why the server refuses, in its own words."""
    with suppress(ValueError, AttributeError):
        return str(answer.json().get("detail"))
    return answer.reason_phrase


def alert_block(client: SyncPrefectClient, url: SecretStr | None) -> UUID | None:
    """The server's notification block with this URL; without a URL none, and one of an earlier deployment goes.

    Prefect's block for Slack hands every URL to Apprise, whatever the service, and the server keeps it encrypted.
    """
    if url is not None:
        require_alert_url(url)
        saved = SlackWebhook(url=url).save(ALERT_BLOCK, overwrite=True)
        assert isinstance(saved, UUID)  # it would be awaitable inside an event loop
        return saved
    if (known := known_alert_block(client)) is not None:
        with suppress(ObjectNotFound):  # another deployment was faster
            client.delete_block_document(known)
    return None


def known_alert_block(client: SyncPrefectClient) -> UUID | None:
    """The server's notification block, whoever deployed it: not every process knows its URL."""
    with suppress(ObjectNotFound):
        return client.read_block_document_by_name(ALERT_BLOCK, SlackWebhook.get_block_type_slug(), include_secrets=False).id
    return None


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


def require_alert_url(url: SecretStr) -> None:
    """Raises BadSettings, which doesn't repeat the URL: it holds a token."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # its import of imghdr is no news to who deploys
        from apprise import Apprise  # noqa: PLC0415  # only here can its warning be kept from the terminal

        with unheard("apprise"):
            known = Apprise.instantiate(url.get_secret_value()) is not None
    if not known:
        raise BadSettings(
            "NIGHTJAR_ALERT_URL is no URL that Apprise knows", "Write it like https://hooks.slack.com/..., jsons://host/path or mailtos://..."
        )
