"""Show one row of a published night: its score, its reasons, and what it was made of."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rich.console import Console

from nightjar.core.plurals import counted
from nightjar.showing.console import plain, table

if TYPE_CHECKING:
    from nightjar.core.explaining.row import FeatureRow, RowExplained, Source

INPUTS = ("input", "value", "adds", "in words")
PUBLISHED = ("published (UTC)", "action", "run", "revision", "version", "score", "reason")
NEIGHBOURS = ("score date", "entity", "score", "version")
SOURCES = ("dataset", "day", "recorded (UTC)", "rows", "of", "first keys", "where")
FEATURES = ("feature table", "keys", "event (UTC)", "created (UTC)", "raw day", "made again")
BROKEN = ("column", "check", "value")
FILES_SHOWN = 5
"""How many of a feature table's deliveries are shown, the newest. `--json` has all."""


def show(row: "RowExplained", out: Console) -> None:
    for line in head(row):
        out.print(plain(line))
    for title, columns, rows in tables(row):
        if rows:
            out.print(table(title, columns, rows))
    if not row.neighbours:
        out.print("the entity has no score on the nights around")
    if row.features_from:
        out.print(plain(f"features: {row.features_from}, whose rows are not traced"))


def head(row: "RowExplained") -> Iterator[str]:
    """Score, version and raw score, a sentence each."""
    night = f"{row.model} {row.score_date} {row.entity_key}"
    yield f"{night}: {'no score, set aside' if row.score is None else f'score {row.score:.4f}'}"
    for name, value in row.outputs.items():
        yield f"  {name}: {value:.4f}"
    kept = f", its score kept from run {row.scored_by_run}" if row.scored_by_run != row.run_id else ""
    yield (
        f"run {row.run_id}, revision {row.revision}{kept}; known as of {row.as_of:%Y-%m-%d %H:%M} UTC, "
        f"corrections up to {row.known_at:%Y-%m-%d %H:%M} UTC"
    )
    version = row.version
    refit = f", a refit of version {version.refit_of}" if version.refit_of else ""
    yield (
        f"version {version.number} ({version.algorithm}){refit}, trained on {version.trained_from} to "
        f"{version.trained_through}, {counted(version.rows, 'row')}"
    )
    if row.unexplained:
        yield f"no contributions: {row.unexplained}"
    elif row.raw_score is not None and row.base_value is not None:
        added = row.raw_score - row.base_value
        yield f"raw score {row.raw_score:.4f} = base {row.base_value:.4f} + inputs {added:.4f}"


Rows = Sequence[tuple[object, ...]]


def tables(row: "RowExplained") -> Iterator[tuple[str, tuple[str, ...], Rows]]:
    """Title, columns and rows of each table; one without rows is not shown."""
    yield (
        "why it was set aside",
        BROKEN,
        [tuple(str(reason.get(name)) for name in BROKEN) for reason in row.broken],
    )
    yield (
        "inputs, the strongest first",
        INPUTS,
        [(each.input, each.value, each.contribution, each.words) for each in row.inputs],
    )
    yield (
        "what was published of it",
        PUBLISHED,
        [
            (
                f"{each.published_at:%Y-%m-%d %H:%M:%S}",
                each.action,
                str(each.run_id),
                str(each.revision),
                str(each.version),
                each.score,
                each.reason or "",
            )
            for each in row.publications
        ],
    )
    yield (
        "the nights around",
        NEIGHBOURS,
        [(str(each.score_date), each.entity_key, each.score, str(each.version)) for each in row.neighbours],
    )
    yield "raw rows of the population", SOURCES, [*map(source, row.population)]
    yield "feature rows", FEATURES, [*map(feature, row.features)]
    for each in row.features:
        yield (
            f"raw rows of {each.table}{left_out(each)}",
            SOURCES,
            [*map(source, each.sources[-FILES_SHOWN:])],
        )


def left_out(row: "FeatureRow") -> str:
    more = len(row.sources) - FILES_SHOWN
    return f": the newest {FILES_SHOWN} of {len(row.sources)} deliveries" if more > 0 else ""


def source(each: "Source") -> tuple[object, ...]:
    keys = "; ".join(keys_told(keys) for keys in each.keys)
    recorded = f"{each.recorded_at:%Y-%m-%d %H:%M:%S}"
    return each.dataset, str(each.day), recorded, each.rows, each.of, keys, each.place


def feature(row: "FeatureRow") -> tuple[object, ...]:
    if row.event_timestamp is None or row.created is None:
        return row.table, keys_told(row.keys), "none was known", "", "", ""
    again = {None: "no: today's code makes no such row", True: "the same", False: "differs"}[row.same]
    instants = (f"{instant:%Y-%m-%d %H:%M:%S}" for instant in (row.event_timestamp, row.created))
    return row.table, keys_told(row.keys), *instants, str(row.raw_day or ""), again


def keys_told(keys: object) -> str:
    return ", ".join(f"{name}={value}" for name, value in keys.items()) if isinstance(keys, dict) else ""
