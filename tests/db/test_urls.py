"""Database URLs are read as libpq does, whatever a name or a password holds. No error repeats any of it."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine

from db.urls import DatabaseUrl, read
from nightjar.core.errors.settings import BadSettings

SECRET = "s3cret-canary"
names = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1)


def as_sqlalchemy_connects(url):
    engine = create_engine(url.for_sqlalchemy())
    given = engine.dialect.create_connect_args(engine.url)[1]
    return {name: str(value) for name, value in given.items() if name != "context"}


@given(user=names, password=names, database=names)
def test_libpq_sqlalchemy_and_yaml_read_any_name_and_password_as_meant(user, password, database):
    url = DatabaseUrl({"user": user, "password": password, "host": "h", "port": "5432", "dbname": database})
    assert read(url.text) == url
    assert as_sqlalchemy_connects(url) == url.parameters
    assert yaml.safe_load(f'path: "{url.for_sqlalchemy()}"') == {"path": url.for_sqlalchemy()}
    assert url.text.isascii()
    assert not set(url.text) & set(" \"'`$\\<>|;&*!")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("postgres://u:p@h/d", {"user": "u", "password": "p", "host": "h", "dbname": "d"}),
        ("postgresql+asyncpg://u@h:5/d", {"user": "u", "host": "h", "port": "5", "dbname": "d"}),
        ("postgresql://:p@h/d", {"password": "p", "host": "h", "dbname": "d"}),
        (
            "postgresql://u:a b:c?d#e[f]@h/d",
            {"user": "u", "password": "a b:c?d#e[f]", "host": "h", "dbname": "d"},
        ),
        ("postgresql://ü:密@h/my%20d%25", {"user": "ü", "password": "密", "host": "h", "dbname": "my d%"}),
        ("postgresql://u@[::1]:5/d", {"user": "u", "host": "::1", "port": "5", "dbname": "d"}),
        ("postgresql://u@[fe80::1%25eth0]/d", {"user": "u", "host": "fe80::1%eth0", "dbname": "d"}),
        ("postgresql://u@one:1,other:2/d", {"user": "u", "host": "one,other", "port": "1,2", "dbname": "d"}),
        (
            "postgresql://u@/d?host=one,other&port=1,2",
            {"user": "u", "host": "one,other", "port": "1,2", "dbname": "d"},
        ),
        ("postgresql://u@%2Frun%2Fpg/d", {"user": "u", "host": "/run/pg", "dbname": "d"}),
        (
            "postgresql:///d?host=/run/pg&port=6&user=u",
            {"user": "u", "host": "/run/pg", "port": "6", "dbname": "d"},
        ),
        ("postgresql://h/d?ssl=true", {"host": "h", "dbname": "d", "sslmode": "require"}),
        (
            "postgresql://h/d?options=-csearch_path=x%20-c%20y%3Dz",
            {"host": "h", "dbname": "d", "options": "-csearch_path=x -c y=z"},
        ),
        ("postgresql://u@h/d?password=a@b/c", {"user": "u", "password": "a@b/c", "host": "h", "dbname": "d"}),
        ("postgresql://u@h?service=nightjar", {"user": "u", "host": "h", "service": "nightjar"}),
    ],
)
def test_every_form_of_a_url_is_read_written_and_taken_by_sqlalchemy(written, meant):
    url = read(written)
    assert url.parameters == meant
    assert read(url.text) == url
    assert read(url.for_sqlalchemy()) == url
    assert as_sqlalchemy_connects(url) == meant


def test_several_hosts_may_share_a_port():
    url = read("postgresql://u@/d?host=one,other&port=6")
    assert url.parameters["port"] == read(url.text).parameters["port"] == "6"
    assert as_sqlalchemy_connects(url) == {"user": "u", "host": "one,other", "port": "6,6", "dbname": "d"}


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("", "is no URL of a Postgres"),
        (f"nonsense with {SECRET}", "is no URL of a Postgres"),
        (f"mysql://u:{SECRET}@h/d", "is no URL of a Postgres"),
        (f"postgresql:u:{SECRET}@h/d", "is no URL of a Postgres"),
        (f"postgresql://u:p@{SECRET}@h/d", "an @ or a / too many"),
        (f"postgresql://u:p/{SECRET}@h/d", "an @ or a / too many"),
        (f"postgresql://u:p@a/{SECRET}@h/d", "an @ or a / too many"),
        (f"postgresql://u:p/a?{SECRET}@h/d", "a parameter that libpq does not know"),
        (f"postgresql://u:100%{SECRET}@h/d", "a % that stands for itself"),
        (f"postgresql://u:{SECRET}%00@h/d", "cannot be read"),
        (f"postgresql://u:{SECRET}%FC@h/d", "cannot be read"),
        (f"postgresql://u:{SECRET}@[::1/d", "cannot be read"),
        (f"postgresql://u:{SECRET}@h/d?sslmode", "cannot be read"),
        (f"postgresql://u:{SECRET}@h/d?nosuch=1", "libpq does not know: nosuch"),
        (f"postgresql://u:{SECRET}@h/d?host=a:1&host=b:2", "the parameter host twice"),
        (f"postgresql://u:{SECRET}@h", "names no database"),
        (f"postgresql://u:{SECRET}@h/", "names no database"),
        (f"postgresql://u:{SECRET}@h:port/d", "a port that cannot exist"),
        (f"postgresql://u:{SECRET}/d", "a port that cannot exist"),
        (f"postgresql://u:{SECRET}@h:0/d", "a port that cannot exist"),
        (f"postgresql://u:{SECRET}@h:65536/d", "a port that cannot exist"),
        (f"postgresql://u:{SECRET}@h:-1/d", "a port that cannot exist"),
        (f"postgresql://u:{SECRET}@a..b/d", "a host that cannot exist"),
        (f"postgresql://u:{SECRET}@h h/d", "a host that cannot exist"),
        (f"postgresql://u:{SECRET}@h%2540/d", "a host that cannot exist"),
        (f"postgresql://u:{SECRET}@{'h' * 64}.org/d", "a host that cannot exist"),
        (f"postgresql://u:{SECRET}@10.0.0.256/d", "a host that cannot exist"),
        (f"postgresql://u:{SECRET}@/d?host=a,b&port=1,2,3", "2 hosts and 3 ports"),
    ],
)
def test_a_url_that_can_never_lead_to_a_database_is_refused_without_being_repeated(url, says):
    with pytest.raises(BadSettings, match=says) as caught:
        read(url)
    assert caught.value.__context__ is None, "libpq's own error repeats the URL"
    assert SECRET not in f"{caught.value} {caught.value!r}"


def test_a_changed_url_keeps_the_rest_and_what_is_searched_is_beside_other_options():
    given = read("postgresql://owner:a@h:1/d?sslmode=require&options=-cwork_mem=1MB")
    url = given.changed(user="nightjar_writer", password="b@/:")
    kept = {
        "host": "h",
        "port": "1",
        "dbname": "d",
        "sslmode": "require",
        "user": "nightjar_writer",
        "password": "b@/:",
    }
    assert url.parameters == {**kept, "options": "-cwork_mem=1MB"}
    assert url.searching("feast").parameters == {**kept, "options": "-cwork_mem=1MB -csearch_path=feast"}


def test_what_other_processes_may_see_holds_no_secret():
    url = read(f"postgresql://u:{SECRET}@h/d?sslpassword={SECRET}&sslmode=require")
    assert url.without_secrets().parameters == {"user": "u", "host": "h", "dbname": "d", "sslmode": "require"}
    assert SECRET not in f"{url!r} {url} {url.without_secrets().text}"
