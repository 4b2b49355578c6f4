"""Nobody is served worse unseen: the flights of small airlines are judged together, and the card shows it."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import polars as pl

from models.flight_delay.spec import SPEC
from nightjar.core.kinds.gates import Verdict
from nightjar.core.kinds.metrics import Of
from nightjar.core.lifecycle.comparing import Losses, evidence_of
from nightjar.core.lifecycle.gates import judged_by
from nightjar.showing.card import card_html
from nightjar.testing.versions import toy_version
from nightjar.usecases.lifecycle.facts import Facts

NIGHTS, AIRLINES = 28, {"UA": 60, "B6": 40, "HA": 3, "OO": 2}
"""Airline -> flights a night. The last two have less than the rows that a slice needs by itself."""


def losses(factor):
    """factor: by which the version loses more on flights of HA and OO."""
    random = np.random.default_rng(0)
    carriers = [name for name, flights in AIRLINES.items() for _ in range(flights)] * NIGHTS
    rows = pl.DataFrame(
        {
            "score_date": [date(2013, 9, 1) + timedelta(days=n) for n in range(NIGHTS) for _ in range(105)],
            "carrier": carriers,
            "origin": "EWR",
            "sched_dep_minute": 600,
        }
    )
    usual = pl.Series(random.uniform(0.1, 0.2, rows.height))
    more = pl.Series([factor if name in ("HA", "OO") else 1.0 for name in carriers])
    own = usual * more * pl.Series(random.normal(1, 0.02, rows.height))
    return Losses(rows=rows, of={Of.VERSION: own, Of.BASELINE: usual, Of.CONSTANT: usual * 1.2}, numbers={})


def judged(factor):
    evidence = evidence_of(losses(factor), SPEC.slices, {})
    return evidence, {gate.name: gate for gate in judged_by(SPEC, evidence)}["max_loss_in_slices"]


def test_the_flights_of_every_airline_are_judged():
    evidence, gate = judged(1.0)
    by_carrier = [one for one in evidence.slices if one.slice == "carrier"]
    assert [one.value for one in by_carrier] == ["B6", "UA", "all others"]
    assert sum(one.rows for one in by_carrier) == 105 * NIGHTS
    assert evidence.slices_left_out == ()
    assert gate.passed


def test_a_version_that_is_worse_for_small_airlines_alone_fails_and_the_card_says_so():
    evidence, gate = judged(1.2)
    assert gate.verdict is Verdict.FAILED
    assert "worse on 1 slices: carrier all others 1.2" in gate.reason
    version = toy_version(model=SPEC.name, gates=(gate,))
    told = Facts(
        spec=SPEC,
        version=version,
        judged=version,
        evidence=evidence,
        dataset=None,
        ledger=(),
        nights=(),
        backtest=None,
    )
    html = card_html(told, "")
    assert html.count("carrier all others") >= 3, "in the gate, the plot and the table"
    plain = replace(SPEC.slices[1], sensitive=False)
    assert "carrier OO" in evidence_of(losses(1.2), (plain,), {}).slices_left_out
