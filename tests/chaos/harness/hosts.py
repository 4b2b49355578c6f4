"""Hosts of their own on this machine: network namespaces on a switch, each with a disk of its own.

The switch is in a namespace of its own, too. A bridge beside Docker would be held to Docker's packet filter,
which drops what it does not know.
"""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from nightjar.wiring.settings import PROJECT

DASK = Path(sys.executable).with_name("dask")
LOADED = ("NIGHTJAR_", "AWS_", "DASK_")
"""Names of variables that a fresh shell on another host does not have begin with these."""


def refusal() -> str | None:
    """Why there can be no hosts here. None: there can be."""
    if os.geteuid() != 0:
        return "only root makes network namespaces"
    if not shutil.which("ip"):
        return "`ip` is missing: apt-get install iproute2"
    probe = f"nj{os.getpid()}probe"
    done = subprocess.run(["ip", "netns", "add", probe], capture_output=True, text=True, check=False)
    if done.returncode:
        return f"network namespaces are not permitted here: {done.stderr.strip()}"
    ip("netns", "del", probe)
    return None


def ip(*words: str) -> str:
    return subprocess.run(["ip", *words], check=True, capture_output=True, text=True).stdout


@dataclass
class Host:
    """A host on the network.

    disk: a folder in `common` that its processes see in place of `common`. They see nothing else of it.
    """

    name: str
    address: str
    disk: Path
    common: Path
    running: list["subprocess.Popen[bytes]"] = field(default_factory=list)

    def dask(self, *words: str, again: bool = False, **environment: str) -> None:
        """Start one of Dask's commands, in the checkout, as in a fresh shell.

        again: also whenever it has ended.
        """
        fresh = {name: value for name, value in os.environ.items() if not name.startswith(LOADED)}
        own = {"NIGHTJAR_HOME": f"{self.common}/home", "TMPDIR": str(self.common)}
        command = 'while true; do "$@"; sleep 1; done' if again else 'exec "$@"'
        # `ip netns exec` gives it mounts of its own, too.
        within = ["ip", "netns", "exec", self.name, "sh", "-c"]
        script = f'mount --bind "{self.disk}" "{self.common}" && {command}'
        given = {"env": {**fresh, **own, **environment}, "cwd": PROJECT}
        with (self.disk / "log").open("ab") as log:
            started = subprocess.Popen([*within, script, "sh", DASK, *words], **given, stdout=log, stderr=log)
        self.running.append(started)

    def pids(self) -> list[int]:
        """Its processes, the oldest first."""
        return sorted(map(int, ip("netns", "pids", self.name).split()))

    def kill(self) -> None:
        """Kill all its processes at once."""
        while pids := self.pids():
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        for process in self.running:
            process.wait()
        self.running.clear()

    def unplug(self) -> None:
        """Pull its cable: nobody is told."""
        ip("-n", self.name, "link", "set", "eth0", "down")

    def plug(self) -> None:
        ip("-n", self.name, "link", "set", "eth0", "up")

    def log(self) -> str:
        return (self.disk / "log").read_text()


@contextmanager
def network(common: Path, count: int) -> Iterator[tuple[str, list[Host]]]:
    """The address of this machine on a network, and the hosts beside it.

    common: a folder of which each host sees only its own disk.
    """
    ours, net = f"nj{os.getpid()}", f"10.213.{os.getpid() % 250}"
    with ExitStack() as made:
        switch = _namespace(made, f"{ours}switch")
        ip("-n", switch, "link", "add", "br0", "type", "bridge")
        ip("-n", switch, "link", "set", "br0", "up")
        ip("link", "add", ours, "type", "veth", "peer", "name", "port0", "netns", switch)
        made.callback(ip, "link", "del", ours)
        _plugged(switch, 0)
        ip("addr", "add", f"{net}.1/24", "dev", ours)
        ip("link", "set", ours, "up")
        yield f"{net}.1", [_host(made, switch, number, net, common) for number in range(1, count + 1)]


def _host(made: ExitStack, switch: str, number: int, net: str, common: Path) -> Host:
    name = _namespace(made, f"nj{os.getpid()}host{number}")
    ip("-n", switch, "link", "add", f"port{number}", "type", "veth", "peer", "name", "eth0", "netns", name)
    _plugged(switch, number)
    host = Host(name, f"{net}.{number + 1}", common / f"disk{number}", common)
    ip("-n", name, "addr", "add", f"{host.address}/24", "dev", "eth0")
    ip("-n", name, "link", "set", "eth0", "up")
    host.disk.mkdir()
    made.callback(host.kill)
    return host


def _plugged(switch: str, port: int) -> None:
    ip("-n", switch, "link", "set", f"port{port}", "master", "br0", "up")


def _namespace(made: ExitStack, name: str) -> str:
    ip("netns", "add", name)
    made.callback(ip, "netns", "del", name)
    ip("-n", name, "link", "set", "lo", "up")
    return name
