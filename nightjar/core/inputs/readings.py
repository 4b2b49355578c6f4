"""Readings: the numbers of a night that are compared with those of earlier nights.

Some describe the night alone: rows of each slice, quantiles of a column, its share of zeros. The others
compare the entities of the night with the same entities of earlier nights: the share whose value changed, the
share that changed by the same factor, whether they kept their order. A fault of a feed moves such a number
far on its first night. Seasons move it little from night to night.

A feature of a table is read once for each key of the table: the weather of an airport counts once, not once
for each flight. Any other column is read once for each entity. An entity is known again by its `entity_key`
without the score date that may be in it.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import combinations

import numpy as np
import polars as pl

from nightjar.core.comparison import by_date, columns
from nightjar.core.comparison.entities import SCORE
from nightjar.core.comparison.profile import keys_of_inputs
from nightjar.core.entity_keys import undated
from nightjar.core.inputs import again, attributes, by_others, former, gauges, relations
from nightjar.core.inputs.by_key import Keyed, keyed
from nightjar.core.inputs.findings import BOTH
from nightjar.core.inputs.former import FEW, SOME, VARIED, Told
from nightjar.core.inputs.shapes import ONLY, of_codes, of_values
from nightjar.core.inputs.surrogate import explained
from nightjar.core.model.slices import MISSING
from nightjar.core.model.spec import ModelSpec

ENTITY = "entity"
HASH = "hash of the entity"
Key = tuple[str, ...]
"""The columns that say what a value belongs to."""
READING = {"name": pl.String, "column": pl.String, "slice": pl.String, "value": pl.Float64}
"""One reading: its name, the input or score ("" for the rows), the slice ("" for all rows), its number."""

KEY = ("name", "column", "slice")
"""The columns that identify a reading."""

MOST_ROWS = 2_000
"""At most so many entities are compared with themselves on other nights."""
EARLIER = 7
"""So many published nights are looked at row by row: a week of a daily model, with the night's weekday."""
MOST = 200
"""So many slices of a kind are counted, the largest ones."""
COUNTED, CROSSED = "rows", "rows_of_two"
"""Rows of the night or of a slice, and of two slices together."""
HEIGHT = "rows of it"
LEAST_OTHERS = 5
"""Nights that usually differ in fewer entities may have the same ones by chance.

Of 190 routes a week usually has one other than the weeks before it, and often none. A night of flights has 50
others usually, and on three nights of January to June three or four.
"""
POPULATION = "population"
"""Stands for a feature table where the population itself has the inputs."""


def entities(rows: pl.DataFrame, score_date: date) -> pl.DataFrame:
    """Add `entity`: the key without the score date. So an entity is known again on another night.

    The first key says how the date is written.
    """
    return rows.with_columns(undated(str(rows["entity_key"].first()), score_date).alias(ENTITY))


def same_entities(population: pl.DataFrame, score_date: date) -> pl.DataFrame:
    """Return at most MOST_ROWS rows of a population, of the same entities every night.

    They are those whose keys have the least hashes.
    """
    if population.height <= MOST_ROWS:
        return population
    hashed = hashes(population, score_date, str(population["entity_key"][0]))
    return least_hashes(population.with_columns(hashed))


def hashes(rows: pl.DataFrame, score_date: date, like: str) -> pl.Series:
    """The hash of the entity of each row (HASH). like: a key that says how the date is written."""
    return rows.select(undated(like, score_date).hash().alias(HASH)).to_series()


def least_hashes(hashed: pl.DataFrame) -> pl.DataFrame:
    """Return the MOST_ROWS rows with the least HASH, in its order and without it."""
    return hashed.bottom_k(MOST_ROWS, by=HASH).drop(HASH)


def as_kept(rows: pl.DataFrame, scores: pl.DataFrame, spec: ModelSpec, score_date: date) -> pl.DataFrame:
    """Return the rows that have a score, as they are kept to compare later nights with.

    scores: `entity_key` and `score`.
    """
    kept = dict.fromkeys(("entity_key", *keys_of(spec), *spec.inputs))
    scored = rows.select(name for name in kept if name in rows.columns).join(
        scores.select("entity_key", SCORE), on="entity_key", how="inner", maintain_order="left"
    )
    return entities(scored, score_date)


def keys_of(spec: ModelSpec) -> tuple[str, ...]:
    """The keys of the feature tables."""
    return tuple(dict.fromkeys(key for table in spec.feature_tables for key in table.keys))


def read_from(spec: ModelSpec) -> Mapping[str, Key]:
    """The key of each input and of the score: what a value belongs to."""
    of_tables = keys_of_inputs(spec)
    return {name: of_tables.get(name, (ENTITY,)) for name in (*spec.inputs, SCORE)}


def groups(spec: ModelSpec, names: Iterable[str], present: Collection[str]) -> Mapping[Key, list[str]]:
    """Key -> those of the columns that belong to it. Without the columns of its key, it is the entity's."""
    keys, found = read_from(spec), dict[Key, list[str]]()
    for name in names:
        found.setdefault(keys[name] if set(keys[name]) <= set(present) else (ENTITY,), []).append(name)
    return found


def readings(rows: pl.DataFrame, spec: ModelSpec, earlier: Sequence[pl.DataFrame] = ()) -> pl.DataFrame:
    """Return the readings of a night from its sampled rows.

    rows: inputs, `score` and `entity`; at least one row. earlier: those of the published nights before,
    newest first. Columns of the result: those of READING; a number that cannot be read is left out.
    """
    before = [night for night in earlier if not night.is_empty()]
    numeric = [name for name in (*spec.numeric, SCORE) if name in rows.columns]
    numbers = rows.with_columns(columns.as_numbers(name) for name in numeric)
    last = before[0] if before else None
    by = dict(_by_key(numbers, spec, numeric, before))
    told = [
        *_of_each_key(by, spec, numeric, before),
        again.seal(rows[ENTITY]),
        *together(numbers, numeric),
        *_of_each_table(by, spec),
        *_of_missing(by, spec),
        *relations.twins(numbers, _own(numbers, spec)),
    ]
    if last is not None:
        told += [
            *_of_entities(by[ENTITY,], spec, numeric),
            *met_again(rows, before),
            *others(rows, by[ENTITY,], spec),
            *explained_by(rows, before, spec),
            *_as_before(numbers, spec, before),
            *attributes.of_keys(rows, before, (*spec.categorical, *keys_of(spec)), _own(rows, spec)),
        ]
    return pl.DataFrame(told, schema=READING, orient="row").filter(pl.col("value").is_finite())


def _by_key(
    rows: pl.DataFrame, spec: ModelSpec, numeric: Sequence[str], earlier: Sequence[pl.DataFrame]
) -> Iterator[tuple[Key, Keyed]]:
    """The rows by each key that something belongs to, beside the newest night before that has it."""
    tables = (key for _, key, _ in _tables(rows, spec))
    for key in dict.fromkeys(((ENTITY,), *groups(spec, numeric, rows.columns), *tables)):
        yield key, keyed(rows, key, next((night for night in earlier if {*key} <= {*night.columns}), None))


def _of_each_key(
    by: Mapping[Key, Keyed], spec: ModelSpec, numeric: Sequence[str], earlier: Sequence[pl.DataFrame]
) -> Iterator[Told]:
    """What the columns of a key are like, and how they moved. earlier: the published nights before."""
    for key, names in groups(spec, numeric, by[ENTITY,].rows.columns).items():
        of_key, inputs = by[key], [name for name in names if name != SCORE]
        yield from of_values(of_key.once, names)
        yield from of_codes(of_key.once, inputs)
        yield from again.marks(of_key.once, key, inputs)
        if of_key.before is not None:
            kept = [name for name in inputs if name in of_key.before.columns]
            yield from compared(of_key, spec, kept)
            past = [night for night in earlier if {*key} <= {*night.columns}]
            yield from relations.on_grid(of_key.once, past, kept)


def _of_entities(by: Keyed, spec: ModelSpec, numeric: Sequence[str]) -> Iterator[Told]:
    """The values of each entity beside those of last night, whatever table they are from."""
    assert by.before is not None
    rows, last = by.rows, by.before
    kept = [name for name in numeric if name != SCORE and name in last.columns]
    texts = [name for name in spec.categorical if {name} <= {*rows.columns} & {*last.columns}]
    yield from relations.of_ranges(rows, last, [name for name in _own(rows, spec) if name in kept])
    yield from relations.of_pairs(by, kept)
    yield from relations.of_categories(by, texts)


def _of_each_table(by: Mapping[Key, Keyed], spec: ModelSpec) -> Iterator[Told]:
    rows = by[ENTITY,].rows
    for name, key, features in _tables(rows, spec):
        of_key = by[key]
        if of_key.before is not None and not {*features} <= {*of_key.before.columns}:
            of_key = keyed(rows, key)  # the table has a feature that is new tonight
        yield from relations.of_table(of_key, name, features, _of_key(rows, spec, key))


def _of_missing(by: Mapping[Key, Keyed], spec: ModelSpec) -> Iterator[Told]:
    """Only tables of many keys count: if one of three sensors is silent, a third of the values is missing."""
    rows = by[ENTITY,].rows
    of_tables = {
        name: features for name, key, features in _tables(rows, spec) if by[key].once.height >= VARIED
    }
    filled = {name: names for name, names in {**of_tables, POPULATION: _own(rows, spec)}.items() if names}
    yield from relations.lost(rows, by[ENTITY,].before, ENTITY, slices_of(rows, spec), filled)


def _as_before(rows: pl.DataFrame, spec: ModelSpec, earlier: Sequence[pl.DataFrame]) -> Iterator[Told]:
    """The numbers that the population has by itself, beside what its other columns and the nights before let
    expect of them.
    """
    names = [name for name in _own(rows, spec) if name in spec.numeric]
    categories = [name for name in spec.categorical if name in rows.columns]
    past = [night for night in earlier if {*names, *categories} <= {*night.columns}]
    if names and past:
        yield from by_others.of_rows(rows, past, names, categories, slices_of(rows, spec))
        then = np.concatenate([former.matrix(night, names) for night in past])
        yield from gauges.digits(former.matrix(rows, names), then, names)


def _own(rows: pl.DataFrame, spec: ModelSpec) -> list[str]:
    """The inputs that the population has by itself."""
    keys = read_from(spec)
    return [name for name in spec.inputs if keys[name] == (ENTITY,) and name in rows.columns]


def _tables(rows: pl.DataFrame, spec: ModelSpec) -> Iterator[tuple[str, Key, list[str]]]:
    """Name, keys and read features of each feature table of which the rows have the keys."""
    for table in spec.feature_tables:
        features = [name for name in table.features if name in spec.inputs and name in rows.columns]
        if features and set(table.keys) <= set(rows.columns):
            yield table.name, tuple(table.keys), features


def _of_key(rows: pl.DataFrame, spec: ModelSpec, key: Key) -> Mapping[str, pl.Expr]:
    """The slices that the key alone says."""
    return slices_of(rows.select(key), spec)


def slices_of(population: pl.DataFrame, spec: ModelSpec) -> Mapping[str, pl.Expr]:
    """The slices that the spec names, and its categories: name -> value. Those that the rows cannot have are
    left out.
    """
    return {name: _label(value) for name, value in _parted_by(population, spec).items()}


def _parted_by(population: pl.DataFrame, spec: ModelSpec) -> Mapping[str, pl.Expr]:
    """The value of each slice, before it is made a text."""
    return {
        **{name: pl.col(name) for name in spec.categorical if name in population.columns},
        **{each.name: each.expression for each in spec.slices if each.reads <= set(population.columns)},
    }


def _label(value: pl.Expr) -> pl.Expr:
    return _storable(value).fill_null(MISSING)


def sliced(part: pl.DataFrame, spec: ModelSpec) -> pl.DataFrame:
    """What `counted` needs of a part of a population: the values of its rows in the slices, those that are
    alike once, and how many they are (HEIGHT). If a slice needs other rows than its own: what slices read of
    each row.
    """
    if of_each_row(spec):
        return _alike(part, _parted_by(part, spec), pl.len().cast(pl.Int64))
    read = {*spec.categorical}.union(*(each.reads for each in spec.slices))
    names = [name for name in part.columns if name in read]
    return part.select(names).with_columns(pl.lit(1, pl.Int64).alias(HEIGHT))


def _alike(rows: pl.DataFrame, by: Mapping[str, pl.Expr], height: pl.Expr) -> pl.DataFrame:
    """The values of the rows in all slices, each different row of values once, and its HEIGHT."""
    if not by:
        return rows.select(height.alias(HEIGHT))
    return rows.group_by(value.alias(name) for name, value in by.items()).agg(height.alias(HEIGHT))


def counts(population: pl.DataFrame, spec: ModelSpec) -> pl.DataFrame:
    """Return the rows of the night and of each slice, counted on all rows that can be scored."""
    return counted([sliced(population, spec)], population.height, spec)


def counted(parts: Iterable[pl.DataFrame], rows: int, spec: ModelSpec) -> pl.DataFrame:
    """Return `counts` from the `sliced` parts of a population. rows: of all parts.

    The slices are those that the spec names and the values of its categories, as far as the population has
    the columns that they read.
    """
    whole = pl.DataFrame([(COUNTED, "", "", float(rows))], schema=READING, orient="row")
    every = pl.concat(parts)
    of_rows = {name: pl.col(name) for name in every.columns if name != HEIGHT}
    by = of_rows if of_each_row(spec) else _parted_by(every, spec)
    if not by:
        return whole
    # A value is made a text once, not in each row that has it.
    labels = _alike(every, by, pl.col(HEIGHT).sum()).select(
        *(_label(pl.col(name)).alias(name) for name in by), HEIGHT
    )
    two = combinations([each.name for each in spec.slices if each.name in by], 2)
    asked = [*((COUNTED, (name,)) for name in by), *((CROSSED, pair) for pair in two)]
    tallied = [
        labels.lazy()
        .group_by(names)
        .agg(value=pl.col(HEIGHT).sum())
        .select(
            name=pl.lit(reading),
            slice=pl.format("{}={}", pl.lit(BOTH.join(names)), pl.concat_str(names, separator=BOTH)),
            value="value",
        )
        for reading, names in asked
    ]
    return pl.concat([whole, *map(_largest, pl.collect_all(tallied))])


def _largest(tallied: pl.DataFrame) -> pl.DataFrame:
    return (
        tallied.sort("value", "slice", descending=True)
        .head(MOST)
        .select("name", pl.lit("").alias("column"), "slice", pl.col("value").cast(pl.Float64))
    )


def of_each_row(spec: ModelSpec) -> bool:
    """True if each slice says of a row by itself where it belongs, so that parts can be counted alone."""
    return all(_of_each_row(each.expression) for each in spec.slices)


def _of_each_row(value: pl.Expr) -> bool:
    """What Polars cannot say without the columns, such as a function of Python, is taken for False."""
    try:
        alone = value.meta.is_row_separable()  # of the outermost step
    except pl.exceptions.PolarsError:
        return False
    return alone and all(_of_each_row(step) for step in value.meta.pop())


def _storable(value: pl.Expr) -> pl.Expr:
    """The text of a value, as a profile stores it."""
    return columns.storable(value.cast(pl.String))


def compared(by: Keyed, spec: ModelSpec, names: list[str]) -> list[Told]:
    """How the values of one key's columns moved since the published night before, whole and by slice."""
    if not by.again.size or not names:
        return []
    key = tuple(by.key)
    slices = [each for each in spec.slices if set(key) >= set(each.reads) or key == (ENTITY,)]
    labels = by.once.select(_storable(each.value()).alias(each.name) for each in slices)
    parts = {each.name: each.gather(by.again).to_list() for each in labels}
    pairs, many = by.pairs(names), by.heights[by.again] >= SOME
    tables = {table.name: list(table.features) for table in spec.feature_tables}
    return [
        *former.beside_former(pairs, parts),
        *former.codes(pairs),
        *former.leaps(pairs.of(many)),
        *(
            told
            for name, features in tables.items()
            if set(features) & set(names)
            for told in former.of_table(pairs, name, features)
        ),
    ]


def together(rows: pl.DataFrame, names: Sequence[str]) -> list[Told]:
    """The rank correlation of each two inputs, over the rows in which both have values."""
    inputs = [name for name in names if name != SCORE]
    known, distinct = (
        rows.select(made(pl.col(name)) for name in inputs).row(0) if inputs else ()
        for made in (pl.Expr.count, pl.Expr.n_unique)
    )
    filled = [
        name
        for name, there, values in zip(inputs, known, distinct, strict=True)
        if there >= max(SOME, rows.height / 2) and values > VARIED
    ]
    if len(filled) < 2:
        return []
    ranks = rows.select(
        pl.col(name).rank().fill_null(pl.col(name).rank().mean()) for name in filled
    ).to_numpy()
    centred = ranks - ranks.mean(axis=0)
    spread = np.sqrt((centred**2).sum(axis=0))
    related = (centred.T @ centred) / np.outer(spread, spread)
    return [
        ("together", f"{filled[a]} and {filled[b]}", "", float(related[a, b]))
        for a, b in combinations(range(len(filled)), 2)
    ]


def met_again(rows: pl.DataFrame, earlier: Sequence[pl.DataFrame]) -> list[Told]:
    """How much the entities of the night overlap with those of earlier nights: with the night before, and
    with the one of them that is most alike. 1 is the same entities. `within_most`: the greatest share of the
    night's entities that one of them had.
    """
    own, nights = _entities(rows), [_entities(night) for night in earlier]
    common = [len(own & night) for night in nights]
    shares = [both / len(own | night) for both, night in zip(common, nights, strict=True)]
    return [
        ("met_last", "", "", shares[0]),
        ("met_most", "", "", max(shares)),
        ("within_most", "", "", max(common) / len(own)),
        *_steady(own, nights),
    ]


def others(rows: pl.DataFrame, by: Keyed, spec: ModelSpec) -> Iterator[Told]:
    """`others`: how many entities of a slice only one of two nights has, of slices of SOME rows tonight.

    by: the entities of the rows, beside the published night before.
    """
    assert by.before is not None
    now, then = slices_of(rows, spec), slices_of(by.before, spec)
    if not (both := [name for name in now if name in then]):
        return
    labels, labels_then = (
        night.select(of[name].alias(name) for name in both) for night, of in ((rows, now), (by.before, then))
    )
    differ = pl.concat([labels.filter(by.new), labels_then.filter(by.gone)])
    for name in both:
        counts = dict(differ[name].value_counts(name=HEIGHT).iter_rows())
        for value, height in labels[name].value_counts(name=HEIGHT).iter_rows():
            if height >= SOME:
                yield "others", "", f"{name}={value}", float(counts.get(value, 0))


def same_by_chance(tonight: pl.DataFrame, nights: Iterable[pl.DataFrame]) -> bool:
    """True if comparable nights usually differ in so few entities that two may have the same ones by chance.

    tonight, nights: their readings. Usually: half of the nights do. Some quiet weeks say nothing of a year.
    """
    met, rows = pl.col("name") == "met_most", rows_read(tonight)
    usual = pl.concat([tonight.clear(), *nights]).select(pl.col("value").filter(met).median()).item()
    return rows is not None and (1 - (usual or 0.0)) * rows < LEAST_OTHERS


def columns_by_date(
    score_date: date, tonight: pl.DataFrame, nights: Mapping[date, pl.DataFrame]
) -> frozenset[str]:
    """The columns that have one value a night, which is what the date says (`by_date`).

    tonight, nights: readings. A night on which the column has several values, or none, is left out.
    """
    only: dict[str, float] = dict(tonight.filter(name=ONLY).select("column", "value").iter_rows())
    past: dict[str, dict[date, float]] = {name: {} for name in only}
    if only and nights:
        asked = (pl.col("name") == ONLY) & pl.col("column").is_in([*only])
        every = pl.concat(
            read.lazy().filter(asked).select(pl.lit(night).alias("night"), "column", "value")
            for night, read in nights.items()
        ).collect()
        for night, name, value in every.iter_rows():
            past[name][night] = value
    return frozenset(name for name, value in only.items() if by_date.explained(score_date, value, past[name]))


def rows_read(readings: pl.DataFrame) -> float | None:
    """How many rows of a night its readings are made of. None: they do not say."""
    whole = (pl.col("name") == COUNTED) & (pl.col("slice") == "")
    rows = readings.select(pl.col("value").filter(whole).max()).item()
    return None if rows is None else min(rows, MOST_ROWS)


def _entities(rows: pl.DataFrame) -> set[str]:
    """A set of Python, because a query for each night would take three times as long."""
    found: set[str] = set(rows[ENTITY].to_list())
    return found


def _steady(own: set[str], nights: Sequence[set[str]]) -> Iterator[Told]:
    """`gone`: the share of the entities of all earlier nights that this night lacks, less what it has anew.

    Of a large night only those count that would be in the sample (`same_entities`).
    """
    steady = nights[0].intersection(*nights[1:]) if len(nights) >= FEW else set[str]()
    if len(own) >= MOST_ROWS:
        hashes = pl.Series([*own]).hash()
        every = pl.DataFrame({ENTITY: [*steady]}, schema={ENTITY: pl.String})
        steady = _entities(every.filter(pl.col(ENTITY).hash() <= hashes.max()))
    if len(steady) >= SOME:
        fresh, gone = own.difference(*nights), steady - own
        yield "gone", "", "", max(0, len(gone) - len(fresh)) / len(steady)


def explained_by(rows: pl.DataFrame, earlier: Sequence[pl.DataFrame], spec: ModelSpec) -> list[Told]:
    """How well the scores follow the inputs in the way that they did on the nights before."""
    found = explained(rows, earlier, spec.numeric, spec.categorical)
    return [] if found is None else [("explained", SCORE, "", found)]
