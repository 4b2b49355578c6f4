"""Feast's registry as it is stored: protobuf messages, of which we read what a retrieval needs.

Feast has classes for them, but `import feast` takes seconds. A field of a message keeps its number for ever,
so messages are read by number, and fields that are not named here are skipped.
"""

from collections.abc import Mapping
from typing import Any

from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

PACKAGE = "nightjar.feast"
TEXT, NUMBER, LONG, MESSAGE = (
    FieldDescriptorProto.TYPE_STRING,
    FieldDescriptorProto.TYPE_INT32,
    FieldDescriptorProto.TYPE_INT64,
    FieldDescriptorProto.TYPE_MESSAGE,
)

Field = tuple[int, int | str, bool]
"""Its number, its type (or the name of its message), and whether it is repeated."""


def one(number: int, kind: int | str) -> Field:
    return number, kind, False


def many(number: int, kind: int | str) -> Field:
    return number, kind, True


MESSAGES: Mapping[str, Mapping[str, Field]] = {
    "FeatureView": {"spec": one(1, "FeatureViewSpec")},
    "FeatureViewSpec": {
        "name": one(1, TEXT),
        "features": many(4, "FeatureSpecV2"),
        "ttl": one(6, "Duration"),
        "batch_source": one(7, "DataSource"),
        "entity_columns": many(12, "FeatureSpecV2"),
    },
    "FeatureSpecV2": {"name": one(1, TEXT), "value_type": one(2, NUMBER)},
    "Duration": {"seconds": one(1, LONG), "nanos": one(2, NUMBER)},
    "DataSource": {
        "type": one(1, NUMBER),
        "field_mapping": many(2, "Pair"),
        "timestamp_field": one(3, TEXT),
        "created_timestamp_column": one(5, TEXT),
        "file_options": one(11, "FileOptions"),
        "name": one(20, TEXT),
        "tags": many(24, "Pair"),
    },
    "FileOptions": {
        "file_format": one(1, "FileFormat"),
        "uri": one(2, TEXT),
        "s3_endpoint_override": one(3, TEXT),
    },
    "FileFormat": {"parquet_format": one(1, "Nothing"), "delta_format": one(2, "Nothing")},
    "Nothing": {},
    "Pair": {"key": one(1, TEXT), "value": one(2, TEXT)},
    "FeatureService": {"spec": one(1, "FeatureServiceSpec")},
    "FeatureServiceSpec": {"name": one(1, TEXT), "features": many(3, "FeatureViewProjection")},
    "FeatureViewProjection": {
        "feature_view_name": one(1, TEXT),
        "feature_columns": many(2, "FeatureSpecV2"),
        "join_key_map": many(4, "Pair"),
        "version_tag": one(10, NUMBER),
    },
}
"""By Feast's names. A map is a list of pairs, and an enumeration a number."""


def _described(name: str, fields: Mapping[str, Field]) -> DescriptorProto:
    message = DescriptorProto(name=name)
    for field, (number, kind, repeated) in fields.items():
        message.field.add(
            name=field,
            number=number,
            type=MESSAGE if isinstance(kind, str) else kind,  # pyright: ignore[reportArgumentType]
            type_name=f".{PACKAGE}.{kind}" if isinstance(kind, str) else None,
            label=FieldDescriptorProto.LABEL_REPEATED if repeated else FieldDescriptorProto.LABEL_OPTIONAL,
        )
    return message


_file = FileDescriptorProto(
    name="nightjar/feast.proto",
    package=PACKAGE,
    syntax="proto3",
    message_type=[_described(name, fields) for name, fields in MESSAGES.items()],
)
_pool = DescriptorPool()  # of its own: Feast's is another, so both may be loaded
_pool.Add(_file)


def _class_of(name: str) -> Any:
    return GetMessageClass(_pool.FindMessageTypeByName(f"{PACKAGE}.{name}"))


FeatureView, FeatureService = _class_of("FeatureView"), _class_of("FeatureService")


def pairs(repeated: Any) -> dict[str, str]:
    """What a map of texts holds."""
    return {pair.key: pair.value for pair in repeated}
