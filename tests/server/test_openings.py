"""What a server is said to leave open: each opening found by itself, at a server that has only that one."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import httpx
import pytest

from nightjar.server.openings import openings

OPENINGS = {"login": "asks nobody for a login", "origin": "(CORS)", "host": "(DNS rebinding)"}


@contextmanager
def server(left_open: str, allows: str = "*") -> Iterator[str]:
    """The address of a server that refuses strangers in every way but one."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            strange = "stranger" in self.headers["Host"]
            shut = (strange and left_open != "host") or (
                self.path.endswith("version") and left_open != "login"
            )
            self.send_response(403 if shut else 200)
            self.end_headers()

        def do_OPTIONS(self) -> None:
            self.send_response(200)
            if left_open == "origin":
                self.send_header("Access-Control-Allow-Origin", allows)
            self.end_headers()

        # the name is the base class's
        def log_message(self, format: str, *arguments: Any) -> None: ...  # noqa: A002

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        Thread(target=listening.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{listening.server_port}/api"
        listening.shutdown()


@pytest.mark.parametrize("left_open", OPENINGS)
def test_each_opening_is_found_alone(left_open):
    with server(left_open) as api:
        (found,) = openings(api)
    assert OPENINGS[left_open] in found


def test_a_server_that_repeats_any_origin_is_as_open():
    with server("origin", "https://stranger.invalid") as api:
        assert len(openings(api)) == 1


def test_a_server_that_refuses_strangers_has_no_opening():
    with server("none") as api:
        assert openings(api) == []
    with server("origin", "http://127.0.0.1:4200") as api:
        assert openings(api) == []


def test_where_no_server_is_nothing_is_said_to_be_shut():
    with pytest.raises(httpx.TransportError):
        openings("http://127.0.0.1:1/api")
