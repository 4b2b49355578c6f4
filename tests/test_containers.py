"""Logs of containers: JSON unless .env says otherwise, and all of what they print."""

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
