import dataclasses
import shutil
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from structlog.testing import capture_logs

from models import MODELS
from nightjar.adapters.deliveries.raw_days import RawFiles
from nightjar.adapters.files.feature_tables import FeatureDirectory
from nightjar.core.errors.inputs import ContractBroken, DamagedFile, DeliveriesLost
from nightjar.core.errors.model import CodeFailed
from nightjar.core.model.spec import FeatureTable, RawDataset, Window
from nightjar.usecases.data.features import FeatureBuild, batches, build_features, landed_of, planned

START = date(2013, 3, 1)
VISITS = RawDataset(name="visits", columns={"shop": pl.String(), "count": pl.Int64()}, keys=("shop",))


def three_days(raw, first, last):
    """Visits of a shop in the last three days."""
    days = raw["visits"].group_by("date", "shop").agg(pl.col("count").sum())
    files = raw["visits"].select("date", instant=pl.col("recorded_at").to_physical()).unique()
    known = files.select(
        "date", created=pl.col("instant").rolling_max_by("date", "3d").cast(pl.Datetime("us", "UTC"))
    )
    return (
        days.with_columns(visits=pl.col("count").rolling_sum_by("date", "3d").over("shop"))
        .join(known, on="date")
        .filter(pl.col("date").is_between(first, last))
        .select(
            "shop",
            "visits",
            "date",
            pl.col("date").cast(pl.Datetime("us")).dt.replace_time_zone("UTC").alias("event_timestamp"),
            "created",
        )
    )


TABLE = FeatureTable(
    name="shops",
    description="Visits.",
    keys={"shop": pl.String()},
    features={"visits": pl.Int64()},
    ttl=timedelta(days=7),
    lookback_days=2,
    sources=("visits",),
    compute=three_days,
)
SPEC = dataclasses.replace(
    MODELS["flight_delay"],
    datasets=(VISITS,),
    feature_tables=(TABLE,),
    population_reads=(Window("visits"),),
    outcome_reads=(Window("visits"),),
    without_holidays=(),
)
STREAMED = dataclasses.replace(SPEC, feature_tables=(dataclasses.replace(TABLE, streamed=True),))


class Shop:
    """A raw store and a feature store, and files delivered to them. An instant is hours after START."""

    def __init__(self, root):
        self.root = root
        self.raw, self.features = RawFiles(root), FeatureDirectory(root)

    def deliver(self, day, counts, at):
        file = self.root / "in.csv"
        lines = [
            "shop,count",
            *(f"{shop},{count}" for shop, count in counts.items()),
            f"# rows={len(counts)}\n",
        ]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("\n".join(lines))
        return self.raw.land(VISITS, START + timedelta(days=day), file, hour(at))

    def build(self, known_at=None, spec=SPEC, recipe="one", afresh=()):
        return build_features(
            spec,
            raw=self.raw,
            features=self.features,
            recipe_of=lambda table: recipe,
            known_at=known_at,
            afresh=afresh,
        )

    def rows(self, generation=""):
        folder = self.root / "features" / "shops" / generation
        if not folder.exists() or not list(folder.glob("date=*")):
            return pl.DataFrame()
        return pl.read_parquet(folder / "date=*" / "part.parquet", hive_partitioning=False).sort(
            "event_timestamp", "shop", "created"
        )


def hour(at):
    return datetime(2013, 3, 1, tzinfo=UTC) + timedelta(hours=at)


@pytest.fixture
def shop(tmp_path):
    return Shop(tmp_path)


def test_what_landed_is_built_once(shop):
    for day in range(4):
        shop.deliver(day, {"a": 1}, at=24 * day + 30)
    assert shop.build() == FeatureBuild(days=4, rows=4)
    assert shop.rows()["visits"].to_list() == [1, 2, 3, 3]
    assert shop.build() == FeatureBuild()


def test_what_was_built_of_a_lost_day_stays_and_what_has_to_read_it_stops(shop):
    for day in range(6):
        shop.deliver(day, {"a": 1}, at=24 * day + 30)
    shop.build()
    rows = shop.rows()
    shutil.rmtree(shop.root / "raw" / "visits" / f"date={START + timedelta(days=2)}")
    assert shop.build() == FeatureBuild()
    assert shop.deliver(6, {"a": 1}, at=24 * 6 + 30) == "landed"
    assert shop.build() == FeatureBuild(days=1, rows=1), "it does not read the lost day"
    with pytest.raises(DeliveriesLost):
        shop.build(afresh=("shops",))
    shop.deliver(3, {"a": 2}, at=24 * 7)
    with pytest.raises(DeliveriesLost):
        shop.build()
    assert_frame_equal(shop.rows().head(6), rows)
    assert shop.deliver(2, {"a": 1}, at=24 * 8) == "restored"
    shop.build()
    whole = shop.rows()
    shutil.rmtree(shop.root / "features")
    shop.build()
    assert_frame_equal(shop.rows(), whole)


def test_what_was_built_of_a_day_that_is_given_up_stays(shop):
    for day in range(6):
        shop.deliver(day, {"a": 1}, at=24 * day + 30)
    shop.build()
    rows, lost = shop.rows(), START + timedelta(days=2)
    shutil.rmtree(shop.root / "raw" / "visits" / f"date={lost}")
    shop.raw.give_up("visits", lost)
    assert shop.build() == FeatureBuild()
    assert_frame_equal(shop.rows(), rows)
    assert shop.build(afresh=("shops",)).days == 5


def test_an_error_of_compute_names_the_table_the_days_and_the_line(shop):
    def fails(raw, first, last):
        return raw["visits"].select("amount")

    shop.deliver(0, {"a": 1}, at=30)
    spec = dataclasses.replace(SPEC, feature_tables=(dataclasses.replace(TABLE, compute=fails),))
    told = rf"`compute of shops` for days {START} to {START} raised at .*test_features\.py:\d+: Column"
    with pytest.raises(CodeFailed, match=told):
        shop.build(spec=spec)


def test_a_home_may_have_characters_of_a_pattern_in_its_path(tmp_path):
    shop = Shop(tmp_path / "home [1] *?")
    for day in range(40):
        shop.deliver(day, {"a": 1}, at=24 * day + 30)
        if day > 36:
            shop.build()
    assert len(shop.features.files(TABLE)) == 1 + 9
    assert shop.features.newest(TABLE, hour(24 * 60)) == hour(24 * 39)
    seen = shop.raw.scan(VISITS, START, START + timedelta(days=40)).collect()
    assert seen.height == shop.raw.read(VISITS, START, START + timedelta(days=40)).height == 40


def three_months(shop):
    """A day a batch, as nights build them, the last file of the first two months put together."""
    for day in range(0, 70, 2):
        shop.deliver(day, {"a": day}, at=24 * day + 30)
        shop.build()
    return shop.features.root / "features" / "shops"


@pytest.mark.parametrize(
    "lost", ["date=2013-05-02", "date=2013-05-02/part.parquet", "date=2013-03-01..2013-03-31"]
)
def test_what_was_built_and_is_lost_on_the_disk_is_built_again(shop, lost):
    folder = three_months(shop)
    whole, gone = files_of(shop), folder / lost
    for kept in folder.glob("date=2013-03-??"):  # their month has replaced them
        shutil.rmtree(kept)
    shutil.rmtree(gone) if gone.is_dir() else gone.unlink()
    with capture_logs() as logged:
        assert shop.build().rows > 0
    assert [each["event"] for each in logged] == ["feature_files_lost"]
    assert files_of(shop) == whole
    assert shop.build() == FeatureBuild()


def files_of(shop):
    return [
        (span, pl.read_parquet(file, hive_partitioning=False).sort("event_timestamp").rows())
        for span, file in shop.features.files(TABLE)
    ]


def test_days_of_a_lost_file_are_still_built_after_the_build_was_interrupted(shop, monkeypatch):
    folder = three_months(shop)
    shutil.rmtree(folder / "date=2013-05-02")
    with monkeypatch.context() as patched:
        patched.setattr(FeatureDirectory, "write", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            shop.build()
    assert shop.build().rows == 1
    assert (folder / "date=2013-05-02" / "part.parquet").exists()


def test_a_day_that_gives_no_rows_is_no_loss(shop):
    def seldom(raw, first, last):
        return three_days(raw, first, last).filter(pl.col("date").dt.day().is_in([1, 5]))

    spec = dataclasses.replace(SPEC, feature_tables=(dataclasses.replace(TABLE, compute=seldom),))
    for day in range(6):
        shop.deliver(day, {"a": 1}, at=24 * day + 30)
    assert shop.build(spec=spec) == FeatureBuild(days=6, rows=2)
    assert shop.build(spec=spec) == FeatureBuild()


def test_only_days_that_see_a_new_file_are_built(shop):
    for day in range(6):
        shop.deliver(day, {"a": 1}, at=24 * day + 30)
    shop.build()
    shop.deliver(6, {"a": 1}, at=200)
    assert shop.build() == FeatureBuild(days=1, rows=1)
    shop.deliver(1, {"a": 5}, at=300)
    assert shop.build().days == 3


def test_days_recorded_later_wait(shop):
    shop.deliver(0, {"a": 1}, at=30)
    shop.deliver(1, {"a": 1}, at=54)
    assert shop.build(known_at=hour(53)).days == 1
    assert shop.build(known_at=hour(54)).days == 1


def test_a_new_generation_has_the_days_of_the_one_before_whenever_they_were_recorded(shop):
    shop.deliver(0, {"a": 1}, at=30)
    shop.deliver(1, {"a": 1}, at=54)
    shop.build()
    assert shop.build(known_at=hour(30), spec=with_sales(doubled), recipe="two").days == 2
    assert shop.rows("_two")["sales"].to_list() == [2, 4]
    assert "sales" not in shop.rows().columns


def three_days_landed(shop):
    for day in range(3):
        shop.deliver(day, {"a": 1}, at=24 * day + 30)
    shop.build()
    return shop.rows()


def read_now(shop):
    return [generation.name for generation in shop.features.generations(TABLE)]


def test_changed_code_builds_a_new_generation_and_leaves_the_old_one_as_it_was(shop):
    before = three_days_landed(shop)
    assert shop.build(spec=with_sales(doubled), recipe="two") == FeatureBuild(days=3, rows=3)
    assert_frame_equal(shop.rows(), before)
    assert read_now(shop) == ["", "_two"]
    assert shop.build(spec=with_sales(doubled), recipe="two") == FeatureBuild()


def test_code_that_is_as_it_was_before_takes_up_the_generation_that_it_made(shop):
    three_days_landed(shop)
    shop.build(spec=with_sales(doubled), recipe="two")
    shop.deliver(3, {"a": 1}, at=200)
    assert shop.build(recipe="one").days == 1
    assert read_now(shop) == ["_two", ""]


def test_a_rebuild_that_is_killed_leaves_the_old_generation_in_use_and_is_continued(shop, monkeypatch):
    for day in (0, 40, 80):
        shop.deliver(day, {"a": 1}, at=24 * day + 30)
    shop.build()
    calls = []

    def killed(raw, first, last):
        calls.append(first)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return three_days(raw, first, last)

    spec = dataclasses.replace(SPEC, feature_tables=(dataclasses.replace(TABLE, compute=killed),))
    with pytest.raises(KeyboardInterrupt):
        shop.build(spec=spec, recipe="two")
    assert read_now(shop) == [""]
    assert shop.build(spec=spec, recipe="two").days == 2
    assert read_now(shop) == ["", "_two"]
    assert_frame_equal(shop.rows("_two"), shop.rows())


def test_a_table_can_be_built_anew_although_its_code_is_the_same(shop):
    before = three_days_landed(shop)
    assert shop.build(afresh={"shops"}).days == 3
    assert read_now(shop) == ["", "_one-1"]
    assert_frame_equal(shop.rows("_one-1"), before)
    assert shop.build() == FeatureBuild()


def test_a_rebuild_is_told_with_its_reason(shop):
    three_days_landed(shop)
    with capture_logs() as logged:
        shop.build(afresh={"shops"})
        shop.build(recipe="two")
        shop.build(recipe="three", afresh={"shops"})
    told = [(each["log_level"], each["told"]) for each in logged if each["event"] == "features_rebuilt"]
    changed = "their code changed; a champion that was trained on the earlier ones should be retrained"
    assert told == [("info", "as asked; their code is the same"), *[("warning", changed)] * 2]


def interrupted(*_):
    raise KeyboardInterrupt


def test_a_table_from_before_recipes_were_kept_is_adopted_without_a_rebuild(shop):
    three_days_landed(shop)
    (shop.root / "features" / "shops" / "_generations.json").unlink()
    shop.deliver(3, {"a": 1}, at=200)
    assert shop.build(recipe="whatever").days == 1
    assert shop.build(recipe="whatever") == FeatureBuild()
    assert read_now(shop) == [""]


def test_a_table_from_before_recipes_were_kept_is_rebuilt_if_its_declaration_changed(shop):
    three_days_landed(shop)
    (shop.root / "features" / "shops" / "_generations.json").unlink()
    assert shop.build(spec=with_sales(doubled), recipe="two").days == 3
    assert read_now(shop) == ["", "_two"]
    assert "sales" not in shop.rows().columns


def test_a_rebuild_of_a_table_from_before_that_is_killed_goes_on(shop, monkeypatch):
    """Its folder of a new generation is no sign of a lost list."""
    three_days_landed(shop)
    (shop.root / "features" / "shops" / "_generations.json").unlink()
    with monkeypatch.context() as patched:
        patched.setattr("nightjar.adapters.files.feature_tables.compact", interrupted)
        with pytest.raises(KeyboardInterrupt):
            shop.build(spec=with_sales(doubled), recipe="two")
    assert (shop.root / "features" / "shops" / "_two").is_dir()
    assert read_now(shop) == [""]
    assert shop.build(spec=with_sales(doubled), recipe="two").days == 3
    assert read_now(shop) == ["", "_two"]


def test_a_lost_list_of_generations_stops_a_build(shop):
    three_days_landed(shop)
    shop.build(recipe="two")
    (shop.root / "features" / "shops" / "_generations.json").unlink()
    with pytest.raises(DamagedFile, match="it is gone"):
        shop.build(recipe="two")


def test_what_would_be_rebuilt_is_told_before(shop):
    three_days_landed(shop)

    def rebuilds(recipe):
        plans = planned(
            SPEC, landed=landed_of(SPEC, shop.raw), features=shop.features, recipe_of=lambda table: recipe
        )
        return [(plan.table.name, len(plan.days)) for plan in plans if plan.rebuilds]

    assert rebuilds("one") == []
    assert rebuilds("two") == [("shops", 3)]
    assert read_now(shop) == [""]


def test_a_feature_that_is_declared_and_not_computed_is_named(shop):
    shop.deliver(0, {"a": 1}, at=30)
    with pytest.raises(ContractBroken, match="the table shops: gives no column sales"):
        shop.build(spec=with_sales(three_days))
    assert shop.rows().is_empty()


@pytest.mark.parametrize(
    ("column", "told"),
    [
        (pl.lit(1.5).alias("visits"), "gives 1.5 in column visits, which is declared as Int64"),
        (pl.lit(float("nan")).alias("visits"), "gives nan in column visits"),
        (pl.lit("many").alias("visits"), "gives 'many' in column visits"),
        (pl.struct(pl.col("visits")).alias("visits"), "in column visits, which is declared as Int64"),
        (pl.lit(None, pl.Datetime("us", "UTC")).alias("event_timestamp"), "no event_timestamp in 1 row"),
    ],
    ids=["a fraction", "no number", "text", "nested", "no instant"],
)
def test_computed_values_that_a_table_cannot_hold_are_named(shop, column, told):
    shop.deliver(0, {"a": 1}, at=30)
    table = dataclasses.replace(TABLE, compute=lambda *asked: three_days(*asked).with_columns(column))
    with pytest.raises(ContractBroken, match=told):
        shop.build(spec=dataclasses.replace(SPEC, feature_tables=(table,)))
    assert shop.rows().is_empty()


def test_whole_numbers_may_be_computed_as_fractions_and_a_missing_one_stays_missing(shop):
    shop.deliver(0, {"a": 1, "b": 2}, at=30)
    whole = pl.when(pl.col("shop") == "b").then(pl.col("visits").cast(pl.Float64)).alias("visits")
    table = dataclasses.replace(TABLE, compute=lambda *asked: three_days(*asked).with_columns(whole))
    shop.build(spec=dataclasses.replace(SPEC, feature_tables=(table,)))
    assert sorted(shop.rows()["visits"].to_list(), key=str) == [2, None]


def with_sales(compute):
    table = dataclasses.replace(TABLE, features={**TABLE.features, "sales": pl.Int64()}, compute=compute)
    return dataclasses.replace(SPEC, feature_tables=(table,))


def doubled(raw, first, last):
    return three_days(raw, first, last).with_columns(sales=2 * pl.col("visits"))


def test_a_correction_adds_rows_and_changes_none(shop):
    for day in range(3):
        shop.deliver(day, {"a": 1, "b": 1}, at=24 * day + 30)
    shop.build()
    before = shop.rows()
    shop.deliver(0, {"a": 9, "b": 1}, at=100)
    assert shop.build().rows == 3
    after = shop.rows()
    assert_frame_equal(after.filter(pl.col("created") < hour(100)), before)
    assert after.filter(pl.col("created") == hour(100))["visits"].to_list() == [9, 10, 11]


def test_the_progress_counts_every_day_of_every_table(shop):
    seen = []
    for day in range(3):
        shop.deliver(day, {"a": 1}, at=24 * day + 30)

    class Bar:
        def __init__(self, what, total):
            seen.append((what, total))

        def __enter__(self):
            return seen.append

        def __exit__(self, *_):
            return None

    build_features(SPEC, raw=shop.raw, features=shop.features, recipe_of=lambda table: "one", progress=Bar)
    assert seen == [("days of feature tables built", 3), 3]


@given(days=st.sets(st.integers(0, 200)))
def test_batches_hold_every_day_once_and_span_a_month_at_most(days):
    wanted = {START + timedelta(days=n): str(n) for n in days}
    cut = list(batches(wanted))
    assert {day: name for batch in cut for day, name in batch.items()} == wanted
    assert sum(map(len, cut)) == len(wanted)
    assert all((max(batch) - min(batch)).days < 31 for batch in cut)


DELIVERIES = st.lists(
    st.tuples(st.integers(0, 4), st.dictionaries(st.sampled_from("ab"), st.integers(0, 3), min_size=1)),
    min_size=1,
    max_size=7,
)


@given(deliveries=DELIVERIES, built_after=st.sets(st.integers(0, 6)))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_tables_hold_the_same_facts_whenever_they_are_built(tmp_path_factory, deliveries, built_after):
    """Late files, corrections, files out of order: building along the way and building once at the end
    know the same at every hour. So does a table that is streamed.
    """
    along, once = (Shop(tmp_path_factory.mktemp("shop")) for _ in range(2))
    for number, (day, counts) in enumerate(deliveries):
        for shop in (along, once):
            shop.deliver(day, counts, at=200 + number)
        if number in built_after:
            before = along.rows()
            along.build()
            if before.height:
                assert_frame_equal(along.rows().join(before, on=before.columns, how="semi"), before)
    along.build()
    once.build(spec=STREAMED)
    assert_frame_equal(along.rows(), once.rows())


def test_a_streamed_table_that_gives_its_rows_at_once_is_told(shop):
    shop.deliver(0, {"a": 1}, at=20)
    collected = dataclasses.replace(
        TABLE, streamed=True, compute=lambda raw, first, last: three_days(raw, first, last).collect()
    )
    with pytest.raises(ContractBroken, match=r"gives a DataFrame, not a polars\.LazyFrame"):
        shop.build(spec=dataclasses.replace(SPEC, feature_tables=(collected,)))


def test_an_error_while_streamed_rows_are_collected_names_the_table(shop):
    def broken(raw, first, last):
        return three_days(raw, first, last).with_columns(visits=pl.col("shop").cast(pl.Int64))

    shop.deliver(0, {"a": 1}, at=20)
    table = dataclasses.replace(TABLE, streamed=True, compute=broken)
    with pytest.raises(CodeFailed, match="compute of shops"):
        shop.build(spec=dataclasses.replace(SPEC, feature_tables=(table,)))


class Counts:
    """A raw store that counts the rows that are read of it."""

    def __init__(self, raw):
        self.raw, self.rows = raw, 0

    def __getattr__(self, name):
        return getattr(self.raw, name)

    def read(self, *args, **kwargs):
        found = self.raw.read(*args, **kwargs)
        self.rows += found.height
        return found


@pytest.mark.parametrize("history", [3, 40])
def test_a_new_day_costs_the_rows_of_its_lookback_however_long_the_history_is(shop, history):
    for day in range(history):
        shop.deliver(day, {"a": 1, "b": 2}, at=24 * day + 30)
    shop.build()
    shop.deliver(history, {"a": 1, "b": 2}, at=24 * history + 30)
    raw = Counts(shop.raw)
    build_features(SPEC, raw=raw, features=shop.features, recipe_of=lambda table: "one")
    assert raw.rows == 2 * (TABLE.lookback_days + 1)


class LandsMeanwhile:
    """A raw store to which something is delivered at the first look into its files."""

    def __init__(self, raw, deliver):
        self.raw, self.deliver = raw, [deliver]

    def __getattr__(self, name):
        return getattr(self.raw, name)

    def read(self, *args, **kwargs):
        while self.deliver:
            self.deliver.pop()()
        return self.raw.read(*args, **kwargs)


def test_a_correction_that_lands_during_a_build_does_not_hide_what_was_known_before_it(shop):
    shop.deliver(0, {"a": 1}, at=20)
    raw = LandsMeanwhile(shop.raw, lambda: shop.deliver(0, {"a": 9}, at=50))
    build_features(SPEC, raw=raw, features=shop.features, recipe_of=lambda table: "one")
    assert shop.rows().select("visits", "created").rows() == [(1, hour(20))]
    shop.build()
    assert shop.rows().select("visits", "created").rows() == [(1, hour(20)), (9, hour(50))]
