"""A platform that loses a process in the middle of a night brings it back, and the night goes on where it
was.
"""

import os
import signal
from datetime import date, timedelta

import psutil
import pytest
from harness import children
from harness.held import receipts, second_part_held, until

pytestmark = [pytest.mark.platform, pytest.mark.timeout(400)]

chaos = pytest.mark.chaos
BLOWS = [
    pytest.param(("server", "worker"), id="server and worker", marks=chaos),
    pytest.param(("postgres",), id="postgres"),
    pytest.param(("server",), id="server", marks=chaos),
    pytest.param(("worker",), id="worker", marks=chaos),
    pytest.param(("postgres", "server", "worker"), id="all", marks=chaos),
]
FIRST_NIGHT = date(2013, 3, 22)


def pid_of(world, process: str) -> int:
    if process == "postgres":
        return int((world.platform.local._data / "postmaster.pid").read_text().splitlines()[0])
    return children.pid_of(world.home, process)


@pytest.mark.parametrize("killed", BLOWS)
def test_a_night_goes_on_while_what_died_around_it_is_started_again(prefect, world, killed):
    night = FIRST_NIGHT + timedelta(days=[each.values[0] for each in BLOWS].index(killed))
    with second_part_held(world):
        run = prefect.start("score", score_date=str(night), report=False)
        until("part 0 is stored", lambda: 0 in receipts(world, night), 120)
        stored, pids = receipts(world, night), {process: pid_of(world, process) for process in killed}
        for pid in pids.values():
            os.kill(pid, signal.SIGKILL)
        for process, pid in pids.items():
            until(f"another {process} runs", lambda process=process, pid=pid: lives(world, process, pid), 90)
        until("the server answers", lambda: answers(prefect), 90)
    ended = prefect.ended(run)
    assert (ended["state_name"], ended["run_count"]) == ("Completed", 1)
    after = receipts(world, night)
    assert stored == {part: after[part] for part in stored}
    assert world.query(
        f"SELECT count(*), count(DISTINCT run_id) FROM publications WHERE score_date = '{night}'"
    ) == [(1, 1)]
    assert world.query(f"SELECT count(DISTINCT entity_key) FROM scores WHERE score_date = '{night}'") == [
        (world.scheduled(night),)
    ]
    if "worker" in killed:
        again = prefect.ended(prefect.start("features", today="2013-03-15"))
        assert again["state_name"] == "Completed", "the new worker takes runs"


def lives(world, process: str, but: int) -> bool:
    try:
        pid = pid_of(world, process)
    except (FileNotFoundError, ProcessLookupError, ValueError, IndexError):
        return False
    ready = world.platform.local.running if process == "postgres" else psutil.pid_exists(pid)
    return pid != but and ready


def answers(prefect) -> bool:
    import httpx

    try:
        return prefect.client.request("GET", "/health").status_code == 200
    except httpx.HTTPError:
        return False
