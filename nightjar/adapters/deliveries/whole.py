"""The rules that the rows of a delivered file keep together, whatever the format."""

from datetime import date
from pathlib import Path

import polars as pl

from nightjar.adapters.deliveries.csv_text import shortened
from nightjar.adapters.deliveries.gathering import PLACE, Gathering
from nightjar.core.errors.inputs import BadDelivery
from nightjar.core.model.spec import RawDataset

MOST_DAYS = 3660
"""How many days a file may be about: ten years. More is a slip, and every read looks up each of them."""
KEYS_AT_ONCE = 2**22
"""The hashes of about so many keys, of 8 bytes each, are compared at once."""
ENOUGH = 1000
"""Of so many rows that seem to repeat a key, the first that do so are told."""


def check(gathered: Gathering, dataset: RawDataset, first: date, last: date, file: Path, unit: str) -> None:
    """Raises BadDelivery for impossible days, no rows, a row about another day, and a repeated key.

    unit: what places count, lines or rows.
    """
    check_span(file, first, last)
    if not gathered.height:
        raise BadDelivery(
            file, "holds no rows", "A day without rows is not delivered; have the day's rows sent."
        )
    if first != last and dataset.day_column is None:
        remedy = "Declare one in the model's spec, or have one file a day delivered."
        raise BadDelivery(file, f"is about several days, and {dataset.name} has no day_column", remedy)
    if dataset.day_column is not None:
        check_days(gathered.rows, dataset.day_column, first, last, file, unit)
    check_keys(gathered, dataset, file, unit, several=first != last)


def check_span(file: Path, first: date, last: date) -> None:
    if last < first:
        problem = f"is said to be about {first} to {last}, and the last day is before the first"
        raise BadDelivery(file, problem, "Say the first day and the last day that it is about.")
    if (days := (last - first).days + 1) > MOST_DAYS:
        problem = f"is said to be about {first} to {last}: {days} days, and the limit is {MOST_DAYS}"
        raise BadDelivery(file, problem, "If these are its days, have it delivered in several files.")


def check_days(rows: pl.LazyFrame, column: str, first: date, last: date, file: Path, unit: str) -> None:
    about = pl.col(column).cast(pl.Date)
    others = rows.filter(~about.is_between(first, last).fill_null(value=False)).select(PLACE, about)
    odd = others.head(1).collect(engine="streaming")
    if not odd.is_empty():
        place, day = odd.row(0)
        told = f"{first}" if first == last else f"{first} to {last}"
        problem = f"{unit} {place} is about {day}, the file about {told}"
        ends = rows.select(first=about.min(), last=about.max()).collect(engine="streaming").row(0)
        raise BadDelivery(file, problem, own_days(*ends), column)


def own_days(first: date | None, last: date | None) -> str:
    """What to do with a file that was said to be about other days than its rows."""
    if first == last:
        return "Land it under its own day."
    return f"Its rows are about {first} to {last}. If they should be, say both days when you land it."


def check_keys(gathered: Gathering, dataset: RawDataset, file: Path, unit: str, *, several: bool) -> None:
    """several: the file is about several days, and a key may be there once a day."""
    day = [pl.col(dataset.day_column).cast(pl.Date).alias("date")] if several and dataset.day_column else []
    keys = gathered.rows.select(*day, *dataset.keys, PLACE)
    seeming = seeming_to_repeat(keys, passes=-(-gathered.height // KEYS_AT_ONCE))
    repeated = seeming.filter(pl.struct(pl.exclude(PLACE)).is_duplicated())
    if not repeated.is_empty():
        of_first = pl.struct(pl.exclude(PLACE)) == pl.struct(pl.exclude(PLACE)).first()
        repeated = repeated.filter(of_first).head(3)
        *values, _ = repeated.row(0)
        told = shortened(", ".join(map(str, values)))
        where = f"{unit}s {', '.join(map(str, repeated[PLACE]))}"
        raise BadDelivery(
            file,
            f"{where} repeat the key ({told})",
            "One row a key: have the duplicates removed.",
            ", ".join(dataset.keys),
        )


def seeming_to_repeat(keys: pl.LazyFrame, passes: int) -> pl.DataFrame:
    """All rows with keys whose hash another row has too; if they are many, those of the first of these keys.

    Each pass looks at other hashes, so that few are in memory at once.
    """
    key = pl.struct(pl.exclude(PLACE)).hash()
    hashes = keys.select(hash=key)
    shared = pl.concat(
        [
            hashes.filter(pl.col("hash") % passes == each)
            .collect(engine="streaming")
            .sort("hash")
            .filter(pl.col("hash") == pl.col("hash").shift())
            .unique()
            for each in range(passes)
        ]
    )
    if shared.is_empty():
        return keys.clear().collect()
    first = keys.filter(key.is_in(shared["hash"].implode())).head(ENOUGH).select(hash=key)
    told = first.collect(engine="streaming")["hash"].unique()
    return keys.filter(key.is_in(told.implode())).collect(engine="streaming")
