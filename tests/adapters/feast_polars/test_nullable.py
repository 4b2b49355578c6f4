"""What pandas gets of a result: the values that are there, to the last digit, wherever there are nulls
beside them.
"""

import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace

import numpy as np
import pandas as pd
import polars as pl
import pytest
from feast import Field, RequestSource
from feast.dqm.errors import ValidationFailed
from feast.infra.offline_stores.file_source import SavedDatasetFileStorage
from feast.on_demand_feature_view import on_demand_feature_view
from feast.types import Array, Float64, Int64
from feast.utils import _columns_to_proto_values
from feast.value_type import ValueType
from hypothesis import given
from hypothesis import strategies as st

from nightjar.adapters.feast_polars.job import PolarsRetrievalJob, _Computed
from nightjar.adapters.feast_polars.nullable import exact_pandas, require_exact_inputs

BIG = 2**53 + 1
"""The first integer that no float holds."""
NOON = datetime(2024, 1, 10, 12, tzinfo=UTC)
ROWS = pl.DataFrame(
    {"k": [1, 2, BIG], "ts": [NOON] * 3, "v": [BIG, None, 5], "many": [[BIG, None], [1, 2], None]}
)
ASKED = pl.DataFrame({"k": [1, None, BIG, 2], "event_timestamp": [NOON] * 4})
BOUNDS = {
    **{
        dtype: (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
        for bits, dtype in ((8, pl.Int8), (16, pl.Int16), (32, pl.Int32), (64, pl.Int64))
    },
    **{
        dtype: (0, 2**bits - 1)
        for bits, dtype in ((8, pl.UInt8), (16, pl.UInt16), (32, pl.UInt32), (64, pl.UInt64))
    },
}


def plain(value):
    """A value of a pandas column as Python has it."""
    if isinstance(value, np.ndarray | list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    return (
        None
        if value is None or value is pd.NA or value is pd.NaT
        else value.item()
        if isinstance(value, np.generic)
        else value
    )


@given(st.data())
def test_integers_of_any_width_keep_their_value_beside_nulls_alone_in_lists_and_in_structs(data):
    dtype = data.draw(st.sampled_from(list(BOUNDS)))
    integers = st.none() | st.integers(*BOUNDS[dtype])
    flat = pl.Series("x", data.draw(st.lists(integers)), dtype=dtype)
    lists = pl.Series("lists", data.draw(st.lists(st.none() | st.lists(integers))), dtype=pl.List(dtype))
    structs = flat.rename("a").to_frame().select(pl.struct("a").alias("structs")).to_series()
    for column in (flat, lists, structs):
        frame = PolarsRetrievalJob(_Computed(column.to_frame()), None).to_df()
        assert [plain(value) for value in frame[column.name].tolist()] == column.to_list()
    expected = str(dtype()) if flat.null_count() else str(dtype()).lower()
    assert PolarsRetrievalJob(_Computed(flat.to_frame()), None).to_df()["x"].dtype == expected


@pytest.mark.parametrize(
    "values",
    [
        [True, None, False],
        [Decimal("0.1"), None],
        [datetime(1500, 1, 1, tzinfo=UTC), None, datetime(9999, 12, 31, tzinfo=UTC)],
        [timedelta(days=3_000_000), None],
        ["", None],
        [b"x", None],
        [[True, None], None],
    ],
)
def test_other_values_beside_nulls_are_what_they_were(values):
    frame = PolarsRetrievalJob(_Computed(pl.DataFrame({"x": values})), None).to_df()
    assert [plain(value) for value in frame["x"].tolist()] == values


@pytest.fixture
def job(view, retrieve):
    return retrieve(view(ROWS, features=("v", "many"), types={"many": Array(Int64)}), ASKED)


def test_integers_of_entities_and_features_are_exact_in_pandas_and_read_so_from_arrow(job):
    frame, arrow = job.to_df(), job.to_arrow()
    assert (frame.dtypes["k"], frame.dtypes["v"]) == ("Int64", "Int64")
    assert [plain(value) for value in frame["k"]] == [1, None, BIG, 2]
    assert [plain(value) for value in frame["v"]] == [BIG, None, 5, None]
    assert [plain(value) for value in frame["many"]] == [[BIG, None], None, None, [1, 2]]
    assert arrow.to_pandas()["v"].equals(frame["v"])
    assert pl.DataFrame(arrow).equals(job.to_polars())
    assert job._to_df_internal()["v"].equals(frame["v"])


@pytest.mark.filterwarnings("ignore:.*experimental feature:RuntimeWarning")
@pytest.mark.parametrize("path", ["saved.parquet", "folder"])
def test_a_saved_dataset_holds_the_same_integers(store, job, tmp_path, path):
    storage = SavedDatasetFileStorage(path=str(tmp_path / path))
    saved = store.create_saved_dataset(job, name=f"exact_{path}", storage=storage)
    for frame in (
        saved.to_df(),
        store.get_saved_dataset(f"exact_{path}").to_df(),
        pd.read_parquet(tmp_path / path),
    ):
        assert frame["v"].dtype == "Int64"
        assert sorted(frame["v"].dropna()) == [5, BIG]
        assert frame["k"].dropna().max() == BIG


def profile(job):
    """As a validation reference: fails where the frame is another than the job's."""
    expected = job.to_df()
    return SimpleNamespace(
        profile=SimpleNamespace(
            validate=lambda frame: SimpleNamespace(is_success=frame.equals(expected), errors=[])
        )
    )


def test_what_is_validated_is_what_pandas_gets(job, retrieve, view):
    assert job.to_df(validation_reference=profile(job)).equals(job.to_df())
    other = retrieve(
        view(ROWS.with_columns(pl.col("v") - 1), features=("v", "many"), types={"many": Array(Int64)}), ASKED
    )
    for ask in (job.to_df, job.to_arrow):
        with pytest.raises(ValidationFailed):
            ask(validation_reference=profile(other))


@pytest.mark.parametrize(
    ("default", "expected"), [(0, [BIG, 0, 5, 0]), (-1.5, [float(2**53), -1.5, 5.0, -1.5])]
)
def test_tensors_keep_integers_where_their_default_is_one(job, monkeypatch, default, expected):
    torch = SimpleNamespace(
        cuda=SimpleNamespace(is_available=lambda: False), tensor=lambda values, device: values
    )
    monkeypatch.setitem(sys.modules, "torch", torch)  # it is no dependency of ours
    monkeypatch.setattr("feast.infra.offline_stores.offline_store.get_torch", lambda: torch)
    assert job.to_tensor(default_value=default)["v"] == expected
    assert np.isnan(job.to_tensor()["v"][1])


def on_demand(source, mode):
    request = RequestSource(name="request", schema=[Field(name="k", dtype=Int64)])

    @on_demand_feature_view(sources=[source, request], schema=[Field(name="same", dtype=Int64)], mode=mode)
    def copied(inputs):
        return pd.DataFrame({"same": inputs["v"]}) if mode == "pandas" else {"same": inputs["v"]}

    return copied


@pytest.mark.parametrize("full", [False, True])
def test_a_pandas_function_that_would_get_other_integers_is_not_called(view, retrieve, full):
    source = view(ROWS)
    job = retrieve(source, ASKED, full_feature_names=full)
    name = f"{source.name}__v" if full else "v"
    with pytest.raises(
        ValueError,
        match=f"'copied' is a pandas function, and its input '(k|{name})' has nulls and integers from 2",
    ):
        PolarsRetrievalJob(job.answer, job.root, [on_demand(source, "pandas")], full).to_df()
    exact = (
        PolarsRetrievalJob(job.answer, job.root, [on_demand(source, "python")]).to_df() if not full else None
    )
    assert full or [plain(value) for value in exact["same"]] == [BIG, None, 5, None]


def test_a_pandas_function_gets_small_integers_beside_nulls_and_large_ones_without(view):
    pandas_view = on_demand(view(ROWS), "pandas")
    for v in ([5, None], [BIG, 5], [None, None], [2**53 - 1, None], [0.5, None]):
        require_exact_inputs(pl.DataFrame({"k": [1, 2], "v": v}).to_arrow(), [pandas_view])
    for v in ([2**53, None], [-(2**53), None]):
        with pytest.raises(ValueError, match="mode='python'"):
            require_exact_inputs(pl.DataFrame({"k": [1, 2], "v": v}).to_arrow(), [pandas_view])


def test_integers_that_a_declared_float_cannot_hold_are_an_error(view, retrieve):
    assert (
        retrieve(view(ROWS.with_columns(v=2**53), types={"v": Float64}), ASKED).to_polars()["v"][0] == 2.0**53
    )
    with pytest.raises(TypeError, match="hold integers that no float does"):
        retrieve(view(ROWS, types={"v": Float64}), ASKED).to_polars()


def test_what_other_stores_are_asked_with_keeps_its_keys():
    assert exact_pandas(ASKED.to_arrow())["k"].dropna().tolist() == [1, BIG, 2]


def test_feast_rounds_integers_beside_nulls_on_their_way_to_the_online_store():
    """A limit that docs/offline-store.md tells. When this fails, Feast has mended it."""
    batch = ROWS.select("v").to_arrow().to_batches()[0]
    found = _columns_to_proto_values(batch, [("v", ValueType.INT64)])["v"]
    assert found[0].int64_val == BIG - 1
