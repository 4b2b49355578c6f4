"""Any history of claims, publications, rollbacks and pruning, on Postgres and in memory: both tell the same, and the ledger stays consistent."""

from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import ClassVar

import psycopg
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from db.holdings import PostgresHoldings
from db.session import make_engine
from nightjar.adapters.memory import MemoryInputProfiles
from nightjar.adapters.memory_holdings import MemoryHoldings
from nightjar.core.claim import Request
from nightjar.core.entities import RunState
from nightjar.core.errors import AuditFailed, BadSettings, ClaimLost, NightBusy, RepairOutdated
from nightjar.core.retention import Policy, forgettable

NIGHTS = st.sampled_from([0, 1])
AS_OF_T = """
    SELECT score_date, run_id FROM scores_history
    WHERE score_date = ANY(%s) AND visible_from <= %s AND %s < coalesce(visible_until, 'infinity') GROUP BY 1, 2
"""
CURRENT = "SELECT score_date, count(*) FILTER (WHERE is_current), count(*) FROM publications WHERE score_date = ANY(%s) GROUP BY 1"
REFUSALS = (AuditFailed, BadSettings, ClaimLost, NightBusy, RepairOutdated)


class Histories(RuleBasedStateMachine):
    """Two nights, each of which one process may hold; an error of one store is to be the other's too."""

    made: ClassVar = count()

    def __init__(self, make, real, memory, owner, analyst):
        super().__init__()
        first = make.day + timedelta(days=2 * next(self.made))
        self.days = [first, first + timedelta(days=1)]
        self.make, self.stores, self.analyst = make, (real, memory), analyst
        self.holdings = (PostgresHoldings(owner), MemoryHoldings(memory.store, memory.registry, memory.ledger, MemoryInputProfiles(memory.store)))
        self.held: dict[date, tuple[ExitStack, list]] = {}
        self.seen: list[tuple[datetime, list]] = []

    def both(self, act):
        """What came of the same act in each store: alike, or refused alike."""
        results = [attempted(act, number) for number in (0, 1)]
        kinds = [type(result) if isinstance(result, Exception) else None for result in results]
        assert kinds[0] == kinds[1], results
        return None if kinds[0] else results

    def runs(self, number, *days):
        """Of these nights, by night and revision."""
        found = [run for run in self.stores[number].store.runs(limit=10_000) if run.score_date in days]
        return sorted(found, key=lambda run: (run.score_date, run.revision))

    def shown(self, number):
        return [(row.score_date, row.run_id) for row in self.stores[number].store.published(self.make.model) if row.score_date in self.days]

    def told(self, number):
        """Each run as it stands, and whether analysts see it: by revision, since the stores count their runs differently."""
        shown = [run_id for _, run_id in self.shown(number)]
        return [(run.score_date, run.revision, run.attempt, run.state, run.base_id is None, run.id in shown) for run in self.runs(number, *self.days)]

    @rule(night=NIGHTS, wanted=st.sampled_from(["nothing", "force", "afresh", "repair", "an outdated repair"]), flow_run=st.sampled_from([None, "f"]))
    def claim(self, night, wanted, flow_run):
        day, stack = self.days[night], ExitStack()

        def act(number):
            published = [run.id for run in self.runs(number, day) if run.state is RunState.PUBLISHED]
            current = dict(self.shown(number)).get(day)
            repairs = {"repair": current, "an outdated repair": next((id_ for id_ in published if id_ != current), None)}.get(wanted)
            request = Request(force=wanted == "force", afresh=wanted == "afresh", repairs=repairs, flow_run=flow_run)
            return stack.enter_context(self.stores[number].claim(day, **vars_of(request)))

        if (claimed := self.both(act)) is None:
            return
        revisions = {(one.run.revision, one.run.attempt, one.publication is None) for one in claimed}
        assert len(revisions) == 1
        if claimed[0].publication is None:
            self.held[day] = stack, [one.run for one in claimed]
        else:
            stack.close()

    @precondition(lambda self: self.held)
    @rule(night=NIGHTS, rows=st.integers(1, 2))
    def store_part(self, night, rows):
        if self.days[night] in self.held:
            runs = self.held[self.days[night]][1]
            keys = "ab"[:rows]

            def act(number):
                run = self.stores[number].store.record_population(runs[number], self.make.population(rows))
                self.stores[number].store.write_part(
                    run, self.make.part(0, rows), self.make.scores(*keys, score=run.revision / 100), self.make.quarantined()
                )
                runs[number] = run

            self.both(act)

    @precondition(lambda self: self.held)
    @rule(night=NIGHTS, end=st.sampled_from(["publish", "publish", "fail", "die"]))
    def end(self, night, end):
        if self.days[night] in self.held:
            stack, runs = self.held.pop(self.days[night])
            with stack:
                if end == "publish":
                    self.both(lambda number: self.stores[number].store.publish(runs[number]))
                elif end == "fail":
                    self.both(lambda number: self.stores[number].store.fail(runs[number], "it broke"))

    @rule(night=NIGHTS, to=st.integers(0, 3))
    def roll_back(self, night, to):
        runs = [self.runs(number, self.days[night]) for number in (0, 1)]
        if len(runs[0]) > to:
            self.both(lambda number: self.stores[number].store.roll_back(runs[number][to], "it was better"))

    @rule(days_later=st.sampled_from([1, 20]))
    def prune(self, days_later):
        now = datetime.now(UTC) + timedelta(days=days_later)

        def act(number):
            for trace in forgettable(self.holdings[number].runs(), Policy(), now):
                if trace.score_date in self.days and trace.score_date not in self.held:
                    self.holdings[number].forget(trace)

        self.both(act)

    @rule()
    def look(self):
        with psycopg.connect(self.analyst) as reader:
            now = reader.execute("SELECT clock_timestamp()").fetchone()[0]
        self.seen.append((now, self.shown(0)))

    @invariant()
    def both_stores_tell_the_same(self):
        assert self.told(0) == self.told(1)

    def teardown(self):
        for stack, _ in self.held.values():
            stack.close()
        with psycopg.connect(self.analyst) as reader:
            ever = {run.score_date for run in self.runs(0, *self.days) if run.state is RunState.PUBLISHED}
            current = reader.execute(CURRENT, [self.days]).fetchall()
            assert {day for day, *_ in current} == ever
            assert all(newest == 1 for _, newest, _ in current)
            for instant, shown in self.seen:
                assert sorted(reader.execute(AS_OF_T, [self.days, instant, instant]).fetchall()) == shown
            for day, run_id in self.shown(0):
                rows = reader.execute("SELECT count(*), min(score) FROM scores WHERE score_date = %s", [day]).fetchone()
                run = self.stores[0].store.run(run_id)
                assert rows == (run.population.rows, run.revision / 100), "it is whole, and its own"


def attempted(act, number):
    try:
        return act(number)
    except REFUSALS as error:
        return error


def vars_of(request):
    return {name: getattr(request, name) for name in ("force", "afresh", "repairs", "flow_run")}


@pytest.fixture
def owner(database):
    engine = make_engine(database.url("owner"))
    yield engine
    engine.dispose()


def test_any_history_leaves_a_ledger_that_answers(make, on_postgres, in_memory, owner, database):
    run_state_machine_as_test(
        lambda: Histories(make, on_postgres, in_memory, owner, database.url("analyst")),
        settings=settings(max_examples=5, stateful_step_count=12),
    )
