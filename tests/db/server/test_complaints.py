"""Which line of all that a program says names the cause, and what is told to do about it."""

import os

import pytest

from db.server.complaints import REMEDIES, cause_of, complaint, remedy

INITDB = """\
creating configuration files ... ok
running bootstrap script ... 2026-11-26 13:45:12.515 UTC [7] FATAL:  could not write to file "pg_wal/x": No space left on device
child process exited with exit code 1
initdb: removing contents of data directory "home/postgres/server/fresh-1"
"""  # noqa: E501  # as initdb writes it
PG_CTL = """\
waiting for server to start.... stopped waiting
pg_ctl: could not start server
Examine the log output.
2026-11-26 13:45:12 UTC [7] LOG:  starting PostgreSQL 18.1
2026-11-26 13:45:12 UTC [7] FATAL:  could not create lock file "postmaster.pid": Read-only file system
"""
JSON = """\
pg_ctl: could not start server
{"timestamp":"2026-11-26","error_severity":"LOG","message":"starting"}
{"timestamp":"2026","error_severity":"FATAL","message":"invalid value for \\"shared_buffers\\": \\"x\\""}
"""
SHELL = (
    "pg_ctl: could not start server\nsh: 1: cannot create start.log: Permission denied\nExamine the log "
    "output.\n"
)
FIRST_IS_VAGUE = (
    "FATAL:  the database system is starting up\nPANIC:  could not fsync file: Input/output error\n"
)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (INITDB, 'could not write to file "pg_wal/x": No space left on device'),
        (PG_CTL, 'could not create lock file "postmaster.pid": Read-only file system'),
        (JSON, 'invalid value for "shared_buffers": "x"'),
        (SHELL, "cannot create start.log: Permission denied"),
        (FIRST_IS_VAGUE, "could not fsync file: Input/output error"),
        ("one\ntwo\n", "two"),
        ("{no JSON\n", "{no JSON"),
        ("", "nothing"),
    ],
)
def test_the_line_that_names_the_cause_is_told(said, told):
    assert complaint(said) == told


@pytest.mark.parametrize("number", REMEDIES)
def test_what_the_system_refuses_is_known_by_its_words_and_has_a_remedy_of_its_own(number, tmp_path):
    told = f'could not open "x": {os.strerror(number)}'
    assert cause_of(told) == number
    named, remedied = f"The folder is {tmp_path}. ", remedy(told, tmp_path)
    assert remedied.startswith(named)
    assert remedy(f"{tmp_path}: {told}", tmp_path) == remedied.removeprefix(named)


def test_only_logs_that_exist_are_named(tmp_path):
    (tmp_path / "there.log").touch()
    told = remedy("something else", tmp_path, (tmp_path / "there.log", tmp_path / "missing.log"))
    assert told == f"More is in {tmp_path / 'there.log'}. NIGHTJAR_DATABASE_URL names another Postgres."
