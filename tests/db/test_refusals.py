"""What a server that does not let us in means: by its SQLSTATE, in whatever language it speaks."""

import socket
import struct
import threading
from contextlib import contextmanager, suppress

import psycopg
import pytest

from db.session import connect, make_engine, translated
from db.urls import DatabaseUrl, read
from nightjar.core.errors.base import Retryable
from nightjar.core.errors.database import StoreUnavailable
from nightjar.core.errors.settings import BadSettings

SSL, GSS = 80877103, 80877104
ENCRYPTION = {struct.pack("!ii", 8, code) for code in (SSL, GSS)}


def message(kind, body):
    return kind + struct.pack("!i", len(body) + 4) + body


def refusal(state, text):
    fields = {"S": "FATAL", "V": "FATAL", "C": state, "M": text}
    return message(b"E", b"".join(f"{name}{value}\0".encode() for name, value in fields.items()) + b"\0")


def welcome(version):
    return b"".join(
        (
            message(b"R", struct.pack("!i", 0)),
            message(b"S", f"server_version\0{version}\0".encode()),
            message(b"S", b"client_encoding\0UTF8\0"),
            message(b"Z", b"I"),
        )
    )


@contextmanager
def server_that_says(answer):
    """The URL of a server that gives everyone the same answer.

    No real server of another language, or of an old version, is at hand.
    """

    def serve():
        while True:
            try:
                client, _ = listening.accept()
            except OSError:
                return
            with client, suppress(ConnectionError):
                while (asked := client.recv(4096)) in ENCRYPTION:
                    client.sendall(b"N")
                if asked:
                    client.sendall(answer)
                    client.recv(4096)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield DatabaseUrl(
                {
                    "user": "u",
                    "password": "s3cret",
                    "host": "127.0.0.1",
                    "port": str(listening.getsockname()[1]),
                    "dbname": "d",
                }
            ).text
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join()


def opened(url):
    """Both ways in which the platform connects."""
    engine = make_engine(url)
    with translated(), engine.connect():
        pass
    engine.dispose()


def opened_plainly(url):
    with translated(), connect(url):
        pass


WAYS = pytest.mark.parametrize("enter", [opened, opened_plainly])


@WAYS
@pytest.mark.parametrize(
    ("state", "text"),
    [
        ("28P01", "Passwort-Authentifizierung für Benutzer »u« fehlgeschlagen"),
        ("28000", "kein pg_hba.conf-Eintrag für Host »::1«, keine Verschlüsselung"),
        ("3D000", "数据库 »d« 不存在"),
        ("42501", "keine Berechtigung für Datenbank »d«"),
        ("42704", "nicht erkannter Konfigurationsparameter »x«"),
        ("22023", "ungültiger Wert für Parameter »work_mem«"),
        ("55P02", "Parameter »server_version« kann nicht geändert werden"),
        ("08P01", "no such database: d, says PgBouncer"),
        ("08P01", "SASL authentication failed, says PgBouncer"),
        ("0A000", "nicht unterstütztes Frontend-Protokoll 3.0"),
    ],
)
def test_a_refusal_that_nobody_lifts_by_waiting_is_a_setting_to_correct(enter, state, text):
    with server_that_says(refusal(state, text)) as url, pytest.raises(BadSettings, match=text[:12]) as caught:
        enter(url)
    assert not isinstance(caught.value, Retryable)
    assert "s3cret" not in str(caught.value)


@WAYS
@pytest.mark.parametrize(
    ("state", "text"),
    [
        ("57P03", "das Datenbanksystem startet"),
        ("57P03", "das Datenbanksystem ist im Wiederherstellungsmodus"),
        ("57P01", "Verbindung wird aufgrund von Anweisung des Administrators abgebrochen"),
        ("53300", "tut mir leid, schon zu viele Verbindungen"),
        ("53200", "Speicher aufgebraucht"),
        ("58030", "Ein-/Ausgabefehler"),
        ("08P01", "server login has been failing, says PgBouncer"),
        ("08P01", "query_wait_timeout, says PgBouncer"),
        ("53300", "password authentication failed, says whoever named the role so"),
    ],
)
def test_a_refusal_that_passes_is_worth_trying_again(enter, state, text):
    with server_that_says(refusal(state, text)) as url, pytest.raises(StoreUnavailable, match=text[:12]):
        enter(url)


@WAYS
def test_a_server_that_is_too_old_is_told_by_its_version(enter):
    with (
        server_that_says(welcome("14.9")) as url,
        pytest.raises(BadSettings, match=r"is Postgres 14\. Nightjar needs 15 or newer"),
    ):
        enter(url)


@WAYS
def test_what_is_no_postgres_is_not_asked_again(enter):
    with (
        server_that_says(b"HTTP/1.1 400 Bad Request\r\n\r\n") as url,
        pytest.raises(BadSettings, match="expected authentication request"),
    ):
        enter(url)


@pytest.fixture(scope="module")
def door(postgres, template):
    """door(rule, role): a role's URL on a real server, with that rule of pg_hba.conf and that ALTER ROLE."""
    file = postgres._data / "pg_hba.conf"
    before = file.read_text()
    url = read(postgres.url("admin", template))
    with psycopg.connect(url.text, autocommit=True) as admin:
        admin.execute("CREATE ROLE visitor LOGIN PASSWORD 's3cret'")

        def door(rule="", role="LOGIN"):
            admin.execute("ALTER ROLE visitor LOGIN VALID UNTIL 'infinity' CONNECTION LIMIT -1")
            admin.execute(f"ALTER ROLE visitor {role}")
            file.write_text(f"{rule}\n{before}")
            admin.execute("SELECT pg_reload_conf()")
            return url.changed(user="visitor", password="s3cret")

        yield door
        file.write_text(before)
        admin.execute("SELECT pg_reload_conf()")
        admin.execute("DROP ROLE visitor")


REFUSED = {
    "no rule lets it in": ("host all visitor all reject", "LOGIN", {}, "pg_hba.conf"),
    "only with TLS": (
        "hostssl all visitor all scram-sha-256\nhost all visitor all reject",
        "LOGIN",
        {},
        "pg_hba.conf",
    ),
    "may not log in": ("", "NOLOGIN", {}, "not permitted to log in"),
    "its password has expired": ("", "VALID UNTIL '2013-01-01'", {}, "password authentication failed"),
    "may not connect": ("", "LOGIN", {}, "permission denied for database"),
    "no such database": ("", "LOGIN", {"dbname": "nowhere"}, "does not exist"),
    "no such role": ("", "LOGIN", {"user": "nobody"}, "authentication failed"),
    "wrong password": ("", "LOGIN", {"password": "another"}, "authentication failed"),
    "no password": ("", "LOGIN", {"password": ""}, "no password supplied"),
    "wrong password, two addresses": (
        "",
        "LOGIN",
        {"password": "x", "host": "127.0.0.1,::1"},
        "authentication failed",
    ),
}


@pytest.mark.parametrize("why", REFUSED)
def test_a_real_server_refuses_for_good(door, why):
    rule, role, change, says = REFUSED[why]
    url = door(rule, role).changed(**change)
    with pytest.raises(BadSettings, match=says) as caught:
        opened(url.text)
    assert "s3cret" not in str(caught.value)


def test_a_real_server_without_a_free_connection_is_tried_again(door):
    url = door(role="CONNECTION LIMIT 0")
    with pytest.raises(StoreUnavailable, match="too many connections"):
        opened(url.text)
