"""Load what a scoring run needs before its start: Prefect makes its process some seconds ahead, and waits."""

from contextlib import suppress
from threading import Thread

from prefect.runtime import flow_run

import models
from flows.about import platform
from nightjar.core.lifecycle.roles import CHAMPION


def begun() -> Thread:
    """Begin to load on a thread, if this is the process of a run. Join it before the flow does anything."""
    loading = Thread(target=_load, name="ahead")
    loading.start()
    return loading


def _load() -> None:
    # The night does all of it again, and tells what is wrong.
    with suppress(Exception):
        if flow_run.id is None:
            return
        here, spec = platform(), models.model(flow_run.parameters["model"])
        # What each gives is not needed: to make it imports the libraries and modules of the night.
        spec.contract()
        here.prepare(spec)
        here.score_night(spec)
        if (champion := here.registry.holder(spec.name, CHAMPION)) is not None:
            here.predictors.load(spec, champion)
