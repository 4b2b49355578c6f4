"""Whether an ONNX graph keeps weights in other files.

ONNX Runtime would look for them in the working directory.
A graph is a message of protocol buffers. Its fields are numbered as in onnx.proto of
https://github.com/onnx/onnx, and only those that lead to tensors are followed.
"""

from collections.abc import Iterator, Mapping

TENSOR = "TensorProto"
FOLLOWED: Mapping[str, Mapping[int, str]] = {
    "ModelProto": {7: "GraphProto", 20: "TrainingInfoProto", 25: "FunctionProto"},
    "GraphProto": {1: "NodeProto", 5: TENSOR, 15: "SparseTensorProto"},
    "NodeProto": {5: "AttributeProto"},
    "AttributeProto": {
        5: TENSOR,
        6: "GraphProto",
        10: TENSOR,
        11: "GraphProto",
        22: "SparseTensorProto",
        23: "SparseTensorProto",
    },
    "SparseTensorProto": {1: TENSOR, 2: TENSOR},
    "FunctionProto": {7: "NodeProto", 11: "AttributeProto"},
    "TrainingInfoProto": {1: "GraphProto", 2: "GraphProto"},
}
EXTERNAL_DATA, DATA_LOCATION = 13, 14
"""Fields of a tensor. The second one is a number; 0 says that the data is in the tensor."""

VARINT, DELIMITED = 0, 2
FIXED = {1: 8, 5: 4}
"""Wire type -> bytes of a value of fixed length."""


def lie_elsewhere(content: bytes) -> bool:
    """True if any tensor of a graph names another place for its data. Raises ValueError for no such message.

    A place is named by the key `location`. Without these bytes the graph is not searched.
    """
    return b"location" in content and _any_elsewhere(memoryview(content), "ModelProto")


def _any_elsewhere(message: memoryview, name: str) -> bool:
    return any(_leads_elsewhere(name, number, value) for number, value in _fields(message))


def _leads_elsewhere(name: str, number: int, value: int | memoryview) -> bool:
    if name == TENSOR:
        return number == EXTERNAL_DATA or (number == DATA_LOCATION and value != 0)
    within = FOLLOWED[name].get(number)
    return within is not None and isinstance(value, memoryview) and _any_elsewhere(value, within)


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """The number and the value of each field."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        number, wire = key >> 3, key & 7
        if wire == VARINT:
            value, at = _varint(message, at)
            yield number, value
            continue
        if wire == DELIMITED:
            length, at = _varint(message, at)
        elif wire in FIXED:
            length = FIXED[wire]
        else:
            raise ValueError(f"it is no ONNX graph: a field of the wire type {wire}")
        if at + length > len(message):
            raise ValueError("it is no ONNX graph, or it ends too early")
        yield number, message[at : at + length]
        at += length


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    """A number, seven bits a byte and the lowest first, and where the next field begins."""
    number = shift = 0
    while at < len(message):
        byte = message[at]
        number, shift, at = number | (byte & 127) << shift, shift + 7, at + 1
        if byte < 128:
            return number, at
    raise ValueError("it is no ONNX graph, or it ends too early")
