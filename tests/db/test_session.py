"""What a database error means to the caller, and that no message holds a password."""

import threading
import time

import psycopg
import pytest
from sqlalchemy.exc import DBAPIError

from db.session import connect, driver, make_engine, translated
from db.urls import read
from nightjar.core.errors.base import Retryable
from nightjar.core.errors.database import StoreUnavailable
from nightjar.core.errors.settings import BadSettings


def test_an_engine_shows_nothing_of_its_url():
    engine = make_engine("postgres://u:s3cret@h:1/d?sslpassword=s3cret")
    assert engine.dialect.driver == "psycopg"
    assert "s3cret" not in f"{engine!r} {engine.url!r} {engine.url.render_as_string(hide_password=False)}"


def test_a_url_may_say_when_a_server_that_vanished_is_noticed(database):
    with connect(read(database.url("writer")).changed(keepalives_idle="5").text) as connection:
        given = connection.info.get_parameters()
    assert (given["keepalives_idle"], given["connect_timeout"], given["application_name"]) == (
        "5",
        "10",
        "nightjar",
    )


def test_a_search_path_reaches_the_server(database):
    url = read(database.url("owner")).changed(options="-cwork_mem=3MB").searching("feast")
    with psycopg.connect(url.text) as connection:
        found = connection.execute(
            "SELECT current_setting('search_path'), current_setting('work_mem')"
        ).fetchone()
    assert found == ("feast", "3MB")


def test_a_server_that_is_not_there_is_unavailable():
    engine = make_engine("postgresql://u:s3cret@127.0.0.1:1/d")
    with pytest.raises(StoreUnavailable) as caught, translated(), engine.connect():
        pass
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"sslmode": "bogus"}, "invalid sslmode value"),
        ({"sslmode": "require"}, "does not support SSL"),
        ({"load_balance_hosts": "z"}, "invalid load_balance_hosts value"),
        ({"nonsense": "1"}, "nonsense"),
        ({"options": "-cnonsense=1"}, "unrecognized configuration parameter"),
        ({"options": "-cserver_version=1"}, "cannot be changed"),
        ({"connect_timeout": "soon"}, "bad value for connect_timeout"),
        ({"keepalives": "yes"}, "invalid integer value"),
        ({"channel_binding": "require"}, "channel binding required"),
        ({"require_auth": "none"}, "authentication method requirement"),
        ({"service": "nowhere"}, "definition of service"),
        ({"hostaddr": "x"}, "could not parse network address"),
        ({"host": f"/{'x' * 200}"}, "is too long"),
    ],
)
def test_a_login_or_a_parameter_that_is_refused_is_a_setting_to_correct_and_not_retried(
    database, change, says
):
    url = read(database.url("writer")).changed(**change)
    with pytest.raises(BadSettings, match=says) as caught, translated(), make_engine(url.text).connect():
        pass
    assert not isinstance(caught.value, Retryable)
    assert url.parameters["password"] not in str(caught.value)


@pytest.mark.parametrize(
    "change",
    [{"port": "1"}, {"host": "nowhere.invalid"}, {"host": "/nowhere"}, {"target_session_attrs": "standby"}],
)
def test_a_server_out_of_reach_is_worth_trying_again(database, change):
    url = read(database.url("writer")).changed(**change)
    with pytest.raises(StoreUnavailable), translated(), make_engine(url.text).connect():
        pass


@pytest.mark.parametrize(
    "says",
    [
        (
            'connection failed: connection to server at "127.0.0.1", port 5432 failed: FATAL:  the database '
            "system is starting up"
        ),
        (
            'connection failed: connection to server at "127.0.0.1", port 5432 failed: FATAL:  sorry, too '
            "many clients already"
        ),
        "failed to resolve host 'db': [Errno -3] Temporary failure in name resolution",
        "connection timeout expired",
    ],
)
def test_a_server_that_is_not_ready_yet_is_worth_trying_again(says):
    with pytest.raises(StoreUnavailable), translated():
        raise psycopg.OperationalError(says)


def test_a_statement_that_was_cancelled_is_worth_repeating(engine):
    with (
        pytest.raises(StoreUnavailable, match="statement timeout"),
        translated(),
        engine.begin() as connection,
    ):
        connection.exec_driver_sql("SET LOCAL statement_timeout = 10; SELECT pg_sleep(5)")


@pytest.mark.parametrize(
    ("limit", "says"),
    [
        ("transaction_read_only = on", "read-only transaction"),
        ("idle_in_transaction_session_timeout = 20", "idle-in-transaction timeout"),
        ("transaction_timeout = 20", "transaction timeout"),
    ],
)
def test_what_a_standby_or_an_administrator_refuses_now_is_worth_repeating(engine, limit, says):
    def stand_still():
        with translated(), engine.begin() as connection:
            connection.exec_driver_sql(f"SET LOCAL {limit}")
            time.sleep(0.1)
            connection.exec_driver_sql("SELECT id FROM nightjar.run FOR UPDATE")

    with pytest.raises(StoreUnavailable, match=says):
        stand_still()


def test_a_deadlock_is_worth_repeating(engine):
    barrier = threading.Barrier(2)
    lost = []

    def take(first, second):
        try:
            with translated(), engine.begin() as connection:
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({first})")
                barrier.wait(10)
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({second})")
        except StoreUnavailable as error:
            lost.append(error)

    threads = [threading.Thread(target=take, args=locks) for locks in ((1, 2), (2, 1))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(lost) == 1
    assert "deadlock" in str(lost[0])


def test_a_session_speaks_utc_and_utf8_whatever_the_environment_or_the_server_says(database, monkeypatch):
    for name, value in {"PGTZ": "Asia/Tokyo", "PGDATESTYLE": "German", "PGCLIENTENCODING": "LATIN1"}.items():
        monkeypatch.setenv(name, value)
    engine = make_engine(database.url("writer"))
    try:
        with engine.connect() as connection:
            moment, key = connection.exec_driver_sql(
                "SELECT timestamptz '2013-05-02 01:00:00+00', '\u4e2d'"
            ).one()
    finally:
        engine.dispose()
    assert (moment.isoformat(), key) == ("2013-05-02T01:00:00+00:00", "\u4e2d")


SET_OTHERWISE = (
    "extra_float_digits = -5",
    "default_transaction_isolation = 'repeatable read'",
    "random_page_cost = 40",
)


def test_a_session_keeps_digits_sees_commits_and_knows_its_disk_whatever_an_administrator_has_set(database):
    with psycopg.connect(database.url("admin"), autocommit=True) as admin:
        for setting in SET_OTHERWISE:
            admin.execute(f"ALTER DATABASE {database.name} SET {setting}")
    engine = make_engine(database.url("writer"))
    try:
        with engine.connect() as connection:
            found = connection.exec_driver_sql(
                "SELECT (float8 '1' / 3)::text, current_setting('transaction_isolation'), "
                "current_setting('random_page_cost')"
            ).one()
    finally:
        engine.dispose()
    assert found == (str(1 / 3), "read committed", "1.1")


def test_a_mistake_of_ours_is_not_called_unavailable(engine):
    with pytest.raises(DBAPIError), translated(), engine.connect() as connection:
        connection.exec_driver_sql("SELECT nonsense")


def test_a_connection_that_died_in_the_pool_is_replaced_unnoticed(engine, database):
    with engine.connect() as connection:
        connection.exec_driver_sql("SELECT 1")
    with psycopg.connect(database.url("admin"), autocommit=True) as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'nightjar_writer'"
        )
    with translated(), engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT 1").scalar_one() == 1


def test_a_server_that_loses_a_client_knows_after_a_minute_whatever_was_rolled_back(database):
    """Whether it waits for the client or for an acknowledgement: until it knows, the client's rows and
    locks stay held.
    """
    engine = make_engine(database.url("writer"))
    with engine.connect() as pooled, connect(database.url("writer")) as alone:
        pooled.rollback()
        for session in (driver(pooled), alone):
            assert _limits(session) == (60, 60_000)
    engine.dispose()


def _limits(session: psycopg.Connection) -> tuple[int, int]:
    """Seconds without an answer, and milliseconds without an acknowledgement."""
    names = ("tcp_keepalives_idle", "tcp_keepalives_interval", "tcp_keepalives_count", "tcp_user_timeout")
    idle, interval, count, unacknowledged_ms = (
        int(session.execute(f"SHOW {name}").fetchone()[0]) for name in names
    )
    return idle + interval * count, unacknowledged_ms
