"""Runs to measure, and a receiver of OpenTelemetry."""

from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest
from harness.otlp import Receiver, receiving

from nightjar.core.night.entities import Run


@pytest.fixture
def run() -> Run:
    as_of = datetime(2013, 6, 15, 1, tzinfo=UTC)
    numbers = {"id": 7, "revision": 1, "attempt": 1, "version_id": 1}
    night = {"model": "toy", "score_date": date(2013, 6, 15), "as_of": as_of, "known_at": as_of}
    return Run(**numbers, **night, state="claimed")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found
