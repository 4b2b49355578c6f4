"""What was measured, as rows; and how older versions kept it."""

from nightjar.core.kinds.metrics import MetricRow, Of, as_rows, read_rows, value_of

OLD = {
    "auc": 0.7,
    "base_rate": 0.2,
    "brier_skill": 0.1,
    "baseline_auc": 0.6,
    "constant_pr_auc": 0.2,
    "champion_auc": 0.71,
    "auc_beside_champion": 0.69,
}
MEASURED = {
    Of.VERSION: {"auc": 0.7, "base_rate": 0.2, "brier_skill": 0.1},
    Of.BASELINE: {"auc": 0.6},
    Of.CONSTANT: {"pr_auc": 0.2},
    Of.CHAMPION: {"auc": 0.71},
    Of.BESIDE_CHAMPION: {"auc": 0.69},
}


def test_what_older_versions_keep_under_prefixed_names_is_read_as_the_same_rows():
    assert read_rows(OLD) == as_rows(MEASURED)
    assert read_rows({}) == ()


def test_rows_are_read_as_they_are():
    rows = as_rows(MEASURED)
    assert read_rows(rows) == rows


def test_a_metric_that_is_not_defined_has_no_row():
    rows = as_rows({Of.VERSION: {"auc": None, "brier": 0.2}})
    assert rows == (MetricRow(metric="brier", of=Of.VERSION, value=0.2),)
    assert value_of(rows, "auc") is None
    assert value_of(rows, "brier") == 0.2
    assert value_of(rows, "brier", Of.BASELINE) is None
