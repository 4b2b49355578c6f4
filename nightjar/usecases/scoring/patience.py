"""Errors that may pass by themselves are given a little time to."""

from collections.abc import Callable

from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from nightjar.core.errors.machine import may_pass

ATTEMPTS = 4
"""How often something is tried whose error may pass by itself."""
PAUSE_S = 2.0


def patient(pause_s: float = PAUSE_S, may_pass: Callable[[BaseException], bool] = may_pass) -> Retrying:
    """Calls what it is given, up to ATTEMPTS times; then the last error is raised.

    pause_s: the longest first pause; it doubles with each.
    """
    return Retrying(
        retry=retry_if_exception(may_pass),
        stop=stop_after_attempt(ATTEMPTS),
        wait=wait_random_exponential(multiplier=pause_s, max=60),
        reraise=True,
    )
