"""These commands bring in files, build features, and tell Feast what the models declare."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nightjar.cli.options import Model, Today, day, instant, opened, spec_of, specs_of, today_or
from nightjar.core.errors.inputs import DeliveriesLost
from nightjar.core.errors.settings import BadSettings
from nightjar.showing import console
from nightjar.showing.remedies import remedy

if TYPE_CHECKING:
    from nightjar.core.model.spec import ModelSpec
    from nightjar.core.ports.raw import Landed


def land(
    dataset: Annotated[str, typer.Argument(help="Name of a raw dataset of the model.")],
    landed_day: Annotated[
        date,
        typer.Argument(
            parser=day, metavar="YYYY-MM-DD", help="The day the file is about, or the first of several."
        ),
    ],
    file: Annotated[
        Path, typer.Argument(help="A file in the format that its dataset declares: docs/sources.md.")
    ],
    model: Model = None,
    recorded_at: Annotated[
        datetime | None,
        typer.Option(
            parser=instant,
            metavar="INSTANT",
            help="When its content became known, like 2013-10-01T16:00:00+00:00; now, if not given.",
        ),
    ] = None,
    through: Annotated[
        date | None,
        typer.Option(
            parser=day,
            metavar="YYYY-MM-DD",
            help="The last day that the file is about, if it is about several.",
        ),
    ] = None,
) -> None:
    """Check one delivered file and keep it.

    A different file for a day that has landed is kept beside it, as a correction. It settles what was set
    aside of that day. A bad file ends the command with its error, and is not set aside. A day of outcomes is
    checked at once: if it is unlike others, it is held.
    """
    if recorded_at is not None and recorded_at > datetime.now(UTC):
        raise BadSettings(
            f"--recorded-at {recorded_at.isoformat()} is in the future; no night sees the file until then",
            "Give the instant when its content became known, or none.",
        )
    platform, spec = opened(), spec_of(model)
    result = platform.prepare(spec).land_file(dataset, landed_day, file, recorded_at, through)
    at = platform.raw_of(spec).recorded_as(spec.dataset(dataset), landed_day, file, recorded_at, through)
    told = f"{result}{recorded(result, at, now=recorded_at is None)}"
    console.out.print(console.plain(f"{dataset} {landed_day}{f' to {through}' if through else ''}: {told}"))


def recorded(result: "Landed", at: datetime | None, *, now: bool) -> str:
    """What follows the result of a landing: as known from when on its content counts. now: none was given."""
    if at is None:
        return ""
    instant = f"{at:%Y-%m-%d %H:%M:%S} UTC"
    if result in {"unchanged", "restored"}:
        return f"; it stays recorded at {instant}"
    return f", as recorded now ({instant})" if now else f", as recorded at {instant}"


def deliveries_list(model: Model = None) -> None:
    """List what the feed delivered badly and nothing has replaced, and landed files that are gone.

    It tells what is wrong with each, what to do, and where its bytes are kept. The list lies in the data
    folder, so without the folder there is none.
    """
    from nightjar.usecases.data.landing import lost, set_aside

    platform, spec = opened(), spec_of(model)
    platform.require_data(spec)
    raw = platform.raw_of(spec)
    gone = lost(spec, raw)
    for each in gone:
        console.out.print(console.plain(f"lost: {each.dataset} {each.about}: {each.file} is gone"))
    if gone:
        console.out.print(console.plain(remedy(DeliveriesLost(gone, spec.name))))
    refusals = set_aside(spec, raw)
    if not refusals:
        console.out.print("no delivery is set aside")
        return
    console.show_refusals(refusals)
    console.show_kept(refusals)


def deliveries_clear(
    dataset: Annotated[str, typer.Argument(help="Name of a raw dataset of the model.")],
    cleared_day: Annotated[
        date, typer.Argument(parser=day, metavar="YYYY-MM-DD", help="A day that the deliveries are about.")
    ],
    model: Model = None,
    lost: Annotated[
        bool,
        typer.Option("--lost", help="Give up the landed files of the day that are gone from the disk."),
    ] = False,
) -> None:
    """Settle what is set aside of a day that will not be delivered again.

    It counts as never delivered, and is listed no more. A file about several days is settled by any of them.
    With --lost, landed files of the day that are gone are given up: nights and trainings go on without them,
    and features that were built of them stay.
    """
    from nightjar.usecases.data.landing import clear, give_up

    platform, spec = opened(), spec_of(model)
    if lost:
        for each in give_up(spec, dataset, cleared_day, raw=platform.raw_of(spec)):
            console.out.print(console.plain(f"given up: {dataset} {each.about}: {each.file}"))
        return
    for refusal in clear(spec, dataset, cleared_day, raw=platform.raw_of(spec)):
        console.out.print(console.plain(f"cleared: {dataset} {refusal.about}: {refusal.problem}"))


def to_rebuild(spec: "ModelSpec", asked: Sequence[str], *, rebuild: bool) -> frozenset[str]:
    """The tables that a person wants to be built anew. Raises BadSettings for one that the model lacks."""
    known = [table.name for table in spec.feature_tables]
    if asked and not rebuild:
        raise BadSettings("--table names a table to build anew", "Give --rebuild with it.")
    if unknown := sorted(set(asked) - set(known)):
        raise BadSettings(
            f"{spec.name} has no feature table {', '.join(unknown)}", f"It has {', '.join(known)}."
        )
    return frozenset(asked or known) if rebuild else frozenset()


def features_apply() -> None:
    """Tell Feast's registry what the models declare. Part of a deployment; a flow never does it.

    Models that cannot be used are told, and the others are declared.
    """
    platform, specs = opened(), specs_of(None)
    platform.apply_features()
    console.out.print("the feature registry is up to date")
    console.out.print(f"models: {', '.join(spec.name for spec in specs)}")


def features_build(
    model: Model = None,
    today: Today = None,
    rebuild: Annotated[
        bool,
        typer.Option("--rebuild", help="Build all days anew, although the code of the tables is the same."),
    ] = False,
    tables: Annotated[
        list[str] | None,
        typer.Option("--table", help="Rebuild only this table. May be given more than once."),
    ] = None,
    from_nothing: Annotated[
        bool,
        typer.Option(
            "--from-nothing", help="Also if the data folder is empty although versions were trained on it."
        ),
    ] = False,
) -> None:
    """Land what was delivered by --today and build the features of it.

    The newest day of each table to scan is read too, so a wrong column is found before a night.
    A table whose code changed is built anew in any case. Nights read its old rows until the new ones are
    whole.
    """
    from nightjar.core.lifecycle.training_set import known_days
    from nightjar.core.night.clock import evening_by_now
    from nightjar.usecases.data.tables import require_as_declared

    platform, spec = opened(), spec_of(model)
    known = evening_by_now(spec, today_or(spec, today))
    afresh = to_rebuild(spec, tables or (), rebuild=rebuild)
    prepare = platform.prepare(spec)
    if from_nothing:
        prepare = prepare.from_nothing()
    console.show_rebuilds(prepare.rebuilds())
    prepare.ready(known, console.bar, afresh=afresh)
    require_as_declared(spec, platform.raw_of(spec), known.date())
    for dataset in spec.datasets:
        console.out.print(known_days(dataset.name, platform.raw_of(spec).recorded(dataset.name), known))
