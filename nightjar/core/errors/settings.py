"""A setting or an argument that cannot be used."""

from nightjar.core.errors.base import NightjarError


class BadSettings(NightjarError):
    """A setting or argument that cannot be used."""

    exit_code, runbook = 2, "bad-settings"

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(f"{what}. {remedy}")
