"""The stores in memory, with the same contracts as those in Postgres.

They are for tests and experiments. Their data ends with the process. The same contract tests run on them and
on the real stores. Threads may share one.
"""

import functools
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, Concatenate, ParamSpec, TypeVar

import polars as pl

from nightjar.adapters.files.feature_tables import columns_of, with_news
from nightjar.core.comparison.entities import ColumnProfile, Distribution, NightProfile
from nightjar.core.errors.night import (
    AuditFailed,
    ClaimLost,
    NeverPublished,
    NightBusy,
    RepairOutdated,
    Stopped,
)
from nightjar.core.kinds import kind_of
from nightjar.core.kinds.kind import Kind
from nightjar.core.kinds.outputs import OUTPUTS
from nightjar.core.lifecycle.arms import as_served
from nightjar.core.model.entities import Version
from nightjar.core.model.generations import FIRST, Generation
from nightjar.core.model.spec import FeatureTable
from nightjar.core.monitoring.drift import DECIDED, DECIDES
from nightjar.core.monitoring.entities import Basis, ColumnDrift, Measurement, NightComparison, Role
from nightjar.core.monitoring.outcome_guard import (
    BY_A_PERSON,
    UNDECIDED,
    CheckedDelivery,
    Held,
    OutcomeCheck,
    held_by,
)
from nightjar.core.monitoring.outcome_looks import OutcomeDay
from nightjar.core.monitoring.sketch import described, sketch_of
from nightjar.core.night.claim import PUBLISHED, UNFINISHED, Claimed, Request, Step, new_revision, next_step
from nightjar.core.night.entities import Night, Part, Population, Publication, Receipt, Run, RunState
from nightjar.core.night.part_rows import QUARANTINED, SCORES, broken_checks, require_storable
from nightjar.core.night.plan import Standing
from nightjar.core.night.stages import Stage, Work
from nightjar.core.ports.going_on import GoOn, unasked
from nightjar.core.ports.stages import UNSTAGED, Stages
from nightjar.core.upkeep.retention import Holding, Named, Trace, total
from nightjar.core.values import INSTANT

OUTCOMES = {
    "entity_key": pl.String(),
    "score_date": pl.Date(),
    "outcome": pl.Float64(),
    "recorded_at": INSTANT,
}

COMPARED = {
    Basis.ROWS: (Role.BESIDE, Role.CHALLENGER),
    Basis.ARMS: (Role.CHAMPION_ARM, Role.CHALLENGER_ARM),
}
"""The roles of champion and challenger."""
POLL_S = 0.2

P = ParamSpec("P")
T = TypeVar("T")


def _now() -> datetime:
    return datetime.now(UTC)


def _whole(
    method: "Callable[Concatenate[MemoryNights, P], T]",
) -> "Callable[Concatenate[MemoryNights, P], T]":
    """Allow one call at a time, as a transaction does."""

    @functools.wraps(method)
    def alone(self: "MemoryNights", *args: P.args, **kwargs: P.kwargs) -> T:
        with self._lock:
            return method(self, *args, **kwargs)

    return alone


class MemoryNights:
    """Implements the port `NightStore`, and rolling back."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._let_go = threading.Condition()
        self._held: dict[tuple[str, date], str] = {}
        self._runs: dict[int, Run] = {}
        self._touched: dict[int, datetime] = {}
        self._flow_runs: dict[int, str | None] = {}
        self._errors: dict[int, str] = {}
        self._gives: dict[int, tuple[Kind, tuple[str, ...]]] = {}
        self._receipts: dict[tuple[int, int], Receipt] = {}
        self._scores: dict[tuple[int, int], pl.DataFrame] = {}
        self._quarantined: dict[tuple[int, int], pl.DataFrame] = {}
        self._ledger: list[Publication] = []
        self._stages: list[tuple[int, int | None, Stage]] = []

    @contextmanager
    def night(
        self,
        night: Night,
        champion: Version,
        challenger: Version | None,
        request: Request = PUBLISHED,
        *,
        wait_s: float = 0,
        go_on: GoOn = unasked,
    ) -> Iterator[Claimed]:
        with self._hold(night, wait_s, go_on):
            yield self._claim(night, champion, challenger, request)

    @_whole
    def record_population(self, run: Run, population: Population) -> Run:
        kept = self._own(run)
        if kept.population is not None and kept.population != population:
            raise ClaimLost(run.model, run.score_date, run.id)
        return self._change(run.id, population=population)

    @_whole
    def receipts(self, run: Run) -> tuple[Receipt, ...]:
        return tuple(self._receipts[key] for key in sorted(self._receipts) if key[0] == run.id)

    def counts(self, runs: Collection[int]) -> Mapping[int, tuple[int, int]]:
        counted = dict[int, tuple[int, int]]()
        for (run_id, _), part in self._receipts.items():
            if run_id in runs:
                rows, aside = counted.get(run_id, (0, 0))
                counted[run_id] = rows + part.rows, aside + part.quarantined
        return counted

    @_whole
    def write_part(
        self,
        run: Run,
        part: Part,
        scores: pl.DataFrame,
        quarantined: pl.DataFrame,
        stages: Stages = UNSTAGED,
    ) -> Receipt:
        require_storable(run, part, scores, quarantined)
        self._own(run)
        kind, outputs = self._gives[run.id]
        where = f"rows for score of run {run.id}"
        for column in ("score", "challenger_score"):
            kind.require_scores(where, scores[column].drop_nulls())
        kind.require_outputs(where, scores.cast({"outputs": OUTPUTS}), outputs)
        key = (run.id, part.number)
        if key not in self._receipts:
            self._scores[key], self._quarantined[key] = (
                scores.select(pl.col(name).cast(dtype) for name, dtype in SCORES.items()),
                quarantined,
            )
            self._receipts[key] = Receipt(
                run_id=run.id,
                part=part.number,
                rows=part.rows,
                scored=scores.height,
                quarantined=quarantined.height,
                stored_at=_now(),
                broken=broken_checks(quarantined),
            )
            with stages("write") as tell:
                size = int(scores.estimated_size() + quarantined.estimated_size())
                tell(rows=part.rows, quarantined=quarantined.height, size=size)
            self.keep_stages(run, part.number, stages.ended)
        return self._receipts[key]

    @_whole
    def keep_stages(self, run: Run, part: int | None, stages: Sequence[Stage]) -> None:
        self._stages += [(run.id, part, stage) for stage in stages]

    @_whole
    def stages(self, run_id: int) -> tuple[tuple[int | None, Stage], ...]:
        """See `StageLedger.stages`."""
        mine = [(part, stage) for run, part, stage in self._stages if run == run_id]
        return tuple(sorted(mine, key=lambda each: each[1].started_at))

    @_whole
    def distribution(self, run: Run) -> Distribution:
        sketches = [sketch_of(scores) for key, scores in sorted(self._scores.items()) if key[0] == run.id]
        scores = as_served(self.published_scores(run))
        return described(run.score_date, sketches).model_copy(update={"classes": self._classes(run, scores)})

    def _classes(self, run: Run, scores: pl.DataFrame) -> dict[str, int]:
        kind, _ = self._gives[run.id]
        if not kind.classes:
            return {}
        return dict(
            kind.with_class(scores)["predicted_class"].value_counts().sort("predicted_class").iter_rows()
        )

    @_whole
    def publish(
        self, run: Run, reason: str | None = None, findings: Sequence[str] = (), *, go_on: GoOn = unasked
    ) -> Publication:
        if self._runs[run.id].attempt != run.attempt:
            raise ClaimLost(run.model, run.score_date, run.id)
        first = next((row for row in self._ledger if row.run_id == run.id and row.action == "publish"), None)
        if first is not None:
            return first
        kept, shown = self._own(run), self.publication(run.model, run.score_date)
        if run.base_id is not None and shown is not None and shown.run_id != run.base_id:
            raise RepairOutdated(run.model, run.score_date, run.id, run.base_id, shown.run_id)
        stored = self.receipts(run)
        if kept.population is None or (len(stored), sum(receipt.rows for receipt in stored)) != (
            kept.population.parts,
            kept.population.rows,
        ):
            raise AuditFailed(
                run.model,
                run.score_date,
                [f"{len(stored)} parts are stored, which is not the population"],
                acceptable=False,
            )
        go_on(last=True)
        self._change(run.id, state=RunState.PUBLISHED)
        return self._point_to(run, "publish", reason, findings)

    @_whole
    def roll_back(self, run: Run, reason: str) -> Publication:
        """Show analysts an earlier publication of the night again. Changes nothing if they see it now.

        Raises NeverPublished.
        """
        if self._runs[run.id].state is not RunState.PUBLISHED:
            raise NeverPublished(run.model, run.score_date, run.id)
        current = self.publication(run.model, run.score_date)
        return (
            current
            if current is not None and current.run_id == run.id
            else self._point_to(run, "rollback", reason)
        )

    @_whole
    def fail(self, run: Run, error: str) -> None:
        kept = self._runs[run.id]
        if kept.attempt == run.attempt and kept.state is RunState.CLAIMED:
            self._change(run.id, state=RunState.FAILED)
            self._errors[run.id] = error

    @_whole
    def publication(self, model: str, score_date: date) -> Publication | None:
        return next(
            (row for row in reversed(self._ledger) if (row.model, row.score_date) == (model, score_date)),
            None,
        )

    @_whole
    def publications_of(self, model: str, score_date: date) -> tuple[Publication, ...]:
        return tuple(row for row in self._ledger if (row.model, row.score_date) == (model, score_date))

    @_whole
    def published(self, model: str) -> tuple[Publication, ...]:
        newest = {row.score_date: row for row in self._ledger if row.model == model}
        return tuple(newest[day] for day in sorted(newest))

    @_whole
    def standings(self, model: str, first: date, last: date) -> dict[date, Standing]:
        newest = {
            run.score_date: run
            for run in self._runs.values()
            if run.model == model and first <= run.score_date <= last
        }
        published = {night.score_date for night in self.published(model)}
        return {
            day: Standing(
                run=run,
                error=self._errors.get(run.id) if run.state is RunState.FAILED else None,
                published=day in published,
                held=(model, day) in self._held,
            )
            for day, run in newest.items()
        }

    @_whole
    def run(self, run_id: int) -> Run:
        return self._runs[run_id]

    @_whole
    def find_run(self, model: str, run_id: int) -> Run | None:
        run = self._runs.get(run_id)
        return run if run is not None and run.model == model else None

    @_whole
    def runs(self, model: str | None = None, limit: int = 20) -> tuple[Run, ...]:
        wanted = [run for run in self._runs.values() if model in (None, run.model)]
        return tuple(reversed(wanted))[:limit]

    @_whole
    def runs_of(self, model: str, score_date: date) -> tuple[Run, ...]:
        return tuple(run for run in self._runs.values() if (run.model, run.score_date) == (model, score_date))

    @_whole
    def claimants(self, flow_runs: Collection[str]) -> frozenset[str]:
        return frozenset(flow_runs) & {
            flow_run for flow_run in self._flow_runs.values() if flow_run is not None
        }

    @_whole
    def published_scores(self, run: Run) -> pl.DataFrame:
        parts = [frame for (run_id, _), frame in self._scores.items() if run_id == run.id]
        return pl.concat([pl.DataFrame(schema=SCORES), *parts]).sort("entity_key")

    def highest(self, run: Run, count: int, above: float | None = None) -> pl.DataFrame:
        rows = as_served(self.published_scores(run)).select("entity_key", "score", "arm")
        highest = rows.sort("score", descending=True, maintain_order=True).head(count)
        return pl.concat([highest, rows.filter(pl.col("score") > pl.lit(above, pl.Float64))]).unique()

    def scores_for(self, run: Run, keys: pl.Series) -> pl.DataFrame:
        return (
            as_served(self.published_scores(run))
            .filter(pl.col("entity_key").is_in(keys.to_list()))
            .drop("carried_from")
        )

    @_whole
    def stored_part(self, run: Run, part: Part) -> tuple[pl.DataFrame, pl.DataFrame]:
        key = (run.id, part.number)
        return self._scores[key], self._quarantined[key].select(*QUARANTINED)

    @_whole
    def quarantined(self, run: Run) -> pl.DataFrame:
        parts = [
            self._quarantined[key].select(*QUARANTINED)
            for key in sorted(self._quarantined)
            if key[0] == run.id
        ]
        return pl.concat([pl.DataFrame(schema=QUARANTINED), *parts])

    @_whole
    def traces(self) -> tuple[Trace, ...]:
        """Return every run as retention sees it, without pruned runs: their rows were removed at once."""
        shown = {row.run_id for row in self._ledger}
        return tuple(
            Trace(
                **run.model_dump(include={"id", "model", "score_date", "state", "base_id"}),
                touched_at=self._touched[run.id],
                published=run.id in shown,
            )
            for run in self._runs.values()
            if run.state is not RunState.PRUNED
        )

    @_whole
    def held(self, run_id: int) -> tuple[Holding, ...]:
        """Return the run's rows: scores, quarantined rows, receipts."""
        frames = {"score": self._scores, "quarantined_row": self._quarantined}
        mine = {
            kind: [frame for key, frame in kept.items() if key[0] == run_id] for kind, kept in frames.items()
        }
        rows = (
            Holding(kind, frame.height, int(frame.estimated_size()))
            for kind, kept in mine.items()
            for frame in kept
        )
        stages = (Holding("stage", 1, 0) for _ in self.stages(run_id))
        receipts = (Holding("receipt", 1, 0) for key in self._receipts if key[0] == run_id)
        return total((*rows, *stages, *receipts))

    def forget(self, run: Trace) -> tuple[Holding, ...] | None:
        """See `RunHoldings.forget`."""
        with self._hold(self.run(run.id).night, 0):
            return self._forget(run)

    @_whole
    def _forget(self, run: Trace) -> tuple[Holding, ...] | None:
        if run not in self.traces():
            return None
        held = self.held(run.id)
        self._change(run.id, state=RunState.PRUNED)
        for kept in (self._scores, self._quarantined, self._receipts):
            for key in [key for key in kept if key[0] == run.id]:
                del kept[key]
        self._stages = [each for each in self._stages if each[0] != run.id]
        return held

    @contextmanager
    def _hold(self, night: Night, wait_s: float, go_on: GoOn = unasked) -> Iterator[None]:
        key = (night.model, night.score_date)
        with self._let_go:
            deadline = time.monotonic() + wait_s
            while key in self._held:
                if time.monotonic() >= deadline:
                    raise NightBusy(night.model, night.score_date, self._held[key], wait_s)
                go_on()
                self._let_go.wait(min(POLL_S, deadline - time.monotonic()))
            self._held[key] = f"{threading.current_thread().name} since {_now():%Y-%m-%d %H:%M:%S} UTC"
        try:
            yield
        finally:
            with self._let_go:
                del self._held[key]
                self._let_go.notify_all()

    @_whole
    def _claim(
        self, night: Night, champion: Version, challenger: Version | None, request: Request
    ) -> Claimed:
        of_night = self.runs_of(night.model, night.score_date)
        newest = max(of_night, key=lambda run: run.revision, default=None)
        publication = self.publication(night.model, night.score_date)
        published = None if publication is None else self._runs[publication.run_id]
        same_flow_run = (
            newest is not None
            and request.flow_run is not None
            and self._flow_runs[newest.id] == request.flow_run
        )
        step = next_step(newest, published, request, same_flow_run=same_flow_run)
        if step is Step.PUBLISHED and published is not None:
            return Claimed(published, publication)
        if step is Step.RESUME and newest is not None:
            run = self._change(newest.id, attempt=newest.attempt + 1, state=RunState.CLAIMED)
        else:
            run = self._begun(newest, new_revision(night, newest, published, champion, challenger, request))
        self._flow_runs[run.id] = request.flow_run
        self._gives.setdefault(run.id, (kind_of(champion.kind, champion.classes), champion.outputs))
        return Claimed(run)

    def _begun(self, newest: Run | None, values: dict[str, Any]) -> Run:
        if newest is not None and newest.state in UNFINISHED:
            self._change(newest.id, state=RunState.ABANDONED, attempt=newest.attempt + 1)
        run = Run(**values, id=len(self._runs) + 1, attempt=1, state=RunState.CLAIMED)
        self._runs[run.id], self._touched[run.id] = run, _now()
        return run

    def _own(self, run: Run) -> Run:
        kept = self._runs[run.id]
        if (kept.attempt, kept.state) != (run.attempt, RunState.CLAIMED):
            raise ClaimLost(run.model, run.score_date, run.id)
        return kept

    def _change(self, run_id: int, **fields: object) -> Run:
        self._runs[run_id] = self._runs[run_id].model_copy(update=fields)
        if "state" in fields:
            self._touched[run_id] = _now()
        return self._runs[run_id]

    def _point_to(
        self, run: Run, action: str, reason: str | None, findings: Sequence[str] = ()
    ) -> Publication:
        night = {"model": run.model, "score_date": run.score_date, "run_id": run.id}
        why = {"action": action, "reason": reason, "findings": tuple(findings)}
        row = Publication(id=len(self._ledger) + 1, published_at=_now(), **night, **why)
        self._ledger.append(row)
        return row


@dataclass
class MemoryGoOn:
    """Stops the work after a number of questions. asked: the value of `last` in each question."""

    after: int = 0
    asked: list[bool] = field(default_factory=list[bool])

    def __call__(self, *, last: bool = False) -> None:
        self.asked.append(last)
        if len(self.asked) > self.after:
            raise Stopped("it was set to Cancelled")


@dataclass
class MemoryStages:
    """Implements the port `StageLedger` beside a score store in memory."""

    store: MemoryNights

    def record(self, work: Work) -> None:
        if work.part is None:
            self.store.keep_stages(work.run, None, work.stages)

    def stages(self, run_id: int) -> tuple[tuple[int | None, Stage], ...]:
        return self.store.stages(run_id)


@dataclass
class MemoryOutcomes:
    """Implements the port `Outcomes` beside a score store in memory."""

    store: MemoryNights
    added: list[Measurement] = field(default_factory=list[Measurement])
    _rows: dict[str, pl.DataFrame] = field(default_factory=dict)

    def record(self, model: str, outcomes: pl.DataFrame) -> int:
        kept = self._rows.get(model, pl.DataFrame(schema=OUTCOMES))
        joined = _told_once(pl.concat([kept, _as_kept(outcomes)]))
        self._rows[model] = joined
        return joined.height - kept.height

    def unknown(self, model: str, dates: Collection[date]) -> frozenset[date]:
        kept = self._rows.get(model, pl.DataFrame(schema=OUTCOMES))
        return frozenset(dates) - {*kept["score_date"].unique()}

    def add(self, measurements: Sequence[Measurement]) -> None:
        self.added.extend(measurements)

    def measured(
        self,
        model: str,
        known_at: datetime | None = None,
        *,
        since: date | None = None,
        whole: bool = False,
    ) -> tuple[Measurement, ...]:
        newest = dict[object, Measurement]()
        for each in sorted(self._of(model), key=lambda each: each.measured_at):
            counts = known_at is None or each.measured_at <= known_at
            if (
                counts
                and each.score_date >= (since or date.min)
                and (not whole or each.of == _all_rows(each))
            ):
                newest[each.of] = each
        return tuple(sorted(newest.values(), key=lambda each: each.of))

    def comparisons(self, model: str) -> tuple[NightComparison, ...]:
        shown = {publication.run_id for publication in self.store.published(model)}
        nights = [
            each
            for each in self._of(model)
            if each.run_id in shown and each.occasions == 1 and not each.slice
        ]
        found = (
            comparison
            for basis, roles in COMPARED.items()
            for comparison in self._compared(basis, *(_of_role(nights, role) for role in roles))
        )
        return tuple(sorted(found, key=lambda each: (each.measured_at, each.score_date)))

    def _compared(
        self, basis: Basis, champions: Sequence[Measurement], challengers: Sequence[Measurement]
    ) -> Iterator[NightComparison]:
        newest = dict[int, datetime]()
        for champion, challenger in zip(champions, challengers, strict=True):
            if newest.get(champion.run_id, champion.measured_at) <= champion.measured_at:
                newest[champion.run_id] = champion.measured_at
                share = self.store.run(champion.run_id).challenger_share
                yield _comparison(basis, share, champion, challenger)

    def _of(self, model: str) -> Iterator[Measurement]:
        return (each for each in self.added if each.model == model)

    def scored(
        self,
        model: str,
        score_date: date,
        known_at: datetime | None = None,
        outcomes: pl.DataFrame | None = None,
    ) -> pl.DataFrame:
        publication = self.store.publication(model, score_date)
        run = None if publication is None else self.store.run(publication.run_id)
        scores = pl.DataFrame(schema=SCORES) if run is None else self.store.published_scores(run)
        if outcomes is None:
            kept = self._rows.get(model, pl.DataFrame(schema=OUTCOMES))
        else:
            kept = _told_once(_as_kept(outcomes))
        known = kept.filter(
            pl.col("score_date") == score_date,
            pl.lit(value=True) if known_at is None else pl.col("recorded_at") <= known_at,
        )
        newest = known.sort("recorded_at").unique("entity_key", keep="last").select("entity_key", "outcome")
        return scores.drop("carried_from").join(newest, on="entity_key", how="left").sort("entity_key")

    def of_rows(self, model: str, rows: pl.DataFrame, known_at: datetime) -> pl.DataFrame:
        key = ["score_date", "entity_key"]
        known = self._rows.get(model, pl.DataFrame(schema=OUTCOMES)).filter(pl.col("recorded_at") <= known_at)
        newest = known.sort("recorded_at").unique(key, keep="last").select(*key, "outcome")
        return newest.join(rows, on=key, how="semi")


def _as_kept(outcomes: pl.DataFrame) -> pl.DataFrame:
    return outcomes.select(pl.col(name).cast(dtype) for name, dtype in OUTCOMES.items())


def _told_once(outcomes: pl.DataFrame) -> pl.DataFrame:
    keys = ["entity_key", "score_date", "recorded_at"]
    return outcomes.unique(keys, keep="first", maintain_order=True)


def _all_rows(each: Measurement) -> tuple[int, Role, str, str, int]:
    return each.run_id, Role.CHAMPION, "", "", 1


def _of_role(measured: Sequence[Measurement], role: Role) -> list[Measurement]:
    return [each for each in measured if each.role is role]


def _comparison(
    basis: Basis, share: float, champion: Measurement, challenger: Measurement
) -> NightComparison:
    assert challenger.challenger_id is not None
    return NightComparison(
        **champion.model_dump(
            include={"run_id", "model", "score_date", "version_id", "rows", "with_outcome", "measured_at"}
        ),
        basis=basis,
        share=share,
        challenger_rows=challenger.rows,
        challenger_with_outcome=challenger.with_outcome,
        challenger_id=challenger.challenger_id,
        champion=champion.metrics,
        challenger=challenger.metrics,
    )


@dataclass
class MemoryInputProfiles:
    """Implements the port `InputProfiles` beside a score store in memory."""

    store: MemoryNights
    _kept: dict[int, dict[str, ColumnProfile]] = field(default_factory=dict)

    def record(self, run: Run, profile: NightProfile) -> None:
        stored = self.store.run(run.id)
        if (stored.attempt, stored.state) != (run.attempt, RunState.CLAIMED):
            raise ClaimLost(run.model, run.score_date, run.id)
        kept = self._kept.setdefault(run.id, {})
        for column in profile.columns:
            kept.setdefault(column.column, column)

    def trailing(self, model: str, before: date, nights: int) -> tuple[NightProfile, ...]:
        earlier = [night for night in reversed(self.store.published(model)) if night.score_date < before][
            :nights
        ]
        return tuple(
            NightProfile(score_date=night.score_date, columns=self.of(night.run_id)) for night in earlier
        )

    def of_run(self, run: Run) -> NightProfile:
        return NightProfile(score_date=run.score_date, columns=self.of(run.id))

    def of(self, run_id: int) -> tuple[ColumnProfile, ...]:
        return tuple(self._kept.get(run_id, {}).values())

    def forget(self, run_id: int) -> None:
        self._kept.pop(run_id, None)


class MemoryFeatureFiles:
    """Implements the port `FeatureFiles`."""

    def __init__(self) -> None:
        self._generations: dict[str, tuple[Generation, ...]] = {}
        self._rows: dict[tuple[str, str], pl.DataFrame] = {}
        self._built: dict[tuple[str, str], dict[date, str]] = {}

    def generations(self, table: FeatureTable) -> tuple[Generation, ...]:
        return self._generations.get(table.name, ())

    def use(self, table: FeatureTable, generation: Generation) -> None:
        others = (each for each in self.generations(table) if each != generation)
        self._generations[table.name] = (*others, generation)

    def fingerprints(self, table: FeatureTable, generation: str = FIRST) -> dict[date, str]:
        return dict(self._built.get((table.name, generation), {}))

    def write(
        self, table: FeatureTable, rows: pl.DataFrame, built: dict[date, str], generation: str = FIRST
    ) -> int:
        kept = self.rows(table, generation)
        merged = with_news(
            kept, rows.select(pl.col(name).cast(kind) for name, kind in columns_of(table).items()), table
        )
        self._rows[table.name, generation] = merged
        self._built[table.name, generation] = self.fingerprints(table, generation) | built
        return merged.height - kept.height

    def lost(self, table: FeatureTable, generation: str = FIRST) -> tuple[str, ...]:  # noqa: ARG002
        return ()

    def rows(self, table: FeatureTable, generation: str = FIRST) -> pl.DataFrame:
        return self._rows.get((table.name, generation), pl.DataFrame(schema=columns_of(table)))

    def newest(self, table: FeatureTable, as_of: datetime, generation: str = FIRST) -> datetime | None:
        rows = self.rows(table, generation)
        found = rows.filter(pl.col("event_timestamp") <= as_of, pl.col("created") <= as_of)[
            "event_timestamp"
        ].max()
        return found if isinstance(found, datetime) else None


class MemoryDriftLedger:
    """Implements the port `DriftLedger`."""

    def __init__(self) -> None:
        self.rows: dict[tuple[int, str], tuple[ColumnDrift, ...]] = {}
        self._reports: dict[tuple[int, str], str] = {}

    def record_drift(self, run: Run, columns: Sequence[ColumnDrift]) -> None:
        for method in dict.fromkeys(column.method for column in columns):
            self.rows[run.id, method] = tuple(column for column in columns if column.method == method)

    def record_report(self, run: Run, kind: str, uri: str) -> None:
        self._reports.setdefault((run.id, uri), kind)

    def drift(self, run: Run) -> tuple[ColumnDrift, ...]:
        rows = self.rows.get((run.id, DECIDES)) or self.rows.get((run.id, DECIDED), ())
        return tuple(sorted(rows, key=lambda column: column.column))

    def compared(self, runs: Collection[int]) -> frozenset[int]:
        return frozenset(
            run_id for run_id, method in self.rows if method in {DECIDES, DECIDED} and run_id in runs
        )

    def reports(self, run: Run, kind: str) -> tuple[str, ...]:
        return tuple(uri for (run_id, uri), of in self._reports.items() if (run_id, of) == (run.id, kind))

    def forget(self, run_id: int) -> None:
        """Delete all data of a run."""
        for kept in (self.rows, self._reports):
            for key in [key for key in kept if key[0] == run_id]:
                del kept[key]

    def named(self) -> tuple[Named, ...]:
        """Every report."""
        return tuple(Named(uri, run_id) for run_id, uri in self._reports)


@dataclass
class MemoryOutcomeChecks:
    """Implements the port `OutcomeChecks`."""

    added: list[OutcomeCheck] = field(default_factory=list[OutcomeCheck])

    def add(self, checks: Sequence[OutcomeCheck]) -> None:
        self.added.extend(checks)

    def deliveries(self, model: str) -> tuple[CheckedDelivery, ...]:
        return tuple(
            CheckedDelivery(**{name: getattr(check, name) for name in CheckedDelivery.model_fields})
            for check in self._newest()
            if check.model == model
        )

    def undecided(self, model: str) -> tuple[OutcomeCheck, ...]:
        return tuple(check for check in self._newest() if check.model == model and check.verdict in UNDECIDED)

    def decided(self, model: str, days: Collection[date]) -> tuple[OutcomeCheck, ...]:
        return tuple(
            check
            for check in self._newest()
            if check.model == model and check.day in days and check.verdict in BY_A_PERSON
        )

    def looks(self, model: str, dataset: str, days: Collection[date]) -> Mapping[date, OutcomeDay]:
        return {
            check.day: check.looks
            for check in self._newest()
            if (check.model, check.dataset) == (model, dataset) and check.day in days and check.counts
        }

    def held(self, dataset: str) -> Held:
        return held_by(
            (check.day, check.recorded_at, check.verdict, check.counts_from)
            for check in self._newest()
            if check.dataset == dataset
        )

    def _newest(self) -> list[OutcomeCheck]:
        newest = {(each.dataset, each.day, each.recorded_at, each.model): each for each in self.added}
        return [newest[key] for key in sorted(newest)]
