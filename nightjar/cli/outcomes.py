"""These commands show the days of outcomes that are held or doubted, and take a person's decision."""

from datetime import date
from typing import Annotated

import typer

from nightjar.cli.options import Model, Today, day, opened, spec_of, stated, today_or
from nightjar.showing import console

Held = Annotated[
    date, typer.Argument(parser=day, metavar="YYYY-MM-DD", help="The day that is held or doubted.")
]
Reason = Annotated[str, typer.Option(parser=stated, metavar="REASON", help="Why; it is kept in the ledger.")]


def outcomes_list(model: Model = None) -> None:
    """List the days of outcomes that are held or doubted, and what stands against each.

    Days that nothing has checked yet are counted.
    """
    platform, spec = opened(), spec_of(model)
    guard = platform.guard_outcomes(spec)
    undecided, unchecked = guard.undecided(), guard.unchecked()
    console.show_undecided(undecided)
    if not undecided:
        console.out.print("no outcomes are held or doubted")
    console.show_unchecked(unchecked)


def outcomes_findings(of_day: Held, model: Model = None) -> None:
    """Show everything that stands against a day that is held or doubted, with all numbers."""
    platform, spec = opened(), spec_of(model)
    for check in platform.guard_outcomes(spec).undecided_of(of_day):
        console.show_findings(check)


def outcomes_accept(held_day: Held, reason: Reason, model: Model = None, today: Today = None) -> None:
    """Let a held day count from now on, or say of a doubted one, which counts already, that it is right."""
    from nightjar.core.monitoring.outcome_guard import Verdict
    from nightjar.core.night.clock import evening_by_now

    platform, spec = opened(), spec_of(model)
    counts_from = evening_by_now(spec, today_or(spec, today))
    for check in platform.guard_outcomes(spec).decide(held_day, Verdict.ACCEPTED, reason, counts_from):
        console.out.print(f"accepted: {check.dataset} {check.day}, it counts from {check.counts_from} on")


def outcomes_refuse(held_day: Held, reason: Reason, model: Model = None, today: Today = None) -> None:
    """Never let a held day count. A corrected file of the day is checked by itself."""
    from nightjar.core.monitoring.outcome_guard import Verdict
    from nightjar.core.night.clock import evening_by_now

    platform, spec = opened(), spec_of(model)
    now = evening_by_now(spec, today_or(spec, today))
    for check in platform.guard_outcomes(spec).decide(held_day, Verdict.REFUSED, reason, now):
        console.out.print(f"refused: {check.dataset} {check.day}; land a corrected file for it")
