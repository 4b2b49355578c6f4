"""These commands train a version, measure versions, and give one a role."""

from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nightjar.cli.options import Model, Today, day, opened, share_told, spec_of, stated, today_or
from nightjar.showing import console
from nightjar.showing.remedies import waiting_told

if TYPE_CHECKING:
    from nightjar.core.model.spec import ModelSpec
    from nightjar.core.monitoring.due import Wait


Promote = Annotated[bool, typer.Option(help="Let a version that passes its gates become champion.")]


def retrain(model: Model = None, today: Today = None, promote: Promote = True) -> None:
    """Train on all that was known by --today, measure on unseen days, and register the version.

    It becomes champion if it passes its gates.
    """
    from nightjar.core.night.clock import evening_by_now

    platform, spec = opened(), spec_of(model)
    known = today_or(spec, today)
    platform.prepare(spec).land(evening_by_now(spec, known), console.bar)
    console.show_training(platform.retrain(spec, known, promote=promote, progress=console.bar))


def register(
    file: Annotated[Path, typer.Argument(help="The model, in a format of docs/learners.md.")],
    model: Model = None,
    algorithm: Annotated[
        str | None,
        typer.Option(help="Its library, if the suffix of the file does not tell."),
    ] = None,
    trained_through: Annotated[
        date | None,
        typer.Option(parser=day, metavar="YYYY-MM-DD", help="The last date whose outcomes it has seen."),
    ] = None,
    meta: Annotated[
        Path | None, typer.Option(help="Its description, as JSON with the fields of docs/learners.md.")
    ] = None,
    today: Today = None,
    promote: Promote = True,
) -> None:
    """Take a version that was trained elsewhere, measure it on days it has not seen, and register it.

    It becomes champion if it passes its gates. An option counts before the description.
    """
    from nightjar.adapters.learners.descriptions import read_description
    from nightjar.core.model.description import UNDESCRIBED
    from nightjar.core.night.clock import evening_by_now

    platform, spec = opened(), spec_of(model)
    told = UNDESCRIBED if meta is None else read_description(meta)
    given = {"algorithm": algorithm, "trained_through": trained_through}
    told = told.model_copy(update={name: value for name, value in given.items() if value is not None})
    origin, known = platform.read_elsewhere(spec, file, told), today_or(spec, today)
    platform.prepare(spec).land(evening_by_now(spec, known), console.bar)
    summary = platform.retrain(spec, known, promote=promote, progress=console.bar, origin=origin)
    console.show_training(summary)


def monitor(model: Model = None, today: Today = None) -> None:
    """Load the outcomes known by --today and measure every published night against them.

    Do what else a published night lacks.
    """
    from nightjar.core.night.clock import evening_by_now

    platform, spec = opened(), spec_of(model)
    known = evening_by_now(spec, today_or(spec, today))
    follow_up = platform.follow_up(spec)
    if not platform.store.published(spec.name):
        show_waiting(spec, follow_up.measure.waiting((), known))
        return
    platform.prepare(spec).ready(known, console.bar)
    measured = follow_up.measure.outcomes_known(known)
    console.show_performance(spec, measured)
    console.show_trailing(spec, follow_up.measure.trailing(measured, known))
    show_waiting(spec, follow_up.measure.waiting(measured, known))
    for sentence in platform.estimate_nights(spec).told(known):
        console.out.print(f"expected of {sentence}")
    console.show_undecided(platform.guard_outcomes(spec).undecided())
    console.show_challenger(follow_up.settle())
    for score_date, lacks in follow_up.catch_up(console.bar).items():
        console.show_lacks(spec.name, score_date, lacks)


def show_waiting(spec: "ModelSpec", waits: "Iterable[Wait]") -> None:
    for wait in waits:
        console.out.print(waiting_told(spec, wait))


def promote(
    version: Annotated[int, typer.Argument(help="Number of the version, as `nightjar status` lists it.")],
    reason: Annotated[
        str, typer.Option(parser=stated, metavar="REASON", help="Why; it is kept in the ledger.")
    ],
    model: Model = None,
    challenger: Annotated[
        bool, typer.Option("--challenger", help="Let it score in shadow beside the champion instead.")
    ] = False,
    despite_gates: Annotated[
        bool, typer.Option("--despite-gates", help="Promote a version that failed its gates.")
    ] = False,
) -> None:
    """Make a version champion by hand: to roll back, to approve, or to try a challenger in shadow."""
    from nightjar.usecases.lifecycle.by_hand import Decided, decide_by_hand

    platform, spec = opened(), spec_of(model)
    decided = Decided.CHALLENGER if challenger else Decided.CHAMPION
    done = decide_by_hand(
        spec, platform.registry, platform.artifacts, version, decided, reason, despite_gates=despite_gates
    )
    console.out.print(done)


def withdraw(
    version: Annotated[int, typer.Argument(help="Number of the challenger.")],
    reason: Annotated[
        str, typer.Option(parser=stated, metavar="REASON", help="Why; it is kept in the ledger.")
    ],
    model: Model = None,
) -> None:
    """Let the challenger score in shadow no more."""
    from nightjar.usecases.lifecycle.by_hand import Decided, decide_by_hand

    platform, spec = opened(), spec_of(model)
    done = decide_by_hand(spec, platform.registry, platform.artifacts, version, Decided.WITHDRAWN, reason)
    console.out.print(done)


def share(
    version: Annotated[int, typer.Argument(help="Number of the challenger.")],
    part: Annotated[
        float, typer.Argument(parser=share_told, metavar="SHARE", help="As 25% or 0.25; 0 is in shadow.")
    ],
    reason: Annotated[
        str, typer.Option(parser=stated, metavar="REASON", help="Why; it is kept in the ledger.")
    ],
    model: Model = None,
    despite_gates: Annotated[
        bool, typer.Option("--despite-gates", help="Let a version serve that failed its gates.")
    ] = False,
) -> None:
    """Let the challenger serve a share of the entities: analysts see its score of them."""
    from nightjar.usecases.lifecycle.by_hand import serve_by_hand

    platform, spec = opened(), spec_of(model)
    done = serve_by_hand(
        spec, platform.registry, platform.artifacts, version, part, reason, despite_gates=despite_gates
    )
    console.out.print(done)


def challenge(model: Model = None) -> None:
    """Show challenger and champion on the same rows, and each on the rows that it served."""
    from nightjar.core.monitoring.arms import by_arm

    platform, spec = opened(), spec_of(model)
    judge = platform.judge_challenger(spec)
    standing = judge.standing()
    if standing is None:
        console.out.print(f"{spec.name} has no challenger")
        return
    console.show_challenger(standing)
    versions = (standing.champion, standing.challenger)
    console.show_arms(by_arm(standing.nights, spec.nightly, *versions, judge.policy.alpha))
