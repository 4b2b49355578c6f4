"""A bad delivery on the running platform: the flow goes on, and people see once what was set aside."""

from datetime import UTC, datetime, timedelta

import pytest

import models
from nightjar.core.night.clock import evening_by_now
from nightjar.usecases.data.landing import first_lacking

SPEC = models.model("flight_delay")


@pytest.mark.platform
def test_a_flow_that_meets_a_bad_delivery_goes_green_and_shows_what_it_set_aside(prefect, world):
    raw = world.platform.raw
    day = first_lacking(SPEC, raw, datetime(2013, 12, 31, tzinfo=UTC))
    today = day + timedelta(days=1)
    place = world.home / "data" / "inbox" / "flight_delay" / "weather" / f"{day}.csv"
    place.unlink()
    place.mkdir()
    try:
        run = prefect.start("features", today=str(today))
        ended = prefect.ended(run)
    finally:
        place.rmdir()
    assert ended["state_name"] == "Completed", ended["state"]["message"]
    assert "is a folder, not a regular file" in prefect.artifacts(run)["deliveries-flight-delay"]
    logged = prefect.told(run, until="delivery_set_aside")
    assert [
        line for line in logged if "delivery_set_aside" in line and "is a folder, not a regular file" in line
    ]
    assert [refusal.day for refusal in raw.refused("weather")] == [day]
    world.platform.prepare(SPEC).ready(evening_by_now(SPEC, today))
    assert raw.refused("weather") == ()
