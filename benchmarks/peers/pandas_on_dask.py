"""By hand: a dataframe of Dask, CatBoost and COPY, on two processes of Dask."""

from typing import Any

import dask.dataframe as dd
import pandas as pd
from dask.distributed import Client
from inputs import Inputs, as_stored, copied, newest, run, scored
from two_processes import two_processes


def stored(rows: Any, inputs: Inputs) -> Any:
    scores = scored(rows, inputs, inputs.model(), thread_count=1)
    copied(as_stored(rows["entity_key"].to_numpy(), scores, inputs), inputs.url)
    return pd.DataFrame({"rows": [len(rows)]})


def work(client: Client, inputs: Inputs) -> None:
    rows = dd.read_parquet(inputs.population, split_row_groups=True)
    for table in inputs.tables:
        rows = rows.merge(newest(table, inputs), on=table.keys, how="left")
    done = rows.map_partitions(stored, inputs, meta={"rows": "int64"})
    client.compute(done["rows"].sum()).result()


def main() -> None:
    with two_processes() as client:
        run(lambda inputs: work(client, inputs), rounds=2)


if __name__ == "__main__":
    main()
