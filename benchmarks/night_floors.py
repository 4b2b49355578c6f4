"""The floor of each stage of a large night: the same work by the bare library, on the same rows and files."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
import psycopg
from kernel import Meter
from large_night import DAY, population

from db.copy import encode, wire_type
from db.tables import ScoreRow, month_of, table_of
from models.flight_delay.contract import ORIGINS, ZONE, range_of
from models.flight_delay.datasets import SCHEDULES
from nightjar.adapters.files.feature_tables import FeatureDirectory
from nightjar.core.model.entities import Version
from nightjar.core.model.spec import FeatureTable, ModelSpec
from nightjar.core.night.clock import night_of
from nightjar.wiring.platform import Platform

COLUMNS = ("score_date", "run_id", "entity_key", "part", "score")
"""What a night without a challenger stores of a row."""
FLOOR_DAY = DAY.replace(day=9)
RUN = """
    INSERT INTO nightjar.run (model, score_date, revision, as_of, known_at, version_id)
    SELECT model, %s, 1 + coalesce((SELECT max(revision) FROM nightjar.run AS earlier
        WHERE earlier.model = version.model AND earlier.score_date = %s), 0), now(), now(), id
    FROM nightjar.model_version AS version WHERE id = %s RETURNING id
"""


@dataclass(kw_only=True)
class Floors:
    """Each stage done barely. folder: where Postgres may read files."""

    platform: Platform
    spec: ModelSpec
    champion: Version
    folder: Path
    scores: pl.DataFrame = field(default_factory=pl.DataFrame)

    def run(self, meter: Meter) -> None:
        """Do all stages once, under the names that they have in a night."""
        as_of = night_of(self.spec, DAY).as_of
        raw = meter.metered("population", pl.read_parquet)(self._delivery(), hive_partitioning=False)
        rows = meter.metered("population", _population)(raw)
        del raw
        meter.metered("snapshot", rows.write_parquet)(kept := self.folder / "population.parquet")
        rows = meter.metered("snapshot read", pl.read_parquet)(kept)
        rows = meter.metered("features", self._with_features)(rows, as_of)
        sound = meter.metered("contract", rows.filter)(*_rules(self.spec))
        pool = self._pool(sound)
        model = self.platform.predictors.load(self.spec, self.champion).model
        given = meter.metered("predict", model.predict)(pool, prediction_type="Probability")
        del pool, rows
        self.scores = sound.select("entity_key", score=pl.Series(given[:, 1]))
        del sound, given
        with self._run() as run, self._copied(run) as file:
            meter.metered("store", self._copy)(file)
        meter.metered("distribution", self._described)()

    def _delivery(self) -> Path:
        return max((self.platform.settings.data / "raw" / SCHEDULES.name / f"date={DAY}").glob("*.parquet"))

    def _with_features(self, rows: pl.DataFrame, as_of: Any) -> pl.DataFrame:
        """The newest row of each key, and one join a table."""
        for table in self.spec.feature_tables:
            known = pl.scan_parquet(self._files(table, as_of), hive_partitioning=False).filter(
                pl.col("event_timestamp").is_between(as_of - table.ttl, as_of), pl.col("created") <= as_of
            )
            keys = list(table.keys)
            newest = (
                known.sort("event_timestamp", "created")
                .group_by(keys)
                .agg(pl.col(list(table.features)).last())
            )
            rows = rows.join(newest.collect(), on=keys, how="left", maintain_order="left")
        return rows

    def _files(self, table: FeatureTable, as_of: Any) -> list[Path]:
        found = reversed(FeatureDirectory(self.platform.settings.data).files(table))
        first = (as_of - table.ttl).date()
        return [file for span, file in found if first <= span.last and span.first <= as_of.date()]

    def _pool(self, rows: pl.DataFrame) -> Any:
        from catboost import Pool  # noqa: PLC0415  # takes a second to import

        texts, numbers = self.spec.categorical, self.spec.numeric
        given = rows.select(*texts, pl.col(numbers).cast(pl.Float64).fill_null(float("nan")))
        return Pool(given, cat_features=list(texts))

    @contextmanager
    def _run(self) -> Iterator[int]:
        """A run that takes scores, of another night."""
        with psycopg.connect(self.platform.local.url("admin", "nightjar"), autocommit=True) as admin:
            admin.execute("SELECT nightjar.ensure_score_partition(%s)", [FLOOR_DAY])
            found = admin.execute(RUN, [FLOOR_DAY, FLOOR_DAY, self.champion.id]).fetchone()
            assert found is not None
            yield found[0]

    @contextmanager
    def _copied(self, run: int) -> Iterator[Path]:
        """The bytes of a COPY, in a file."""
        table, file = table_of(ScoreRow), self.folder / "scores.bin"
        frame = self.scores.select(
            score_date=pl.lit(FLOOR_DAY),
            run_id=pl.lit(run, pl.Int32),
            entity_key="entity_key",
            part=pl.lit(0, pl.Int32),
            score="score",
        )
        with file.open("wb") as opened:
            for chunk in encode(frame, [wire_type(table.columns[name]) for name in COLUMNS]):
                opened.write(chunk)
        file.chmod(0o644)
        yield file
        file.unlink()

    def _copy(self, file: Path) -> None:
        with psycopg.connect(self.platform.local.url("admin", "nightjar")) as admin:
            into = f"nightjar.{month_of(FLOOR_DAY)} ({', '.join(COLUMNS)})"
            admin.execute(f"COPY {into} FROM '{file}' (FORMAT binary)")

    def _described(self) -> pl.DataFrame:
        score = pl.col("score")
        steps = [score.quantile(step / 40).alias(f"q{step}") for step in range(41)]
        return self.scores.select(score.mean(), score.std().alias("sd"), score.n_unique().alias("n"), *steps)


def _population(raw: pl.DataFrame) -> pl.DataFrame:
    return population({SCHEDULES.name: raw.lazy()}, DAY).collect().sort("entity_key")


def _rules(spec: ModelSpec) -> list[pl.Expr]:
    """The contract of the model, as expressions."""
    c: Callable[[str], pl.Expr] = pl.col
    local = c("sched_dep").dt.convert_time_zone(ZONE.key)
    day = c("entity_key").str.tail(10).str.to_date("%Y-%m-%d", strict=False)
    between = {
        "flight": (1, 9999),
        **dict.fromkeys(("sched_dep_minute", "sched_arr_minute", "sched_block_minutes"), (0, 1440)),
        "weekday": (1, 7),
        "distance": (1, 12_000),
        "hour_departures": (1, 1000),
        "day_departures": (1, 10_000),
        "day_departures_before": (0, 10_000),
        "day_share_before": (0, 1),
    }
    features = [name for table in spec.feature_tables for name in table.features]
    return [
        c("entity_key").str.contains(r"^[A-Z0-9]{2}\d{1,9}-[A-Z]{3}-\d{4}-\d{2}-\d{2}$"),
        c("carrier").str.contains(r"^[A-Z0-9]{2}$"),
        c("origin").is_in(ORIGINS),
        c("dest").str.contains(r"^[A-Z]{3}$"),
        local.dt.date().eq_missing(day),
        (local.dt.hour().cast(pl.Int64) * 60 + local.dt.minute()).eq_missing(c("sched_dep_minute")),
        *(c(name).is_between(*bounds) for name, bounds in between.items()),
        *(c(name).is_null() | c(name).is_between(*range_of(name)) for name in features),
    ]
