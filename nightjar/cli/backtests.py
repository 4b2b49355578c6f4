"""The backtest command walks forward through past nights: how would versions of the past have done?"""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from nightjar.cli.options import First, Json, Last, Model, Named, one_name, opened, require_order, spec_of
from nightjar.showing import console

Pace = Annotated[
    str, typer.Option(help="scheduled (by the spec), daily, weekly, monthly, never, or 'N occasions'.")
]


def backtest(
    named: Named = None,
    model: Model = None,
    *,
    first: First,
    last: Last,
    retrain: Pace = "scheduled",
    despite_gates: Annotated[
        bool, typer.Option("--despite-gates", help="Let every version score, whatever its gates say.")
    ] = False,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where to write the page with its curve.")
    ] = None,
    ages: Annotated[
        bool, typer.Option("--ages", help="Score all later nights with each version: quality by age.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Walk forward: train on what was known, judge, promote, score until the next training, and measure.

    Nothing is published. Run it again to go on where it was stopped.
    """
    from nightjar.core.lifecycle.walk import Plan, steps_of
    from nightjar.core.night.clock import wanted_until
    from nightjar.showing.backtest import (
        as_object,
        backtest_page,
        show_ages,
        show_backtest,
        show_correlations,
    )
    from nightjar.usecases.lifecycle.aging import aged
    from nightjar.usecases.lifecycle.foretelling import foretold

    require_order(first, last)
    platform, spec = opened(), spec_of(one_name(named, model))
    plan = Plan(model=spec.name, first=first, last=last, retrain=retrain, despite_gates=despite_gates)
    steps_of(spec, plan)
    if html is not None:  # a folder that cannot be made is told before the walk, which takes long
        html.parent.mkdir(parents=True, exist_ok=True)
    platform.prepare(spec).ready(wanted_until(spec, last, datetime.now(UTC)), console.bar)
    use_case = platform.backtest(spec, console.bar)
    walked = use_case.walk(plan)
    found = aged(spec, walked, use_case.predictors) if ages else ()
    if html is not None:
        html.write_text(backtest_page(spec, walked, found), encoding="utf-8")
    if as_json:
        typer.echo(json.dumps(as_object(spec, walked, found), indent=1))
        return
    show_backtest(spec, walked)
    show_correlations(spec.kind, foretold(spec.kind, walked, platform.artifacts))
    if ages:
        show_ages(found)
    if html is not None:
        console.out.print(f"page: {html}")
