"""The desk command writes the pages of the desk as files that open offline."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nightjar.cli.options import opened
from nightjar.core.desk.places import TOP, night_file
from nightjar.core.errors.base import NightjarError
from nightjar.core.errors.settings import BadSettings
from nightjar.core.plurals import counted
from nightjar.showing import console

if TYPE_CHECKING:
    from nightjar.wiring.platform import Platform


def desk(
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Where to write the pages.")],
    model: Annotated[str | None, typer.Option(help="Only this model. Without it: every model.")] = None,
    reports: Annotated[
        int,
        typer.Option(min=0, metavar="N", help="Copy the reports of the last N nights."),
    ] = 14,
) -> None:
    """Write the desk as files: the nights of each model, a page for each night, and the runbooks.

    `nightjar up` serves the same pages under /desk. They are read with an analyst's rights.
    """
    from nightjar.showing import desk as pages
    from nightjar.showing import runbooks

    platform = opened()
    reader = platform.desk_reader()
    seen = [one for one in reader.models() if model in (None, one.model)]
    if not seen:
        raise BadSettings(
            f"No model {model} has a version" if model else "No model has a version yet",
            "`nightjar models` lists them.",
        )
    now = reader.open_now()
    of_these = [one for one in now.troubles if model in (None, one.model) or not one.model]
    top = pages.index(seen, replace(now, troubles=of_these), served=False)
    written = {TOP: top, **dict(runbooks.every_page())}
    for one in seen:
        for name, html in pages_of(platform, one.model, reports):
            written[f"{one.model}/{name}"] = html
    for name, html in written.items():
        file = out / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(html, encoding="utf-8")
    console.out.print(f"desk: {out / TOP} ({counted(len(written), 'page')})")


def pages_of(platform: "Platform", model: str, reports: int) -> Iterator[tuple[str, str]]:
    """The pages of a model, its nights, and the reports of the last nights, by the names of their files."""
    import models
    from nightjar.showing import desk as pages
    from nightjar.usecases.monitoring.desk import ReadDesk

    read = ReadDesk(reader=platform.desk_reader(), specs=models.MODELS)
    desk, days = read.model(model)
    drawn = {day.score_date for day in days[max(0, len(days) - reports) :]}
    html = {one: report(platform, one.uri) for one in desk.reports if one.score_date in drawn}
    copied = {one: text for one, text in html.items() if text is not None}
    desk = replace(desk, reports=list(copied))
    yield from ((pages.report_file(one), text) for one, text in copied.items())
    yield TOP, pages.model_page(desk, days, models.MODELS.get(model), served=False)
    for day in days:
        of = read.reader.night(model, day.score_date)
        shown = replace(of, reports=[one for one in of.reports if one in copied])
        yield (
            night_file(day.score_date),
            pages.night_page(desk, day, shown, models.MODELS.get(model), served=False),
        )


def report(platform: "Platform", uri: str) -> str | None:
    """None if its file is gone: reports are pruned before the nights that they are about."""
    try:
        return platform.artifacts.get(uri).read_text(encoding="utf-8")
    except NightjarError as error:
        console.notice(str(error), level="warning")
        return None
