"""Look at the tables to scan before a night reads them."""

from datetime import date

from nightjar.core.model.spec import ModelSpec
from nightjar.core.ports.raw import RawStore


def require_as_declared(spec: ModelSpec, raw: RawStore, today: date) -> None:
    """Read the newest day of each table of a model, also of those that no feature is made of.

    today: is read of a table without rows, which still has columns.
    Raises BadTable, BadSettings, StoreUnavailable.
    """
    for dataset in spec.datasets:
        if not dataset.delivered:
            newest = max(raw.days(dataset.name), default=today)
            raw.read(dataset, newest, newest)
