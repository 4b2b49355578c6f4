"""Remove rows and files that nobody needs, or list them first. After a kill the next call does the rest."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from nightjar.core.errors.night import NightBusy
from nightjar.core.model.generations import Generations
from nightjar.core.ports.holdings import RunHoldings, Shelf
from nightjar.core.ports.progress import Progress, silent
from nightjar.core.upkeep.retention import (
    Holding,
    Policy,
    Pruned,
    StoredFile,
    Trace,
    forgettable,
    names_generations,
    needed,
    stale,
    total,
    unneeded,
    unseen,
    vacant,
    weighed,
)

MONTHS = "months of scores"


@dataclass(frozen=True, slots=True, kw_only=True)
class Prune:
    """The use case with its ports.

    drafts: files left by killed writers. inbox: copies of delivered files, which can be delivered again.
    features: the generations of feature tables that are not read today. generations_named: what a file says
    that a run's population holds beside its rows, see `names_generations`.
    """

    policy: Policy
    holdings: RunHoldings
    artifacts: Shelf
    drafts: Shelf
    inbox: Shelf
    features: Shelf
    generations_named: Callable[[StoredFile], Generations]

    def preview(self, now: datetime) -> Pruned:
        """List what `apply` would remove now. Nothing is changed."""
        runs = forgettable(self.holdings.runs(), self.policy, now)
        going = frozenset(run.id for run in runs)
        months = (Holding(MONTHS, 1, 0) for _ in vacant(self.holdings.months(), going))
        files = weighed(file for _, file in self._files(now, going))
        return Pruned(
            applied=False,
            runs=runs,
            holdings=total((*_counted(runs), *self.holdings.held(runs), *months, *files)),
        )

    def apply(self, now: datetime, progress: Progress = silent) -> Pruned:
        """Remove it. Items that another process works on or reads are kept and named in `busy`.

        Safe to kill and to run again. Raises OwnerNeeded, StoreUnavailable.
        """
        busy: list[str] = []
        runs, rows = self._forget(forgettable(self.holdings.runs(), self.policy, now), busy, progress)
        months = tuple(self._dropped(busy))
        files = weighed(file for shelf, file in self._files(now, frozenset()) if shelf.discard(file))
        return Pruned(
            applied=True,
            runs=runs,
            holdings=total((*_counted(runs), *rows, *months, *files)),
            busy=tuple(busy),
        )

    def _forget(
        self, runs: Sequence[Trace], busy: list[str], progress: Progress
    ) -> tuple[tuple[Trace, ...], list[Holding]]:
        done, rows = [], []
        with progress("runs looked at", len(runs)) as advance:
            for run in runs:
                try:
                    removed = self.holdings.forget(run)
                except NightBusy:
                    busy.append(f"{run.model} {run.score_date}")
                else:
                    done += [] if removed is None else [run]
                    rows += removed or ()
                advance()
        return tuple(done), rows

    def _dropped(self, busy: list[str]) -> Iterator[Holding]:
        for month in vacant(self.holdings.months(), frozenset()):
            if self.holdings.drop(month):
                yield Holding(MONTHS, 1, 0)
            else:
                busy.append(month.name)

    def _files(self, now: datetime, forgotten: frozenset[int]) -> Iterator[tuple[Shelf, StoredFile]]:
        """The files that may go, each with its shelf."""
        listed = tuple(self.artifacts.files())
        # The named files are read after the list. A night that stores an old file again first renews its age
        # and then names it.
        names = needed(self.holdings.named(), forgotten)
        yield from ((self.artifacts, file) for file in unneeded(listed, names, self.policy, now))
        yield from ((self.drafts, file) for file in stale(self.drafts.files(), self.policy.grace, now))
        yield from ((self.inbox, file) for file in stale(self.inbox.files(), self.policy.inbox, now))
        if old := stale(self.features.files(), self.policy.grace, now):
            seen = [self.generations_named(file) for file in listed if names_generations(file, names)]
            yield from ((self.features, file) for file in unseen(old, seen))


def _counted(runs: Iterable[Trace]) -> Iterator[Holding]:
    return (Holding("runs", 1, 0) for _ in runs)
