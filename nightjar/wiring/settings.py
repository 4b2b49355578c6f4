"""Every setting, read once from the environment (prefix NIGHTJAR_) and `.env`.

`.env.example` names them all.
"""

import os
import re
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

from dotenv import dotenv_values
from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from nightjar.core.errors.settings import BadSettings
from nightjar.core.places import PLACE, STORES
from nightjar.core.platform.hosts import HIGHEST_PORT, Site, site
from nightjar.core.telling.incidents import Severity
from nightjar.core.telling.signing import key

PROJECT = Path(__file__).resolve().parent.parent.parent
"""The checkout: the folder with flows/, models/, feature_repo/ and prefect.yaml."""

A_DAY = 24 * 60 * 60
"""In seconds. A night that waits longer meets the next one."""

REMEDY = "Correct it in the environment or in .env; .env.example explains each."


def user_and_password(auth: SecretStr) -> SecretStr:
    user, _, password = auth.get_secret_value().partition(":")
    if not (user and password):
        raise ValueError("it reads user:password")
    if not auth.get_secret_value().isascii():
        raise ValueError(
            "it may hold ASCII characters only: neither a browser nor the Prefect server takes others there"
        )
    return auth


def sites(names: object) -> object:
    """Parse `a.example, b.example:8443` into sites. Empty entries are ignored."""
    if not isinstance(names, str):
        return names
    read = [site(name.strip()) for name in names.split(",") if name.strip()]
    if None in read:
        raise ValueError("it lists names as a browser shows them, like nightjar.example.org, 10.0.0.5:8080")
    return tuple(read)


def named_urls(names: SecretStr) -> SecretStr:
    """Accept `name=https://... other=https://...`. The text of the error quotes nothing of it."""
    entries = [entry.partition("=") for entry in names.get_secret_value().split()]
    for name, _, url in entries:
        if not (re.fullmatch(r"[a-z][a-z0-9_-]{0,39}", name) and re.match(r"https?://[^/]", url)):
            raise ValueError("it lists name=URL, with spaces between, like billing=https://host/path")
    if len({name for name, _, _ in entries}) < len(entries):
        raise ValueError("it gives two URLs one name, and each program needs a name of its own")
    return names


def alert_channels(channels: SecretStr) -> SecretStr:
    """Accept `critical=URL warning=URL`. The text of the error quotes nothing of it."""
    for entry in channels.get_secret_value().split():
        level, _, url = entry.partition("=")
        if level not in set(Severity) or "://" not in url:
            raise ValueError("it lists critical=URL or warning=URL, with spaces between")
    return channels


def signing_keys(secrets: SecretStr) -> SecretStr:
    for secret in secrets.get_secret_value().split():
        key(secret)
    return secrets


def scheduler_address(url: str) -> str:
    """Accept tcp://host:port and tls://host:port."""
    found = re.fullmatch(r"(tcp|tls)://([\w.-]+|\[[0-9a-fA-F:]+\]):(\d{1,5})", url, re.ASCII)
    if not found:
        raise ValueError("it reads tcp://host:8786, or tls://host:8786 for an encrypted cluster")
    if not 0 < int(found[3]) <= HIGHEST_PORT:
        raise ValueError(f"its port is not between 1 and {HIGHEST_PORT}")
    return url


def without_credentials(url: str) -> str:
    """Refuse a URL with credentials: it is stored with every artifact, and analysts can read it."""
    scheme, separator, rest = url.partition("://")
    if re.match(r"[^/]*:.*@", rest) or "?" in rest or "#" in rest:  # a password may hold a bare /, too
        raise ValueError(
            "it may hold no credentials; give them to its driver: AWS_ACCESS_KEY_ID, "
            "GOOGLE_APPLICATION_CREDENTIALS, FSSPEC_<SCHEME>_..."
        )
    if not (re.fullmatch(r"[a-z][a-z0-9+.-]*", scheme) and rest if separator else Path(url).is_absolute()):
        raise ValueError("it reads like file:///folder, s3://bucket/folder or /folder")
    if scheme == "file" and not rest.startswith("/"):
        raise ValueError("a file:// URL must be absolute: three slashes")
    if not re.fullmatch(PLACE, url):
        raise ValueError(f"it must name a folder, or a place in a store by one of {', '.join(STORES)}")
    return url


class Settings(BaseSettings):
    """Frozen; secrets are SecretStr and never printed.

    Raises BadSettings with the names, but not the values, of variables that cannot be used.
    home: the folder for everything that has no other place: the embedded Postgres, raw and feature files,
    artifacts, logs.
    model: the model that a command takes if it names none; unset means the only one that there is.
    database_url: a Postgres of yours, as the owner of its schema; unset means the embedded one.
    database_password: the password of that URL's user, without URL encoding.
    writer_password, analyst_password: passwords of the roles nightjar_writer and nightjar_analyst on a
    Postgres of yours.
    prefect_auth: "user:password" that the Prefect API requires; unset means the one that `nightjar up` made
    and keeps in its home.
    prefect_hosts: further host names of the Prefect server, for access through a proxy.
    alert_url: an Apprise URL that gets every alert, and a message about a broken circuit; unset means only an
    artifact and a log line.
    alert_urls: "critical=URL" or "warning=URL" of further receivers of alerts, with spaces between. A warning
    goes to those of warning alone, a critical alert to all.
    heartbeat_url: a URL elsewhere that the watcher asks every minute, and that alerts when it is not asked.
    ui_url: the address of Prefect's pages, for links in alerts; unset means the one of `nightjar up`.
    database_max_gb: the size that the database may have; unset means that nobody is told of its size.
    webhooks: "name=URL" of each program that is told of every publication, with spaces between.
    executor: what scores the parts of a night: threads of its process, other processes of its machine, or the
    workers of a Dask cluster.
    dask_scheduler: the address of that cluster's scheduler.
    cluster_wait_s: how long a night waits for a scheduler that answers and has a worker.
    webhook_secret: whsec_..., with which their messages are signed; several, with spaces between, while it
    changes.
    max_delivery_mb: the largest delivered file, in megabytes. While it is checked, the folder for temporary
    files holds a copy of it and its rows.
    rehearse: whether the first nights of a model are held to nights that it rehearses too, which takes some
    seconds of its first night.
    circuit_failures: number of failed runs in a row after which a deployment's schedule is paused.
    keep_flow_runs_days: how long Prefect keeps ended flow runs and their data.
    keep_unpublished_days, keep_inbox_days, keep_unnamed_days: the age in days up to which `nightjar prune`
    keeps rows of runs that were never published, copies of delivered files, and files that no row names
    (longer than any night takes).
    """

    model_config = SettingsConfigDict(
        env_prefix="NIGHTJAR_", env_file=PROJECT / ".env", frozen=True, extra="ignore"
    )

    home: Path = PROJECT / ".nightjar"
    model: str | None = None
    database_url: SecretStr | None = None
    database_password: SecretStr | None = None
    writer_password: SecretStr | None = None
    analyst_password: SecretStr | None = None
    data_dir: Path | None = None
    artifact_url: Annotated[str, AfterValidator(without_credentials)] | None = None
    feature_repo: Path = PROJECT / "feature_repo"
    max_delivery_mb: Annotated[int, Field(ge=1, le=100_000)] = 256
    rehearse: bool = True
    threads: Annotated[int, Field(ge=1, le=256)] = 2
    executor: Annotated[str, Field(pattern="^(threads|processes|dask)$")] = "threads"
    dask_scheduler: Annotated[str, AfterValidator(scheduler_address)] | None = None
    cluster_wait_s: Annotated[float, Field(ge=1, le=A_DAY, allow_inf_nan=False)] = 60.0
    nights_at_once: Annotated[int, Field(ge=1, le=32)] = 4
    night_wait_s: Annotated[float, Field(ge=0, le=A_DAY, allow_inf_nan=False)] = 600.0
    log_format: Annotated[str, Field(pattern="^(console|json)$")] = "console"
    log_level: Annotated[str, Field(pattern="^(debug|info|warning|error)$")] = "info"
    prefect_port: Annotated[int, Field(ge=1, le=HIGHEST_PORT)] = 4200
    prefect_auth: Annotated[SecretStr, AfterValidator(user_and_password)] | None = None
    prefect_hosts: Annotated[tuple[Site, ...], NoDecode, BeforeValidator(sites)] = ()
    alert_url: SecretStr | None = None
    alert_urls: Annotated[SecretStr, AfterValidator(alert_channels)] | None = None
    heartbeat_url: SecretStr | None = None
    ui_url: str | None = None
    database_max_gb: Annotated[int, Field(ge=1)] | None = None
    webhooks: Annotated[SecretStr, AfterValidator(named_urls)] | None = None
    webhook_secret: Annotated[SecretStr, AfterValidator(signing_keys)] | None = None
    circuit_failures: Annotated[int, Field(ge=1)] = 3
    keep_flow_runs_days: Annotated[int, Field(ge=1, le=36_500)] = 90
    keep_unpublished_days: Annotated[int, Field(ge=1, le=36_500)] = 14
    keep_inbox_days: Annotated[int, Field(ge=1, le=36_500)] = 14
    keep_unnamed_days: Annotated[int, Field(ge=1, le=36_500)] = 2

    def __init__(self, **given: Any) -> None:
        faults = None
        try:
            super().__init__(**given)
        except ValidationError as error:
            faults = "; ".join(
                f"{variable(fault['loc'])}: {fault['msg'].removeprefix('Value error, ')}"
                for fault in error.errors(include_input=False, include_url=False)
            )
        except UnicodeDecodeError:
            faults = f"{self.model_config.get('env_file')} is not UTF-8"
        # Raised outside the `except` block: the other error quotes the values, so it must not be attached.
        if faults is not None:
            raise BadSettings(faults, REMEDY)

    @field_validator("*", mode="before")
    @classmethod
    def of_plain_text(cls, value: object) -> object:
        """Refuses blank values, and characters that no path or URL can hold."""
        if isinstance(value, str) and not value.strip():
            raise ValueError("it is empty; give it a value, or remove it")
        if isinstance(value, str) and not all(character.isprintable() for character in value):
            raise ValueError("it holds a line end, or another character that cannot be printed")
        return value

    @field_validator("home", "data_dir", "feature_repo")
    @classmethod
    def from_the_checkout(cls, path: Path | None) -> Path | None:
        """A relative path begins at the checkout: processes of one platform run in different folders.

        Refuses the home of a user whom this machine does not know.
        """
        try:
            return path and PROJECT / path.expanduser()
        except RuntimeError as error:
            raise ValueError("it begins with ~ and the name of no user here; write the whole path") from error

    @property
    def scheduler(self) -> str:
        """The address of the cluster's scheduler. Raises BadSettings if none is set."""
        if self.dask_scheduler is None:
            raise BadSettings("NIGHTJAR_EXECUTOR is dask, and NIGHTJAR_DASK_SCHEDULER is not set", REMEDY)
        return self.dask_scheduler

    @property
    def consumers(self) -> Mapping[str, SecretStr]:
        """The URLs of the programs that are told of publications, by name.

        Raises BadSettings if there is no secret to sign their messages with.
        """
        if self.webhooks is None:
            return {}
        if self.webhook_secret is None:
            raise BadSettings("NIGHTJAR_WEBHOOKS is set, and NIGHTJAR_WEBHOOK_SECRET is not", REMEDY)
        entries = (entry.partition("=") for entry in self.webhooks.get_secret_value().split())
        return {name: SecretStr(url) for name, _, url in entries}

    @property
    def alerts(self) -> tuple[tuple[Severity, SecretStr], ...]:
        """The least severity that each receiver of alerts gets, and its URL."""
        given = "" if self.alert_urls is None else self.alert_urls.get_secret_value()
        entries = (entry.partition("=") for entry in given.split())
        further = ((Severity(level), SecretStr(url)) for level, _, url in entries)
        return (*(() if self.alert_url is None else ((Severity.WARNING, self.alert_url),)), *further)

    @property
    def ui(self) -> str:
        return (self.ui_url or f"http://127.0.0.1:{self.prefect_port}").rstrip("/")

    @property
    def webhook_keys(self) -> tuple[bytes, ...]:
        secrets = self.webhook_secret.get_secret_value() if self.webhook_secret else ""
        return tuple(map(key, secrets.split()))

    @cached_property
    def data(self) -> Path:
        """The folder of raw days and feature tables. All workers share it."""
        return real(self.data_dir or self.home / "data")

    @cached_property
    def artifacts(self) -> str:
        """The fsspec URL of populations, datasets, trained models and reports. All workers share it."""
        return self.artifact_url or f"file://{real(self.home / 'artifacts')}"


def environment() -> Mapping[str, str]:
    """The variables of the environment and of `.env`, for those that a model names itself."""
    return {name: value or "" for name, value in dotenv_values(PROJECT / ".env").items()} | dict(os.environ)


def real(path: Path) -> Path:
    """The absolute path without links. A loop of links raises no error here; Path.resolve would raise one."""
    return Path(os.path.realpath(path))


def variable(loc: tuple[int | str, ...]) -> str:
    return f"NIGHTJAR_{loc[0]}".upper() if loc else "NIGHTJAR_..."
