"""What a worker process does with a part job: it wires itself once, and does one job after the other."""

from functools import cache

from nightjar.core.night.entities import PartJob, Receipt
from nightjar.wiring.platform import Platform


@cache
def platform() -> Platform:
    return Platform()


def score_part(job: PartJob) -> Receipt:
    """Found by its name in any process with the package and the settings.

    Raises what `Platform.score_part` raises.
    """
    return platform().score_part(job)
