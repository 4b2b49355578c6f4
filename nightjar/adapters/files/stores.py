"""Stores of files by URL: local folders, S3, and any other storage that fsspec has a driver for."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from nightjar.core.errors.base import NightjarError
from nightjar.core.errors.database import StoreUnavailable
from nightjar.core.errors.model import ArtifactBroken
from nightjar.core.errors.settings import BadSettings

S3 = ("s3://", "s3a://")


def filesystem(uri: str) -> tuple[Any, str]:
    """The file system of a URL by fsspec's interface, and the path there.

    S3 needs no driver. Its server, if it is not AWS's, is AWS_ENDPOINT_URL in the environment; credentials
    come from where AWS's tools look for them.
    Raises BadSettings for a URL whose driver is not installed.
    """
    if uri.startswith(S3):
        return _s3(os.environ.get("AWS_ENDPOINT_URL")), uri.partition("://")[2]
    import fsspec  # noqa: PLC0415  # not needed for a local store, and slow to import

    try:
        return fsspec.core.url_to_fs(uri)
    except (ImportError, ValueError) as error:
        raise BadSettings(
            f"Artifacts cannot be kept at {uri}: {error}",
            "Install the driver, or set NIGHTJAR_ARTIFACT_URL to another place.",
        ) from error


@cache
def _s3(endpoint: str | None) -> Any:
    # Imported here, because a local store needs neither.
    from fsspec.implementations.arrow import ArrowFSWrapper  # noqa: PLC0415
    from pyarrow.fs import S3FileSystem  # noqa: PLC0415

    return ArrowFSWrapper(S3FileSystem(endpoint_override=endpoint or None))


@contextmanager
def translated(uri: str) -> Iterator[None]:
    """What a store raises, as ArtifactBroken for a file that is missing, else as StoreUnavailable."""
    try:
        yield
    except FileNotFoundError as error:
        raise ArtifactBroken(uri, "the file is missing") from error
    except NightjarError:
        raise
    except Exception as error:  # each driver has errors of its own beside OSError
        raise StoreUnavailable(f"The artifact store ({uri})", str(error) or type(error).__name__) from error
