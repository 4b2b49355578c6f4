"""The features of a night must be as new as its model requires.

If a feed has stopped, its old features must not be used as if they were new.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from nightjar.core.model.spec import FeatureTable

HOUR = timedelta(hours=1)


def stale_views(
    tables: Iterable[FeatureTable], newest: Mapping[str, datetime | None], as_of: datetime
) -> tuple[str, ...]:
    """Describe each view whose newest row is older at the as-of than its table's `max_age`.

    newest: table name -> when the event of its newest usable row happened (UTC), None for a table without
    rows. An empty table is not stale, because every model's history begins so. The audit of the inputs judges
    the missing values.
    """
    ages = ((table, as_of - newest_at) for table in tables if (newest_at := newest[table.name]) is not None)
    return tuple(
        f"the newest row of {table.name} is of {as_of - age:%Y-%m-%d %H:%M} UTC, {age / HOUR:.1f} h old at "
        f"the as-of; {table.max_age / HOUR:.1f} h is the limit"
        for table, age in ages
        if table.max_age is not None and age > table.max_age
    )
