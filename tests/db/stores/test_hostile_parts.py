"""Whatever a part holds, it is stored to the bit or refused whole, by both stores alike."""

import json
import struct
from datetime import date, timedelta
from itertools import count

import polars as pl
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nightjar.core.errors.inputs import ContractBroken
from nightjar.core.night.part_rows import SCORES

texts = st.text(st.characters(codec="utf-8"), max_size=12) | st.sampled_from(
    [
        "",
        "\0",
        "a\0b",
        "k" * 512,
        "k" * 513,
        "🦉" * 128,
        "🦉" * 129,
        "\u202eltr",
        "\ufeff",
        "\ufffe",
        "e\u0301",
        "é",
        '"',
        "\\",
        "\\N",
        "\\.",
        "\t",
        "\r\n",
        "'; --",
        "\x7f",
    ]
)
numbers = (
    st.floats()
    | st.floats(0, 1)
    | st.sampled_from([0.0, -0.0, 5e-324, -5e-324, 1.0, 1.0000000000000002, 2.0**-1074])
)
rows = st.lists(st.tuples(st.none() | texts, st.none() | numbers, st.none() | numbers), max_size=4)
sane = st.lists(
    st.tuples(
        texts.filter(lambda key: 0 < len(key.encode()) <= 512 and "\0" not in key),
        st.floats(0, 1),
        st.none() | st.floats(0, 1),
    ),
    max_size=4,
)
broken = st.lists(st.none() | texts, max_size=3)
days = (date(1950, 1, 1) + timedelta(days=n) for n in count())


def bits(value: float | None) -> bytes | None:
    return None if value is None else struct.pack(">d", value)


def aside(keys):
    """Rows in quarantine under any key, with texts of every kind in the JSON."""
    return pl.DataFrame(
        [
            (
                key,
                json.dumps([{"column": "x", "check": "y", "value": key}]),
                json.dumps({"key": key}, ensure_ascii=False),
            )
            for key in keys
        ],
        schema={"entity_key": pl.String, "reasons": pl.String, "row": pl.String},
        orient="row",
    )


@given(scored=rows | sane, keys=broken)
@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_part_is_stored_to_the_bit_or_refused_whole(stores, make, scored, keys):
    frame = pl.DataFrame(
        [(key, score, None, other, None, None, None) for key, score, other in scored],
        schema=SCORES,
        orient="row",
    )
    height = max(1, frame.height + len(keys))
    with stores.claim(next(days)) as claimed:
        run = stores.store.record_population(claimed.run, make.population(height))
        try:
            stores.store.write_part(run, make.part(0, height), frame, aside(keys))
        except ContractBroken:
            assert stores.store.receipts(run) == ()
            assert stores.store.published_scores(run).is_empty()
            return
        stored = stores.store.published_scores(run).rows()
    assert [(key, bits(score), bits(other)) for key, score, _, other, *_ in stored] == [
        (key, bits(score), bits(other))
        for key, score, other in sorted(scored, key=lambda row: row[0].encode())
    ]
    assert all(0 <= score <= 1 and key for key, score, *_ in stored)


@pytest.mark.parametrize("key", ["k" * 513, "🦉" * 129, "a\0b", "", None])
def test_a_key_that_cannot_be_kept_is_refused(stores, make, key):
    with stores.claim() as claimed, pytest.raises(ContractBroken, match="entity_key"):
        stores.store.write_part(claimed.run, make.part(0, 1), make.scores(key), make.quarantined())


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -5e-324, 1.0000000000000002])
def test_a_score_that_is_no_probability_is_refused(stores, make, value):
    for scores in (make.scores("a", score=value), make.scores("a", challenger=value)):
        with stores.claim() as claimed, pytest.raises(ContractBroken, match=r"not finite|from 0 to 1"):
            stores.store.write_part(claimed.run, make.part(0, 1), scores, make.quarantined())


def test_a_part_that_is_written_already_keeps_its_rows_and_gives_its_own_receipt(stores, make):
    def write(number, *keys, score):
        part = make.part(number, number + len(keys), number)
        return stores.store.write_part(run, part, make.scores(*keys, score=score), make.quarantined())

    with stores.claim() as claimed:
        run = stores.store.record_population(claimed.run, make.population(3, parts=2))
        first, other = write(0, "a", score=0.1), write(1, "b", "c", score=0.2)
        assert write(0, "a", score=0.9) == first
        assert stores.store.receipts(run) == (first, other)
        assert [*stores.store.published_scores(run)["score"]] == [0.1, 0.2, 0.2]


@pytest.mark.parametrize("content", ["{not json", "[1", "", '"\\ud800"', "nan"])
def test_a_quarantined_row_that_is_no_json_refuses_its_part_whole(on_postgres, database, make, content):
    with on_postgres.claim() as claimed, pytest.raises(ContractBroken, match="json"):
        on_postgres.store.write_part(
            claimed.run, make.part(0, 2), make.scores("a"), make.quarantined("b", row=content)
        )
    with psycopg.connect(database.url("owner")) as owner:
        counts = [
            owner.execute(f"SELECT count(*) FROM nightjar.{table}").fetchone()
            for table in ("score", "quarantined_row", "receipt")
        ]
    assert counts == [(0,), (0,), (0,)]
