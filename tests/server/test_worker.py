"""What the worker runs, and how: decided by this checkout, not by the server."""

import asyncio
from types import SimpleNamespace

import pytest
from prefect.utilities.dispatch import lookup_type
from prefect.workers.base import BaseWorker

from nightjar.core.errors.platform import NotOurFlow
from nightjar.server.pool import TEMPLATE, TYPE
from nightjar.server.worker import OurWorker, OwnConfiguration, entrypoint_of, entrypoints

OURS = "flows.score.score"
SHELL = {"prefect.deployments.steps.run_shell_script": {"script": "true"}}


def deployment(**changed):
    return SimpleNamespace(
        **{"name": "one", "entrypoint": OURS, "pull_steps": [], "storage_document_id": None, **changed}
    )


def test_the_flows_of_this_checkout_are_run():
    assert {
        f"flows.{name}.{name}"
        for name in ("features", "score", "monitor", "retrain", "backfill", "repair", "promote")
    } == entrypoints()
    assert entrypoint_of(deployment(), entrypoints()) == OURS
    assert entrypoint_of(deployment(pull_steps=None), entrypoints()) == OURS


@pytest.mark.parametrize(
    "foreign",
    [
        {"entrypoint": "/tmp/evil.py:main"},
        {"entrypoint": "flows/score.py:score"},
        {"entrypoint": "os.system"},
        {"entrypoint": f"{OURS} "},
        {"entrypoint": "flows.about.platform"},
        {"entrypoint": None},
        {"pull_steps": [SHELL]},
        {"pull_steps": [{"prefect.deployments.steps.set_working_directory": {"directory": "/tmp"}}]},
        {"storage_document_id": "11111111-1111-1111-1111-111111111111"},
    ],
    ids=str,
)
def test_code_and_steps_from_elsewhere_are_refused(foreign):
    with pytest.raises(NotOurFlow, match="no other"):
        entrypoint_of(deployment(**foreign), entrypoints())


def test_a_run_without_a_deployment_is_refused():
    with pytest.raises(NotOurFlow, match="no deployment"):
        entrypoint_of(None, entrypoints())


@pytest.mark.parametrize(
    "asked",
    [
        {"command": "touch /tmp/x"},
        {"env": {"PYTHONPATH": "/tmp"}},
        {"env.PYTHONPATH": "/tmp"},
        {"working_dir": "/tmp"},
    ],
)
def test_nothing_that_the_pool_or_a_run_asks_for_changes_how_a_process_starts(asked):
    open_template = {
        "job_configuration": {
            "command": "{{ command }}",
            "env": {"LD_PRELOAD": "/tmp/x.so"},
            "working_dir": "/tmp",
        },
        "variables": {"properties": {"command": {"default": "touch /tmp/y"}}},
    }
    assert asyncio.run(OwnConfiguration.from_template_and_values(open_template, asked)) == OwnConfiguration()


def test_no_worker_of_this_installation_is_prefects_own():
    assert lookup_type(BaseWorker, TYPE) is OurWorker


def test_a_pool_without_a_template_gets_ours():
    assert OurWorker.get_default_base_job_template() == TEMPLATE
    assert OurWorker.get_default_base_job_template() is not TEMPLATE
