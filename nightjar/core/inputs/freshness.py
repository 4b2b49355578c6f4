"""Whether the features of a night are as new as its model asks.

A feed that stopped must not be scored with as if it went on.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from nightjar.core.model.spec import FeatureTable

HOUR = timedelta(hours=1)


def stale_views(
    tables: Iterable[FeatureTable], newest: Mapping[str, datetime | None], as_of: datetime
) -> tuple[str, ...]:
    """Each view whose newest row is older at the as-of than its table's `max_age`, in words.

    newest: table name -> when the last event of its newest usable row happened (UTC), None for a table
    without any. That one is empty, not
    stale: so begins every model's history, and what is missing then is judged by the audit of the inputs.
    """
    ages = ((table, as_of - newest_at) for table in tables if (newest_at := newest[table.name]) is not None)
    return tuple(
        f"the newest row of {table.name} is of {as_of - age:%Y-%m-%d %H:%M} UTC, {age / HOUR:.1f} h old at "
        f"the as-of; {table.max_age / HOUR:.1f} h is the limit"
        for table, age in ages
        if table.max_age is not None and age > table.max_age
    )
