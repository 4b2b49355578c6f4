"""The tune command searches better parameters for a model."""

from typing import Annotated

import typer

from nightjar.cli.options import Model, Named, Today, duration, one_name, opened, spec_of, today_or
from nightjar.showing import console

Budget = Annotated[
    float, typer.Option(parser=duration, metavar="TIME", help="How long to try, like 90s, 10m or 2h.")
]


def tune(named: Named = None, model: Model = None, *, budget: Budget, today: Today = None) -> None:
    """Try parameters on nights before those that judge a version. Nothing is trained for good or promoted.

    Run it again to go on with the same search.
    """
    from nightjar.core.night.clock import evening_by_now
    from nightjar.showing.tuning import show_search

    platform, spec = opened(), spec_of(one_name(named, model))
    known = evening_by_now(spec, today_or(spec, today))
    platform.prepare(spec).ready(known, console.bar)
    show_search(spec, platform.tune(spec, console.bar).run(known, budget))
