"""Carry out part jobs in a worker process, which makes its adapters once."""

from functools import cache

from nightjar.core.night.entities import PartJob, Receipt
from nightjar.wiring.platform import Platform


@cache
def platform() -> Platform:
    return Platform()


def score_part(job: PartJob) -> Receipt:
    """Carry out a part job. Any process with the package and the settings finds this function by its name.

    Raises the errors of `Platform.score_part`.
    """
    return platform().score_part(job)
