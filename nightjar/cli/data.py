"""Commands about data: bring in files, build features, tell Feast what the models declare."""

from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer

from nightjar import console
from nightjar.cli.options import DEFAULT_MODEL, Model, Today, day, instant, opened, spec_of, today_or


def land(
    dataset: Annotated[str, typer.Argument(help="Name of a raw dataset of the model.")],
    landed_day: Annotated[date, typer.Argument(parser=day, metavar="YYYY-MM-DD", help="The day the file is about.")],
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A CSV file with a header.")],
    model: Model = DEFAULT_MODEL,
    recorded_at: Annotated[
        datetime | None,
        typer.Option(parser=instant, metavar="INSTANT", help="When its content became known, like 2013-10-01T16:00:00+00:00; now, if not given."),
    ] = None,
) -> None:
    """Check one delivered file and keep it. A different file for a day that has landed is kept beside it, as a correction."""
    from nightjar.usecases.landing import land_file

    platform, spec = opened(), spec_of(model)
    result = land_file(spec, dataset, landed_day, file, recorded_at, raw=platform.raw)
    console.out.print(f"{dataset} {landed_day}: {result}")


def features_apply() -> None:
    """Tell Feast's registry what the models declare. Part of a deployment; a flow never does it."""
    opened().apply_features()
    console.out.print("the feature registry is up to date")


def features_build(model: Model = DEFAULT_MODEL, today: Today = None) -> None:
    """Land what was delivered by --today and build the features of it."""
    from nightjar.core.training_set import known_days

    platform, spec = opened(), spec_of(model)
    known = platform.evening(spec, today_or(spec, today))
    platform.ready(spec, known, console.bar)
    for dataset in spec.datasets:
        console.out.print(known_days(dataset.name, platform.raw.recorded(dataset.name), known))
