"""Database URLs: the one place that reads and writes them.

libpq reads them, so this module accepts all that psql accepts. A written URL holds no character with a
special meaning in a shell, a YAML file or another reader of URLs.
"""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from types import MappingProxyType
from urllib.parse import quote, unquote, urlencode

import psycopg
from psycopg import pq
from psycopg.conninfo import conninfo_to_dict

from nightjar.core.errors.settings import BadSettings

LIKE = "It reads postgresql://user:password@host:port/database."
URL = re.compile(r"(?:postgres|postgresql)(?:\+\w+)?://([^@/]*@)?([^?]*)(?:\?(.*))?")
"""Login, place and parameters, divided as libpq does: a bare @ or / in a password ends up in the place."""

HOST_NAME = re.compile(r"[A-Za-z0-9._-]{1,253}")
PLAIN_HOST = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f.]*:[0-9A-Fa-f.:]*")
"""A name or an address that stands in a URL as it is.

A list of hosts, the folder of a socket and an address with its zone do not fit there.
"""

LIBPQ = pq.Conninfo.get_defaults()
KNOWN = frozenset({"ssl", *(option.keyword.decode() for option in LIBPQ)})
"""The parameters that libpq takes after the question mark."""

ENVIRONMENT = frozenset(option.envvar.decode() for option in LIBPQ if option.envvar)
"""The variables of the environment that libpq reads for what a URL does not say, such as PGSERVICE."""

SECRET = frozenset(option.keyword.decode() for option in LIBPQ if option.dispchar == b"*")
"""The parameters that libpq itself never shows, such as `password`."""


@dataclass(frozen=True, slots=True)
class DatabaseUrl:
    """What a URL tells libpq. Its repr shows nothing of it.

    parameters: by libpq's names, as they are meant and not as a URL encodes them.
    """

    parameters: Mapping[str, str] = field(repr=False)

    @property
    def text(self) -> str:
        """The URL as psql and most other clients take it, with its password."""
        return _written("postgresql", self.parameters)

    def for_sqlalchemy(self, driver: str = "psycopg") -> str:
        """The URL as SQLAlchemy takes it, with its password.

        SQLAlchemy decodes a database only among the parameters at the end. It needs a port for each host.
        asyncpg has another name for `sslmode`.
        """
        database, hosts, port = (self.parameters.get(name, "") for name in ("dbname", "host", "port"))
        each = {"port": ",".join([port] * (hosts.count(",") + 1))} if port and "," not in port else {}
        given = {**self.parameters, **each}
        if driver == "asyncpg" and "sslmode" in given:
            given["ssl"] = given.pop("sslmode")
        return _written(
            f"postgresql+{driver}",
            given,
            database_in_path=quote(database, safe="") == database,
        )

    def changed(self, **parameters: str) -> "DatabaseUrl":
        """Return the URL with other values of some parameters, by libpq's names."""
        return DatabaseUrl(MappingProxyType({**self.parameters, **parameters}))

    def searching(self, schema: str) -> "DatabaseUrl":
        """Return the URL for sessions that search tables in one schema only. Other `options` are kept."""
        return self.changed(options=f"{self.parameters.get('options', '')} -csearch_path={schema}".strip())

    def without_secrets(self) -> "DatabaseUrl":
        kept = {name: value for name, value in self.parameters.items() if name not in SECRET}
        return DatabaseUrl(MappingProxyType(kept))


def read(text: str) -> DatabaseUrl:
    """Parse a URL. Raises BadSettings, whose text holds nothing that could belong to a password."""
    found = URL.fullmatch(text.replace(" ", "%20"))
    if found is None:
        raise _refused("is no URL of a Postgres", LIKE)
    login, place, query = (part or "" for part in found.groups())
    _require_encoded(login, place, query)
    _require_known(query)
    parameters = _parsed(f"postgresql://{login}{place}?{_one_value_each(query)}")
    if parameters is None:
        raise _refused(
            "cannot be read",
            f"{LIKE} A sign in user, password or database is written %XX: a space %20, a : %3A.",
        )
    _require_hosts(parameters.get("host", "").split(","), parameters.get("port", "").split(","))
    if not {"dbname", "service"} & parameters.keys():
        raise _refused("names no database", LIKE)
    return DatabaseUrl(MappingProxyType(parameters))


def _refused(problem: str, remedy: str) -> BadSettings:
    return BadSettings(f"NIGHTJAR_DATABASE_URL {problem}", remedy)


def _require_encoded(login: str, place: str, query: str) -> None:
    """Raises for a bare @ or /, which cuts a password in two. The rest would be looked up as a host."""
    if "@" in place:
        raise _refused("holds an @ or a / too many", "In user, password and database write %40 and %2F.")
    if re.search(r"%(?![0-9A-Fa-f]{2})", login + place + query):
        raise _refused("holds a % that stands for itself", "Write it as %25.")


def _require_known(query: str) -> None:
    """Raises for a parameter that libpq does not know, and for one that is given twice."""
    names = Counter(unquote(pair.partition("=")[0]) for pair in query.split("&") if pair)
    if unknown := sorted(names.keys() - KNOWN):
        # A query with an @ may be the rest of a password, so it is not shown.
        named = "" if "@" in query else f": {', '.join(unknown)}"
        raise _refused(
            f"has a parameter that libpq does not know{named}",
            "It knows for example sslmode, options and target_session_attrs.",
        )
    if twice := sorted(name for name, count in names.items() if count > 1):
        raise _refused(f"has the parameter {twice[0]} twice", "Several hosts: host=one,other&port=5432,5432.")


def _one_value_each(query: str) -> str:
    """Encode an = in a value, as in options=-csearch_path=x: it is not a second separator."""
    pairs = (pair.partition("=") for pair in query.split("&"))
    return "&".join(name + equals + value.replace("=", "%3D") for name, equals, value in pairs)


def _parsed(url: str) -> dict[str, str] | None:
    """None for what libpq cannot read.

    libpq's error repeats the URL. An error that we raise inside its handler would contain it.
    """
    try:
        found = conninfo_to_dict(url)
    except (psycopg.ProgrammingError, UnicodeError):
        return None
    return {name: str(value) for name, value in found.items() if value}


def _require_hosts(hosts: list[str], ports: list[str]) -> None:
    """Raises for a host name that cannot exist. The text does not repeat it: it may be a password."""
    if not all(map(_is_host, hosts)):
        raise _refused(
            "names a host that cannot exist",
            f"{LIKE} An IPv6 address stands in [brackets], the folder of a socket in ?host=/folder.",
        )
    if not all(port == "" or (port.isascii() and port.isdigit() and 0 < int(port) < 65536) for port in ports):
        raise _refused("names a port that cannot exist", "A port is a number from 1 to 65535.")
    if len(ports) not in (1, len(hosts)):
        raise _refused(f"names {len(hosts)} hosts and {len(ports)} ports", "Write one port, or one a host.")


def _is_host(host: str) -> bool:
    if not host or host[0] in "/@":  # the default, or a socket
        return True
    try:
        ip_address(host)
    except ValueError:
        return _is_host_name(host)
    return True


def _is_host_name(host: str) -> bool:
    try:
        plain = host.encode("idna").decode()  # holds no label to be empty or longer than 63
    except UnicodeError:
        return False
    return HOST_NAME.fullmatch(plain) is not None and not re.fullmatch(r"(\d+\.){3}\d+", plain)


def _written(scheme: str, parameters: Mapping[str, str], *, database_in_path: bool = True) -> str:
    """What has no place before the question mark, or does not fit there, stands after it."""
    rest = dict(parameters)
    login = quote(rest.pop("user", ""), safe="")
    if password := rest.pop("password", ""):
        login += f":{quote(password, safe='')}"
    where = ""
    if PLAIN_HOST.fullmatch(host := rest.get("host", "")):
        where = f"[{host}]" if ":" in host else host
        where += f":{rest['port']}" if "port" in rest else ""
        rest = {name: value for name, value in rest.items() if name not in {"host", "port"}}
    path = quote(rest.pop("dbname", ""), safe="") if database_in_path else ""
    query = urlencode(rest, quote_via=quote, safe="")
    return f"{scheme}://{login}{'@' if login else ''}{where}/{path}{'?' if query else ''}{query}"
