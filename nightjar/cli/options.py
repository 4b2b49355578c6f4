"""The commands share this code: it parses values, and it opens the platform and finds the model."""

import math
import re
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from nightjar.core.errors.base import NightjarError
from nightjar.core.errors.settings import BadSettings
from nightjar.core.years import YEARS
from nightjar.showing import console
from nightjar.showing.remedies import advised, told

if TYPE_CHECKING:
    from nightjar.core.model.spec import ModelSpec
    from nightjar.usecases.scoring.backfill import BackfillSummary
    from nightjar.wiring.platform import Platform

ANSWERS_WITHIN_S = 30.0
"""Prefect's own client asks a server that hangs again and again, for six minutes."""


def day(text: str) -> date:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no date; write it like 2013-10-01") from None
    if found.year not in YEARS:
        raise typer.BadParameter(f"{found} is not between {YEARS.start} and {YEARS.stop - 1}")
    return found


def instant(text: str) -> datetime:
    """Parse an instant, in UTC. An instant without an offset is taken as UTC."""
    from datetime import UTC

    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no instant; write it like 2013-10-01T16:00:00+00:00") from None
    day(str(found.date()))
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def seconds(text: str) -> float:
    """Parse a finite number of seconds to wait."""
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not 0 <= found < math.inf:
        raise typer.BadParameter(f"{text!r} is no number of seconds; write it like 30")
    return found


def duration(text: str) -> float:
    """Parse a span of time, in seconds: 90s, 10m or 2h."""
    found = re.fullmatch(r"(\d{1,6})([smh])", text)
    if found is None:
        raise typer.BadParameter(f"{text!r} is no span of time; write it like 90s, 10m or 2h")
    return int(found[1]) * {"s": 1.0, "m": 60.0, "h": 3600.0}[found[2]]


def stated(text: str) -> str:
    """Parse a reason that is not empty. The ledger keeps it for ever."""
    if not text.strip():
        raise typer.BadParameter("a reason must say something")
    return text


def share_told(text: str) -> float:
    """Parse a share, like 25% or 0.25."""
    try:
        found = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no share; write it like 25% or 0.25") from None
    if not 0 <= found <= 1:
        raise typer.BadParameter(f"{text} is not between 0% and 100%")
    return found


NAME = "Name of a folder in models/."
Model = Annotated[
    str | None,
    typer.Option("--model", "-m", help=f"{NAME} Without it: NIGHTJAR_MODEL, or the only one."),
]
Named = Annotated[
    str | None, typer.Argument(metavar="MODEL", help="The same as --model.", show_default=False)
]
"""For commands that take the name of the model as a word too. `one_name` makes one of both."""
OneOrAll = Annotated[str | None, typer.Option("--model", "-m", help=f"{NAME} Without it: all, as above.")]
"""For commands that look at all models, or at all of a sort. Their own text says which."""
Date = Annotated[
    date | None,
    typer.Option("--date", "-d", parser=day, metavar="YYYY-MM-DD", help="The local date to score."),
]
First = Annotated[date, typer.Option("--from", parser=day, metavar="YYYY-MM-DD", help="First score date.")]
Last = Annotated[date, typer.Option("--to", parser=day, metavar="YYYY-MM-DD", help="Last score date.")]
Today = Annotated[
    date | None,
    typer.Option(
        parser=day,
        metavar="YYYY-MM-DD",
        help="Stands in for the calendar: only what was known on this day's evening is used.",
    ),
]

KnownAt = Annotated[
    datetime | None,
    typer.Option(
        "--known-at",
        parser=instant,
        metavar="INSTANT",
        help="Corrections recorded up to this instant count, like 2013-10-01T16:00:00+00:00.",
    ),
]

Accept = Annotated[
    str | None,
    typer.Option(
        parser=stated,
        metavar="REASON",
        help=(
            "Publish though features are stale or the audit finds the night odd; the ledger keeps why, and "
            "what was found."
        ),
    ),
]

ByVersion = Annotated[
    int | None,
    typer.Option(
        "--version",
        min=1,
        metavar="NUMBER",
        help="Score with this version. Without it, a past night gets the champion of its own evening.",
    ),
]
Reason = Annotated[
    str | None,
    typer.Option(
        parser=stated,
        metavar="REASON",
        help="Why that version; the ledger keeps it. A version that failed its gates needs one.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of tables.")]


def require_order(first: date, last: date) -> None:
    """Raises BadSettings if the last score date lies before the first."""
    if last < first:
        raise BadSettings(f"--to {last} lies before --from {first}", "Name the earlier date with --from.")


def opened(*, service: bool = False) -> "Platform":
    """Open the configured platform and configure this process's log.

    service: True if the process prints its log, not a result.
    """
    from nightjar.wiring import logs
    from nightjar.wiring.executors import executor_of
    from nightjar.wiring.platform import Platform

    platform = Platform(advised=advised, parts=executor_of)
    settings = platform.settings
    level = "warning" if settings.log_level == "info" else settings.log_level
    logs.of_command_line(settings.log_format, level, all_of_it=service)
    return platform


def require_executor(platform: "Platform") -> None:
    """Raises BadSettings, ExtraMissing if what is configured to score the parts of nights cannot be used."""
    from nightjar.wiring.executors import executor_of

    executor_of(platform)


def spec_of(model: str | None) -> "ModelSpec":
    import models
    from nightjar.wiring.settings import Settings

    return models.model(model or Settings().model)


def one_name(word: str | None, model: str | None) -> str | None:
    """The name of the model, which is given as a word or with --model. Raises BadSettings for two names."""
    if word is not None and model not in {None, word}:
        raise BadSettings(f"Two models are named, {word} and {model}", "Name one.")
    return model if word is None else word


def specs_of(model: str | None) -> "tuple[ModelSpec, ...]":
    """The model that is named, or else all that can be used; what is wrong with the others is told."""
    import models

    if model is not None:
        return (models.model(model),)
    for error in models.BROKEN.values():
        console.tell_error(error)
    return tuple(models.MODELS.values())


def end(summary: "BackfillSummary") -> None:
    """Show all failures, then end with the exit code of the first night that failed."""
    for failed in summary.failed:
        console.err.print(console.headed(f"{failed.score_date}:", "bold red", told(failed.error)))
    failure = next((failed.error for failed in summary.failed), None)
    if isinstance(failure, NightjarError):
        raise typer.Exit(failure.exit_code)
    summary.raise_failure()


def today_or(spec: "ModelSpec", today: date | None) -> date:
    """Return the given day, or today's date in the model's time zone.

    If the model replays a recorded year, today's date is moved into that year. Raises BadSettings for a day
    in the future.
    """
    from datetime import UTC

    from nightjar.core.night.clock import today_from

    return today_from(spec, today, datetime.now(UTC))
