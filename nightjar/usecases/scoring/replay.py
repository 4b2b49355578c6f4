"""Score a run again from what it fixed, with its version, and compare.

Nothing is stored or published.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import polars as pl

from nightjar.core.comparison.profile import profile_of, sample_of
from nightjar.core.errors.inputs import ContractBroken, MissingFeatures
from nightjar.core.errors.night import NothingToReplay, OtherCode
from nightjar.core.model.entities import Version
from nightjar.core.night.entities import Part, Run
from nightjar.core.night.part_rows import SCORES
from nightjar.core.night.repair import sound, split_carried, without_carried
from nightjar.core.night.replay import (
    COMPARED,
    ColumnDifference,
    Replayed,
    differences,
    only_in,
    profiled_otherwise,
    together,
)
from nightjar.core.ports.nights import NightReader
from nightjar.core.ports.profiles import InputProfiles
from nightjar.usecases.scoring.inputs import NightInputs
from nightjar.usecases.scoring.snapshot import parts_of

ChangedSince = Callable[[Version], tuple[str, ...]]
"""What is another than when a version was trained, in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """The use case. A run that is shown in part by scores of an earlier run replays these from that run."""

    inputs: NightInputs
    store: NightReader
    profiles: InputProfiles
    changed_since: ChangedSince

    def run(self, run: Run, *, from_source: bool = False) -> Replayed:
        """Score again, and compare with what is stored.

        from_source: also retrieve population and features again, as known at the run's known-at, and compare
        them with what the run fixed.
        Raises NothingToReplay for a run without stored parts, and OtherCode if the code of today asks for
        other inputs than the run read. Raises ArtifactBroken, StoreUnavailable.
        """
        stored = self.store.published_scores(run)
        if run.population is None or stored.is_empty():
            raise NothingToReplay(run.model, run.score_date, run.id)
        version = self.inputs.registry.version_by_id(run.version_id)
        try:
            again = pl.concat([pl.DataFrame(schema=SCORES), *self._again(run)])
        except (ContractBroken, MissingFeatures) as error:
            changed = self.changed_since(version)
            raise OtherCode(run.model, run.id, str(error), version.code_version, changed) from error
        found = Replayed(
            model=run.model,
            run_id=run.id,
            version=version.number,
            rows=stored.height,
            missing=only_in(stored, again),
            added=only_in(again, stored),
            scores=differences(stored, again, COMPARED),
            profiles=self._profiles(run),
            changed=self.changed_since(version),
        )
        return self._with_source(run, found) if from_source else found

    def _again(self, run: Run) -> Iterator[pl.DataFrame]:
        """The scores of a run's parts, and of the rows that it carried, by the runs that computed them."""
        carried: list[pl.DataFrame] = []
        for part in parts_of(run):
            kept, fresh = split_carried(self.inputs.part(run, part))
            carried.append(kept.select("entity_key", "carried_from"))
            yield self._scored(run, fresh)
        for (origin,), rows in pl.concat(carried).group_by("carried_from", maintain_order=True):
            assert isinstance(origin, int)
            yield from self._of_origin(self.store.run(origin), rows["entity_key"])

    def _of_origin(self, origin: Run, keys: pl.Series) -> Iterator[pl.DataFrame]:
        """A part is scored whole, as it was then."""
        wanted = pl.col("entity_key").is_in(keys.implode())
        for part in parts_of(origin):
            _, fresh = split_carried(self.inputs.part(origin, part))
            if fresh.filter(wanted).height:
                yield self._scored(origin, fresh).filter(wanted)

    def _scored(self, run: Run, fresh: pl.DataFrame) -> pl.DataFrame:
        rows = self.inputs.with_features(fresh, run)
        valid = self.inputs.check(self.inputs.spec, rows).valid
        return self.inputs.scores(run, valid).select(
            pl.col(name).cast(dtype) for name, dtype in SCORES.items()
        )

    def _profiles(self, run: Run) -> tuple[str, ...]:
        """The inputs of which the audit's sample was profiled otherwise."""
        spec = self.inputs.spec
        sample = sample_of(self.inputs.snapshot(run), spec.seed)
        if sample.is_empty():
            return ()
        rows = self.inputs.with_features(sample, run)
        now = profile_of(rows, self.store.distribution(run), spec)
        return profiled_otherwise(self.profiles.of_run(run).columns, now.columns, spec.inputs)

    def _with_source(self, run: Run, found: Replayed) -> Replayed:
        """The same with what the source gives today for each run that computed rows of this one."""
        then = sound(self.inputs.snapshot(run))
        now = sound(self.inputs.population(run.score_date, run.known_at))
        fixed, today = self.inputs.generations(run), self.inputs.generations()
        parts: list[tuple[ColumnDifference, ...]] = []
        for part in parts_of(run):
            kept = sound(self._whole(run, part))
            given = now.join(kept.select("entity_key"), on="entity_key", how="semi")
            before, after = (
                self.inputs.with_features_of(rows, run.as_of, run.known_at, generations)
                for rows, generations in ((kept, fixed), (given, today))
            )
            parts.append(differences(before, after, _columns(before, after)))
        return found.model_copy(
            update={
                "source": together(parts),
                "gone": only_in(then, now),
                "new": only_in(now, then),
            }
        )

    def _whole(self, run: Run, part: Part) -> pl.DataFrame:
        return without_carried(self.inputs.part(run, part))


def _columns(before: pl.DataFrame, after: pl.DataFrame) -> Iterable[str]:
    return [name for name in dict.fromkeys((*before.columns, *after.columns)) if name != "entity_key"]
