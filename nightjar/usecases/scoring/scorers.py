"""Choose the versions that score a night: those of now, those of then, or one that a person names."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from nightjar.core.errors.model import NoChampion, NoHonestChampion
from nightjar.core.errors.settings import BadSettings, NoVersion
from nightjar.core.lifecycle.arms import share_of
from nightjar.core.lifecycle.promotion import unpromoted
from nightjar.core.lifecycle.reign import of_then
from nightjar.core.lifecycle.roles import CHALLENGER, CHAMPION, holder_of
from nightjar.core.model.entities import Version
from nightjar.core.model.spec import ModelSpec
from nightjar.core.night.clock import score_date_of
from nightjar.core.night.entities import Night, Run
from nightjar.core.ports.ledger import RunReader
from nightjar.core.ports.registry import Registry


@dataclass(frozen=True, slots=True, kw_only=True)
class Scorers:
    """The versions of a new run.

    champion: its scores are published, but for those of the challenger for its share of the entities; a share
    of 0 is in shadow. named: True if a person named it; then an unfinished run of another
    version is not continued. reason: why; the ledger keeps it with the publication.
    """

    champion: Version
    challenger: Version | None = None
    share: float = 0
    named: bool = False
    reason: str | None = None


Choose = Callable[[Registry, Night], Scorers]
RequireGates = Callable[[Version], None]
"""Raises GateFailed for a version that fails a gate by the limits of today."""


def by_now(registry: Registry, night: Night) -> Scorers:
    """Champion and challenger of now, as a scheduled night has them. Raises NoChampion."""
    ledger = registry.promotions(night.model)
    rows = [(row.version_id, row.role) for row in ledger]
    champion, challenger = holder_of(CHAMPION, rows), holder_of(CHALLENGER, rows)
    if champion is None:
        raise no_champion(registry, night.model)
    return Scorers(
        champion=registry.version_by_id(champion),
        challenger=None if challenger is None else registry.version_by_id(challenger),
        share=share_of(ledger),
    )


def by_then(registry: Registry, night: Night) -> Scorers:
    """Champion and challenger as they could have been on the night's evening, the challenger in shadow.

    Raises NoChampion, NoHonestChampion.
    """
    then = reigning(registry, night)
    champion, challenger = then[CHAMPION], then[CHALLENGER]
    if champion is None:
        raise _nobody(registry, night)
    shadow = None if challenger in (None, champion) else registry.version_by_id(challenger)
    return Scorers(champion=registry.version_by_id(champion), challenger=shadow)


def reigning(registry: Registry, night: Night) -> dict[str, int | None]:
    """Role -> the id of the version that could have had it on the night's evening (`of_then`)."""
    ledger, known = registry.promotions(night.model), known_at(registry, night.model)
    return {role: of_then(ledger, role, night.as_of, known) for role in (CHAMPION, CHALLENGER)}


def no_champion(registry: Registry, model: str) -> NoChampion:
    """The error of a model without a champion. It names the newest version, if there is one."""
    newest = next(iter(registry.versions(model)), None)
    return NoChampion(model, None if newest is None else unpromoted(newest))


def _nobody(registry: Registry, night: Night) -> NoChampion | NoHonestChampion:
    known = known_at(registry, night.model)
    ever = [row for row in registry.promotions(night.model) if row.role == CHAMPION]
    champions = {row.version_number: known[row.version_id] for row in ever}
    if not champions:
        return no_champion(registry, night.model)
    return NoHonestChampion(night.model, night.score_date, night.as_of, champions)


def by_name(
    registry: Registry, night: Night, *, number: int, reason: str | None, require_gates: RequireGates
) -> Scorers:
    """The version with this number, and no challenger.

    Raises NoVersion. Without a reason it has to pass its gates: raises GateFailed.
    """
    version = version_of(registry, night.model, number)
    if reason is None:
        require_gates(version)
    return Scorers(champion=version, named=True, reason=reason)


def by_date(spec: ModelSpec, now: datetime) -> Choose:
    """Those of now for the latest night that is due at an instant (aware), those of then for earlier ones."""
    latest = score_date_of(spec, now)
    return lambda registry, night: (by_then if night.score_date < latest else by_now)(registry, night)


def named_or(
    version: int | None, reason: str | None, require_gates: RequireGates, otherwise: Choose
) -> Choose:
    """The version with a number that a person named, or without one `otherwise`."""
    if version is None:
        return otherwise
    return partial(by_name, number=version, reason=reason, require_gates=require_gates)


def run_of(store: RunReader, model: str, run_id: int) -> Run:
    """Raises BadSettings for a run that is none of the model's."""
    found = store.find_run(model, run_id)
    if found is None:
        raise BadSettings(f"{model} has no run {run_id}", "Name one of its own.")
    return found


def of_run(registry: Registry, run: Run) -> Scorers:
    """The versions of a run."""
    challenger = None if run.challenger_id is None else registry.version_by_id(run.challenger_id)
    champion = registry.version_by_id(run.version_id)
    return Scorers(champion=champion, challenger=challenger, share=run.challenger_share)


def known_at(registry: Registry, model: str) -> dict[int, datetime]:
    """Version id -> the instant up to which its data was known."""
    datasets = {dataset.id: dataset.known_at for dataset in registry.datasets(model)}
    return {version.id: datasets[version.dataset_id] for version in registry.versions(model)}


def version_of(registry: Registry, model: str, number: int) -> Version:
    """Raises NoVersion."""
    found = registry.version(model, number)
    if found is None:
        raise NoVersion(model, number, [version.number for version in registry.versions(model)])
    return found
