"""Which versions there are, and which roles each holds."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from nightjar.core.lifecycle.roles import CHALLENGER, CHAMPION
from nightjar.core.model.entities import Version
from nightjar.core.night.entities import Night
from nightjar.core.ports.registry import Registry
from nightjar.usecases.scoring.scorers import known_at, reigning

ROLES = (CHAMPION, CHALLENGER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A version with the roles that it has now, and those that it has for some night.

    known_at: the instant (UTC) up to which its data was known.
    """

    version: Version
    known_at: datetime
    roles: tuple[str, ...]
    roles_then: tuple[str, ...] = ()


def held(registry: Registry, model: str, night: Night | None) -> tuple[Held, ...]:
    """Every version, newest first.

    night: roles are also given as a backfill of this night has them; None: only those of now.
    """
    known = known_at(registry, model)
    now = {role: holder.id for role in ROLES if (holder := registry.holder(model, role))}
    then = {} if night is None else reigning(registry, night)
    return tuple(
        Held(
            version=version,
            known_at=known[version.id],
            roles=tuple(_roles(now, version)),
            roles_then=tuple(_roles(then, version)),
        )
        for version in registry.versions(model)
    )


def _roles(holders: dict[str, int] | dict[str, int | None], version: Version) -> Iterator[str]:
    return (role for role, holder in holders.items() if holder == version.id)
