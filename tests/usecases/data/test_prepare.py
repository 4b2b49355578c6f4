"""A file that a person lands is landed as those of the feed: alone, and checked before it is read."""

from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta

import pytest

from nightjar.adapters.deliveries.raw_days import RawFiles
from nightjar.core.errors.inputs import BadDelivery
from nightjar.core.errors.settings import BadSettings
from nightjar.testing.memory import MemoryFeatureFiles
from nightjar.testing.specs import toy_spec
from nightjar.usecases.data.prepare import Prepare

DAY, NOON = date(2013, 6, 15), datetime(2013, 6, 16, 12, tzinfo=UTC)


@pytest.fixture
def steps():
    """What was done, in order."""
    return []


@pytest.fixture
def prepare(tmp_path, steps):
    raw = RawFiles(tmp_path / "data")

    @contextmanager
    def alone():
        steps.append("alone")
        yield
        steps.append("others")

    return Prepare(
        spec=toy_spec(),
        raw=raw,
        feature_files=MemoryFeatureFiles(),
        recipe_of=lambda table: table.name,
        inbox=tmp_path / "inbox",
        alone=alone,
        guard=lambda: steps.append(f"checked {len(raw.recorded('happened'))}"),
    )


def test_corrections_of_the_future_count_for_nobody(prepare, steps):
    with pytest.raises(BadSettings, match="it is in the future"):
        prepare.corrected(datetime.now(UTC) + timedelta(minutes=5))
    assert steps == []


def test_a_file_landed_by_hand_is_checked_before_others_go_on(prepare, steps, tmp_path):
    file = tmp_path / "in.csv"
    file.write_text("entity_key,late\na,1\n# rows=1\n")
    assert prepare.land_file("happened", DAY, file, NOON) == "landed"
    assert steps == ["alone", "checked 1", "others"]


def test_a_file_that_cannot_be_taken_is_told_before_others_are_waited_for(prepare, steps, tmp_path):
    with pytest.raises(BadDelivery, match="is a folder"):
        prepare.land_file("happened", DAY, tmp_path, NOON)
    with pytest.raises(BadSettings, match="no dataset 'trains'"):
        prepare.land_file("trains", DAY, tmp_path, NOON)
    assert steps == []
