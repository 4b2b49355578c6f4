"""A Monday whose columns were exchanged is not published."""

from datetime import date

import pytest

from models import MODELS
from nightjar.adapters.contracts import check

SPEC = MODELS["route_delay"]
MONDAY = date(2013, 3, 18)


@pytest.mark.parametrize(
    ("one", "other"), [("route_delay", "route_minute"), ("airport_delay", "route_minute")]
)
def test_delays_in_place_of_scheduled_minutes_break_the_contract_in_more_rows_than_the_audit_allows(
    one, other, world_of
):
    rows = world_of(SPEC).night(MONDAY)
    swapped = check(SPEC, rows.rename({one: other, other: one}))
    assert check(SPEC, rows).quarantined.is_empty()
    assert swapped.quarantined.height / rows.height > SPEC.audit["max_quarantine_share"]
