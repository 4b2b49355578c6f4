"""Texts of a delivered column as values of its type.

A text that would become another value is refused, with the reason. Whole numbers are written in digits. A
fraction becomes the nearest value of its type, as every reader of decimals does it; but a number that would
become 0, infinite or, beyond the whole numbers that the type can count, another whole number is refused.
"""

import re
from decimal import Decimal

import polars as pl

DAY_PATTERN = r"(?:000[1-9]|00[1-9][0-9]|0[1-9][0-9]{2}|[1-9][0-9]{3})-[0-9]{2}-[0-9]{2}"
INSTANT_PATTERN = DAY_PATTERN + r"T[0-9]{2}:[0-9]{2}:[0-5][0-9]Z"
"""Years 0001 to 9999, which Python's dates end with too, and no leap second, which no frame can hold."""
WHOLE = r"[+-]?[0-9]+"
NUMBER = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
NOT_ZERO = r"^[+-]?[0-9.]*[1-9]"
"""A digit other than 0 before the exponent."""
DATE_FORMAT, INSTANT_FORMAT = "%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ"
FORMS = {
    pl.Date: "a date like 2013-06-15",
    pl.Datetime: "an instant in UTC like 2013-06-15T09:30:00Z",
    pl.Boolean: "true or false",
}
"""How a value of a type is written, where its name alone does not tell."""
COUNTED = {pl.Float16: 2**11, pl.Float32: 2**24, pl.Float64: 2**53}
"""Below this a type holds every whole number; of two that lie further out it may hold one alone."""


def converted(texts: pl.Series, kind: pl.DataType) -> pl.Series:
    """A value for each text; null for a null, and for a text that is no well-written value of the type."""
    if isinstance(kind, pl.Datetime):
        return instants(texts, kind)
    if isinstance(kind, pl.Date):
        return formed(texts, DAY_PATTERN).str.to_date(DATE_FORMAT, strict=False)
    if isinstance(kind, pl.Boolean):
        return texts.replace_strict({"true": True, "false": False}, default=None, return_dtype=pl.Boolean())
    if kind.is_integer():
        return formed(texts, WHOLE).cast(kind, strict=False)
    return fractions(formed(texts, NUMBER), kind) if kind.is_float() else texts


def formed(texts: pl.Series, form: str) -> pl.Series:
    return texts.set(~texts.str.contains(f"^(?:{form})$"), None)


def instants(texts: pl.Series, kind: pl.Datetime) -> pl.Series:
    """Read as microseconds, which hold every year; a finer unit ends in 2262, and would go on in 1677."""
    read = formed(texts, INSTANT_PATTERN).str.to_datetime(
        INSTANT_FORMAT, time_unit="us", time_zone=kind.time_zone, strict=False
    )
    values = read.cast(kind, strict=False)
    return values.set(values.cast(read.dtype) != read, None)


def fractions(texts: pl.Series, kind: pl.DataType) -> pl.Series:
    values = texts.cast(kind, strict=False)
    values = values.set(~values.is_finite() | ((values == 0) & texts.str.contains(NOT_ZERO)), None)
    beyond = (values.abs() >= COUNTED[kind.base_type()]).arg_true()
    shortest = values.gather(beyond).cast(pl.String)
    other = [
        row
        for row, decimal in zip(beyond, shortest, strict=True)
        if not is_meant(texts[row], values[row], decimal)
    ]
    return values.scatter(other, None) if other else values


def is_meant(text: str, value: float, shortest: str) -> bool:
    """Whether a text is the value written with so many digits, or the shortest decimal that means it."""
    number = Decimal(text)
    digits = len(number.as_tuple().digits)
    return number in {Decimal(shortest), Decimal(f"{value:.{digits - 1}e}")}


def wrong(text: str, kind: pl.DataType) -> str:
    """What bars a text from being a value of the type, as a clause."""
    if isinstance(kind, pl.Date | pl.Datetime):
        why = time_not_held(text, kind)
    elif kind.is_integer():
        why = whole_not_held(text, kind)
    else:
        why = fraction_not_held(text, kind) if kind.is_float() and re.fullmatch(NUMBER, text) else ""
    return why or f"which is not {FORMS.get(kind.base_type()) or named(kind)}"


def named(kind: pl.DataType) -> str:
    return f"{'a finite' if kind.is_float() else 'a' if kind.is_unsigned_integer() else 'an'} {kind}"


def time_not_held(text: str, kind: pl.Date | pl.Datetime) -> str:
    """Nothing if the form is wrong already; so with the next two."""
    if not re.fullmatch(INSTANT_PATTERN if isinstance(kind, pl.Datetime) else DAY_PATTERN, text):
        return ""
    if (
        isinstance(kind, pl.Datetime)
        and converted(pl.Series([text]), pl.Datetime("us", kind.time_zone))[0] is not None
    ):
        return f"which {kind} does not reach"
    return (
        "which the calendar does not have"
        if isinstance(kind, pl.Date)
        else "which is no day of the calendar, or no time of a day"
    )


def whole_not_held(text: str, kind: pl.DataType) -> str:
    if re.fullmatch(WHOLE, text):
        low, high = pl.select(low=pl.lit(0, kind).lower_bound(), high=pl.lit(0, kind).upper_bound()).row(0)
        return f"which {kind} cannot hold: it lies outside {low} to {high}"
    return (
        f"which is not {named(kind)}: whole numbers are written in digits alone"
        if re.fullmatch(NUMBER, text)
        else ""
    )


def fraction_not_held(text: str, kind: pl.DataType) -> str:
    value = pl.Series([text]).cast(kind, strict=False)
    why = f"it would become {value.cast(pl.String)[0]}" if value.is_finite()[0] else "it is too large"
    return f"which {kind} cannot hold: {why}"
