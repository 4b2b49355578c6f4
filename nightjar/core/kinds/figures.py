"""Figures of a version on unseen rows, for people: what it predicted beside what happened, by score."""

from dataclasses import dataclass

import polars as pl

BINS = 10


@dataclass(frozen=True, slots=True)
class Figures:
    """A table: the names of its columns, and its rows."""

    columns: tuple[str, ...] = ()
    rows: tuple[tuple[float, ...], ...] = ()


def nothing_to_show(rows: pl.DataFrame) -> Figures:  # noqa: ARG001  # whatever they are
    return Figures()


def bin_of_equal_mass() -> pl.Expr:
    """The number of the bin of each `score`, from 0. Equal scores share a bin."""
    return bin_of_rank(pl.col("score").rank("average"), pl.len())


def bin_of_rank(rank: pl.Expr, rows: pl.Expr | float) -> pl.Expr:
    """The same of the mean rank of equal scores, from 1 on, among so many rows."""
    return ((rank - 0.5) / rows * BINS).floor()


def by_score(rows: pl.DataFrame, **beside: pl.Expr) -> Figures:
    """Rows and mean score of each bin, and the mean of each expression. A name's `_` stands for a space."""
    means = {name.replace("_", " "): expression.mean() for name, expression in beside.items()}
    bins = rows.group_by(bin_of_equal_mass().alias("bin")).agg(pl.len(), pl.col("score").mean(), **means)
    found = bins.sort("bin").drop("bin")
    return Figures(("rows", "mean score", *means), tuple(found.iter_rows()))
