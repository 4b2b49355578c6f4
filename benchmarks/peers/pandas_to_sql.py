"""By hand in one process: pandas, CatBoost and `to_sql`."""

import pandas as pd
from inputs import Inputs, as_stored, inserted, newest, run, scored


def work(inputs: Inputs) -> None:
    rows = pd.read_parquet(inputs.population)
    for table in inputs.tables:
        rows = rows.merge(newest(table, inputs), on=table.keys, how="left")
    inserted(as_stored(rows["entity_key"], scored(rows, inputs, inputs.model()), inputs), inputs.url)


if __name__ == "__main__":
    run(work)
