"""What the containers are told agrees with what `nightjar up` tells its processes."""

import re

import pytest
import yaml

from nightjar.logs import prefect_settings
from nightjar.settings import PROJECT

SERVICES = yaml.safe_load((PROJECT / "docker" / "compose.yaml").read_text())["services"]
IMAGE = (PROJECT / "docker" / "Dockerfile").read_text()
OURS = ("prefect-server", "migrate", "worker")


def test_the_image_logs_as_json_through_the_same_settings_of_prefect():
    told = dict(re.findall(r"(PREFECT_LOGGING_\w+)=(\S+)", IMAGE))
    ours = prefect_settings("json") | {"PREFECT_LOGGING_SETTINGS_PATH": "/app/nightjar/prefect_logging.yaml"}
    assert told == ours


@pytest.mark.parametrize("service", OURS)
def test_the_format_of_the_logs_reaches_every_container_and_prefect_in_it(service):
    environment = SERVICES[service]["environment"]
    names = [name for name in prefect_settings("json") if name.endswith("_FORMATTER")]
    assert {environment[name] for name in ("NIGHTJAR_LOG_FORMAT", *names)} == {"${NIGHTJAR_LOG_FORMAT:-json}"}


@pytest.mark.parametrize("service", OURS)
def test_what_a_container_prints_goes_through_what_makes_json_of_it(service):
    command = SERVICES[service].get("command") or yaml.safe_load(re.findall(r"^CMD (.*)$", IMAGE, re.MULTILINE)[-1])
    assert command[:4] == ["python", "-m", "nightjar.json_lines", "--logger"]
