"""Spark on two cores: joins in the JVM, CatBoost in its Python workers, COPY from each partition."""

from collections.abc import Iterator
from typing import Any

from inputs import Inputs, as_stored, copied, model_of, run, scored
from pyspark.sql import SparkSession, Window
from pyspark.sql import functions as F


def session() -> SparkSession:
    made = SparkSession.builder.master("local[2]").appName("peer").config("spark.driver.memory", "6g")
    made = made.config("spark.ui.enabled", "false").config("spark.sql.session.timeZone", "UTC")
    made = made.config("spark.sql.shuffle.partitions", "4")
    found = made.config("spark.sql.execution.arrow.maxRecordsPerBatch", "100000").getOrCreate()
    found.sparkContext.setLogLevel("ERROR")
    return found


def work(spark: SparkSession, inputs: Inputs) -> None:
    rows = spark.read.parquet(inputs.population)
    for table in inputs.tables:
        last_first = F.col("event_timestamp").desc(), F.col("created").desc()
        newest = Window.partitionBy(*table.keys).orderBy(*last_first)
        known = spark.read.parquet(inputs.history(table)).filter(
            F.col("event_timestamp").between(F.lit(inputs.oldest(table)), F.lit(inputs.as_of))
            & (F.col("created") <= F.lit(inputs.as_of))
        )
        last = known.withColumn("place", F.row_number().over(newest)).filter("place = 1")
        rows = rows.join(F.broadcast(last.select(*table.keys, *table.features)), on=table.keys, how="left")

    def stored(batches: Iterator[Any]) -> Iterator[Any]:
        import pandas as pd

        model = model_of(str(inputs.folder / "model.cbm"))
        for batch in batches:
            scores = scored(batch, inputs, model, thread_count=1)
            copied(as_stored(batch["entity_key"].to_numpy(), scores, inputs), inputs.url)
            yield pd.DataFrame({"rows": [len(batch)]})

    wanted = rows.select("entity_key", *inputs.categorical, *inputs.numeric).repartition(2)
    wanted.mapInPandas(stored, "rows long").agg(F.sum("rows")).collect()


def main() -> None:
    spark = session()
    run(lambda inputs: work(spark, inputs), rounds=2)


if __name__ == "__main__":
    main()
