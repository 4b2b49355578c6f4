"""What all values are: frozen, and their instants in UTC."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

INSTANT = pl.Datetime("us", "UTC")
"""The type of every column of instants."""

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


EPOCH = datetime.fromtimestamp(0, UTC)


class Value(BaseModel):
    """A frozen value; unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def instant(moment: datetime) -> pl.Expr:
    """The literal of an instant in UTC. Polars takes twenty times as long to make one of a datetime."""
    return pl.lit((moment - EPOCH) // timedelta(microseconds=1)).cast(INSTANT)


def utc(moment: datetime) -> datetime:
    """The same instant in UTC; raises ValueError for a naive time, whose instant nobody knows."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment!r} has no time zone")
    return moment.astimezone(UTC)
