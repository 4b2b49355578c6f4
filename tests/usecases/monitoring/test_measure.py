"""Measuring published nights: each when more is known of it than was, and with the newest that is known."""

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightjar.adapters.memory_registry import MemoryRegistry
from nightjar.core.errors.night import Stopped
from nightjar.core.kinds.multiclass import multiclass
from nightjar.core.kinds.regression import REGRESSION
from nightjar.core.model.row_metrics import RowMetric
from nightjar.core.model.slices import Slice
from nightjar.core.monitoring.due import Wait
from nightjar.core.night.claim import Request
from nightjar.core.night.clock import as_of
from nightjar.core.night.entities import Night, Part, Population
from nightjar.core.night.part_rows import SCORES
from nightjar.testing.memory import MemoryGoOn, MemoryNights, MemoryOutcomes
from nightjar.testing.specs import HAPPENED, PLANNED, spec_of_kind, toy_spec
from nightjar.testing.versions import registered, toy_version
from nightjar.usecases.monitoring.measure import MeasureNights
from nightjar.usecases.scoring.inputs import NightInputs

DAYS = [date(2013, 6, 15) + timedelta(days=n) for n in range(3)]
KEYS = ["a", "b"]
BY_UTC = replace(HAPPENED, columns={**HAPPENED.columns, "at": pl.Datetime("us", "UTC")}, day_column="at")


def evening(n):
    return datetime(2013, 6, 16, 1, tzinfo=UTC) + timedelta(days=n)


@dataclass
class Raw:
    """What happened on each day, as delivered: (recorded at, outcomes of a and b)."""

    delivered: dict = field(default_factory=dict)
    asked: list = field(default_factory=list)
    listed: list = field(default_factory=list)

    def recorded(self, dataset, days=None):
        self.listed.append(days)
        wanted = self.delivered if days is None else self.delivered.keys() & {*days}
        return {day: tuple(at for at, _ in self.delivered[day]) for day in wanted}

    def read(self, dataset, first, last, known_at):
        self.asked.append((first, last))
        known = {
            day: [kept for kept in deliveries if kept[0] <= known_at]
            for day, deliveries in self.delivered.items()
            if first <= day <= last
        }
        rows = [(day, key, *kept[-1]) for day, kept in known.items() if kept for key in KEYS]
        types = {
            "date": pl.Date,
            "entity_key": pl.String,
            "recorded_at": pl.Datetime("us", "UTC"),
            "both": pl.List(pl.Int8),
        }
        frame = pl.DataFrame(rows, schema=types, orient="row").with_columns(
            at=pl.col("date").cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
        )
        return frame.with_columns(outcome=pl.col("both").list.get(pl.int_range(pl.len()) % 2)).drop("both")


def publish(store, day, challenger=None, version=1):
    """challenger: the two scores that one gives, if there is one."""
    scores = pl.DataFrame(
        {
            "entity_key": KEYS,
            "score": [0.2, 0.8],
            "outputs": None,
            "challenger_score": challenger,
            "challenger_outputs": None,
            "arm": None,
            "carried_from": None,
        },
        schema=SCORES,
    )
    quarantined = pl.DataFrame(schema=dict.fromkeys(("entity_key", "reasons", "row"), pl.String))
    night = Night(model="toy", score_date=day, as_of=evening(-1))
    champion = toy_version(id=version, number=version)
    forced = Request(force=store.publication("toy", day) is not None)
    with store.night(night, champion, challenger and toy_version(id=2, number=2), forced) as claimed:
        run = store.record_population(
            claimed.run, Population(uri="file:///p", sha256="2" * 64, rows=2, parts=1)
        )
        store.write_part(run, Part(number=0, start=0, stop=2), scores, quarantined)
        store.publish(run)


@pytest.fixture
def watch():
    store = MemoryNights()
    for day in DAYS:
        publish(store, day)
    raw = Raw({day: [(evening(n), [0, 1])] for n, day in enumerate(DAYS)})
    return watching(store, raw)


def watching(store, raw, **changes):
    spec = toy_spec(
        **{"maturity_days": 0, "outcomes": lambda raw, _: raw["happened"].drop_nulls("outcome")} | changes
    )
    registry = MemoryRegistry()
    for content in "12":
        registered(registry, artifact_sha256=content * 64)
    nothing = dict.fromkeys(("features", "artifacts", "predictors", "check"))
    inputs = NightInputs(spec=spec, raw=raw, registry=registry, **nothing)
    return MeasureNights(inputs=inputs, store=store, outcomes=MemoryOutcomes(store))


def test_a_night_whose_outcomes_are_all_known_is_measured_once(watch):
    first, again = watch.outcomes_known(evening(2)), watch.outcomes_known(evening(3))
    assert [(night.score_date, night.with_outcome, night.metrics["auc"]) for night in first] == [
        (day, 2, 1.0) for day in DAYS
    ]
    assert again == first
    assert watch.inputs.raw.asked == [(DAYS[0], DAYS[-1])]


def test_on_the_evening_of_a_night_only_the_days_of_its_own_outcomes_are_listed(watch):
    publish(watch.store, night := DAYS[-1] + timedelta(days=1))
    run = watch.store.run(watch.store.publication("toy", night).run_id)
    assert watch.due(run) is None
    assert watch.inputs.raw.listed == [(night,)]


def test_a_later_correction_measures_its_night_again_and_no_other(watch):
    watch.outcomes_known(evening(2))
    watch.inputs.raw.delivered[DAYS[1]].append((evening(4), [1, 0]))
    assert watch.outcomes_known(evening(3))[1].metrics["auc"] == 1.0
    corrected = watch.outcomes_known(evening(5))
    assert [(night.metrics["auc"], night.measured_at) for night in corrected] == [
        (1.0, evening(2)),
        (0.0, evening(5)),
        (1.0, evening(2)),
    ]
    assert watch.inputs.raw.asked[1:] == [(DAYS[1], DAYS[1])]


def test_a_correction_recorded_before_the_measurement_counts_when_it_lands_after_it(watch):
    """All outcomes of the night were known already, and wrong."""
    watch.outcomes_known(evening(2))
    watch.inputs.raw.delivered[DAYS[1]].append((evening(1.5), [1, 0]))
    assert [night.metrics["auc"] for night in watch.outcomes_known(evening(3))] == [1.0, 0.0, 1.0]


def test_a_stopped_measurement_measures_no_other_night_and_the_next_one_does_the_rest(watch):
    with pytest.raises(Stopped):
        replace(watch, go_on=MemoryGoOn(after=2)).outcomes_known(evening(2))
    assert [night.score_date for night in watch.outcomes.measured("toy", whole=True)] == DAYS[:1]
    assert [night.with_outcome for night in watch.outcomes_known(evening(2))] == [2, 2, 2]


def test_a_night_waits_for_its_delivery(watch):
    late = watch.inputs.raw.delivered.pop(DAYS[0])
    assert [night.with_outcome for night in watch.outcomes_known(evening(2))] == [0, 2, 2]
    watch.inputs.raw.delivered[DAYS[0]] = late  # recorded in time, landed late
    assert [night.with_outcome for night in watch.outcomes_known(evening(2))] == [2, 2, 2]


def test_a_night_with_unknown_outcomes_is_not_read_again_until_another_delivery_is_there(watch):
    watch.inputs.raw.delivered[DAYS[0]] = [(evening(0), [0, None])]
    first = watch.outcomes_known(evening(2))
    assert [night.with_outcome for night in first] == [1, 2, 2]
    asked = list(watch.inputs.raw.asked)
    assert watch.outcomes_known(evening(3)) == first
    assert watch.inputs.raw.asked == asked
    watch.inputs.raw.delivered[DAYS[0]].insert(0, (evening(-1), [1, None]))  # recorded first, landed last
    watch.outcomes_known(evening(3))
    assert watch.inputs.raw.asked == [*asked, (DAYS[0], DAYS[0])]


def test_a_delivery_that_changes_no_outcome_is_read_once(watch):
    watch.outcomes_known(evening(2))
    watch.inputs.raw.delivered[DAYS[1]].append((evening(3), [0, 1]))
    watch.outcomes_known(evening(4))
    asked = list(watch.inputs.raw.asked)
    watch.outcomes_known(evening(5))
    assert watch.inputs.raw.asked == asked


def test_outcomes_of_the_same_deliveries_are_not_read_again_for_another_revision(watch):
    watch.outcomes_known(evening(2))
    publish(watch.store, DAYS[1])
    asked = list(watch.inputs.raw.asked)
    assert [night.with_outcome for night in watch.outcomes_known(evening(3))] == [2, 2, 2]
    assert watch.inputs.raw.asked == asked


def test_without_published_nights_nothing_is_measured(watch):
    empty = MemoryNights()
    none = replace(watch, store=empty, outcomes=MemoryOutcomes(empty))
    assert none.outcomes_known(evening(2)) == ()
    assert watch.inputs.raw.asked == []


@given(
    st.sampled_from(
        [
            "America/New_York",
            "Pacific/Pago_Pago",
            "Pacific/Apia",
            "Pacific/Auckland",
            "Asia/Kathmandu",
            "Africa/Cairo",
            "UTC",
        ]
    ),
    st.dates(date(2012, 1, 9), date(2030, 12, 20)),
    st.integers(0, 3),
    st.times(),
)
@settings(max_examples=40, deadline=None)
def test_on_the_evening_of_a_day_the_nights_up_to_its_maturity_are_measured_in_every_zone(
    zone, today, maturity_days, as_of_time
):
    nights = [today + timedelta(days=n) for n in range(-4, 3)]
    store = MemoryNights()
    for day in nights:
        publish(store, day)
    watch = watching(store, Raw(), time_zone=zone, maturity_days=maturity_days, as_of_time=as_of_time)
    evening_of_today = as_of(watch.inputs.spec, today + timedelta(days=1))
    measured = [night.score_date for night in watch.outcomes_known(evening_of_today)]
    assert measured == [day for day in nights if day + timedelta(days=maturity_days) <= today]


@pytest.mark.parametrize(
    ("zone", "files"), [("Pacific/Auckland", (-1, 0)), ("Pacific/Pago_Pago", (0, 1)), ("UTC", (0, 0))]
)
def test_outcomes_are_looked_for_in_each_file_by_utc_days_that_a_local_date_overlaps(watch, zone, files):
    raw = Raw({DAYS[1]: [(evening(0), [0, 1])]})
    own = watching(watch.store, raw, time_zone=zone, maturity_days=1, datasets=(PLANNED, BY_UTC))
    own.outcomes_known(as_of(own.inputs.spec, DAYS[0] + timedelta(days=2)))
    assert own.inputs.raw.asked == [tuple(DAYS[0] + timedelta(days=n) for n in files)]


def test_why_nights_are_not_measured_is_said(watch):
    at = as_of(watch.inputs.spec, DAYS[1] + timedelta(days=1))
    assert watch.waiting(watch.outcomes_known(at), at) == (
        Wait("not mature yet: 2013-06-17; outcomes count 0 days after the date"),
    )
    deaf = watching(watch.store, Raw())
    waits = deaf.waiting(deaf.outcomes_known(evening(3)), evening(3))
    assert waits == (
        Wait("no outcome known: 2013-06-15 to 2013-06-17 (3 nights); no happened landed", "outcomes"),
    )
    nothing = watching(MemoryNights(), Raw()).waiting((), at)
    assert nothing == (Wait("toy: no night is published, so there is nothing to measure", "night"),)


def challenged(*scores, delivered=None):
    """The newest night is measured with such scores of a challenger."""
    store = MemoryNights()
    publish(store, DAYS[0], scores)
    return watching(store, Raw({DAYS[0]: delivered or [(evening(0), [0, 1])]}))


def test_champion_and_challenger_are_measured_on_the_same_rows():
    watch = challenged(0.4, 0.8)
    (night,) = watch.outcomes_known(evening(1))
    (compared,) = watch.outcomes.comparisons("toy")
    assert (compared.rows, compared.with_outcome, compared.measured_at) == (2, 2, night.measured_at)
    assert compared.champion == night.metrics
    assert (compared.champion["brier"], compared.challenger["brier"]) == pytest.approx((0.04, 0.1))


def test_rows_that_the_challenger_did_not_score_count_for_neither():
    watch = challenged(0.4, None)
    (night,) = watch.outcomes_known(evening(1))
    (compared,) = watch.outcomes.comparisons("toy")
    assert (night.rows, compared.rows, compared.with_outcome) == (2, 1, 1)
    assert (compared.champion["brier"], compared.challenger["brier"]) == pytest.approx((0.04, 0.16))


def test_a_correction_restates_the_comparison_and_an_equal_one_is_not_kept():
    watch = challenged(0.4, 0.8)
    watch.outcomes_known(evening(1))
    watch.outcomes_known(evening(2))
    assert len(watch.outcomes.comparisons("toy")) == 1
    watch.inputs.raw.delivered[DAYS[0]].append((evening(3), [1, 1]))
    watch.outcomes_known(evening(4))
    assert [each.challenger["brier"] for each in watch.outcomes.comparisons("toy")] == pytest.approx(
        [0.1, 0.2]
    )


def test_a_night_without_a_challenger_is_compared_with_nobody(watch):
    watch.outcomes_known(evening(2))
    assert watch.outcomes.comparisons("toy") == ()


def test_a_measurement_as_of_an_instant_counts_only_what_was_recorded_by_then(watch):
    """A later correction is in the store when the night is measured as of an earlier instant."""
    watch.inputs.raw.delivered[DAYS[1]].append((evening(4), [1, 0]))
    assert watch.outcomes_known(evening(5))[1].metrics["auc"] == 0.0
    assert watch.outcomes_known(evening(3))[1].metrics["auc"] == 1.0
    assert [night.metrics["auc"] for night in watch.outcomes_known(evening(5))] == [1.0, 0.0, 1.0]
    earlier = watch.outcomes.measured("toy", evening(4) - timedelta(seconds=1), whole=True)
    assert [(night.metrics["auc"], night.measured_at) for night in earlier] == [(1.0, evening(3))] * 3


def test_a_look_back_is_no_news_for_the_challenger():
    watch = challenged(0.4, 0.8, delivered=[(evening(0), [0, 1]), (evening(3), [1, 1])])
    watch.outcomes_known(evening(4))
    restated = watch.outcomes.comparisons("toy")
    watch.outcomes_known(evening(1))
    assert watch.outcomes.comparisons("toy") == restated


def many(count, **changes):
    """So many nights in a row, whose outcomes are known the day after."""
    days = [DAYS[0] + timedelta(days=n) for n in range(count)]
    store = MemoryNights()
    for day in days:
        publish(store, day)
    raw = Raw({day: [(evening(n), [n % 2, 1])] for n, day in enumerate(days)})
    return days, watching(store, raw, **changes)


def test_trailing_nights_are_measured_with_an_interval_over_nights():
    days, watch = many(10)
    watch.outcomes_known(evening(10))
    windows = watch.trailing(watch.outcomes_known(evening(10)), evening(10))
    assert [(each.score_date, each.occasions, each.nights, each.rows) for each in windows] == [
        (days[-1], 7, 7, 14),
        (days[-1], 28, 10, 20),
    ]
    week = windows[0]
    nights = watch.outcomes.measured("toy", whole=True)[-7:]
    assert week.metrics["brier"] == pytest.approx(sum(night.metrics["brier"] for night in nights) / 7)
    low, high = week.intervals["brier"]
    assert low < week.metrics["brier"] < high


def test_a_correction_restates_the_windows_that_hold_its_night_and_the_old_numbers_stay():
    days, watch = many(14)
    watch.outcomes_known(evening(14))
    before = len(watch.outcomes.added)
    watch.inputs.raw.delivered[days[3]].append((evening(15), [1, 0]))
    watch.outcomes_known(evening(16))
    restated = [(each.score_date, each.occasions) for each in watch.outcomes.added[before:]]
    assert restated == [
        (days[3], 1),
        *((day, length) for n, day in enumerate(days[4:]) for length in ((7, 28) if n < 6 else (28,))),
    ]
    old = {each.of: each for each in watch.outcomes.measured("toy", evening(15))}
    new = {each.of: each for each in watch.outcomes.measured("toy")}
    assert len({*old}) == before
    assert [key for key in old if old[key] != new[key]] == [
        each.of for each in sorted(watch.outcomes.added[before:], key=lambda each: each.of)
    ]


def test_nights_that_a_version_has_seen_are_in_no_window():
    days, watch = many(10)
    registered(watch.inputs.registry, artifact_sha256="3" * 64, trained_through=days[6])
    store = watch.store
    for day in days:
        publish(store, day, version=3)
    watch.outcomes_known(evening(10))
    assert [each for each in watch.outcomes.measured("toy") if each.occasions > 1] == []


COST = RowMetric(name="cost", title="cost", unit="USD", of_row=(pl.col("score") - pl.col("outcome")).abs())


def test_a_metric_of_the_models_own_is_measured_beside_those_of_its_kind():
    _, watch = many(6, metrics=(COST,))
    night = watch.outcomes_known(evening(6))[1]
    assert night.metrics["cost"] == pytest.approx((0.8 + 0.2) / 2)
    assert {"cost", "brier"} <= {*watch.outcomes.measured("toy")[1].metrics}


BY_Y = {"numeric": ("x", "y"), "slices": (Slice(name="y", by="y", least_rows=1),)}


def reading(watch, monkeypatch, rows, **changes):
    """The same nights measured by another spec. rows: the population of each run."""
    monkeypatch.setattr(NightInputs, "snapshot", lambda self, run: rows)
    monkeypatch.setattr(NightInputs, "with_features", lambda self, rows, run: rows)
    return watching(watch.store, watch.inputs.raw, **changes)


def test_nights_from_before_an_input_are_measured_without_the_slices_that_read_it(watch, monkeypatch):
    before = pl.DataFrame({"entity_key": KEYS, "x": [1.0, 2.0], "fault": None})
    measured = reading(watch, monkeypatch, before, **BY_Y).outcomes_known(evening(9))
    assert [night.with_outcome for night in measured] == [2, 2, 2]


def test_a_key_that_the_population_repeats_is_measured_once(watch, monkeypatch):
    faults = pl.Series([None, None, "entity_key is repeated", "entity_key is missing"])
    rows = pl.DataFrame({"entity_key": ["a", "b", "b", None], "y": [1.0, 2.0, 3.0, 4.0], "fault": faults})
    again = reading(watch, monkeypatch, rows, **BY_Y)
    assert [night.rows for night in again.outcomes_known(evening(9))] == [2, 2, 2]


@pytest.mark.parametrize(
    "kind", [REGRESSION, multiclass("early", "on time", "late")], ids=lambda kind: kind.name
)
def test_nights_of_another_kind_keep_their_measurements_and_are_measured_no_more(watch, kind):
    first = watch.measure(watch.store.published("toy")[:1], evening(9))
    limits = spec_of_kind(kind)
    again = watching(watch.store, watch.inputs.raw, kind=kind, gates=limits.gates, audit=limits.audit)
    again.outcomes.add(first)
    assert again.outcomes_known(evening(9)) == first
    assert again.due(watch.store.run(watch.store.published("toy")[1].run_id)) is None


def test_nights_of_another_kind_are_in_no_window():
    _, binary = many(6)
    nights = binary.outcomes_known(evening(6))
    assert {each.occasions for each in binary.outcomes.measured("toy")} > {1}
    kind = multiclass("on time", "late")
    limits = spec_of_kind(kind)
    other = watching(binary.store, binary.inputs.raw, kind=kind, gates=limits.gates, audit=limits.audit)
    other.outcomes.add(nights)
    other._trail({night.score_date for night in nights}, evening(6))
    assert {each.occasions for each in other.outcomes.measured("toy")} == {1}
