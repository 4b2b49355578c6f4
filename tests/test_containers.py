"""Containers: their logs are JSON unless .env says otherwise, and their server is that of `nightjar up`."""

import re

import pytest
import yaml

from nightjar.wiring.settings import PROJECT

SERVICES = yaml.safe_load((PROJECT / "docker" / "compose.yaml").read_text())["services"]
IMAGE = (PROJECT / "docker" / "Dockerfile").read_text()
OURS = ("prefect-server", "migrate", "worker", "watcher")


@pytest.mark.parametrize("service", OURS)
def test_the_format_of_the_logs_is_the_images_json_or_what_the_environment_file_says(service):
    assert "NIGHTJAR_LOG_FORMAT=json" in IMAGE
    assert SERVICES[service]["environment"]["NIGHTJAR_LOG_FORMAT"] == "${NIGHTJAR_LOG_FORMAT:-json}"


@pytest.mark.parametrize("service", OURS)
def test_what_a_container_prints_goes_through_what_makes_json_of_it(service):
    command = SERVICES[service].get("command") or yaml.safe_load(
        re.findall(r"^CMD (.*)$", IMAGE, re.MULTILINE)[-1]
    )
    assert command[:4] == ["python", "-m", "nightjar.wiring.json_lines", "--logger"]


def test_the_server_is_the_one_of_up_which_sets_all_but_its_database_and_the_place_of_its_pages():
    """tests/flows/test_strangers.py holds that program to what strangers may do: on `up` on every day."""
    service = SERVICES["prefect-server"]
    assert service["command"][-7:-2] == ["python", "-m", "nightjar.server", "--host", "0.0.0.0"]
    assert service["ports"] == ["127.0.0.1:${PREFECT_PORT:-4200}:4200"]
    given = service["environment"]
    assert given["NIGHTJAR_PREFECT_AUTH"].startswith("${NIGHTJAR_PREFECT_AUTH:?"), (
        "without one it must not start"
    )
    assert given["NIGHTJAR_PREFECT_HOSTS"] == "prefect-server:4200,${NIGHTJAR_PREFECT_HOSTS:-}"
    of_prefect = {name for name in given if name.startswith("PREFECT_")}
    assert {name for name in of_prefect if not name.startswith("PREFECT_SERVER_DATABASE_")} == {
        "PREFECT_UI_STATIC_DIRECTORY",
        "PREFECT_UI_URL",
    }
