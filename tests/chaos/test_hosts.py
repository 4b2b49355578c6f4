"""Nights on several hosts: what a worker, a host or the scheduler leaves undone, others do exactly once.

The hosts have Postgres and an S3 server in common with the night, and no disk.
"""

import os
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import partial
from pathlib import Path
from shutil import rmtree
from threading import Thread
from uuid import uuid4

import psycopg
import pytest
from harness import hosts
from harness.hosts import Host
from pydantic import SecretStr

import models
from db.server.embedded import EmbeddedPostgres
from nightjar.cli import doctor
from nightjar.core.errors.cluster import ClusterGone
from nightjar.core.night.clock import as_of, night_of
from nightjar.core.night.entities import NightSummary
from nightjar.wiring.executors import executor_of, in_cluster
from nightjar.wiring.platform import Platform
from nightjar.wiring.settings import Settings

REFUSED = hosts.refusal()
pytestmark = [
    pytest.mark.chaos,
    pytest.mark.timeout(400),
    pytest.mark.skipif(REFUSED is not None, reason=str(REFUSED)),
]
SPEC = replace(models.model("flight_delay"), part_rows=40)
DAY = date(2013, 3, 16)
SLOW = """
    CREATE FUNCTION nightjar.slow() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN PERFORM pg_sleep(0.4); RETURN NEW; END $$;
    CREATE TRIGGER slow BEFORE INSERT ON nightjar.receipt FOR EACH ROW EXECUTE FUNCTION nightjar.slow();
    GRANT EXECUTE ON FUNCTION nightjar.slow() TO PUBLIC;
"""


@dataclass
class Cluster:
    """A scheduler and two workers, each on a host of its own, and the platform whose nights they score."""

    platform: Platform
    scheduler: Host
    workers: list[Host]
    environment: dict[str, str]
    undisturbed: int

    @property
    def address(self) -> str:
        return f"tcp://{self.scheduler.address}:8786"

    def start(self) -> None:
        for host in (self.scheduler, *self.workers):
            host.plug()
        self.serve()
        for host in self.workers:
            self.work(host)
        await_true(self.whole, "a cluster of two workers")

    def serve(self) -> None:
        self.scheduler.dask("scheduler", "--host", self.scheduler.address, "--port", "8786")

    def work(self, host: Host) -> None:
        words = ("worker", self.address, "--nworkers", "1", "--nthreads", "1")
        host.dask(*words, again=True, **self.environment)

    def whole(self) -> bool:
        try:
            return doctor.parts(self.platform) == f"scored by 2 workers of {self.address}"
        except ClusterGone:
            return False

    @contextmanager
    def in_mid_night(self, flow_run: str | None = None) -> Iterator[dict[int, datetime]]:
        """A night is scored meanwhile. Give the parts that are stored, and when each was.

        In the end the night must be published like the undisturbed one, and these parts not scored again.
        """
        ended: list[int | Exception] = []
        before = self.newest()

        def attempt() -> None:
            try:
                ended.append(again(self.platform, flow_run or str(uuid4())).run_id)
            except Exception as error:  # noqa: BLE001  # it is raised below
                ended.append(error)

        thread = Thread(target=attempt)
        thread.start()
        await_true(lambda: ended or (self.newest() > before and len(self.stored()) >= 6), "six parts")
        stored = self.stored()
        yield stored
        thread.join(240)
        assert ended, "the night still runs"
        if isinstance(ended[0], Exception):
            raise ended[0]
        assert self.newest() == ended[0]
        self.assert_like_the_undisturbed(stored)

    def newest(self) -> int:
        return self.asked("SELECT max(id) FROM nightjar.run")[0][0]

    def stored(self) -> dict[int, datetime]:
        receipts = self.platform.store.receipts(self.platform.store.run(self.newest()))
        return {receipt.part: receipt.stored_at for receipt in receipts}

    def assert_like_the_undisturbed(self, done_before: dict[int, datetime]) -> None:
        run, store = self.newest(), self.platform.store
        shown = store.publication(SPEC.name, DAY)
        assert shown is not None
        assert shown.run_id == run
        one, other = (store.published_scores(store.run(each)) for each in (self.undisturbed, run))
        assert one.height > 700
        assert one.equals(other)
        published = self.asked(
            f"SELECT count(*), count(DISTINCT entity_key) FROM analytics.scores WHERE score_date = '{DAY}'"
        )
        assert published == [(one.height, one.height)]
        stored = self.stored()
        assert sorted(stored) == [*range(store.run(self.undisturbed).population.parts)]
        assert {part: stored[part] for part in done_before} == done_before, "a stored part was stored again"

    def asked(self, sql: str) -> list[tuple]:
        with psycopg.connect(self.platform.url("owner")) as connection:
            return connection.execute(sql).fetchall()

    def giving_up_after(self, seconds: float) -> Platform:
        settings = self.platform.settings.model_copy(update={"cluster_wait_s": seconds})
        return replace(self.platform, settings=settings)

    def kill(self) -> None:
        for host in (*self.workers, self.scheduler):
            host.kill()


def again(platform: Platform, flow_run: str) -> NightSummary:
    """Score the night in a new revision, or go on with the one that the flow run began."""
    return platform.score_night(SPEC).run(night_of(SPEC, DAY), force=True, flow_run=flow_run)


def await_true(asked: Callable[[], object], what: str, seconds: float = 120) -> None:
    until = time.monotonic() + seconds
    while not asked():
        assert time.monotonic() < until, f"there is not {what}"
        time.sleep(0.1)


@pytest.fixture(scope="module")
def common() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="nightjar-hosts-"))
    folder.chmod(0o755)  # root runs Postgres as another account
    yield folder
    rmtree(folder)


@pytest.fixture(scope="module")
def network(common) -> Iterator[tuple[str, list[Host]]]:
    with hosts.network(common, 3) as made:
        yield made


@pytest.fixture(scope="module")
def server(common, network) -> Iterator[EmbeddedPostgres]:
    """A Postgres that hosts of the network reach, too."""
    here, _ = network
    found = EmbeddedPostgres(common / "postgres", {"listen_addresses": f"127.0.0.1,{here}"})
    (common / "postgres").mkdir()
    found.start()
    with psycopg.connect(found.url("admin", "postgres"), autocommit=True) as admin:
        (rules,) = admin.execute("SHOW hba_file").fetchone()
        with Path(rules).open("a") as file:
            file.write(f"host all all {here}/24 scram-sha-256\n")
        admin.execute("SELECT pg_reload_conf()")
    found.ensure_database("nightjar")
    try:
        yield found
    finally:
        found.stop()


@pytest.fixture(scope="module")
def platform(common, network, server, s3_at, furnished) -> Iterator[tuple[Platform, dict[str, str]]]:
    """A furnished platform whose artifacts lie in S3, and the environment of its workers."""
    (here, _), passwords = network, server.passwords
    url = f"postgresql://nightjar_owner:{{}}@{here}:{server.port}/nightjar"
    with s3_at(here) as endpoint, pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_ENDPOINT_URL", endpoint)
        workers = {
            "NIGHTJAR_DATABASE_URL": url.format("unknown-to-workers"),
            "NIGHTJAR_WRITER_PASSWORD": passwords["writer"],
            "NIGHTJAR_ARTIFACT_URL": "s3://features/nightjar",
            **{name: value for name, value in os.environ.items() if name.startswith("AWS_")},
        }
        settings = Settings(
            home=common / "home",
            database_url=SecretStr(url.format(passwords["owner"])),
            writer_password=SecretStr(passwords["writer"]),
            analyst_password=SecretStr(passwords["analyst"]),
            artifact_url=workers["NIGHTJAR_ARTIFACT_URL"],
            _env_file=None,
        )
        made = Platform(settings)
        with psycopg.connect(server.url("admin")) as admin:
            admin.execute("GRANT ALL ON DATABASE nightjar TO nightjar_owner")
            admin.execute("ALTER ROLE nightjar_owner CREATEROLE")
        furnished(made)
        made.prepare(SPEC).ready(as_of(SPEC, DAY))
        yield made, workers
        made.close()


@pytest.fixture(scope="module")
def undisturbed(platform) -> int:
    """The run of a night that this machine scored alone."""
    made, _ = platform
    run = made.score_night(SPEC).run(night_of(SPEC, DAY)).run_id
    with psycopg.connect(made.url("owner")) as connection:
        connection.execute(SLOW)
    return run


@pytest.fixture
def cluster(network, platform, undisturbed) -> Iterator[Cluster]:
    (_, (first, *others)), (made, environment) = network, platform
    address = f"tcp://{first.address}:8786"
    settings = made.settings.model_copy(update={"executor": "dask", "dask_scheduler": address})
    client = Platform(settings, parts=executor_of)
    started = Cluster(client, first, others, environment, undisturbed)
    started.start()
    yield started
    started.kill()
    client.close()


def test_a_worker_sees_no_disk_but_its_own(cluster, common):
    listed = partial(os.listdir, common)
    assert {"home", "postgres"} <= {*listed()}
    seen = in_cluster(cluster.platform).ask_workers(listed)
    assert len(seen) == 2
    assert all("log" in names and not {"home", "postgres"} & {*names} for names in seen.values())


def test_a_night_outlives_a_killed_worker(cluster):
    pids = in_cluster(cluster.platform).ask_workers(os.getpid)
    with cluster.in_mid_night():
        os.kill(next(iter(pids.values())), signal.SIGKILL)


@pytest.mark.parametrize("lost", [Host.kill, Host.unplug], ids=["its power", "its network"])
def test_a_night_outlives_a_host_that_loses(cluster, lost):
    with cluster.in_mid_night():
        lost(cluster.workers[0])


def test_a_night_outlives_its_scheduler(cluster):
    with cluster.in_mid_night():
        cluster.scheduler.kill()
        cluster.serve()


def test_a_night_without_any_host_left_is_finished_by_the_next_attempt_on_this_machine(cluster):
    flow_run = str(uuid4())
    with closing(cluster.giving_up_after(5)) as impatient, closing(replace(impatient, parts=None)) as alone:
        cluster.platform = impatient
        with pytest.raises(ClusterGone):
            unplug_all(cluster, flow_run)
        stored = cluster.stored()
        summary = again(alone, flow_run)
        assert summary.run_id == cluster.newest()
        assert summary.parts_done_now == summary.parts - len(stored)
        cluster.assert_like_the_undisturbed(stored)


def unplug_all(cluster: Cluster, flow_run: str) -> None:
    with cluster.in_mid_night(flow_run):
        for host in (*cluster.workers, cluster.scheduler):
            host.unplug()
