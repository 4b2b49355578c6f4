"""What two processes must share to score alike: a worker has it of the process that gives it parts."""

from collections.abc import Mapping

Terms = Mapping[str, str]
"""What is shared, in words -> what it is here, like `polars` -> `2.1.0`."""

ABSENT = "none"


def differences(wanted: Terms, found: Terms) -> tuple[str, ...]:
    """What a worker has otherwise, a sentence each. Empty: it may score.

    wanted: of the process that gives out the parts. found: of the worker.
    """
    return tuple(
        f"{name} is {found.get(name, ABSENT)} there and {wanted.get(name, ABSENT)} here"
        for name in sorted({*wanted, *found})
        if wanted.get(name) != found.get(name)
    )
