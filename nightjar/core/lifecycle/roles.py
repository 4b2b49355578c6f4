"""Who holds a role, by the ledger of promotions."""

from collections.abc import Iterable
from typing import Literal

CHAMPION, CHALLENGER, WITHDRAWN = "champion", "challenger", "withdrawn"
Ending = Literal["champion", "withdrawn"]
"""How a challenge ends: the challenger becomes champion, or it scores no more."""


def holder_of(role: str, ledger: Iterable[tuple[int, str]]) -> int | None:
    """Return the id of the version that holds a role. None if none does.

    ledger: version and role of each row, newest first. A challenger stays one until it is champion or
    withdrawn, or until another version is challenger.
    """
    ended = set[int]()
    for version_id, given in ledger:
        if given == role:
            return None if role == CHALLENGER and version_id in ended else version_id
        ended.add(version_id)
    return None
