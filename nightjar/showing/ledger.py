"""Show versions, their roles, and how two of them differ."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from nightjar.core.kinds import kind_of
from nightjar.showing import console
from nightjar.showing.gates import next_step

if TYPE_CHECKING:
    from nightjar.core.lifecycle.differing import Beside, Change, Measured, ScoreDifference, VersionDifference
    from nightjar.core.model.entities import Promotion, Version
    from nightjar.core.night.replay import ColumnDifference, Replayed
    from nightjar.usecases.lifecycle.holdings import Held

VERSIONS = ("version", "algorithm", "data known at (UTC)", "trained through", "refit of", "gates", "roles")
GATES = ("version", "gate", "verdict", "value", "limit", "why")
LEDGER = ("since (UTC)", "role", "version", "by", "why")


def show_versions(held: "Sequence[Held]", ledger: "Sequence[Promotion]", *, then: str | None) -> None:
    """Show versions newest first, the verdict of each gate, and every promotion.

    then: the date whose roles are shown beside those of now, in words.
    """
    columns = VERSIONS if then is None else (*VERSIONS, f"roles on {then}")
    rows = [version_row(one, then=then is not None) for one in held]
    console.out.print(console.table("versions", columns, rows))
    gates = [gate for one in held for gate in gate_rows(one.version)]
    console.out.print(console.table("gates", GATES, gates))
    if held and (step := next_step(held[0].version)):
        console.out.print(f"version {held[0].version.number}: {step}")
    console.out.print(console.table("who decided what", LEDGER, [ledger_row(row) for row in ledger]))


def version_row(one: "Held", *, then: bool) -> tuple[object, ...]:
    version = one.version
    row = (
        version.number,
        version.algorithm,
        f"{one.known_at:%Y-%m-%d %H:%M}",
        str(version.trained_through),
        version.refit_of or "",
        verdicts(version),
        ", ".join(one.roles),
    )
    return (*row, ", ".join(one.roles_then)) if then else row


def verdicts(version: "Version") -> str:
    """How many gates gave each verdict, and which did not pass."""
    if not version.gates:
        return "none judged"
    other = [f"{gate.name} {gate.verdict}" for gate in version.gates if not gate.passed]
    passed = sum(gate.passed for gate in version.gates)
    return "; ".join([f"{passed} of {len(version.gates)} passed", *other])


def gate_rows(version: "Version") -> Iterator[tuple[object, ...]]:
    for gate in version.gates:
        yield (
            version.number,
            gate.name,
            str(gate.verdict),
            gate.value,
            gate.threshold,
            gate.reason,
        )


def ledger_row(row: "Promotion") -> tuple[object, ...]:
    since = f"{row.promoted_at:%Y-%m-%d %H:%M:%S}"
    return since, row.role, row.version_number, row.actor, row.reason


def show_difference(found: "VersionDifference", first: "Version") -> None:
    """Show only those parts in which there is something to show."""
    titles = {metric.name: metric.title for metric in kind_of(first.kind, first.classes).judging}
    names = f"version {found.first}", f"version {found.second}"
    for title, rows in (("data", found.data), ("parameters", found.parameters), ("code", found.code)):
        show_changes(title, names, rows)
    for title, measured in (("metrics, on own unseen rows", found.metrics), ("slices", found.slices)):
        if measured:
            rows = [beside_row(one, titles) for one in measured]
            console.out.print(console.table(title, ("", *names), rows))
    if found.scores is None:
        console.out.print("no published night, so there are no scores to compare")
    else:
        show_scores(found.scores, names)


def show_changes(title: str, names: tuple[str, str], rows: "Sequence[Change]") -> None:
    if not rows:
        console.out.print(f"{title}: the same")
        return
    cells = [(row.what, row.first or "-", row.second or "-") for row in rows]
    console.out.print(console.table(title, ("", *names), [tuple(map(console.plain, row)) for row in cells]))


def beside_row(one: "Beside", titles: Mapping[str, str]) -> tuple[str, ...]:
    return titles.get(one.what, one.what), measured_cell(one.first), measured_cell(one.second)


def measured_cell(one: "Measured | None") -> str:
    return "-" if one is None else console.measured(one.value, one.low, one.high, ".4f")


def show_scores(found: "ScoreDifference", names: tuple[str, str]) -> None:
    correlation = "-" if found.rank_correlation is None else f"{found.rank_correlation:.4f}"
    console.out.print(
        f"night {found.score_date} (run {found.run_id}), {found.rows:,} rows, second minus first: "
        f"mean {found.mean:+.4f}, mean absolute {found.mean_absolute:.4f}, rank correlation {correlation}"
    )
    spread = [(level, f"{value:+.4f}") for level, value in found.quantiles.items()]
    console.out.print(console.table("distribution of the differences", ("quantile", "difference"), spread))
    moves = [
        (
            move.entity_key,
            f"{move.first:.4f}",
            f"{move.second:.4f}",
            f"{move.second - move.first:+.4f}",
        )
        for move in found.moves
    ]
    console.out.print(console.table("largest moves", ("entity", *names, "difference"), moves))


REPLAYED = ("column", "rows", "largest", "entity", "then", "now")


def show_replayed(found: "Replayed") -> None:
    """Show what differs, by column and row, and what changed since the version was trained."""
    for title, columns in (("scores that differ", found.scores), ("inputs of the source", found.source)):
        if columns:
            rows = [row for one in columns for row in difference_rows(one)]
            console.out.print(console.table(title, REPLAYED, rows))
    for line in found.changed:
        console.out.print(console.plain(f"since version {found.version} was trained: {line}"))
    if found.identical:
        what = f"run {found.run_id} of {found.model}, version {found.version}"
        console.out.print(f"{what}: {found.rows:,} scores, all bit for bit the same")


def difference_rows(one: "ColumnDifference") -> Iterator[tuple[object, ...]]:
    """A row for each example. Only the first has the counts of the column."""
    counts: tuple[object, ...] = (
        one.column,
        str(one.rows),
        "-" if one.largest is None else repr(one.largest),
    )
    for example in one.examples:
        yield (*counts, *map(console.plain, (example.entity_key, example.then, example.now)))
        counts = ("", "", "")


def differs_told(found: "Replayed") -> str:
    """What differs, in one sentence."""
    counted = (
        ("scores are missing now", found.missing),
        ("rows have a score only now", found.added),
        ("rows are gone from the source", found.gone),
        ("rows are new in the source", found.new),
    )
    return "; ".join(
        [
            *(f"{one.rows} rows differ in {one.column}" for one in found.scores),
            *(f"the input {name} was profiled otherwise" for name in found.profiles),
            *(f"the source gives another {one.column} for {one.rows} rows" for one in found.source),
            *(f"{len(keys)} {told} (such as {console.plain(keys[0])})" for told, keys in counted if keys),
        ]
    )
