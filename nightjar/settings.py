"""Every setting, read once from the environment (prefix NIGHTJAR_) and `.env`. `.env.example` names them all."""

from functools import cached_property
from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

PROJECT = Path(__file__).resolve().parent.parent
"""The checkout: where flows/, models/, feature_repo/ and prefect.yaml lie."""


class Settings(BaseSettings):
    """Frozen; secrets are SecretStr and never printed.

    home: everything the platform writes when no other place is named: the embedded Postgres, raw and feature files, artifacts, logs.
    database_url: a Postgres of yours, as the owner of its schema; unset means the embedded one.
    writer_password, analyst_password: passwords of the roles nightjar_writer and nightjar_analyst on a Postgres of yours.
    """

    model_config = SettingsConfigDict(env_prefix="NIGHTJAR_", env_file=PROJECT / ".env", frozen=True, extra="ignore")

    home: Path = PROJECT / ".nightjar"
    database_url: SecretStr | None = None
    writer_password: SecretStr | None = None
    analyst_password: SecretStr | None = None
    data_dir: Path | None = None
    artifact_url: str | None = None
    feature_repo: Path = PROJECT / "feature_repo"
    threads: Annotated[int, Field(ge=1, le=256)] = 2
    night_wait_s: Annotated[float, Field(ge=0)] = 600.0
    log_format: Annotated[str, Field(pattern="^(console|json)$")] = "console"
    log_level: Annotated[str, Field(pattern="^(debug|info|warning|error)$")] = "info"
    prefect_port: Annotated[int, Field(ge=1, le=65535)] = 4200

    @cached_property
    def data(self) -> Path:
        """Raw days and feature tables; shared by all workers."""
        return (self.data_dir or self.home / "data").resolve()

    @cached_property
    def artifacts(self) -> str:
        """An fsspec URL: populations, datasets, trained models, reports; shared by all workers."""
        return self.artifact_url or f"file://{(self.home / 'artifacts').resolve()}"
