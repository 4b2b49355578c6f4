"""An input that nothing gives is told with what there is, and with what mends it."""

from dataclasses import replace
from datetime import UTC, datetime

import polars as pl
import pytest

from nightjar.core.errors.inputs import MissingFeatures
from nightjar.core.ports.progress import silent
from nightjar.showing.remedies import told
from nightjar.testing.specs import WEATHER, toy_spec
from nightjar.testing.worlds import NoFeatures
from nightjar.usecases.lifecycle.gathering import with_features

ROWS = pl.DataFrame(
    {
        "entity_key": ["a"],
        "forecast": [1.0],
        "city": ["x"],
        "outcome": [1.0],
        "event_timestamp": [datetime(2026, 1, 5, tzinfo=UTC)],
    }
)


def lacking(*inputs, rows=ROWS, tables=(WEATHER,)):
    """What people read if rows without features, of a model with these inputs, are gathered."""
    spec = toy_spec(numeric=inputs, feature_tables=tables)
    with pytest.raises(MissingFeatures) as raised:
        with_features(spec, rows, NoFeatures(), silent)
    return told(raised.value)


@pytest.mark.parametrize(
    ("spelt", "near"),
    [("forcast", " Near it is 'forecast'."), ("rian", " Near it is 'rain'."), ("zzz", "")],
    ids=["a column of the population", "a feature of a table", "nothing like it"],
)
def test_a_misspelt_input_is_told_with_the_columns_and_what_is_near_and_nothing_to_apply(spelt, near):
    text = lacking(spelt)
    assert text.startswith(
        f"toy: the input {spelt!r} is neither a column of `population`, which gives forecast, city, nor a "
        f"feature of the model's feature tables.{near} Correct `categorical` or `numeric`"
    )
    assert "features apply" not in text


def test_all_misspelt_inputs_are_told_and_one_that_is_declared_is_not():
    text = lacking("forcast", "rain", "rian")
    assert "each of the inputs 'forcast', 'rian' is neither" in text
    assert "Near them are 'forecast', 'rain'." in text


def test_a_population_of_keys_alone_is_told_as_such():
    assert "`population`, which gives entity_key alone, nor" in lacking("x", rows=ROWS.select("entity_key"))


def test_a_feature_that_a_table_declares_and_the_registry_lacks_is_one_to_apply():
    text = lacking("rain", "forecast", tables=(replace(WEATHER, name="w"),))
    assert text.startswith("toy: feature service 'toy' lacks ['rain']. Tell Feast what the models declare")
    assert "Run `nightjar features apply`." in text
