"""A server accepts or refuses a request by the names in its `Host` and `Origin` headers.

A browser writes into Host the name that it asked for. It writes into Origin the site of the page that sends
the request. A page can set neither. So Origin reveals a page of another site. Host reveals a page that
reaches this machine through a DNS name of its own (DNS rebinding).
"""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

FORWARDED = "x-forwarded-host"
LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]"})
HIGHEST_PORT = 65535
DEFAULT_PORTS = {"http": 80, "https": 443}
NAME = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9](?:[a-z0-9_.-]*[a-z0-9_-])?)\.?(?::([0-9]{1,5}))?")
ORIGIN = re.compile(r"(https?)://(.+)")


FOREIGN_HOST = "This server does not go by that Host. NIGHTJAR_PREFECT_HOSTS lists the names that it goes by."
FOREIGN_ORIGIN = "A page of another site asks. NIGHTJAR_PREFECT_HOSTS lists the sites that this server has."


@dataclass(frozen=True, slots=True)
class Site:
    """A host's name, in lower case and without a final dot, and its port if one is given."""

    name: str
    port: int | None = None

    def __str__(self) -> str:
        return self.name if self.port is None else f"{self.name}:{self.port}"

    def at(self, scheme: str) -> "Site":
        """Return the site with a port. If none is given, it is the scheme's default port."""
        return self if self.port is not None else Site(self.name, DEFAULT_PORTS[scheme])


def site(text: str) -> Site | None:
    """Parse `name`, `name:port` or `[IPv6]:port`. Return None for anything else."""
    found = NAME.fullmatch(text.lower()) if text.isascii() else None
    if found is None or int(found[2] or 0) > HIGHEST_PORT:
        return None
    return Site(found[1], int(found[2]) if found[2] else None)


def refusal(headers: Iterable[tuple[str, str]], served: Collection[Site]) -> str | None:
    """Return the reason why a request is refused, or None if it is accepted.

    The reason repeats nothing that the request contains.
    headers: names in lower case and unchanged values, in any order. served: the server's names, as people
    write them in a browser. This machine's own names are always accepted.
    """
    sent = [(name, value) for name, value in headers if name in {"host", FORWARDED, "origin"}]
    hosts = [site(value) for name, value in sent if name == "host"]
    proxied = [site(each.strip()) for name, value in sent if name == FORWARDED for each in value.split(",")]
    origins = [value for name, value in sent if name == "origin"]
    if len(hosts) != 1 or not all(of_ours(each, served) for each in (*hosts, *proxied)):
        return FOREIGN_HOST
    if len(origins) > 1 or not all(from_here(each, {*hosts, *served}) for each in origins):
        return FOREIGN_ORIGIN
    return None


def of_ours(host: Site | None, served: Collection[Site]) -> bool:
    return host is not None and (host.name in LOOPBACK or host.name in {each.name for each in served})


def from_here(origin: str, sites: Iterable[Site | None]) -> bool:
    """True if the origin has the name and the port of one of the sites."""
    found = ORIGIN.fullmatch(origin)
    asking = site(found[2]) if found else None
    if found is None or asking is None:
        return False
    return asking.at(found[1]) in {each.at(found[1]) for each in sites if each is not None}
