"""What `ports.ReasonLedger` promises, on Postgres and in memory."""

from nightjar.core.explaining.reasons import REASONS


def test_reasons_come_back_as_they_were_stored_by_key_and_rank(stores, make):
    run, _ = stores.publish()
    assert stores.reasons.reasons(run).schema == REASONS
    assert stores.reasons.reasons(run).is_empty()
    told = make.reasons("b", "a", contribution=-1.25)
    stores.reasons.record(run, told)
    assert stores.reasons.reasons(run).rows() == told.sort("entity_key").rows()


def test_a_run_is_explained_once_and_the_first_stays(stores, make):
    run, _ = stores.publish()
    stores.reasons.record(run, make.reasons("a"))
    stores.reasons.record(run, make.reasons("a", "b", contribution=9))
    assert stores.reasons.reasons(run).rows() == make.reasons("a").rows()


def test_a_run_without_reasons_counts_as_explained(stores, make):
    run, _ = stores.publish()
    other, _ = stores.publish(force=True)
    both = [run.id, other.id]
    assert stores.reasons.explained(both) == frozenset()
    stores.reasons.record(run, make.reasons(), "its learner cannot tell")
    assert stores.reasons.explained(both) == {run.id}
    stores.reasons.record(other, make.reasons("a"))
    assert stores.reasons.explained(both) == {*both}
    assert stores.reasons.explained([other.id]) == {other.id}
    assert stores.reasons.explained([]) == frozenset()
