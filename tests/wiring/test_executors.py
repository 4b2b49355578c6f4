"""A setting chooses who scores the parts of nights, and a worker scores only if it would score alike."""

import shutil
import sys
import tempfile
from dataclasses import replace
from datetime import date
from functools import partial

import pytest
from distributed import LocalCluster

import models
from nightjar.cli import doctor
from nightjar.core.errors.cluster import WorkerUnfit
from nightjar.core.errors.settings import BadSettings, ExtraMissing
from nightjar.core.night.clock import as_of, night_of
from nightjar.core.night.entities import PartJob
from nightjar.executors.dask_cluster import DaskCluster
from nightjar.executors.in_turn import InTurn
from nightjar.executors.pools import Processes, Threads
from nightjar.testing.counting import below, counted
from nightjar.wiring import worker
from nightjar.wiring.executors import executor_of
from nightjar.wiring.platform import Platform
from nightjar.wiring.settings import Settings

SPEC = models.model("flight_delay")


def platform_of(home, **settings) -> Platform:
    return Platform(Settings(home=home, _env_file=None, **settings))


def test_the_setting_chooses(tmp_path):
    chosen = [executor_of(platform_of(tmp_path, executor=name)) for name in ("threads", "processes")]
    assert [type(each) for each in chosen] == [Threads, Processes]
    there = executor_of(platform_of(tmp_path, executor="dask", dask_scheduler="tcp://10.0.0.1:8786"))
    assert isinstance(there, DaskCluster)
    assert there.address == "tcp://10.0.0.1:8786"


@pytest.mark.parametrize(("parallel", "kind"), [(1, Threads), (2, InTurn)])
def test_several_nights_at_once_take_their_parts_in_turn(world, parallel, kind):
    """The pool of connections has none for threads of each of them."""
    platform = Platform(world.platform.settings, parts=executor_of)
    try:
        assert isinstance(platform.backfill(SPEC, parallel=parallel).night.executor, kind)
    finally:
        platform.close()


def test_however_many_parts_a_night_has_its_folders_of_features_are_listed_as_often(world):
    day, platform, listed = date(2013, 4, 2), world.platform, list[tuple[int, int]]()
    platform.prepare(SPEC).ready(as_of(SPEC, day))
    for part_rows in (2_000, 60):
        night = platform.score_night(replace(SPEC, part_rows=part_rows), executor=platform.on_threads(1))
        with counted() as work:
            parts = night.run(night_of(SPEC, day), force=True, accept="a test").parts
        listed.append((parts, len(below(work.listed, platform.settings.data / "features"))))
    (one, by_one), (many, by_many) = listed
    assert one < many
    assert by_one == by_many > 0


def test_a_cluster_needs_an_address_and_the_extra(tmp_path, monkeypatch):
    with pytest.raises(BadSettings, match="NIGHTJAR_DASK_SCHEDULER is not set"):
        executor_of(platform_of(tmp_path, executor="dask"))
    monkeypatch.delitem(sys.modules, "nightjar.executors.dask_cluster", raising=False)
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ExtraMissing, match="extra 'dask'"):
        executor_of(platform_of(tmp_path, executor="dask", dask_scheduler="tcp://10.0.0.1:8786"))


@pytest.fixture
def scheduler():
    """A cluster of two workers on threads of this process."""
    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=False, protocol="tcp", dashboard_address=":0"
    ) as local:
        yield local.scheduler_address


@pytest.fixture
def in_cluster(world, scheduler, s3, worker_here, tmp_path, monkeypatch):  # is set up first
    """The world's platform with a cluster. Its workers have no data folder, and an S3 server."""
    url = f"s3://features/{tmp_path.name}"
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))  # copies of artifacts
    there = {"AWS_ENDPOINT_URL": s3, "NIGHTJAR_ARTIFACT_URL": url, "NIGHTJAR_DATA_DIR": f"{tmp_path}/none"}
    for name, value in {**world.env(), **there}.items():
        monkeypatch.setenv(name, value)
    settings = Settings(
        executor="dask", dask_scheduler=scheduler, data_dir=world.platform.settings.data, _env_file=None
    )
    made = Platform(settings, parts=executor_of)
    yield made
    made.close()


def test_a_night_of_workers_without_a_data_folder_is_the_same_to_the_last_bit(world, in_cluster, tmp_path):
    day = date(2013, 3, 30)
    world.platform.prepare(SPEC).ready(as_of(SPEC, day))
    here = world.platform.score_night(SPEC).run(night_of(SPEC, day))
    there = in_cluster.score_night(SPEC).run(night_of(SPEC, day), force=True)
    assert there.parts_done_now == here.parts
    store = world.platform.store
    one, other = (store.published_scores(store.run(night.run_id)) for night in (here, there))
    assert one.equals(other)
    assert store.run(there.run_id).population.uri.startswith("s3://")
    assert not (tmp_path / "none").exists()
    for folder in tmp_path.glob("nightjar-artifacts-*/features"):
        shutil.rmtree(folder)  # as days later
    again = in_cluster.score_night(SPEC).run(night_of(SPEC, day), force=True)
    assert store.published_scores(store.run(again.run_id)).equals(one)
    assert doctor.parts(in_cluster) == f"scored by 2 workers of {in_cluster.settings.scheduler}"


def test_a_worker_with_other_code_or_another_store_scores_nothing_and_is_named(in_cluster, monkeypatch):
    monkeypatch.setattr(Platform, "terms", lambda self: {"the code": str(self is worker.platform())})
    job = PartJob(run_id=1, part=0, claim="c")
    night = night_of(SPEC, date(2013, 3, 30))
    cluster = executor_of(in_cluster)
    work = partial(worker.score_part_in_cluster, wanted=in_cluster.terms(), shared=None)
    cluster = DaskCluster(cluster.address, lambda run_id: work, lambda run_id: [], wait_s=5)
    said = r"The worker \S+ scores no part of this night: the code is True there and False here"
    with pytest.raises(WorkerUnfit, match=said):
        cluster.run(night, [job])
    _, verdict, found = doctor.verdict("parts", partial(doctor.parts, in_cluster))
    assert (verdict, "the code is True there" in found) == ("NO", True)
