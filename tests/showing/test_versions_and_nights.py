"""Tables of versions and of measured nights take their columns from the kind of the model."""

from datetime import UTC, date, datetime

from nightjar.core.kinds.binary import BINARY
from nightjar.core.kinds.metrics import Of, as_rows
from nightjar.core.model.entities import Version
from nightjar.core.monitoring.entities import Measurement
from nightjar.showing import console
from nightjar.testing.specs import toy_spec

NOW = datetime(2013, 6, 16, tzinfo=UTC)


def version(measured) -> Version:
    where = {
        "artifact_uri": "file:///a",
        "artifact_sha256": "1" * 64,
        "reference_uri": "file:///r",
        "dataset_id": 1,
    }
    made = {
        "algorithm": "catboost",
        "params": {},
        "gates": (),
        "code_version": "c",
        "trained_through": date(2013, 5, 1),
    }
    return Version(id=1, number=2, model="toy", created_at=NOW, metrics=as_rows(measured), **where, **made)


def test_each_predictor_that_was_measured_is_shown_beside_the_version():
    measured = {
        Of.VERSION: {"rows": 9, "auc": 0.7, "brier": 0.1, "brier_skill": 0.2},
        Of.CHAMPION: {"auc": 0.65},
        Of.BESIDE_CHAMPION: {"auc": 0.6},
    }
    assert console.training_columns(version(measured)) == (
        "predictor",
        "AUC",
        "PR-AUC",
        "Brier",
        "ECE",
        "log loss",
    )
    assert console.training_rows(version(measured)) == [
        ("this version", 0.7, None, 0.1, None, None),
        ("reigning champion", 0.65, None, None, None, None),
    ]


def test_a_measured_night_is_shown_with_every_metric_of_a_night():
    metrics = dict.fromkeys(metric.name for metric in BINARY.nightly) | {"brier": 0.2}
    night = {
        "run_id": 1,
        "version_id": 1,
        "model": "toy",
        "score_date": date(2013, 6, 15),
        "rows": 3,
        "with_outcome": 2,
    }
    shown = console.performance_row(toy_spec(), Measurement(**night, metrics=metrics, measured_at=NOW))
    titles = ("base rate", "mean score", "AUC", "PR-AUC", "Brier", "ECE")
    assert console.performance_columns(toy_spec()) == ("score date", "rows", "with outcome", *titles)
    assert shown == ("2013-06-15", 3, 2, None, None, None, None, 0.2, None)


def test_the_line_of_a_finished_step_counts_one_in_the_singular():
    assert console.worded("nights scored", 1) == "night scored"
    assert console.worded("nights scored", 2) == "nights scored"
    assert console.worded("retrieval of features as known on each evening", 1).startswith("retrieval of")
