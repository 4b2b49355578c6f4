"""The desk as files: a page for each night, and the reports of the last ones."""

from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from nightjar.cli.desk import pages_of
from nightjar.core.desk.entities import OfNight, Report
from nightjar.testing.desks import full_desk


@dataclass
class OfReports:
    """The platform of a model with a report of each of its nights: what writes files asks for no more."""

    nights: int
    folder: Path

    def __post_init__(self):
        (self.folder / "drift.html").write_text("drawn")
        self.artifacts = self

    def desk_reader(self):
        return self

    def get(self, uri):
        return Path(uri)

    def desk(self, _model):
        seen = full_desk(self.nights, columns=1)
        return replace(seen, reports=[self.report(night.score_date) for night in seen.nights])

    def night(self, _model, score_date):
        return OfNight(reports=[self.report(score_date)])

    def report(self, day):
        uri = str(self.folder / "drift.html")
        return Report(score_date=day, run_id=day.toordinal(), kind="drift", uri=uri)


@pytest.mark.parametrize(("nights", "asked", "copied"), [(10, 14, 10), (10, 10, 10), (10, 3, 3), (10, 0, 0)])
def test_the_reports_of_the_last_nights_are_copied_and_of_all_nights_if_there_are_fewer(
    tmp_path, nights, asked, copied
):
    written = dict(pages_of(OfReports(nights, tmp_path), "toy", asked))
    newest = full_desk(nights, columns=1).nights[-1].score_date
    last = [f"{newest - timedelta(days=n)}-drift.html" for n in range(copied)]
    assert sorted(name for name in written if name.endswith("-drift.html")) == sorted(last)
    assert len(written) == copied + nights + 1
