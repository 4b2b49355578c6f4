"""Deploys to a Prefect server.

It sends the work pool, the deployments of all models, the automations, and the URL for alerts. A second
call changes nothing.
"""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from http.client import FORBIDDEN, UNAUTHORIZED
from pathlib import Path
from uuid import UUID

from httpx import HTTPStatusError, Response, TransportError
from prefect.blocks.notifications import SlackWebhook
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.exceptions import ObjectNotFound
from prefect.settings import (
    PREFECT_API_AUTH_STRING,
    PREFECT_API_REQUEST_TIMEOUT,
    PREFECT_API_URL,
    PREFECT_CLIENT_MAX_RETRIES,
    temporary_settings,
)
from pydantic import SecretStr

from nightjar.adapters.files.disk import naming
from nightjar.adapters.notify.apprise import service
from nightjar.core.errors.database import StoreUnavailable
from nightjar.core.errors.platform import PlatformFailed
from nightjar.core.errors.settings import BadSettings
from nightjar.core.platform.log_lines import rendered
from nightjar.server.automations import Patience, sync, wanted
from nightjar.server.deployments import deployed, left_over, pauses_kept, prefect_yaml, remove
from nightjar.server.login import login
from nightjar.server.pool import ensure_pool
from nightjar.wiring.logs import prefect_settings
from nightjar.wiring.settings import PROJECT, Settings

ALERT_BLOCK = "nightjar-alert"
PREFECT = (sys.executable, "-m", "nightjar.server.prefect", "--no-prompt")
"""Prefect's command line, with our worker."""


def environment(settings: Settings, api: str) -> dict[str, str]:
    """Return the environment of every process that talks to the server at `api`.

    It is this process's environment plus the settings of Prefect that we need.
    """
    known = login(settings, api)
    auth = {} if known is None else {"PREFECT_API_AUTH_STRING": known.get_secret_value()}
    return {
        **os.environ,
        "NIGHTJAR_LOG_FORMAT": settings.log_format,
        "PREFECT_API_URL": api,
        "PREFECT_HOME": str(settings.home / "prefect"),
        "PREFECT_SERVER_EPHEMERAL_ENABLED": "false",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",
        **prefect_settings(settings.log_format),
        "DO_NOT_TRACK": "1",
        **auth,
    }


def local_api(settings: Settings) -> str:
    """Return the URL at which `nightjar up` serves the API."""
    return f"http://127.0.0.1:{settings.prefect_port}/api"


def api_url(settings: Settings) -> str:
    """Return the URL in PREFECT_API_URL, or else that of `nightjar up`."""
    return os.environ.get("PREFECT_API_URL") or local_api(settings)


def deploy(settings: Settings, api: str, log: Path, *, without_left_over: bool = False) -> tuple[str, ...]:
    """Deploy every model that can be used. A second call changes nothing. A paused deployment stays paused.

    Return the names of deployments that belong to no model of this code. They stay and run on, unless
    without_left_over asks to delete them.
    Raises PlatformFailed, which names the log, if Prefect refuses.
    Raises BadSettings for an alert URL that cannot be used.
    """
    env = environment(settings, api)
    file = settings.home / "prefect.yaml"
    with naming(file):
        file.write_text(prefect_yaml(), encoding="utf-8")
    with connected(settings, api) as client, pauses_kept(client):
        ensure_pool(client)
        prefect(["deploy", "--all", "--prefect-file", str(file)], env, log)
    automate(settings, api)
    with connected(settings, api) as client:
        return remove(client) if without_left_over else tuple(sorted(left_over(deployed(client))))


def prefect(arguments: list[str], env: Mapping[str, str], log: Path) -> None:
    """Run a command of Prefect, and append what it printed to the log. Raises PlatformFailed if it fails."""
    done = subprocess.run(
        [*PREFECT, *arguments], env=env, cwd=PROJECT, capture_output=True, text=True, check=False
    )
    words, code, output = f"prefect {' '.join(arguments)}", done.returncode, done.stdout + done.stderr
    with naming(log), log.open("a") as file:
        file.write(
            as_json(words, code, output) if env["NIGHTJAR_LOG_FORMAT"] == "json" else f"$ {words}\n{output}"
        )
    if code != 0:
        raise PlatformFailed(f"`{words}`", f"ended with code {code}", log)


def as_json(words: str, code: int, output: str) -> str:
    """Return the output of a command as one line of a log."""
    level, fields = "error" if code else "info", {"exit_code": code, "output": output}
    return rendered(words, at=datetime.now(UTC), level=level, logger="deploy", fields=fields) + "\n"


def automate(settings: Settings, api: str, patience: Patience | None = None) -> int:
    """Make the server's automations those of `nightjar.server.automations`; return how many were touched."""
    with connected(settings, api) as client:
        alert = alert_block(client, settings.alert_url)
        return sync(client, wanted(patience or Patience(failures=settings.circuit_failures), alert))


@contextmanager
def connected(settings: Settings, api: str) -> Iterator[SyncPrefectClient]:
    """Yield Prefect's client.

    Raises BadSettings if the server refuses our login, or the name by which we call it.
    Raises StoreUnavailable if there is no server.
    """
    known = login(settings, api)
    auth = None if known is None else known.get_secret_value()
    try:
        with (
            temporary_settings({PREFECT_API_URL: api, PREFECT_API_AUTH_STRING: auth}),
            get_client(sync_client=True) as client,
        ):
            yield client
    except HTTPStatusError as error:
        if error.response.status_code == UNAUTHORIZED:
            raise BadSettings(
                f"The Prefect server at {api} refuses us", "Set NIGHTJAR_PREFECT_AUTH to its user:password."
            ) from error
        if error.response.status_code == FORBIDDEN:
            why = f"The Prefect server at {api} refuses us: {detail(error.response)}"
            raise BadSettings(why, "Correct it where the server runs.") from error
        raise
    except TransportError as error:
        raise StoreUnavailable(f"The Prefect server at {api}", str(error)) from error


@contextmanager
def connected_briefly(settings: Settings, api: str, within_s: float) -> Iterator[SyncPrefectClient]:
    """Yield Prefect's client. It asks once and waits so long for an answer. Raises as `connected`."""
    with (
        temporary_settings({PREFECT_API_REQUEST_TIMEOUT: within_s, PREFECT_CLIENT_MAX_RETRIES: 0}),
        connected(settings, api) as client,
    ):
        yield client


def detail(answer: Response) -> str:
    """Return the server's own reason for a refusal."""
    with suppress(ValueError, AttributeError):
        return str(answer.json().get("detail"))
    return answer.reason_phrase


def alert_block(client: SyncPrefectClient, url: SecretStr | None) -> UUID | None:
    """Make the server's notification block with this URL, and return its id.

    Without a URL there is no block, and the block of an earlier deployment is deleted. Prefect's block for
    Slack passes every URL to Apprise, for any service. The server stores the URL encrypted.
    """
    if url is not None:
        service(url)  # raises for a URL that cannot be used
        saved = SlackWebhook(url=url).save(ALERT_BLOCK, overwrite=True)
        assert isinstance(saved, UUID)  # it would be awaitable inside an event loop
        return saved
    if (known := known_alert_block(client)) is not None:
        with suppress(ObjectNotFound):  # another deployment was faster
            client.delete_block_document(known)
    return None


def known_alert_block(client: SyncPrefectClient) -> UUID | None:
    """Return the id of the server's notification block. The caller need not know the block's URL."""
    with suppress(ObjectNotFound):
        return client.read_block_document_by_name(
            ALERT_BLOCK, SlackWebhook.get_block_type_slug(), include_secrets=False
        ).id
    return None
