"""Checks of a part's rows before a store accepts them."""

from collections.abc import Iterator, Mapping

import polars as pl

from nightjar.core.errors.inputs import ContractBroken
from nightjar.core.kinds.outputs import OUTPUTS
from nightjar.core.night.entities import BrokenCheck, Part, Run
from nightjar.core.night.population import KEY_BYTES, key_is_storable

SCORES: Mapping[str, pl.DataType] = {
    "entity_key": pl.String(),
    "score": pl.Float64(),
    "outputs": OUTPUTS,
    "challenger_score": pl.Float64(),
    "challenger_outputs": OUTPUTS,
    "arm": pl.String(),
    "carried_from": pl.Int32(),
}
QUARANTINED: Mapping[str, pl.DataType] = {
    "entity_key": pl.String(),
    "reasons": pl.String(),
    "row": pl.String(),
}
REASONS = pl.List(pl.Struct({"column": pl.String, "check": pl.String}))
"""What is counted of the reasons of a quarantined row."""


def require_storable(run: Run, part: Part, scores: pl.DataFrame, quarantined: pl.DataFrame) -> None:
    """Raises ContractBroken unless the frames are as `NightStore.write_part` requires.

    The error names the run and the part.
    """
    faults = [*_shape("scores", scores, SCORES), *_shape("quarantined rows", quarantined, QUARANTINED)]
    faults = faults or [*_contents(part, scores, quarantined)]
    if faults:
        raise ContractBroken(f"{run.model} {run.score_date} run {run.id}, part {part.number}", faults)


def _shape(what: str, frame: pl.DataFrame, wanted: Mapping[str, pl.DataType]) -> Iterator[str]:
    if set(frame.columns) != set(wanted):
        yield f"{what} have the columns {sorted(frame.columns)}, wanted are {sorted(wanted)}"
        return
    for name, dtype in wanted.items():
        if frame.schema[name] not in (dtype, pl.Null):
            yield f"{what}: column {name!r} is {frame.schema[name]}, wanted is {dtype}"


def _contents(part: Part, scores: pl.DataFrame, quarantined: pl.DataFrame) -> Iterator[str]:
    if scores.height + quarantined.height != part.rows:
        yield (
            f"{scores.height} scores and {quarantined.height} quarantined rows do not add up to its "
            f"{part.rows} rows"
        )
    if count := scores["entity_key"].null_count():
        yield f"{count} scores have no entity_key"
    if count := scores.filter(~key_is_storable()).height:
        yield f"{count} scores have an entity_key that is empty, longer than {KEY_BYTES} bytes or holds a NUL"
    if scores["entity_key"].n_unique() != scores.height:
        yield "an entity_key is scored twice"
    if count := scores["score"].null_count():
        yield f"{count} scores are null"
    for column in ("score", "challenger_score"):
        if count := scores.filter(
            pl.col(column).is_not_null() & ~pl.col(column).cast(pl.Float64).is_finite()
        ).height:
            yield f"{count} values of {column} are not finite numbers"
    for column in ("reasons", "row"):
        if count := quarantined[column].null_count():
            yield f"{count} quarantined rows have no {column}"


def broken_checks(quarantined: pl.DataFrame) -> tuple[BrokenCheck, ...]:
    """Each check that quarantined rows broke, with their number, the most frequent one first."""
    if quarantined.is_empty():
        return ()
    reasons = quarantined["reasons"].str.json_decode(REASONS).explode(empty_as_null=False)
    counted = reasons.struct.unnest().group_by("column", "check").agg(rows=pl.len())
    ordered = counted.sort("rows", "column", "check", descending=[True, False, False])
    return tuple(BrokenCheck(**each) for each in ordered.iter_rows(named=True))
