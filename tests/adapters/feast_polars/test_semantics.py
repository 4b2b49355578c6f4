"""What a retrieval means, case by case."""

from datetime import UTC, date, datetime, timedelta

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from feast.errors import EntityTimestampInferenceException, FeastEntityDFMissingColumnsError

NOON = datetime(2024, 1, 10, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def history(*rows, **columns):
    """Rows of (k, ts, created, v)."""
    schema = {
        "k": pl.Int64,
        "ts": pl.Datetime("us", "UTC"),
        "created": pl.Datetime("us", "UTC"),
        "v": pl.Int64,
    } | columns
    return pl.DataFrame(rows, schema=schema, orient="row")


def ask(*rows, **columns):
    """Entity rows of (k, event_timestamp)."""
    return pl.DataFrame(
        rows, schema={"k": pl.Int64, "event_timestamp": pl.Datetime("us", "UTC")} | columns, orient="row"
    )


def values(job):
    return job.to_polars()["v"].to_list()


def test_an_event_of_the_very_instant_counts_and_a_later_one_does_not(view, retrieve):
    features = view(history((1, NOON, NOON, 1), (1, NOON + timedelta(microseconds=1), NOON, 2)))
    assert values(retrieve(features, ask((1, NOON), (1, NOON - HOUR)))) == [1, None]


def test_the_ttl_bound_is_inclusive_and_zero_means_for_ever(view, retrieve):
    rows = history((1, NOON, NOON, 1))
    asked = ask((1, NOON + HOUR), (1, NOON + HOUR + timedelta(microseconds=1)))
    assert values(retrieve(view(rows, ttl=HOUR), asked)) == [1, None]
    assert values(retrieve(view(rows), asked)) == [1, 1]


def test_expired_and_future_history_gives_nulls_and_keeps_every_row_in_order(view, retrieve):
    features = view(
        history((1, NOON - 9 * HOUR, NOON, 1), (2, NOON + HOUR, NOON, 2), (3, NOON, NOON, 3)), ttl=HOUR
    )
    asked = ask((3, NOON), (2, NOON), (1, NOON), (3, NOON), (9, NOON), (None, NOON), (3, None))
    result = retrieve(features, asked).to_polars()
    assert result["v"].to_list() == [3, None, None, 3, None, None, None]
    assert result.drop("v").equals(asked)


def test_of_equal_events_the_one_recorded_last_wins_then_the_last_in_the_file(view, retrieve):
    features = view(
        history((1, NOON, NOON, 1), (1, NOON, NOON - HOUR, 2), (2, NOON, NOON, 3), (2, NOON, NOON, 4))
    )
    assert values(retrieve(features, ask((1, NOON), (2, NOON + HOUR)))) == [1, 4]


def test_a_correction_is_seen_only_from_when_it_was_recorded(view, retrieve):
    features = view(
        history(
            (1, NOON - HOUR, NOON - HOUR, 1), (1, NOON, NOON + 5 * HOUR, 3), (1, NOON, NOON + 2 * HOUR, 2)
        )
    )
    asked = ask(*((1, NOON + hours * HOUR) for hours in (-1, 0, 1, 2, 4, 5)))
    assert values(retrieve(features, asked)) == [1, 1, 1, 2, 2, 3]


def test_a_late_record_of_an_old_event_does_not_hide_a_newer_event(view, retrieve):
    features = view(history((1, NOON, NOON, 1), (1, NOON - HOUR, NOON + HOUR, 2)))
    assert values(retrieve(features, ask((1, NOON), (1, NOON + 2 * HOUR)))) == [1, 1]


def test_without_as_known_at_a_record_of_the_future_is_used_unless_the_call_forbids_it(view, retrieve):
    features, asked = view(history((1, NOON, NOON + HOUR, 1))), ask((1, NOON), (1, NOON + HOUR))
    assert values(retrieve(features, asked)) == [None, 1]
    assert values(retrieve(features, asked, as_known_at=False)) == [1, 1]
    assert values(retrieve(features, asked, as_known_at=False, filter_by_created_timestamp=True)) == [None, 1]


def test_a_row_that_does_not_say_when_it_was_recorded_is_not_known_at_any_time(view, retrieve):
    features = view(history((1, NOON, None, 1)))
    assert values(retrieve(features, ask((1, NOON)))) == [None]
    assert values(retrieve(features, ask((1, NOON)), as_known_at=False)) == [1]


def test_a_column_of_cutoffs_says_what_each_row_may_know_and_passes_through(view, retrieve):
    features = view(history((1, NOON, NOON + HOUR, 1), (1, NOON, NOON + 3 * HOUR, 2)))
    cutoffs = pl.Series("known_at", [NOON, NOON + HOUR, NOON + 4 * HOUR]).dt.convert_time_zone("Asia/Tokyo")
    asked = ask(*[(1, NOON)] * 3).with_columns(cutoffs)
    for frame in (
        asked,
        asked.with_columns(pl.col("known_at").dt.convert_time_zone("UTC").dt.replace_time_zone(None)),
    ):
        result = retrieve(features, frame).to_polars()
        assert result["v"].to_list() == [None, 1, 2]
        assert result.drop("v").equals(frame)
    assert values(retrieve(features, asked, known_at="other")) == [None, None, None]
    assert values(retrieve(features, asked.rename({"known_at": "other"}), known_at="other")) == [None, 1, 2]
    assert values(retrieve(features, asked, as_known_at=False)) == [None, 1, 2]
    assert values(retrieve(features, asked, as_known_at=False, known_at=None)) == [2, 2, 2]


def test_a_view_that_does_not_say_when_rows_were_recorded_heeds_no_cutoff(view, retrieve):
    features = view(history((1, NOON, NOON, 1)).drop("created"))
    cutoffs = pl.Series("known_at", [None, NOON - HOUR], dtype=pl.Datetime("us", "UTC"))
    assert values(retrieve(features, ask((1, NOON), (1, NOON)).with_columns(cutoffs))) == [1, 1]


def test_a_cutoff_that_is_no_time_is_refused_by_name(view, retrieve):
    with pytest.raises(TypeError, match="'known_at' is Int32, not a time"):
        retrieve(view(history((1, NOON, NOON, 1))), ask((1, NOON)).with_columns(known_at=1))


def test_views_of_different_keys_join_one_entity_frame(view, retrieve):
    first = view(history((1, NOON, NOON, 10)).rename({"v": "first"}), features=("first",))
    second = view(
        history(("x", NOON, NOON, 20), k=pl.String).rename({"v": "second", "k": "name"}),
        ("name",),
        features=("second",),
    )
    asked = ask((1, NOON), (2, NOON)).with_columns(name=pl.Series(["y", "x"]))
    assert retrieve([first, second], asked).to_polars().select("first", "second").rows() == [
        (10, None),
        (None, 20),
    ]


def test_a_join_key_map_asks_one_view_twice_under_two_names(view, retrieve):
    place = view(history((1, NOON, NOON, 10), (2, NOON, NOON, 20)))
    views = [place.with_name(name).with_join_key_map({"k": name}) for name in ("origin", "destination")]
    asked = pl.DataFrame({"origin": [1, 2], "destination": [2, 3], "event_timestamp": [NOON, NOON]})
    result = retrieve(views, asked, full_feature_names=True).to_polars()
    assert result.columns == ["origin", "destination", "event_timestamp", "origin__v", "destination__v"]
    assert result.select("origin__v", "destination__v").rows() == [(10, 20), (20, None)]


def test_a_partial_join_key_map_on_a_view_of_two_keys_maps_that_key_alone(view, retrieve):
    rows = pl.DataFrame({"a": [1, 1], "b": [1, 2], "ts": [NOON] * 2, "created": [NOON] * 2, "v": [11, 12]})
    features = view(rows, ("a", "b")).with_join_key_map({"b": "other"})
    asked = pl.DataFrame({"a": [1, 1, 2], "b": [2, 1, 1], "other": [1, 2, 1], "event_timestamp": [NOON] * 3})
    assert values(retrieve(features, asked)) == [11, 12, None]


def test_a_field_mapping_renames_features_keys_and_times(view, retrieve):
    rows = history((1, NOON, NOON, 7)).rename({"v": "raw", "k": "id", "ts": "at"})
    features = view(rows, field_mapping={"raw": "v", "id": "k", "at": "ts"})
    assert values(retrieve(features, ask((1, NOON)))) == [7]


def test_naive_times_are_utc_and_any_zone_means_its_instant(view, retrieve):
    stored = history((1, NOON, NOON, 1), (1, NOON + HOUR, NOON, 2))
    new_york = pl.col("ts", "created").dt.convert_time_zone("America/New_York")
    naive = pl.col("ts", "created").dt.replace_time_zone(None)
    fine = pl.col("ts", "created").dt.cast_time_unit("ns")
    for kind in (new_york, naive, fine, naive.dt.cast_time_unit("ms")):
        for asked in (ask((1, NOON)), ask((1, NOON), (1, NOON - HOUR))):
            features = view(stored.with_columns(kind), ttl=30 * HOUR)
            expected = [1, None][: asked.height]
            for zone in ("UTC", "Asia/Tokyo"):
                result = retrieve(
                    features, asked.with_columns(pl.col("event_timestamp").dt.convert_time_zone(zone))
                )
                assert values(result) == expected
            assert (
                values(
                    retrieve(
                        features, asked.with_columns(pl.col("event_timestamp").dt.replace_time_zone(None))
                    )
                )
                == expected
            )


def test_nanoseconds_never_let_a_later_event_seem_earlier(view, retrieve):
    later = pl.Series("ts", [int(NOON.timestamp()) * 10**9 + 300]).cast(pl.Datetime("ns", "UTC"))
    features = view(history((1, NOON, NOON, 1)).with_columns(later))
    assert values(retrieve(features, ask((1, NOON), (1, NOON + timedelta(microseconds=1))))) == [None, 1]


def test_dates_and_iso_text_are_times_too(view, retrieve):
    features = view(history((1, NOON, NOON, 1)))
    text = pl.DataFrame(
        {"k": [1, 1], "event_timestamp": ["2024-01-10T13:00:00+02:00", "2024-01-10 12:00:00Z"]}
    )
    days = pl.DataFrame({"k": [1, 1], "event_timestamp": [date(2024, 1, 10), date(2024, 1, 11)]})
    assert values(retrieve(features, text)) == values(retrieve(features, days)) == [None, 1]


def test_keys_match_by_value_across_integer_widths_floats_and_categories(view, retrieve):
    features = view(
        history((1, NOON, NOON, 1), (300, NOON, NOON, 2)).with_columns(pl.col("k").cast(pl.Int32))
    )
    for dtype in (pl.Int16, pl.UInt64, pl.Float64):
        assert values(retrieve(features, ask((1, NOON), (300, NOON)).cast({"k": dtype}))) == [1, 2]
    assert values(retrieve(features, ask((2**40 + 1, NOON), (1, NOON)))) == [None, 1]
    assert values(retrieve(features, ask((1.5, NOON), (float("nan"), NOON), (1.0, NOON), k=pl.Float64))) == [
        None,
        None,
        1,
    ]
    text = history(("a", NOON, NOON, 1), ("b", NOON, NOON, 2), k=pl.String)
    for stored in (pl.String, pl.Categorical):
        for given in (pl.String, pl.Categorical, pl.Enum(["b", "c", "a"])):
            asked = ask(("b", NOON), ("c", NOON), k=pl.String).cast({"k": given})
            assert values(retrieve(view(text.cast({"k": stored})), asked)) == [2, None]


def test_keys_of_types_that_never_match_are_refused_by_name(view, retrieve):
    with pytest.raises(TypeError, match="join key 'k' is String in the entity frame and Int64 in the source"):
        retrieve(view(history((1, NOON, NOON, 1))), ask(("1", NOON), k=pl.String)).to_polars()


def test_an_empty_frame_of_entities_gives_an_empty_frame_of_declared_types(view, retrieve):
    result = retrieve(view(history((1, NOON, NOON, 1))), ask()).to_polars()
    assert result.schema == {"k": pl.Int64, "event_timestamp": pl.Datetime("us", "UTC"), "v": pl.Int64}
    assert result.height == 0


@pytest.mark.parametrize(
    "kind", [pl.DataFrame.lazy, pl.DataFrame.to_arrow, pl.DataFrame.to_pandas, lambda frame: frame]
)
def test_entities_may_be_polars_lazy_arrow_or_pandas(view, retrieve, kind):
    features = view(history((1, NOON, NOON, 1)))
    job = retrieve(features, kind(ask((2, NOON), (1, NOON))))
    assert values(job) == [None, 1]
    assert job.to_df()["v"].tolist()[1] == 1
    assert job.to_arrow().schema.field("v").type == pa.int64()
    assert isinstance(job.to_lazy(), pl.LazyFrame)


def test_a_pandas_index_and_null_keys_do_no_harm(view, retrieve):
    frame = pd.DataFrame({"k": [1.0, None], "event_timestamp": [NOON, NOON]}, index=[7, 7])
    assert values(retrieve(view(history((1, NOON, NOON, 1))), frame)) == [1, None]


def test_the_only_datetime_column_is_the_time_and_without_one_there_is_an_error(view, retrieve):
    features = view(history((1, NOON, NOON, 1)))
    assert values(retrieve(features, ask((1, NOON)).rename({"event_timestamp": "when"}))) == [1]
    with pytest.raises(EntityTimestampInferenceException):
        retrieve(features, pl.DataFrame({"k": [1]}))
    with pytest.raises(TypeError, match="runs no SQL"):
        retrieve(features, "SELECT 1")


def test_missing_join_keys_and_taken_names_are_said_before_anything_is_read(view, retrieve):
    features = view(history((1, NOON, NOON, 1)))
    with pytest.raises(FeastEntityDFMissingColumnsError, match="'k'"):
        retrieve(features, ask((1, NOON)).drop("k"))
    with pytest.raises(
        ValueError,
        match=rf"feature view '{features.name}' would give a column 'v', which the entity frame has already",
    ):
        retrieve(features, ask((1, NOON)).with_columns(v=1))
    first, second = (
        view(history((1, NOON, NOON, 1)).rename({"v": name}), features=(name,)) for name in ("b__c", "c")
    )
    with pytest.raises(
        ValueError, match=r"'a__b' would give a column 'a__b__c', which feature view 'a' has already"
    ):
        retrieve([first.with_name("a"), second.with_name("a__b")], ask((1, NOON)), full_feature_names=True)


def test_a_negative_ttl_is_refused_for_nothing_could_ever_be_seen(view, retrieve):
    with pytest.raises(ValueError, match=r"TTL of -1 day, 0:00:00: no row is ever that new"):
        retrieve(view(history((1, NOON, NOON, 1)), ttl=timedelta(days=-1)), ask((1, NOON)))


def test_values_have_the_declared_type_whatever_the_files_hold(view, retrieve):
    from feast.types import Float64

    features = view(history((1, NOON, NOON, 1)).cast({"v": pl.Int16}), types={"v": Float64})
    assert retrieve(features, ask((1, NOON))).to_polars()["v"].dtype == pl.Float64


@pytest.mark.parametrize("stored", [pl.Float64, pl.Decimal(9, 1)])
def test_fractions_that_are_declared_as_integers_are_refused_not_cut_off(view, retrieve, stored):
    from feast.types import Int64

    rows = history((1, NOON, NOON, 1), (2, NOON, NOON, 2)).cast({"v": stored})
    assert retrieve(view(rows, types={"v": Int64}), ask((1, NOON))).to_polars()["v"].to_list() == [1]
    broken = view(rows.with_columns((pl.col("v") + 0.9).cast(stored)), types={"v": Int64})
    with pytest.raises(
        TypeError,
        match=rf"Feature view '{broken.name}': \['v'\] hold fractions or NaN and are declared as integers",
    ):
        retrieve(broken, ask((1, NOON))).to_polars()


@pytest.mark.parametrize(
    "stored", [pl.Series([2**63], dtype=pl.UInt64), pl.Series(["one"]), pl.Series([2**64], dtype=pl.Int128)]
)
def test_values_that_the_declared_type_cannot_hold_are_refused_with_their_view(view, retrieve, stored):
    from feast.types import Int64

    features = view(history((1, NOON, NOON, 1)).with_columns(v=stored), types={"v": Int64})
    with pytest.raises(
        TypeError, match=rf"Feature view '{features.name}': conversion from .* failed in column 'v'"
    ):
        retrieve(features, ask((1, NOON))).to_polars()


def test_without_entity_rows_the_entities_of_the_window_come_as_of_its_end(view, retrieve):
    rows = history(
        (1, NOON - 9 * HOUR, NOON, 1),
        (2, NOON, NOON, 2),
        (2, NOON - HOUR, NOON, 3),
        (3, NOON, NOON + 9 * HOUR, 4),
        (None, NOON, NOON, 5),
    )
    features, end = view(rows), NOON + HOUR
    result = retrieve(features, None, start_date=NOON - 2 * HOUR, end_date=end).to_polars()
    assert result.select("k", "event_timestamp", "v").rows() == [(2, end, 2)]
    naive = retrieve(
        features, None, start_date=datetime(2024, 1, 10), end_date=datetime(2024, 1, 10, 13)
    ).to_polars()
    assert naive.select("k", "v").rows() == [(1, 1), (2, 2)]


def test_without_entity_rows_views_of_different_keys_are_refused(view, retrieve):
    other = view(history((1, NOON, NOON, 1)).rename({"k": "other"}), ("other",))
    with pytest.raises(ValueError, match="Pass an entity frame"):
        retrieve([view(history()), other], None, start_date=NOON, end_date=NOON)


def test_batches_add_up_to_the_whole_and_a_sink_writes_it(view, retrieve, tmp_path):
    features = view(history(*((k, NOON, NOON, k) for k in range(5))))
    job = retrieve(features, ask(*((k, NOON + k * HOUR) for k in range(7))))
    batches = list(job.iter_batches(3))
    assert [batch.height for batch in batches] == [3, 3, 1]
    assert pl.concat(batches).equals(job.to_polars())
    job.sink_parquet(tmp_path / "deep" / "result.parquet", 3)
    assert pl.read_parquet(tmp_path / "deep" / "result.parquet").equals(job.to_polars())
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["result.parquet"]


@pytest.fixture
def two_views(view, retrieve, monkeypatch):
    """A job over seven rows, in batches of three, and the names of the features whose history is read."""
    from nightjar.adapters.feast_polars import history as histories
    from nightjar.adapters.feast_polars import job as jobs

    monkeypatch.setattr(jobs, "BATCH_ROWS", 3)
    rows = history(*((k, NOON, NOON, k) for k in range(5)))
    kept, read = histories.Reading.history, []
    monkeypatch.setattr(
        histories.Reading,
        "history",
        lambda self, *given, **more: (read.extend(self.view.features), kept(self, *given, **more))[1],
    )
    views = [
        view(rows),
        view(rows.rename({"v": "w"}).with_columns(x=pl.col("w").cast(pl.Float32)), features=("w", "x")),
    ]
    return retrieve(views, ask(*((k, NOON + k * HOUR) for k in range(7)))), read


def test_a_query_reads_nothing_until_it_is_collected_and_then_only_what_it_uses(two_views):
    job, read = two_views
    query = job.to_lazy().filter(pl.col("x") > 1).select("k", "x")
    assert (read, query.collect_schema()) == ([], pl.Schema({"k": pl.Int64, "x": pl.Float64}))
    assert query.collect().rows() == [(2, 2.0), (3, 3.0), (4, 4.0)]
    assert read == ["x"]


@pytest.mark.parametrize("engine", ["in-memory", "streaming"])
def test_queries_on_the_result_answer_as_on_the_whole_frame(two_views, engine, tmp_path):
    job, _ = two_views
    whole = job.to_polars()
    assert job.to_lazy().collect(engine=engine).equals(whole)
    assert job.to_lazy().head(4).collect(engine=engine).equals(whole.head(4))
    assert (
        job.to_lazy()
        .filter(pl.col("v") > 0)
        .head(2)
        .select("w")
        .collect(engine=engine)
        .equals(whole.filter(pl.col("v") > 0).head(2).select("w"))
    )
    assert job.to_lazy().select(pl.len()).collect(engine=engine).item() == 7
    job.to_lazy().sink_parquet(tmp_path / "result.parquet", engine=engine)
    assert pl.read_parquet(tmp_path / "result.parquet").equals(whole)
