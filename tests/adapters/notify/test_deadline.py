"""A receiver that answers byte by byte, and never ends, holds up nobody for long."""

import socketserver
import time
from threading import Event, Thread

import pytest
from pydantic import SecretStr

from nightjar.adapters.notify import heartbeat, webhook
from nightjar.adapters.notify.deadline import within


@pytest.fixture
def dripping():
    """The URL of a server that sends one more header now and then."""
    over = Event()

    class Dripping(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(65_536)
            self.request.sendall(b"HTTP/1.1 200 OK\r\n")
            while not over.wait(0.05):
                self.request.sendall(b"x: y\r\n")

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with Server(("127.0.0.1", 0), Dripping) as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield SecretStr(f"http://127.0.0.1:{server.server_address[1]}/t0ken")
        over.set()
        server.shutdown()


def test_a_message_and_a_heartbeat_are_given_up_after_their_time(dripping, monkeypatch):
    for module in (webhook, heartbeat):
        monkeypatch.setattr(module, "ANSWERS_WITHIN_S", 0.3)
    started = time.monotonic()
    assert webhook.posted(dripping, b"{}", {}) == webhook.LATE
    assert "took longer" in heartbeat.beat(dripping)
    assert time.monotonic() - started < 5


def test_work_that_is_done_in_time_is_told():
    assert within(5, lambda: "done", "late") == "done"
