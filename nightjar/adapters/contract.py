"""Which rows may be scored: a model's Pandera contract applied to a part, its broken rows set apart with every reason."""

import json
import math
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import polars as pl

from nightjar.core.errors import ContractBroken
from nightjar.core.spec import ModelSpec

QUARANTINE = pl.Schema({"entity_key": pl.String, "reasons": pl.String, "row": pl.String})
Reason = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Checked:
    """valid: rows that kept the contract, in their order. quarantined: `entity_key`, `reasons` (JSON array of {column, check, value}), `row` (JSON)."""

    valid: pl.DataFrame
    quarantined: pl.DataFrame


def check(spec: ModelSpec, frame: pl.DataFrame) -> Checked:
    """Split a frame into valid and quarantined rows; together they are all its rows.

    frame: `entity_key` and the model's inputs; an optional `fault` (String, null where all is well) bars a row before the contract is asked.
    Raises ContractBroken naming the columns if one is missing or has the wrong type: then no row can be trusted.
    """
    if missing := [name for name in ("entity_key", *spec.inputs) if name not in frame.columns]:
        raise ContractBroken(f"{spec.name}: the rows to score", [f"column {name} is missing" for name in missing])
    rows = frame.drop("fault", strict=False)
    fault = frame["fault"] if "fault" in frame.columns else pl.repeat(None, frame.height, dtype=pl.String, eager=True)
    sound = fault.is_null().arg_true()

    reasons = {at: [_reason("entity_key", fault[at], rows["entity_key"][at])] for at in fault.is_not_null().arg_true()}
    for position, found in _broken_rows(spec, rows[sound]).items():
        reasons[sound[position]] = found
    kept = ~pl.int_range(rows.height, dtype=pl.Int64, eager=True).is_in(list(reasons))
    return Checked(valid=rows.filter(kept), quarantined=_quarantined(rows, reasons))


def _broken_rows(spec: ModelSpec, rows: pl.DataFrame) -> dict[int, list[Reason]]:
    """Row position -> what it broke. Eager, because Pandera passes over the data of a LazyFrame; an empty frame still has types to keep."""
    from pandera.errors import SchemaErrors  # noqa: PLC0415  # takes a second to import

    try:
        spec.contract().validate(rows, lazy=True)
    except SchemaErrors as errors:
        cases: pl.DataFrame = errors.failure_cases
    else:
        return {}
    if faults := _schema_faults(cases.filter(pl.col("index").is_null())):
        raise ContractBroken(f"{spec.name}: the rows to score", faults)
    found: dict[int, list[Reason]] = defaultdict(list)
    for case in cases.iter_rows(named=True):
        column = case["column"]
        value = rows[column][case["index"]] if column in rows.columns else case["failure_case"]
        found[case["index"]].append(_reason(column, case["check"], value))
    return found


def _schema_faults(cases: pl.DataFrame) -> list[str]:
    """A failure without a row is a fault of the whole frame. A wrong type makes checks fail too: then the type alone is told."""
    told = {
        "column_in_dataframe": "column {failure_case} is missing",
        "column_in_schema": "column {failure_case} is not expected",
        "dtype": "column {column} has type {failure_case}, not {check}",
    }
    plain = [told[kind].format(**case) for case in cases.iter_rows(named=True) if (kind := case["check"].split("(")[0]) in told]
    return sorted(set(plain)) or sorted(
        {f"{case['column']}: {case['check']} failed on {case['failure_case']}" for case in cases.iter_rows(named=True)}
    )


def _reason(column: str | None, broken: str, value: Any) -> Reason:
    return {"column": column, "check": broken, "value": _json_value(value)}


def _quarantined(rows: pl.DataFrame, reasons: dict[int, list[Reason]]) -> pl.DataFrame:
    positions = sorted(reasons)
    broken = rows[positions]
    return pl.DataFrame(
        {
            "entity_key": broken["entity_key"],
            "reasons": [_json(reasons[position]) for position in positions],
            "row": [_json({name: _json_value(value) for name, value in row.items()}) for row in broken.iter_rows(named=True)],
        },
        schema=QUARANTINE,
    )


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False).replace("\\u0000", "\\ufffd")  # Postgres' jsonb holds no NUL


def _json_value(value: Any) -> Any:
    """What JSON can say; NaN, infinities, instants and the like as text."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)
