"""What is counted is what is done."""

import polars as pl
import psycopg

from db.session import make_engine
from nightjar.testing.counting import below, counted


def test_statements_commits_and_copied_bytes_are_counted(shared_database):
    with psycopg.connect(shared_database.url("owner")) as connection, counted() as work:
        connection.execute("CREATE TEMP TABLE kept (x text)")
        for _ in range(2):
            connection.execute("SELECT  1")
        with connection.cursor().copy("COPY kept FROM STDIN") as copy:
            copy.write(b"one\ntwo\n")
        connection.commit()
        connection.execute(";")  # as a pool asks if a connection is alive
    assert work.statements == [
        "CREATE TEMP TABLE kept (x text)",
        *["SELECT 1"] * 2,
        "COPY kept FROM STDIN",
    ]
    assert (work.repeated(), work.commits, work.copied_bytes) == ({"SELECT 1": 2}, 1, 8)


def test_how_many_sessions_a_pool_opens_is_not_counted(shared_database):
    engine = make_engine(shared_database.url("owner"))
    engine.connect().close()  # by its first session SQLAlchemy also asks what the server is
    with counted() as work:
        for connection in [engine.connect() for _ in range(3)]:
            connection.exec_driver_sql("SELECT 1")
            connection.close()
    engine.dispose()
    assert (work.statements, work.commits) == (["SELECT 1"] * 3, 0)


def test_files_that_are_read_and_folders_that_are_listed_are_counted(tmp_path):
    for name in ("a", "b"):
        pl.DataFrame({"x": [1]}).write_parquet(tmp_path / f"{name}.parquet")
    with counted() as work:
        assert len([*tmp_path.iterdir()]) == 2
        pl.scan_parquet([tmp_path / "a.parquet", tmp_path / "b.parquet"]).collect()
        (tmp_path / "a.parquet").read_bytes()
        pl.read_parquet(tmp_path / "b.parquet")
    assert below(work.read, tmp_path) == ["a.parquet", "b.parquet", "b.parquet"]
    assert below(work.opened, tmp_path) == ["a.parquet"]
    assert work.listed == [str(tmp_path)]
