"""By hand: Polars, CatBoost and COPY, in parts on two processes of Dask."""

import polars as pl
import psycopg
from dask.distributed import Client
from inputs import COLUMNS, INTO, Inputs, run
from two_processes import two_processes

ROWS = 100_000


def part(inputs: Inputs, number: int) -> None:
    rows = pl.scan_parquet(inputs.population).slice(number * ROWS, ROWS).collect()
    for table in inputs.tables:
        known = pl.scan_parquet(inputs.history(table)).filter(
            pl.col("event_timestamp").is_between(inputs.oldest(table), inputs.as_of),
            pl.col("created") <= inputs.as_of,
        )
        newest = (
            known.sort("event_timestamp", "created")
            .group_by(table.keys)
            .agg(pl.col(table.features).last())
            .collect()
        )
        rows = rows.join(newest, on=table.keys, how="left", maintain_order="left")
    given = rows.select(
        pl.col(inputs.categorical).fill_null(""),
        pl.col(inputs.numeric).cast(pl.Float64).fill_null(float("nan")),
    )
    scores = inputs.model().predict_proba(given, thread_count=1)[:, 1]
    stored = rows.select(
        score_date=pl.lit(inputs.day),
        run_id=pl.lit(1),
        entity_key="entity_key",
        part=pl.lit(number),
        score=pl.Series(scores),
    ).select(COLUMNS)
    with psycopg.connect(inputs.url) as connection, connection.cursor().copy(INTO) as copy:
        copy.write(stored.write_csv(include_header=False))


def work(client: Client, inputs: Inputs) -> None:
    rows = pl.scan_parquet(inputs.population).select(pl.len()).collect().item()
    parts = range(-(-rows // ROWS))
    client.gather(client.map(part, [inputs] * len(parts), parts, pure=False))


def main() -> None:
    with two_processes() as client:
        run(lambda inputs: work(client, inputs), rounds=2)


if __name__ == "__main__":
    main()
