"""The desk command writes the pages of the desk as files that open offline."""

from pathlib import Path
from typing import Annotated

import typer

from nightjar.cli.options import opened
from nightjar.core.errors.settings import BadSettings
from nightjar.showing import console


def desk(
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Where to write the pages.")],
    model: Annotated[str | None, typer.Option(help="Only this model. Without it: every model.")] = None,
) -> None:
    """Write the desk as files: the nights of each model, and a page for each night.

    `nightjar up` serves the same pages under /desk. They are read with an analyst's rights.
    """
    import models
    from nightjar.showing import desk as pages
    from nightjar.usecases.monitoring.desk import ReadDesk

    reader, specs = opened().desk_reader(), models.find()[0]
    seen = [one for one in reader.models() if model in (None, one.model)]
    if not seen:
        raise BadSettings(
            f"No model {model} has a version" if model else "No model has a version yet",
            "`nightjar models` lists them.",
        )
    written = {pages.TOP: pages.index(seen)}
    for one in seen:
        of_model, days = ReadDesk(reader=reader, specs=specs)(one.model)
        spec = specs.get(one.model)
        written[f"{one.model}/{pages.TOP}"] = pages.model_page(of_model, days, spec, served=False)
        for day in days:
            rows = reader.explained(one.model, day.score_date)
            name = f"{one.model}/{pages.night_file(day.score_date)}"
            written[name] = pages.night_page(of_model, day, rows, served=False)
    for name, html in written.items():
        file = out / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(html, encoding="utf-8")
    console.out.print(f"desk: {out / pages.TOP} ({len(written)} pages)")
