"""When the flows of a model start, by its spec alone."""

from datetime import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightjar.core.model.schedule import starting_minute
from nightjar.core.platform.deployments import FLOWS, crons_of, deployments_of
from nightjar.testing.specs import toy_spec


@pytest.mark.parametrize(
    ("cron", "as_of", "features", "monitor"),
    [
        pytest.param("30 21 * * *", time(21), "10 21 * * *", "0 22 * * *", id="daily"),
        pytest.param("30 21 * * *", time(21, 20), "20 21 * * *", "0 22 * * *", id="not before the as-of"),
        pytest.param("0 6 * * 1-5", time(5), "40 5 * * 1-5", "30 6 * * 1-5", id="weekdays"),
        pytest.param("0 6 1 * *", time(5), "40 5 1 * *", "30 6 1 * *", id="monthly"),
        pytest.param("10 0 * * 1", time(0), "0 0 * * 1", "40 0 * * 1", id="just after midnight"),
        pytest.param("50 23 * * 0", time(23), "30 23 * * 0", "59 23 * * 0", id="just before midnight"),
    ],
)
def test_features_come_before_a_night_and_monitoring_after_it(cron, as_of, features, monitor):
    crons = crons_of(toy_spec(cron=cron, as_of_time=as_of))
    assert (crons["features"], crons["score"], crons["monitor"]) == (features, cron, monitor)


@given(st.integers(0, 59), st.integers(0, 23), st.sampled_from(["* * *", "* * 1", "1 * *", "* 1-6 1-5"]))
def test_all_start_on_the_days_of_the_night_in_this_order(minute, hour, days):
    crons = crons_of(toy_spec(cron=f"{minute} {hour} {days}", as_of_time=time(hour)))
    starts = [starting_minute(crons[flow]) for flow in ("features", "score", "monitor")]
    assert starts == sorted(starts)
    assert starts[0] >= hour * 60
    assert {crons[flow].split(" ", 2)[2] for flow in ("features", "score", "monitor")} == {days}


def test_each_flow_has_one_deployment_named_by_its_model():
    assert [each.name for each in deployments_of(toy_spec())] == [f"toy-{flow}" for flow in FLOWS]
