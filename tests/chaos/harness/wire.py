"""A TCP proxy between the scoring processes and Postgres: it knows what is on the wire, and can strike in
the middle of a COPY or of a COMMIT.
"""

import socket
import struct
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Lock, Thread

RESET = struct.pack("ii", 1, 0)
IN_DOUBT_S = 0.3
"""How long Postgres gets to commit what was sent, before the one who asked is struck."""


@dataclass(frozen=True)
class Spot:
    """A place in what a process sends: the first of `words`, later the next, ..., and `later` bytes after the
    last.

    answered: whether that is still sent and obeyed, and only the answer withheld: a commit of which nobody
    knows.
    """

    words: tuple[bytes, ...]
    later: int = 0
    answered: bool = False


COPY = b'COPY "nightjar"."score_'
PUBLISH = b"INSERT INTO nightjar.publication"
SPOTS = {
    "insert of the run": Spot((b"INSERT INTO nightjar.run",)),
    "commit of the claim": Spot((b"INSERT INTO nightjar.run", b"COMMIT")),
    "unanswered commit of the claim": Spot((b"INSERT INTO nightjar.run", b"COMMIT"), answered=True),
    "update with the population": Spot((b"SET population_uri",)),
    "unanswered commit of the population": Spot((b"SET population_uri", b"COMMIT"), answered=True),
    "insert of a receipt": Spot((b"INSERT INTO nightjar.receipt",)),
    "begin of the COPY": Spot((COPY,)),
    "3 kB into the COPY": Spot((COPY,), later=3_000),
    "12 kB into the COPY": Spot((COPY,), later=12_000),
    "COPY of the quarantine": Spot((COPY, b'COPY "nightjar"."quarantined_row"')),
    "commit of a part": Spot((COPY, b"COMMIT")),
    "unanswered commit of a part": Spot((COPY, b"COMMIT"), answered=True),
    "unanswered commit of the second part": Spot((COPY, b"COMMIT", COPY, b"COMMIT"), answered=True),
    "insert of the publication": Spot((PUBLISH,)),
    "commit of the publication": Spot((PUBLISH, b"COMMIT")),
    "unanswered commit of the publication": Spot((PUBLISH, b"COMMIT"), answered=True),
}


@dataclass
class Trap:
    """One strike, waiting for its spot on whatever connection comes by first.

    It returns whether the sender lives on.
    """

    spot: Spot
    strike: Callable[[], bool]
    sprung: bool = False
    lock: Lock = field(default_factory=Lock)


@dataclass
class Line:
    """One connection through the proxy, and how far along a trap's words it is."""

    client: socket.socket
    server: socket.socket
    trap: Trap | None = None
    matched: int = 0
    left: int = -1
    tail: bytes = b""
    muted: bool = False

    def cut(self) -> None:
        """Gone without a farewell: what is on its way is dropped, and both ends get a reset."""
        for end in (self.client, self.server):
            with suppress(OSError):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.shut()

    def shut(self) -> None:
        for end in (self.client, self.server):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


class Proxy:
    """port: where processes connect.

    target: the port of Postgres, asked anew for each connection, since a restart may move it.
    """

    def __init__(self, target: Callable[[], int]) -> None:
        self._target, self._trap, self._lines, self._threads, self._dropped = target, None, [], [], []
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self._listening.getsockname()[1]
        self._accepting = Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def set_trap(self, spot: Spot, strike: Callable[[], bool]) -> Trap:
        self._trap = Trap(spot, strike)
        return self._trap

    def clear(self) -> None:
        self._trap = None

    def cut(self) -> None:
        lines, self._lines = self._lines, []
        for line in lines:
            line.cut()

    def vanish(self) -> None:
        """From now on no packet passes between the open connections and Postgres, and neither side is
        told: the machine is gone.
        """
        for line in self._lines:
            with suppress(OSError):
                ends = [line.server.getsockname()[1], line.server.getpeername()[1]]
                self._dropped += [ends, ends[::-1]]
        for ends in self._dropped:
            drop_packets("-I", *ends)

    def reappear(self) -> None:
        while self._dropped:
            drop_packets("-D", *self._dropped.pop())

    def close(self) -> None:
        self.clear()
        self.reappear()
        self._listening.shutdown(socket.SHUT_RDWR)
        self._accepting.join(10)
        self._listening.close()
        self.cut()
        for thread in self._threads:
            thread.join(10)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self._target()))
            except (OSError, ValueError):
                client.close()
                continue
            for end in (client, server):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            line = Line(client, server)
            self._lines.append(line)
            self._threads = [thread for thread in self._threads if thread.is_alive()]
            for work in (self._forward, self._answer):
                thread = Thread(target=work, args=[line], daemon=True)
                self._threads.append(thread)
                thread.start()

    def _forward(self, line: Line) -> None:
        with line.client:
            with suppress(OSError):
                while chunk := line.client.recv(1500):
                    self._sent(line, chunk)
            line.shut()

    def _answer(self, line: Line) -> None:
        with line.server:
            with suppress(OSError):
                while chunk := line.server.recv(65536):
                    if not line.muted:
                        line.client.sendall(chunk)
            line.shut()

    def _sent(self, line: Line, chunk: bytes) -> None:
        trap = self._trap
        if trap is not line.trap:
            line.trap, line.matched, line.left, line.tail = trap, 0, -1, b""
        if trap is None or trap.sprung or not self._reached(line, trap.spot, chunk):
            line.server.sendall(chunk)
            return
        with trap.lock:
            first, trap.sprung = not trap.sprung, True
        if not first:
            line.server.sendall(chunk)
        elif trap.spot.answered:
            line.muted = True
            line.server.sendall(chunk)
            time.sleep(IN_DOUBT_S)
            trap.strike()
            line.cut()  # TCP loses no answer without its connection, also where the strike hit nothing
        elif trap.strike():
            line.server.sendall(chunk)
        else:
            line.shut()  # the dead have not sent it

    def _reached(self, line: Line, spot: Spot, chunk: bytes) -> bool:
        """Follow the words through the stream; a word may lie across two chunks."""
        if line.left >= 0:
            line.left -= len(chunk)
            return line.left <= 0
        seen = line.tail + chunk
        rest = _after(spot.words[line.matched :], seen)
        line.matched += rest.found
        line.tail = seen[rest.end :][-64:]
        if line.matched < len(spot.words):
            return False
        line.left = spot.later - (len(seen) - rest.end)
        return line.left <= 0


@dataclass(frozen=True)
class Found:
    found: int
    end: int


def _after(words: Sequence[bytes], seen: bytes) -> Found:
    end = 0
    for number, word in enumerate(words):
        at = seen.find(word, end)
        if at < 0:
            return Found(number, end)
        end = at + len(word)
    return Found(len(words), end)


def drop_packets(how: str, source: int, destination: int) -> str | None:
    """Begin ("-I") or cease ("-D") to drop what goes from one local port to another.

    What iptables says if it refuses.
    """
    rule = ["-i", "lo", "-p", "tcp", "--sport", str(source), "--dport", str(destination), "-j", "DROP"]
    try:
        done = subprocess.run(
            ["iptables", "-w", how, "INPUT", *rule], capture_output=True, text=True, check=False
        )
    except OSError as error:
        return str(error)
    return None if done.returncode == 0 else done.stderr.strip()
