"""Any history of claims, publications, rollbacks and pruning, on Postgres and in memory: both tell the
same, and the ledger stays consistent.
"""

from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import ClassVar

import psycopg
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from db.session import make_engine
from db.stores.holdings import PostgresHoldings
from nightjar.core.errors.night import AuditFailed, ClaimLost, NightBusy, RepairOutdated
from nightjar.core.errors.settings import BadSettings
from nightjar.core.night.entities import RunState
from nightjar.core.upkeep.retention import Policy, forgettable
from nightjar.testing.holdings import MemoryHoldings
from nightjar.testing.memory import MemoryInputProfiles

WANTED = ("nothing", "force", "afresh", "repair", "repair", "an outdated repair")
AS_OF = (
    "SELECT DISTINCT run_id FROM scores_history WHERE score_date = %s AND visible_from <= %s AND %s < "
    "coalesce(visible_until, 'infinity')"
)
CURRENT = "SELECT run_id FROM publications WHERE score_date = %s AND is_current"
SCORES = "SELECT run_id, count(*), min(score) FROM scores WHERE score_date = %s GROUP BY 1"
REFUSALS = (AuditFailed, BadSettings, ClaimLost, NightBusy, RepairOutdated)


class Histories(RuleBasedStateMachine):
    """A night, which one process at a time may hold; an error of one store is to be the other's too.

    It begins with two publications.
    """

    made: ClassVar = count()

    def __init__(self, make, real, memory, owner, analyst):
        super().__init__()
        self.day = make.day + timedelta(days=next(self.made))
        self.make, self.stores, self.analyst = make, (real, memory), analyst
        self.holdings = (
            PostgresHoldings(owner),
            MemoryHoldings(memory.store, memory.registry, memory.ledger, MemoryInputProfiles(memory.store)),
        )
        self.held: tuple[ExitStack, list] | None = None
        self.seen: list[tuple[datetime, int]] = []
        for store in (real, memory):
            store.publish(self.day, score=0.01)
            store.publish(self.day, score=0.02, force=True)

    def both(self, act):
        """What came of the same act in each store: alike, or refused alike."""
        results = [attempted(act, number) for number in (0, 1)]
        kinds = [type(result) if isinstance(result, Exception) else None for result in results]
        assert kinds[0] == kinds[1], results
        return None if kinds[0] else results

    def runs(self, number):
        """By revision."""
        return sorted(
            (run for run in self.stores[number].store.runs(limit=1000) if run.score_date == self.day),
            key=lambda run: run.revision,
        )

    def shown(self, number):
        return self.stores[number].store.publication(self.make.model, self.day).run_id

    def told(self, number):
        """Each run as it stands, and whether analysts see it: by revision, since the stores count their
        runs differently.
        """
        shown = self.shown(number)
        return [
            (run.revision, run.attempt, run.state, run.base_id is None, run.id == shown)
            for run in self.runs(number)
        ]

    @precondition(lambda self: not self.held)
    @rule(
        wanted=st.sampled_from(WANTED),
        flow_run=st.sampled_from([None, None, "f"]),
        rows=st.sampled_from([2, 1, 2, 0]),
    )
    def begin(self, wanted, flow_run, rows):
        """rows: how many are stored at once; 0: the process gets no further than its claim."""
        stack = ExitStack()

        def act(number):
            published = [run.id for run in self.runs(number) if run.state is RunState.PUBLISHED]
            current = self.shown(number)
            repairs = {
                "repair": current,
                "an outdated repair": next((id_ for id_ in published if id_ != current), None),
            }.get(wanted)
            options = {
                "force": wanted == "force",
                "afresh": wanted == "afresh",
                "repairs": repairs,
                "flow_run": flow_run,
            }
            return stack.enter_context(self.stores[number].claim(self.day, **options))

        if (claimed := self.both(act)) is None:
            return
        assert len({(one.run.revision, one.run.attempt, one.publication is None) for one in claimed}) == 1
        if claimed[0].publication is not None:
            stack.close()
            return
        self.held = stack, [one.run for one in claimed]
        if rows:
            self.both(lambda number: self.store_part(number, rows))

    def store_part(self, number, rows):
        store, runs = self.stores[number].store, self.held[1]
        run = store.record_population(runs[number], self.make.population(rows))
        store.write_part(
            run,
            self.make.part(0, rows),
            self.make.scores(*"ab"[:rows], score=run.revision / 100),
            self.make.quarantined(),
        )

    @precondition(lambda self: self.held)
    @rule(end=st.sampled_from(["publish", "publish", "publish", "fail", "die"]))
    def end(self, end):
        (stack, runs), self.held = self.held, None
        with stack:
            if end == "publish":
                self.both(lambda number: self.stores[number].store.publish(runs[number]))
            elif end == "fail":
                self.both(lambda number: self.stores[number].store.fail(runs[number], "it broke"))

    @rule(to=st.integers(0, 3))
    def roll_back(self, to):
        """To what analysts saw before, or now and then to what they never saw."""
        hidden = [[run for run in self.runs(number) if run.id != self.shown(number)] for number in (0, 1)]
        self.both(
            lambda number: self.stores[number].store.roll_back(
                hidden[number][to % len(hidden[number])], "it was better"
            )
        )

    @precondition(lambda self: not self.held)
    @rule(days_later=st.sampled_from([1, 20]))
    def prune(self, days_later):
        now = datetime.now(UTC) + timedelta(days=days_later)

        def act(number):
            for trace in forgettable(self.holdings[number].runs(), Policy(), now):
                if trace.score_date == self.day:
                    self.holdings[number].forget(trace)

        self.both(act)

    @invariant()
    def both_stores_tell_the_same(self):
        assert self.told(0) == self.told(1)
        with psycopg.connect(self.analyst) as reader:
            self.seen.append((reader.execute("SELECT clock_timestamp()").fetchone()[0], self.shown(0)))

    def teardown(self):
        if self.held:
            self.held[0].close()
        run = self.stores[0].store.run(self.shown(0))
        with psycopg.connect(self.analyst) as reader:
            assert reader.execute(CURRENT, [self.day]).fetchall() == [(run.id,)]
            assert reader.execute(SCORES, [self.day]).fetchall() == [
                (run.id, run.population.rows, run.revision / 100)
            ], "it is whole, and its own"
            for instant, shown in self.seen:
                assert reader.execute(AS_OF, [self.day, instant, instant]).fetchall() == [(shown,)]


def attempted(act, number):
    try:
        return act(number)
    except REFUSALS as error:
        return error


@pytest.fixture
def owner(database):
    engine = make_engine(database.url("owner"))
    yield engine
    engine.dispose()


def test_any_history_leaves_a_ledger_that_answers(make, on_postgres, in_memory, owner, database):
    run_state_machine_as_test(
        lambda: Histories(make, on_postgres, in_memory, owner, database.url("analyst")),
        settings=settings(max_examples=4, stateful_step_count=12),
    )
