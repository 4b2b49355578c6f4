"""The toy model keeps what a model promises, so a test may use whatever part of it."""

import json
from datetime import UTC, date, datetime

import polars as pl
import pytest

from nightjar.adapters.contracts import check
from nightjar.core.errors.model import BadSpec
from nightjar.testing.specs import TOY, toy_spec

DAY = date(2013, 6, 15)
RECORDED = {"date": DAY, "recorded_at": datetime(2013, 6, 15, 1, tzinfo=UTC)}
RAW = {
    "planned": pl.DataFrame({"entity_key": ["a", "b"], "x": [1.0, 2.0], **RECORDED}),
    "happened": pl.DataFrame(
        {"entity_key": ["a", "b"], "late": [0, 1], **RECORDED}, schema_overrides={"late": pl.Int8}
    ),
}


def test_the_toy_learns_the_mean_outcome_of_its_population_and_scores_every_row_with_it(tmp_path):
    rows = check(TOY, TOY.population(RAW, DAY)).valid.join(TOY.outcomes(RAW, DAY), on="entity_key")
    fitted, again = (fit(rows, rows, spec=TOY) for fit in (TOY.fit, TOY.baseline))
    assert fitted.predict(rows).to_list() == [0.5, 0.5]
    assert json.loads(json.dumps(fitted.params())) == fitted.params()
    fitted.save(tmp_path / "fitted")
    again.save(tmp_path / "again")
    assert (tmp_path / "fitted").read_bytes() == (tmp_path / "again").read_bytes() != b""


def test_a_toy_that_breaks_a_rule_of_specs_is_refused():
    with pytest.raises(BadSpec, match="numeric name twice"):
        toy_spec(numeric=("x", "x"))
