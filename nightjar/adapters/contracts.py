"""A model's Pandera contract decides which rows of a part may be scored.

Rows that break it are quarantined, each with all its reasons.
"""

import json
import math
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import polars as pl

from nightjar.adapters.whole_frames import surely_keeps
from nightjar.core.errors.inputs import ContractBroken
from nightjar.core.errors.model import BadSpec
from nightjar.core.model.own_code import own_code
from nightjar.core.model.spec import ModelSpec

if TYPE_CHECKING:
    import pandera.polars as pa

QUARANTINE = pl.Schema({"entity_key": pl.String, "reasons": pl.String, "row": pl.String})
Reason = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Checked:
    """The rows of a part after the check.

    valid: rows that keep the contract, in their order.
    quarantined: `entity_key`, `reasons` (JSON array of {column, check, value}), `row` (JSON).
    """

    valid: pl.DataFrame
    quarantined: pl.DataFrame


def check(spec: ModelSpec, frame: pl.DataFrame) -> Checked:
    """Split a frame into valid and quarantined rows. Each row is in one of the two.

    frame: `entity_key`, the model's inputs and an optional `fault` (String, null for a sound row). A row with
    a fault is quarantined before the contract is applied. So is a row that keeps the contract and lacks a
    join key of a feature table, unless the contract names the column of that key.
    Raises ContractBroken, which names the columns, if a column is missing or has the wrong type. No row can
    be trusted then. Raises BadSpec for a contract that would let broken rows pass.
    """
    if missing := [name for name in ("entity_key", *spec.inputs) if name not in frame.columns]:
        raise ContractBroken(
            f"{spec.name}: the rows to score", [f"column {name} is missing" for name in missing]
        )
    rows = frame.drop("fault", strict=False)
    fault = (
        frame["fault"]
        if "fault" in frame.columns
        else pl.repeat(None, frame.height, dtype=pl.String, eager=True)
    )
    keyless = _keyless(spec, rows)
    clean = not keyless and not fault.is_not_null().any()
    if clean and surely_keeps(_kept_contract(spec.name, spec.contract), rows):
        return Checked(valid=rows, quarantined=pl.DataFrame(schema=QUARANTINE))
    contract = strict_contract(spec)  # one of its own: Pandera changes contracts while it applies them
    sound = fault.is_null().arg_true()
    reasons = {
        at: [_reason("entity_key", fault[at], rows["entity_key"][at])]
        for at in fault.is_not_null().arg_true()
    }
    for position, found in _broken_rows(spec, contract, rows[sound]).items():
        reasons[sound[position]] = found
    for position, found in keyless.items():
        reasons.setdefault(position, found)
    valid = rows.filter(~pl.int_range(rows.height, dtype=pl.Int64, eager=True).is_in(list(reasons)))
    if reasons and (left := _broken_rows(spec, contract, valid)):
        broken = sorted({str(reason["check"]) for found in left.values() for reason in found})
        raise ContractBroken(
            f"{spec.name}: the rows to score",
            [
                f"{check} fails on the rest of the rows too: it judges not rows but the whole"
                for check in broken
            ],
        )
    return Checked(valid=valid, quarantined=_quarantined(rows, reasons))


def _keyless(spec: ModelSpec, rows: pl.DataFrame) -> dict[int, list[Reason]]:
    """Return row position -> the join keys that the row lacks: no feature is found for it.

    A contract that names the column of a key says itself whether it may be null.
    """
    found: dict[int, list[Reason]] = defaultdict(list)
    named = _kept_contract(spec.name, spec.contract).columns
    for key in sorted({key for table in spec.feature_tables for key in table.keys} - named.keys()):
        if key in rows.columns and rows[key].null_count():
            for at in rows[key].is_null().arg_true():
                found[at].append(_reason(key, "join key is missing", None))
    return found


def strict_contract(spec: ModelSpec) -> "pa.DataFrameSchema":
    """Return the model's contract.

    Raises CodeFailed if it cannot be built. Raises BadSpec if it is none, or would let broken rows pass.
    """
    return _strict(spec.name, spec.contract)


def _strict(model: str, contract: Callable[[], Any]) -> "pa.DataFrameSchema":
    import pandera.polars as pa  # noqa: PLC0415  # takes a second to import

    # Checks that are built before it stay without the functions for Polars.
    pa.DataFrameSchema.register_default_backends(pl.LazyFrame)
    with own_code(model, "contract", contract, "when it was built"):
        schema = contract()
    if not isinstance(schema, pa.DataFrameSchema):
        raise BadSpec(
            model, "contract", f"gives a {type(schema).__name__}, not a pandera.polars.DataFrameSchema"
        )
    if lax := sorted(set(_laxities(schema))):
        raise BadSpec(model, "contract", f"would let broken rows pass: {', '.join(lax)}")
    return schema


_kept_contract = lru_cache(maxsize=8)(_strict)
"""The same, for readers: building a contract takes as long as asking it about a small part."""


def _laxities(schema: "pa.DataFrameSchema") -> Iterator[str]:
    """Yield the options with which Pandera would change, drop or overlook rows.

    We score our own unchanged rows, not those that Pandera returns.
    """
    for where, part in (("the frame", schema), *schema.columns.items()):
        for option in ("coerce", "default", "drop_invalid_rows", "add_missing_columns"):
            value = getattr(part, option, None)
            if value is not None and value is not False:  # a default of 0 counts
                yield f"{option} on {where}"
        for rule in part.checks or ():
            for option in ("n_failure_cases", "raise_warning"):
                if getattr(rule, option):
                    yield f"{option} of {rule.name or rule.error or 'a check'} on {where}"


def _broken_rows(
    spec: ModelSpec, contract: "pa.DataFrameSchema", rows: pl.DataFrame
) -> dict[int, list[Reason]]:
    """Return row position -> the checks that the row broke.

    The frame is eager, because Pandera does not check the data of a LazyFrame. An empty frame is checked too,
    because its types must be right.
    """
    from pandera.config import ValidationDepth, config_context  # noqa: PLC0415  # as above
    from pandera.errors import SchemaErrors  # noqa: PLC0415  # as above

    try:
        # The environment may have reduced the validation.
        with config_context(validation_enabled=True, validation_depth=ValidationDepth.SCHEMA_AND_DATA):
            contract.validate(rows, lazy=True)
    except SchemaErrors as errors:
        cases: pl.DataFrame = errors.failure_cases
    else:
        return {}
    if faults := _schema_faults(cases.filter(pl.col("index").is_null())):
        raise ContractBroken(f"{spec.name}: the rows to score", faults)
    found: dict[int, list[Reason]] = defaultdict(list)
    for case in cases.iter_rows(named=True):
        column = None if case["schema_context"] == "DataFrameSchema" else case["column"]
        value = rows[column][case["index"]] if column in rows.columns else case["failure_case"]
        found[case["index"]].append(_reason(column, case["check"], value))
    return found


def _schema_faults(cases: pl.DataFrame) -> list[str]:
    """Describe the failures without a row, which are faults of the whole frame.

    A wrong type also makes checks fail. In that case only the type is reported.
    """
    told = {
        "column_in_dataframe": "column {failure_case} is missing",
        "column_in_schema": "column {failure_case} is not expected",
        "dtype": "column {column} has type {failure_case}, not {check}",
    }
    plain = [
        told[kind].format(**case)
        for case in cases.iter_rows(named=True)
        if (kind := case["check"].split("(")[0]) in told
    ]
    return sorted(set(plain)) or sorted(
        {
            f"{case['column']}: {case['check']} failed on {str(case['failure_case']).splitlines()[0]}"
            for case in cases.iter_rows(named=True)
        }
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
            "row": [
                _json({name: _json_value(value) for name, value in row.items()})
                for row in broken.iter_rows(named=True)
            ],
        },
        schema=QUARANTINE,
    )


def _json(value: Any) -> str:
    # Postgres' jsonb cannot hold NUL.
    return json.dumps(value, ensure_ascii=False, allow_nan=False).replace("\\u0000", "\\ufffd")


def _json_value(value: Any) -> Any:
    """Return a value that JSON can hold. NaN, infinities, instants and similar values become text."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)
