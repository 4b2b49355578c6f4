"""What is expected of a night before its outcomes are known, and the record of such estimates."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl

from nightjar.core.monitoring.entities import Measurement
from nightjar.core.night.claim import Request
from nightjar.core.night.entities import Night, Part, Population
from nightjar.core.night.part_rows import SCORES
from nightjar.testing.memory import MemoryNights, MemoryOutcomes
from nightjar.testing.specs import toy_spec
from nightjar.testing.versions import toy_version
from nightjar.usecases.monitoring.estimate import EstimateNights
from nightjar.usecases.scoring.inputs import NightInputs

FIRST, ROWS = date(2013, 3, 1), 60
KNOWN = datetime(2013, 9, 1, tzinfo=UTC)
SPEC = toy_spec(maturity_days=1)


def publish(store, day, scores):
    rows = pl.DataFrame(
        {
            "entity_key": [f"k{n}" for n in range(ROWS)],
            "score": scores,
            "outputs": None,
            "challenger_score": None,
            "challenger_outputs": None,
            "arm": None,
            "carried_from": None,
        },
        schema=SCORES,
    )
    quarantined = pl.DataFrame(schema=dict.fromkeys(("entity_key", "reasons", "row"), pl.String))
    night = Night(model="toy", score_date=day, as_of=datetime(2013, 3, 1, tzinfo=UTC))
    with store.night(night, toy_version(), None, Request()) as claimed:
        population = Population(uri="file:///p", sha256="2" * 64, rows=ROWS, parts=1)
        run = store.record_population(claimed.run, population)
        store.write_part(run, Part(number=0, start=0, stop=ROWS), rows, quarantined)
        store.publish(run)
    return run


def world(nights, measured):
    """Nights whose scores state the chance of the event; every other night is easier than the one before."""
    store, random = MemoryNights(), np.random.default_rng(5)
    outcomes = MemoryOutcomes(store)
    for number in range(nights):
        day = FIRST + timedelta(days=number)
        scores = random.beta(2, 5, ROWS) * (0.3 if (number // 7) % 2 else 1.0)
        run = publish(store, day, scores)
        if number >= measured:
            continue
        happened = (random.random(ROWS) < scores).astype(float)
        outcomes.record("toy", of_day(day, happened))
        found = SPEC.kind.measure(pl.Series(scores), pl.Series(happened), pl.Series([None] * ROWS))
        outcomes.add(
            [
                Measurement(
                    run_id=run.id,
                    model="toy",
                    score_date=day,
                    version_id=run.version_id,
                    rows=ROWS,
                    with_outcome=ROWS,
                    metrics={metric.name: found[metric.name] for metric in SPEC.kind.nightly},
                    measured_at=KNOWN,
                )
            ]
        )
    nothing = dict.fromkeys(("raw", "features", "artifacts", "predictors", "registry", "check"))
    return EstimateNights(inputs=NightInputs(spec=SPEC, **nothing), store=store, outcomes=outcomes)


def of_day(day, happened):
    return pl.DataFrame(
        {
            "entity_key": [f"k{n}" for n in range(ROWS)],
            "score_date": day,
            "outcome": happened,
            "recorded_at": KNOWN,
        }
    )


def test_a_loss_that_follows_the_scores_is_estimated_better_than_by_the_nights_before():
    brier, base_rate, auc = world(60, 59).told(KNOWN)
    assert brier.startswith("2013-04-29: Brier")
    assert "estimated (mean error by week" in brier
    assert "estimated (mean error by week" in base_rate
    assert "AUC" in auc


def test_before_four_weeks_of_estimates_have_come_true_nothing_is_estimated():
    assert all("fewer than 4 weeks" in sentence for sentence in world(30, 29).told(KNOWN))


def test_nothing_is_said_where_no_night_waits_for_its_outcomes():
    assert world(10, 10).told(KNOWN) == ()
    assert world(0, 0).told(KNOWN) == ()
