"""A backtest is shown with an interval for each figure, in a page that needs nothing else."""

import json
import re
from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from nightjar.core.kinds.binary import BINARY
from nightjar.core.kinds.multiclass import multiclass
from nightjar.core.kinds.regression import REGRESSION
from nightjar.core.lifecycle.backtest import SCORED, StepDone, Who, results_of
from nightjar.core.lifecycle.walk import Plan
from nightjar.showing.backtest import as_object, backtest_page, show_backtest
from nightjar.testing.specs import spec_of_kind
from nightjar.usecases.lifecycle.backtest import Walked
from nightjar.usecases.lifecycle.stretch import Stretch

FIRST, NIGHTS, ROWS = date(2013, 1, 7), 30, 20
KNOWN = datetime(2013, 1, 6, 21, tzinfo=UTC)
KINDS = [BINARY, REGRESSION, multiclass("a", "b")]


def scored(kind):
    """The champion is closer to the outcome than the others are."""
    random, off = np.random.default_rng(1), {who: 0.1 + 0.2 * n for n, who in enumerate(Who)}
    outcome = random.integers(0, 2, NIGHTS * ROWS).astype(float)
    days = [FIRST + timedelta(days=n // ROWS) for n in range(NIGHTS * ROWS)]
    frames = []
    for who, noise in off.items():
        event = np.clip(np.abs(outcome - noise + random.normal(0, 0.05, outcome.size)), 0.01, 0.99)
        outputs = [[1 - p, p] for p in event] if kind.classes else [None] * event.size
        score = [max(pair) for pair in outputs] if kind.classes else event
        keys = [str(n) for n in range(outcome.size)]
        frames.append(pl.DataFrame([days, keys, [who.value] * outcome.size, score, outputs, outcome], SCORED))
    return pl.concat(frames)


def walked(kind, rows=None):
    plan = Plan(model="toy", first=FIRST, last=FIRST + timedelta(days=NIGHTS - 1), retrain="monthly")
    decision = "not promoted: <b>held</b>"
    step = StepDone(number=1, known_at=KNOWN, first=plan.first, last=plan.last, decision=decision, champion=1)
    spec = spec_of_kind(kind)
    empty = Stretch(spec=spec, rows=pl.DataFrame(), populations=pl.DataFrame(), outcomes=pl.DataFrame())
    results = results_of(kind, scored(kind) if rows is None else rows)
    return spec, Walked(
        name="abc", plan=plan, steps=(step,), results=results, stretch=empty, measured_at=KNOWN, resumed=0
    )


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_the_whole_stretch_is_told_with_intervals_and_a_verdict_beside_each_rival(kind, capsys):
    show_backtest(*walked(kind))
    printed = capsys.readouterr().out
    for who in Who:
        assert who.value in printed
    assert printed.count("The champion is better than the ") == 3
    (champion,) = (line for line in printed.splitlines() if re.match(r"champion  +\d", line))
    assert len(re.findall(r"\d\.\d{3} \(\d\.\d{3} to \d\.\d{3}\)", champion)) >= len(kind.headline)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_the_page_stands_alone_and_draws_each_headline_metric(kind):
    page = backtest_page(*walked(kind))
    assert page.count("<figure>") == len(kind.headline)
    assert not re.search(r"<script|src=|href=|https?://|url\(", page)
    assert "&lt;b&gt;held&lt;/b&gt;" in page
    assert "nan" not in page.casefold()


def test_the_object_holds_every_figure(capsys):
    told = json.loads(json.dumps(as_object(*walked(BINARY))))
    brier = told["whole"]["champion"]["brier"]
    assert brier["low"] < brier["value"] < brier["high"]
    assert told["champion_over"]["baseline"]["high"] < 1
    assert [period["first"] for period in told["periods"]] == [
        "2013-01-07",
        "2013-01-14",
        "2013-01-21",
        "2013-01-28",
        "2013-02-04",
    ]


def test_a_walk_without_a_champion_says_why(capsys):
    none = walked(BINARY, pl.DataFrame(schema=SCORED))
    show_backtest(*none)
    assert "No version became champion" in capsys.readouterr().out
    assert "No version became champion" in backtest_page(*none)
