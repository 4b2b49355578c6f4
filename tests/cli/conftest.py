"""A command in this process, in a world that all commands share."""

import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from typer.testing import CliRunner

from nightjar.cli import app


@pytest.fixture(scope="session")
def world(worlds) -> Iterator[Any]:
    """Without the flows: they land days of which these tests say what lands."""
    with worlds() as world:
        yield world


@pytest.fixture
def run(world, monkeypatch) -> Callable[..., str]:
    """run(*words) gives what the command prints, and holds it to its exit code."""
    for module in ("data", "nights", "operations", "repairs", "versions", "status", "ledger", "explain"):
        monkeypatch.setattr(f"nightjar.cli.{module}.opened", lambda: world.platform)
    monkeypatch.setenv("COLUMNS", "200")

    def invoke(*words: object, code: int = 0) -> str:
        result = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
        assert result.exit_code == code, result.output
        return result.output

    return invoke


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of a Prefect server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/api"
