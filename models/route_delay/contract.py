"""The contract of a route that is to be scored."""

from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    import pandera.polars as pa

DELAYS = {"route_delay": (-60, 24 * 60), "airport_delay": (-60, 4 * 60)}
"""Mean delays of four weeks, in minutes. A route may have few flights; an airport has thousands."""
SCHEDULED = (3 * 60, 24 * 60)
"""The mean scheduled minute of the day. No route leaves at night alone."""


def contract() -> "pa.DataFrameSchema":
    """The Pandera schema. A route of which no flight left has no mean delay; it is scored nevertheless."""
    import pandera.polars as pa  # noqa: PLC0415  # takes seconds to import, and only checking needs it

    def number(low: float, high: float, *, nullable: bool = False) -> pa.Column:
        return pa.Column(pl.Float64, pa.Check.in_range(low, high), nullable=nullable)

    def text(pattern: str) -> pa.Column:
        return pa.Column(pl.String, pa.Check.str_matches(pattern))

    return pa.DataFrameSchema(
        {
            "entity_key": text(r"^[A-Z]{3}-[A-Z]{3}-\d{4}-\d{2}-\d{2}$"),
            "origin": pa.Column(pl.String, pa.Check.isin(["EWR", "JFK", "LGA"])),
            "dest": text(r"^[A-Z]{3}$"),
            "route_delay": number(*DELAYS["route_delay"], nullable=True),
            "route_minute": number(*SCHEDULED),
            "route_flights": number(0.25, 1000),
            "airport_delay": number(*DELAYS["airport_delay"]),
        },
        name="route_delay",
    )
