"""The fields of Feast's messages that we read are those that Feast writes."""

from importlib import import_module

import pytest

from nightjar.adapters.feast import messages

MAPS = "Pair"
EMPTY = "Nothing"
FILES = (
    *("DataFormat", "DataSource", "Feature", "FeatureService", "FeatureView", "FeatureViewProjection"),
    "Registry",
)


def described():
    """Feast's own descriptions of its messages, by their names."""
    found = {}
    for file in FILES:
        module = import_module(f"feast.protos.feast.core.{file}_pb2")
        for message in module.DESCRIPTOR.message_types_by_name.values():
            found[message.name] = message
            found |= {inner.name: inner for inner in message.nested_types}
    from google.protobuf.duration_pb2 import Duration

    return found | {"Duration": Duration.DESCRIPTOR}


@pytest.mark.parametrize("name", [name for name in messages.MESSAGES if name not in (MAPS, EMPTY)])
def test_each_field_has_the_number_and_the_type_that_feast_gives_it(name):
    theirs = described()[name].fields_by_name
    for field, (number, kind, repeated) in messages.MESSAGES[name].items():
        assert theirs[field].number == number
        assert theirs[field].is_repeated == repeated
        if isinstance(kind, str):
            inner = theirs[field].message_type
            expected = {MAPS: inner.GetOptions().map_entry, EMPTY: not inner.fields or kind == EMPTY}
            assert expected.get(kind, inner.name == kind)
        else:
            as_number = theirs[field].TYPE_ENUM
            assert theirs[field].type in (kind, as_number if kind == messages.NUMBER else kind)


def test_what_feast_writes_is_read():
    from feast.protos.feast.core.FeatureView_pb2 import FeatureView

    theirs = FeatureView()
    theirs.spec.name = "rides"
    theirs.spec.ttl.FromSeconds(90_000)
    theirs.spec.batch_source.field_mapping["stored"] = "name"
    theirs.spec.batch_source.file_options.file_format.delta_format.SetInParent()
    theirs.spec.owner = "somebody"
    ours = messages.FeatureView.FromString(theirs.SerializeToString()).spec
    assert (ours.name, ours.ttl.seconds) == ("rides", 90_000)
    assert messages.pairs(ours.batch_source.field_mapping) == {"stored": "name"}
    assert ours.batch_source.file_options.file_format.HasField("delta_format")
    assert not ours.batch_source.file_options.file_format.HasField("parquet_format")
