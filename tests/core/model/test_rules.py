"""A spec is a whole and sound one, or refused by the field that is wrong."""

from dataclasses import replace
from datetime import UTC, date, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import MODELS
from nightjar.core.errors.model import BadSpec
from nightjar.core.kinds.binary import BINARY
from nightjar.core.model.rules import NAME, is_cron
from nightjar.core.model.sources import (
    DeltaTable,
    Files,
    KnownAfter,
    ParquetTable,
    PostgresQuery,
    ReadAtNight,
    RecordedAt,
)
from nightjar.core.model.spec import FeastService, GateLimits, Replay, Window

SPEC = MODELS["flight_delay"]
SCHEDULES, TABLE = SPEC.datasets[0], SPEC.feature_tables[0]
QUERY = PostgresQuery(url="WAREHOUSE_URL", sql="SELECT 1", known=ReadAtNight())
NOW_ONLY = replace(SPEC.datasets[1], source=QUERY)


def dataset(**changes):
    return {"datasets": (replace(SCHEDULES, **changes), *SPEC.datasets[1:])}


def table(**changes):
    return {"feature_tables": (replace(TABLE, **changes), *SPEC.feature_tables[1:])}


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"name": "Flights"}, "name must be lower-case"),
        ({"name": "flights\n"}, "name must be lower-case"),
        ({"name": "../flights"}, "name must be lower-case"),
        ({"name": "flights; DROP TABLE run"}, "name must be lower-case"),
        ({"name": "a" * 41}, "name must be lower-case"),
        ({"name": 7}, "name is 7: Input should be a valid string"),
        ({"time_zone": "New York"}, "time_zone 'New York' is no IANA time zone"),
        ({"time_zone": "America"}, "no IANA time zone"),
        ({"time_zone": "../../etc/passwd"}, "no IANA time zone"),
        ({"time_zone": "\0"}, "no IANA time zone"),
        ({"time_zone": "Z" * 5000}, "no IANA time zone"),
        ({"cron": "30 21 * *"}, "not a cron expression"),
        ({"cron": "60 21 * * *"}, "not a cron expression"),
        ({"retrain_cron": "@daily"}, "not a cron expression"),
        ({"part_rows": 0}, "part_rows is 0"),
        ({"part_rows": 2**63}, "part_rows"),
        ({"part_rows": 300.0}, "part_rows is 300.0: Input should be a valid integer"),
        ({"horizon_days": -1}, "horizon_days"),
        ({"horizon_days": 10**9}, "horizon_days"),
        ({"replay": Replay(date(2013, 1, 1), date(2013, 1, 6))}, "replay must be a week or more"),
        ({"replay": Replay(date(2013, 1, 1), date(2213, 1, 6))}, "replay must be a week or more"),
        ({"cron": "0,30 21 * * *"}, "more than one night on a local date"),
        ({"cron": "0 * * * *"}, "more than one night on a local date"),
        ({"cron": "0 6-7 1 * *"}, "more than one night on a local date"),
        ({"as_of_time": time(21, tzinfo=UTC)}, "as_of_time must have no zone"),
        ({"contract": None}, "contract is None: must be a function"),
        ({"categorical": (), "numeric": ()}, "must name an input"),
        ({"often_missing": frozenset({"snow"})}, r"often_missing names what is no input: \['snow'\]"),
        ({"numeric": ("distance", "distance")}, r"name twice: \['distance'\]"),
        ({"numeric": ("fault",)}, r"inputs may not have the columns \['fault'\]"),
        ({"numeric": ('distance"; --',)}, "inputs has the names"),
        ({"population_reads": ()}, r"population_reads must name what is read, like Window\('flights'\)"),
        (
            {"population_reads": (Window("trains"),)},
            r"population_reads names datasets that are not declared: \['trains'\]. Declared are \['flights'",
        ),
        ({"outcome_reads": (Window("flights"),) * 2}, "outcome_reads names a dataset twice"),
        ({"outcome_reads": (Window("flights", -1),)}, "outcome_reads.0.days_before is -1"),
        (
            {"outcome_reads": (Window("flights", days_after=90),)},
            "outcome_reads reads 90 days after the score date, but maturity_days is 1. .* set maturity_days",
        ),
        ({"datasets": SPEC.datasets * 2}, "datasets name twice"),
        (dataset(name="sched/ules"), "dataset 'sched/ules' has the names"),
        (
            dataset(columns={**SCHEDULES.columns, "recorded_at": pl.Date()}),
            r"may not have the columns \['recorded_at'\]",
        ),
        (
            dataset(columns={**SCHEDULES.columns, "sched_dep": pl.Datetime("us")}),
            "must hold its instants in UTC",
        ),
        (dataset(columns={**SCHEDULES.columns, "extra": pl.List(pl.Int8)}), "cannot hold List"),
        (dataset(keys=()), "must have keys"),
        (dataset(source=Files("xls")), "format is 'xls': Input should be 'csv', 'jsonl' or"),
        (dataset(source=Files("jsonl")), "must say what proves a jsonl file whole: rows, sha256"),
        (dataset(source=QUERY, day_column=None), "must have a day_column that is never empty"),
        (dataset(source=replace(QUERY, url="postgresql://me@db")), "must name the environment variable"),
        (dataset(source=replace(QUERY, sql=" ;")), "must have a query"),
        (dataset(source=replace(QUERY, known=RecordedAt("at", timedelta(0)))), "must round instants up to"),
        (
            dataset(source=replace(QUERY, known=KnownAfter(timedelta(days=999)))),
            "must have a delay of at most",
        ),
        (dataset(source=ParquetTable(url="data", known=ReadAtNight())), "must lie at an absolute path"),
        (dataset(source=DeltaTable(url="gs://a/b", known=ReadAtNight())), "must lie at an absolute path"),
        (
            {"datasets": (SCHEDULES, NOW_ONLY, *SPEC.datasets[2:])},
            r"cannot be computed from \['flights'\]: it is read at the night",
        ),
        ({"deliver": None}, "deliver must bring the files of schedules, flights, weather"),
        (dataset(source=Files("parquet", "trailer")), "cannot prove a parquet file whole by 'trailer'"),
        (dataset(keys=("train",)), "must have keys"),
        (dataset(nullable=frozenset({"flight"})), "must have keys among its columns that are never empty"),
        (dataset(nullable=frozenset({"train"})), "lets columns be empty that it does not have"),
        (dataset(day_column="distance"), "must have dates or instants in its day_column"),
        (table(name="Route"), "has the names"),
        (table(ttl=timedelta(0)), "must have a ttl"),
        (table(max_age=timedelta(0)), "must have a max_age above 0"),
        (table(ttl=timedelta.max), "must have a ttl and lookback_days of at most"),
        (table(lookback_days=-1), "must have a ttl and lookback_days of at most"),
        (table(sources=("trains",)), "reads datasets that are not declared"),
        (table(features={}), "must have keys, and features"),
        (
            table(features={**TABLE.features, "created": pl.Float64()}),
            r"may not have the columns \['created'\]",
        ),
        ({"feature_tables": (TABLE, replace(TABLE, name="again"))}, "features name twice"),
        (
            {"features": FeastService(repo=Path("feast"), service="x")},
            "features must be left out where there are feature_tables",
        ),
        ({"audit": SPEC.audit | {"max_quarantine_share": float("nan")}}, "audit.max_quarantine_share is nan"),
        ({"audit": SPEC.audit | {"max_quarantine_share": 2}}, "audit.max_quarantine_share is 2"),
        (
            {"audit": SPEC.audit | {"max_mean_shift": -0.1}},
            "audit.max_mean_shift is -0.1: it must be a number from 0 to 1",
        ),
        ({"gates": SPEC.gates | {"min_auc": float("-inf")}}, "gates.min_auc is -inf"),
        (
            {"gates": SPEC.gates | {"min_auc": "0.6"}},
            "gates.min_auc is '0.6': it must be a number from 0 to 1",
        ),
        (
            {"gates": SPEC.gates | {"max_mae": 3.0}},
            "gates.max_mae is no limit of the kind 'binary', which has min_auc, max_ece",
        ),
        (
            {"gates": GateLimits(min_auc=0.6)},
            "gates.max_ece is lacking: a model of the kind 'binary' must set it",
        ),
        (
            {"audit": SPEC.audit | {"max_sum_shift": 3.0}},
            "audit.max_sum_shift is no limit of the kind 'binary', which has max_quar",
        ),
        ({"gates": {"min_auc": 0.6}}, "gates is .*: Input should be an instance of GateLimits"),
        (
            {"kind": "binary"},
            "kind is 'binary': must be a kind that nightjar/core/kinds/__init__.py lists: binary",
        ),
        ({"kind": replace(BINARY, name="another")}, "kind is .*: must be a kind that"),
        ({"split": replace(SPEC.split, test_days=0)}, "split.test_days is 0"),
    ],
)
def test_what_is_wrong_with_a_spec_is_named_by_its_field(changes, problem):
    with pytest.raises(BadSpec, match=problem):
        replace(SPEC, **changes)


odd = (
    st.none()
    | st.text(max_size=60)
    | st.integers()
    | st.floats()
    | st.timedeltas()
    | st.sampled_from(["", "\0", "a" * 5000, "é", "a\n", "'"])
)


@given(
    field=st.sampled_from(
        [
            "name",
            "title",
            "time_zone",
            "cron",
            "horizon_days",
            "as_of_time",
            "maturity_days",
            "part_rows",
            "seed",
            "replay",
        ]
    ),
    value=odd,
)
def test_any_value_of_a_field_is_kept_or_refused(field, value):
    try:
        spec = replace(SPEC, **{field: value})
    except BadSpec as refused:
        assert field in str(refused)  # noqa: PT017  # either outcome is right
    else:
        assert getattr(spec, field) == value
        assert NAME.fullmatch(spec.name)
        assert ZoneInfo(spec.time_zone)


@given(st.sampled_from(sorted(available_timezones())))
def test_every_zone_of_the_world_may_be_used(zone):
    assert replace(SPEC, time_zone=zone).time_zone == zone


@pytest.mark.parametrize("cron", ["30 21 * * *", "0 23 * * 0", "*/15 0-6,12 1,15 */2 1-5", "5/10 * * * 7"])
def test_a_cron_expression_of_numbers_is_taken(cron):
    assert is_cron(cron)


@pytest.mark.parametrize(
    "cron",
    [
        "",
        "* * * *",
        "* * * * * *",
        "60 * * * *",
        "* 24 * * *",
        "* * 0 * *",
        "* * * 13 *",
        "* * * * 8",
        "9-5 * * * *",
        "*/0 * * * *",
        "1, * * * *",
        "1 2 3 4 MON",
        "1  2 3 4 5",
        "\u0661 * * * *",
        "*\n* * * * *",
    ],
)
def test_any_other_is_not(cron):
    assert not is_cron(cron)


@given(st.text(alphabet="0123456789*-/, ", max_size=24))
def test_no_text_upsets_the_cron_check(text):
    assert is_cron(text) in {True, False}
