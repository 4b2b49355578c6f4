"""What a frame says, as a hash."""

import hashlib

import polars as pl


def content_sha256(rows: pl.DataFrame) -> str:
    """A hash of what a frame says: names, types and values in their order.

    Its chunks and the encoding of a file make no difference.
    """
    digest = hashlib.sha256()
    for column in rows:
        digest.update(f"{column.name}:{column.dtype}:{column.len()};".encode())
        digest.update(_bytes(column.is_null().cast(pl.UInt8)))
        values = column.drop_nulls()
        if not _has_bytes(column.dtype):
            values = values.cast(pl.String)
            digest.update(_bytes(values.str.len_bytes()))
            digest.update("".join(values).encode())
        else:
            digest.update(_bytes(values.to_physical()))
    return digest.hexdigest()


def _has_bytes(dtype: pl.DataType) -> bool:
    """Whether NumPy has bytes for a value. Polars numbers categories in the order in which they came."""
    return not isinstance(dtype, pl.String | pl.Categorical | pl.Enum | pl.Decimal | pl.Int128 | pl.UInt128)


def _bytes(values: pl.Series) -> bytes:
    return values.to_numpy().tobytes()
