"""As tutorials do it: pandas, CatBoost and `to_sql`."""

import pandas as pd
import sqlalchemy as sa
from inputs import Inputs, as_stored, run, scored

ROWS_AT_ONCE = 10_000


def work(inputs: Inputs) -> None:
    rows = pd.read_parquet(inputs.population)
    for table in inputs.tables:
        history = pd.read_parquet(inputs.history(table))
        happened, known = history["event_timestamp"], history["created"]
        there = history[
            (happened >= inputs.oldest(table)) & (happened <= inputs.as_of) & (known <= inputs.as_of)
        ]
        newest = there.sort_values(["event_timestamp", "created"]).drop_duplicates(table.keys, keep="last")
        rows = rows.merge(newest[[*table.keys, *table.features]], on=table.keys, how="left")
    stored = as_stored(rows["entity_key"], scored(rows, inputs, inputs.model()), inputs)
    engine = sa.create_engine(inputs.url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        stored.to_sql(
            "score", connection, schema="bench", if_exists="append", index=False, chunksize=ROWS_AT_ONCE
        )


if __name__ == "__main__":
    run(work)
