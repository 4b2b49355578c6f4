"""The login that the Prefect server of `nightjar up` asks for, made at its first start and kept in a file."""

import os
import secrets
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import SecretStr

from nightjar.core.errors.settings import BadSettings
from nightjar.wiring.settings import Settings, user_and_password

USER = "nightjar"


def login_file(settings: Settings) -> Path:
    return settings.home.resolve() / "prefect-login"


def ensured_login(settings: Settings) -> SecretStr:
    """Return NIGHTJAR_PREFECT_AUTH, or else the login in the file. Makes the file if it is missing."""
    if settings.prefect_auth is not None:
        return settings.prefect_auth
    file = login_file(settings)
    if not file.exists():
        write_privately(file, f"{USER}:{secrets.token_urlsafe(24)}\n")
    return read(file)


def login(settings: Settings, api: str) -> SecretStr | None:
    """Return the login for the server at `api`.

    It is NIGHTJAR_PREFECT_AUTH if that is set. Otherwise the server of `nightjar up` gets the login in the
    file, and another server gets the login in Prefect's own setting.
    """
    if settings.prefect_auth is not None:
        return settings.prefect_auth
    if is_local(settings, api):
        file = login_file(settings)
        return read(file) if file.exists() else None
    given = os.environ.get("PREFECT_API_AUTH_STRING")
    return SecretStr(given) if given else None


def is_local(settings: Settings, api: str) -> bool:
    """Return True if `nightjar up` of these settings serves that URL. Only it gets the login of its file."""
    url = urlsplit(api)
    return url.port == settings.prefect_port and is_loopback(url.hostname or "")


def is_loopback(name: str) -> bool:
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"


def read(file: Path) -> SecretStr:
    """Raises BadSettings for a file that holds no login, that others can read, or that we cannot read."""
    remedy = "Delete it; the next `nightjar up` makes another. Or set NIGHTJAR_PREFECT_AUTH."
    try:
        with file.open() as opened:
            if os.fstat(opened.fileno()).st_mode & 0o077:
                raise BadSettings(
                    f"Others than its owner may read {file}, the Prefect server's login", remedy
                )
            return user_and_password(SecretStr(opened.read().strip()))
    except PermissionError:
        whose = "Run as that user, or set NIGHTJAR_PREFECT_AUTH."
        raise BadSettings(f"{file} belongs to another user", whose) from None
    except (ValueError, OSError):  # do not quote it: it could hold half of the login
        raise BadSettings(f"{file} holds no login for the Prefect server", remedy) from None


def write_privately(file: Path, text: str) -> None:
    """Write a file that only its owner can ever read. It appears whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f".{file.name}.{secrets.token_hex(16)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
        opened.write(text)
        opened.flush()
        os.fsync(opened.fileno())
    draft.replace(file)
