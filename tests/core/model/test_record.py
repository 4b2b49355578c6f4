"""The record of a version says what changed since."""

from nightjar.core.model.record import differing


def test_a_library_of_another_version_is_named_with_both_and_one_that_is_gone_too():
    then = {"catboost": "1.2.9", "polars": "1.0", "skops": "0.13"}
    now = {"catboost": "1.2.10", "polars": "1.0", "numpy": "2.0"}
    assert differing(then, now) == (
        "catboost was 1.2.9 and is 1.2.10",
        "skops was 0.13 and is not installed",
    )
    assert differing(then, then) == ()
