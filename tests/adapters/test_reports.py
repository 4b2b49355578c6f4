import re
import warnings
from dataclasses import replace
from datetime import UTC, date, datetime

import numpy as np
import polars as pl
import pytest

from nightjar.adapters.reports import EvidentlyReportWriter
from nightjar.core.comparison.entities import NightProfile
from nightjar.core.kinds.multiclass import multiclass
from nightjar.core.model.spec import AuditLimits, GateLimits
from nightjar.core.monitoring.drift import night_drift
from nightjar.core.monitoring.training import compared
from nightjar.core.night.entities import Run, RunState
from nightjar.testing.specs import toy_spec

SPEC = toy_spec(title="Toy <b>model</b>", categorical=("city",), numeric=("wind", "rain", "sun"))
RUN = Run(
    id=7,
    model="toy",
    score_date=date(2013, 9, 2),
    revision=1,
    attempt=1,
    state=RunState.PUBLISHED,
    as_of=datetime(2013, 9, 2, 1, tzinfo=UTC),
    known_at=datetime(2013, 9, 2, 1, tzinfo=UTC),
    version_id=3,
)


def sample(rows, seed, shift=0.0):
    random = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "entity_key": [str(i) for i in range(rows)],
            "city": random.choice(["OSLO", "ROME"], rows),
            "wind": random.normal(shift, 1, rows),
            "rain": random.normal(size=rows),
            "sun": random.normal(size=rows),
            "score": random.random(rows),
        }
    )


def draw(night, reference, tmp_path, spec=SPEC):
    texts = (*spec.categorical, *(["predicted_class"] if spec.kind.classes else []))
    columns = night_drift(
        NightProfile(score_date=RUN.score_date, columns=()),
        [],
        compared(night, reference, texts, (*spec.numeric, "score")),
    )
    into = tmp_path / "drift.html"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        EvidentlyReportWriter().draw(spec, RUN, night, reference, columns, into)
    return {row.column: row for row in columns}, into.read_text()


def test_the_report_tells_model_date_run_version_and_our_decisions_above_the_charts(tmp_path):
    rows, page = draw(sample(400, 1, shift=9.0), sample(3000, 0), tmp_path)
    heading = page[page.index('<section id="nightjar">') : page.index("</section>")]
    assert "Toy &lt;b&gt;model&lt;/b&gt;: 2013-09-02" in heading
    assert "Model toy, score date 2013-09-02, run 7 (revision 1), scored by the version with id 3" in heading
    assert "1 of 5 columns drifted" in heading
    assert heading.count("5 of 5 columns are held to the training sample") == 1
    assert "as before" not in heading
    assert "as in training" in heading
    assert set(rows) == {"city", "wind", "rain", "sun", "score"}
    assert rows["wind"].drifted
    assert rows["wind"].value > rows["wind"].threshold
    assert page.count("<body>") == 1
    assert 1_000_000 < len(page) < 5_000_000
    assert "a sample of 400 rows of the night (current) beside 3,000 rows of training" in heading
    # Words of Evidently's own verdict.
    assert re.findall(r"Drift is detected|Dataset Drift|Drift Score|Stattest", page, re.IGNORECASE) == []


def test_nothing_in_the_page_is_loaded_from_elsewhere(tmp_path):
    _, page = draw(sample(300, 1), sample(1000, 0), tmp_path)
    assert re.findall(r"<(?:script|img|iframe)[^>]*\ssrc=[\"']?(?:https?:)?//[^\s>]*", page) == []
    assert re.findall(r"<link[^>]*\shref=[\"']?(?:https?:)?//[^\s>]*", page) == []


def test_columns_that_are_all_null_missing_or_constant_are_said_so(tmp_path):
    night = sample(300, 1).with_columns(wind=pl.lit(None, pl.Float64), sun=pl.lit(1.0)).drop("rain")
    rows, page = draw(night, sample(1000, 0), tmp_path)
    assert "<li>column wind: all values missing</li>" in page
    assert "<li>column rain: column missing from the night</li>" in page
    assert "<li>column sun: constant: every value is 1</li>" in page
    assert "Without a chart, for want of values on one side: wind, rain." in page
    assert rows["rain"].drifted


@pytest.mark.parametrize(
    "spoil",
    [
        lambda frame: frame.clear(),
        lambda frame: frame.with_columns(
            pl.lit(None).alias(name) for name in ("city", "wind", "rain", "sun", "score")
        ),
        lambda frame: frame.select("entity_key"),
    ],
)
def test_a_night_without_any_value_yields_a_page_that_says_so(spoil, tmp_path):
    rows, page = draw(spoil(sample(300, 1)), sample(1000, 0), tmp_path)
    assert "No column has values on both sides" in page
    assert len(rows) == 5
    assert all(row.value is None and row.note for row in rows.values())


def test_odd_values_are_drawn_without_a_crash(tmp_path):
    odd = sample(300, 1).with_columns(
        city=pl.when(pl.int_range(300) % 2 == 0).then(pl.lit("</script><script>alert(1)</script>")),
        wind=pl.when(pl.int_range(300) % 2 == 0).then(float("inf")).otherwise(float("nan")),
        rain=pl.when(pl.int_range(300) == 5).then(1.0),
        sun=pl.when(pl.int_range(300) < 9).then(float("inf")).otherwise(pl.lit(3.0)),
    )
    _, page = draw(odd, sample(1000, 0), tmp_path)
    assert "Without a chart, for want of values on one side: wind." in page
    assert "alert(1)</script>" not in page


def test_one_row_on_each_side_is_drawn_without_a_crash(tmp_path):
    rows, _ = draw(sample(1, 1), sample(1, 0), tmp_path)
    assert len(rows) == 5


def test_predicted_classes_are_drawn_as_categories(tmp_path):
    kind = multiclass("late", "early")
    gates = GateLimits(**{limit.name: max(0.0, limit.low) for limit in kind.gate_limits()})
    audit = AuditLimits(max_quarantine_share=0.1, min_distinct_share=0.1, max_class_shift=0.2)
    spec = replace(SPEC, numeric=("wind",), categorical=(), kind=kind, gates=gates, audit=audit)
    night, reference = (
        sample(rows, rows).with_columns(
            predicted_class=pl.Series(["late"] * late + ["early"] * (rows - late))
        )
        for rows, late in ((300, 250), (900, 300))
    )
    rows, _ = draw(night, reference, tmp_path, spec)
    assert set(rows) == {"wind", "score", "predicted_class"}
    assert rows["predicted_class"].finding == "outside"
    assert not rows["predicted_class"].drifted
