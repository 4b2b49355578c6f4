"""Retry work that fails with a temporary error."""

from collections.abc import Callable

from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from nightjar.core.errors.machine import may_pass

ATTEMPTS = 4
"""Number of attempts for work that fails with a temporary error."""
PAUSE_S = 2.0


def patient(pause_s: float = PAUSE_S, may_pass: Callable[[BaseException], bool] = may_pass) -> Retrying:
    """Calls the given work up to ATTEMPTS times, then raises the last error.

    pause_s: the longest first pause. It doubles with each attempt.
    """
    return Retrying(
        retry=retry_if_exception(may_pass),
        stop=stop_after_attempt(ATTEMPTS),
        wait=wait_random_exponential(multiplier=pause_s, max=60),
        reraise=True,
    )
