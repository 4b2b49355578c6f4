"""A version that passed its gates may be fitted anew on all that is known."""

from datetime import date, timedelta

import polars as pl
import pytest

from nightjar.core.kinds.gates import GateResult
from nightjar.core.lifecycle.refit import earned, refit_of, windows_of
from nightjar.core.lifecycle.training_set import TimeCut
from nightjar.core.model.entities import Candidate
from nightjar.core.model.record import UsedRows
from nightjar.testing.versions import toy_version

PASSED, FAILED = (
    GateResult(name="min_auc", value=0.7, threshold=0.6, passed=passed, reason="why")
    for passed in (True, False)
)


@pytest.mark.parametrize(
    ("gates", "may"), [((PASSED,), True), ((PASSED, FAILED), False), ((FAILED,), False), ((), False)]
)
def test_only_a_version_that_was_judged_and_passed_every_gate_is_fitted_anew(gates, may):
    assert earned(toy_version(gates=gates)) is may


def test_a_refit_keeps_the_judgement_of_the_version_whose_recipe_it_is():
    judged = toy_version(number=4, gates=(PASSED,), metrics={"auc": 0.7}, calibration=(1.5,))
    through = judged.trained_through + timedelta(days=28)
    refit = refit_of(judged, artifact_sha256="2" * 64, trained_through=through)
    changed = {"artifact_sha256", "trained_through", "refit_of"}
    kept = set(Candidate.model_fields) - changed
    assert refit.model_dump(include=kept) == judged.model_dump(include=kept)
    assert (refit.refit_of, refit.trained_through, refit.artifact_sha256) == (4, through, "2" * 64)


def test_the_windows_of_a_version_say_which_rows_had_which_use():
    days = [date(2013, 1, 1) + timedelta(days=n) for n in range(6)]
    parts = (pl.DataFrame({"score_date": days[a:b]}) for a, b in ((0, 3), (3, 4), (4, 6)))
    assert windows_of(TimeCut(*parts)) == {
        "fitted": UsedRows(first=days[0], last=days[2], rows=3),
        "chosen": UsedRows(first=days[3], last=days[3], rows=1),
        "judged": UsedRows(first=days[4], last=days[5], rows=2),
    }
