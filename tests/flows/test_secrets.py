"""What a flow that fails leaves in Prefect holds no secret: its logs, its state, its artifacts."""

import subprocess
import sys

import pytest

from nightjar.server.deploy import environment, local_api

pytestmark = [pytest.mark.platform, pytest.mark.timeout(400)]

CANARY = "s3cret-c4nary"
URLS = {
    "refused": f"postgresql://owner:{CANARY}@127.0.0.1:1/scores",
    "broken": f"postgresql://owner:pass@{CANARY}@127.0.0.1:1/scores",
}
FAILS = """
import os
import sys
import traceback

from prefect import flow
from prefect.runtime import flow_run
from flows.about import platform
from flows.failures import failures_told

@flow(name="score")
def connects():
    sys.stdout.write(f"{flow_run.id}\\n")
    with failures_told("flight_delay"):
        platform().store.runs()

for url in sys.argv[1:]:
    os.environ["NIGHTJAR_DATABASE_URL"] = url
    platform.cache_clear()
    try:
        connects()
    except Exception:
        traceback.print_exc()
"""


@pytest.fixture(scope="module")
def failed(prefect) -> tuple[dict[str, str], str]:
    """The flow run for each URL, and all that their process printed."""
    planted = {
        "NIGHTJAR_WRITER_PASSWORD": CANARY,
        "NIGHTJAR_ANALYST_PASSWORD": CANARY,
        "NIGHTJAR_LOG_LEVEL": "debug",
    }
    env = environment(prefect.settings, local_api(prefect.settings)) | planted
    done = subprocess.run(
        [sys.executable, "-c", FAILS, *URLS.values()],
        env=env,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return dict(zip(URLS, done.stdout.split(), strict=True)), done.stdout + done.stderr


@pytest.mark.parametrize("url", URLS)
def test_a_flow_that_cannot_connect_leaves_its_runbook_and_no_secret(prefect, failed, url):
    flow_runs, printed = failed
    flow_run = flow_runs[url]
    assert prefect.ended(flow_run)["state_type"] == "FAILED"
    logs = prefect.ask("/logs/filter", {"logs": {"flow_run_id": {"any_": [flow_run]}}})
    artifacts = prefect.artifacts(flow_run)
    assert "What to do" in str(
        prefect.ask("/artifacts/filter", {"artifacts": {"flow_run_id": {"any_": [flow_run]}}})
    )
    assert "failure-flight-delay" in artifacts
    assert CANARY not in f"{printed}{logs}{artifacts}{prefect.ended(flow_run)}"
