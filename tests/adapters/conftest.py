"""An S3 server for the adapters that read from object storage."""

import subprocess
import sys
from collections.abc import Iterator
from socket import create_connection, socket
from time import sleep

import pytest
from pyarrow.fs import S3FileSystem


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """The address of a server, in a process of its own, with an empty bucket `features` and credentials in
    the environment.
    """
    with socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    endpoint = f"http://127.0.0.1:{port}"
    server = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    with pytest.MonkeyPatch.context() as environment:
        for name, value in (
            ("ACCESS_KEY_ID", "test"),
            ("SECRET_ACCESS_KEY", "test"),
            ("DEFAULT_REGION", "us-east-1"),
            ("REGION", "us-east-1"),
        ):
            environment.setenv(f"AWS_{name}", value)
        try:
            _await(port)
            S3FileSystem(endpoint_override=endpoint, allow_bucket_creation=True).create_dir("features")
            yield endpoint
        finally:
            server.kill()
            server.wait()


def _await(port: int) -> None:
    for _ in range(300):
        try:
            create_connection(("127.0.0.1", port)).close()
        except OSError:
            sleep(0.1)
        else:
            return
