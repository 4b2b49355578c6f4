"""How far a night lies from the sample its model was trained on: one row a column, decided by PSI and by missing values.

PSI (population stability index) sums (night share - reference share) * ln(night share / reference share) over buckets. Two things other
than drift raise it, and each has its allowance here:

- Few rows. Without drift PSI is about (1/n + 1/m) times a chi-square variable with buckets - 1 degrees of freedom, so
  (buckets - 1)(1/n + 1/m) on average (Yurdakul and Naranjo 2020, Statistical properties of the population stability index, Journal of Risk
  Model Validation 14(4)). The threshold never lies under the upper quantile of that noise.
- One day. The rows of a night share their weekday and their weather, so even a training night lies far from all training nights together.
  Where the reference says which date each row is of (`score_date`), the threshold never lies under what its own nights reach. (Those
  hold few rows each, whose noise is left in: better a somewhat deaf threshold than one that cries every night.)

The limit of 0.2 above both is the customary "significant change" (Siddiqi 2006, Credit Risk Scorecards).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import polars as pl

from nightjar.core.entities import ColumnDrift

SMOOTHING = 0.001
"""Added to each bucket's share: an empty bucket stays finite, and weighs the same for a night of any size."""
BUCKETS = 10
MAX_CATEGORIES = 50
MIN_VALUES = 10
MIN_PER_BUCKET = 10
"""Rows a night must expect in a bucket: with Cochran's usual 5, PSI still passed its chi-square quantile ten times too often."""
MIN_NIGHTS = 10
ROUNDING = 1e-9
WORTH_A_WORD = 0.01
"""Share of unseen categories from which a note mentions them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftThresholds:
    """psi: the least PSI that counts as drift. null_share: the least change of the share of missing values that does.

    false_alarm: how often noise alone may pass a column's threshold. night_quantile: which of the training nights' own PSI is still ordinary.
    """

    psi: float = 0.2
    null_share: float = 0.1
    false_alarm: float = 0.001
    night_quantile: float = 0.99


@dataclass(frozen=True, slots=True)
class _Side:
    """One column of the night or of the reference: `values` without nulls and NaN; where dates are known, each value's and each date's null share.

    fault says why there are none to compare: the column is absent or of a type that has no meaning here.
    """

    rows: int
    values: pl.Series
    null_share: float = 1.0
    dates: pl.Series | None = None
    null_share_a_night: pl.Series | None = None
    fault: str | None = None


def night_drift(
    night: pl.DataFrame,
    reference: pl.DataFrame,
    categorical: Sequence[str],
    numeric: Sequence[str],
    thresholds: DriftThresholds | None = None,
) -> tuple[ColumnDrift, ...]:
    """Compare each named column; name `score` among the numeric ones. Never raises on data: what cannot be compared says so in its note.

    reference: may hold `score_date`, whose nights then tell how far an ordinary night lies from the whole.
    """
    limits = thresholds or DriftThresholds()
    columns = [(name, True) for name in categorical] + [(name, False) for name in numeric]
    return tuple(_column_drift(name, _side(night, name, text=text), _side(reference, name, text=text), limits, text=text) for name, text in columns)


def _side(frame: pl.DataFrame, name: str, *, text: bool) -> _Side:
    nothing = pl.Series(dtype=pl.String if text else pl.Float64)
    if name not in frame.columns:
        return _Side(frame.height, nothing, fault="column missing from")
    column = frame[name]
    if not (_is_text(column.dtype) if text else _is_number(column.dtype)):
        return _Side(frame.height, nothing, fault=f"{column.dtype} cannot be compared, found in")
    column = column.cast(pl.String) if text else column.cast(pl.Float64).fill_nan(None)
    there = column.is_not_null()
    dated = "score_date" in frame.columns
    return _Side(
        rows=frame.height,
        values=column.filter(there),
        null_share=column.null_count() / frame.height if frame.height else 1.0,
        dates=frame["score_date"].filter(there) if dated else None,
        null_share_a_night=_null_share_a_night(column, frame["score_date"]) if dated else None,
    )


def _null_share_a_night(column: pl.Series, dates: pl.Series) -> pl.Series:
    nights = pl.DataFrame({"date": dates, "missing": column.is_null()}).group_by("date").agg(pl.col("missing").mean(), rows=pl.len())
    return nights.filter(pl.col("rows") >= MIN_VALUES)["missing"]


def _is_text(dtype: pl.DataType) -> bool:
    return not (dtype.is_nested() or dtype.is_(pl.Object) or dtype.is_(pl.Binary))


def _is_number(dtype: pl.DataType) -> bool:
    return dtype.is_numeric() or dtype.is_(pl.Boolean) or dtype.is_(pl.Null)


def _column_drift(name: str, night: _Side, reference: _Side, limits: DriftThresholds, *, text: bool) -> ColumnDrift:
    def row(value: float | None, threshold: float | None, *, drifted: bool, note: str | None) -> ColumnDrift:
        return ColumnDrift(
            column=name,
            method="psi",
            value=value,
            threshold=threshold,
            drifted=drifted,
            null_share=night.null_share,
            reference_null_share=reference.null_share,
            note=note,
        )

    incomparable = _incomparable(night, reference)
    if incomparable:
        drifted, note = incomparable
        return row(None, None, drifted=drifted, note=note)
    nulls = _null_change(night, reference, limits)
    if night.values.len() < MIN_VALUES:
        note = f"only {night.values.len()} values: too few to compare"
        return row(None, None, drifted=nulls is not None, note="; ".join(filter(None, (nulls, note))))
    value, threshold = _psi_and_threshold(night.values, reference, limits, text=text)
    notes = [nulls, _constant(night.values, reference.values), _unseen(night.values, reference.values) if text else None]
    return row(value, threshold, drifted=value > threshold or nulls is not None, note="; ".join(filter(None, notes)) or None)


def _incomparable(night: _Side, reference: _Side) -> tuple[bool, str] | None:
    """Whether it counts as drift, and why the column cannot be compared at all."""
    for side, where in ((night, "the night"), (reference, "the training sample")):
        if side.rows == 0:
            return True, f"{where} has no rows"
        if side.fault:
            return True, f"{side.fault} {where}"
    if night.values.is_empty() and reference.values.is_empty():
        return False, "all values missing, as in the training sample"
    if night.values.is_empty() or reference.values.is_empty():
        return True, "all values missing" + ("" if night.values.is_empty() else " from the training sample")
    return None


def _null_change(night: _Side, reference: _Side, limits: DriftThresholds) -> str | None:
    """A change of the share of missing values that is large, no chance (two-proportion z test) and more than training nights show, in words."""
    pooled = (night.null_share * night.rows + reference.null_share * reference.rows) / (night.rows + reference.rows)
    noise = (pooled * (1 - pooled) * (1 / night.rows + 1 / reference.rows)) ** 0.5
    allowed = [limits.null_share, NormalDist().inv_cdf(1 - limits.false_alarm / 2) * noise]
    if reference.null_share_a_night is not None:
        allowed.extend(_ordinary((reference.null_share_a_night - reference.null_share).abs(), limits))
    if abs(night.null_share - reference.null_share) <= max(allowed):
        return None
    return f"missing values went from {reference.null_share:.1%} to {night.null_share:.1%}"


def _ordinary(nights: pl.Series, limits: DriftThresholds) -> list[float]:
    """How far training nights lie from all of them together, in one number, if there are enough of them."""
    furthest = nights.quantile(limits.night_quantile, "higher")
    return [] if nights.len() < MIN_NIGHTS or furthest is None else [furthest + ROUNDING]


def _constant(night: pl.Series, reference: pl.Series) -> str | None:
    if night.n_unique() > 1 or reference.n_unique() == 1:
        return None
    return f"constant: every value is {night.first()}"


def _unseen(night: pl.Series, reference: pl.Series) -> str | None:
    share = 1 - int(night.is_in(reference.unique().implode()).sum()) / night.len()
    return f"{share:.1%} of values never seen in training" if share >= WORTH_A_WORD else None


@dataclass(frozen=True, slots=True)
class _Buckets:
    """A way to put values into buckets 0..count-1, fixed by the reference."""

    count: int
    of: Callable[[pl.Series], pl.Series]


def _psi_and_threshold(night: pl.Series, reference: _Side, limits: DriftThresholds, *, text: bool) -> tuple[float, float]:
    buckets = (_category_buckets if text else _quantile_buckets)(reference.values, night.len())
    reference_bucket = buckets.of(reference.values)
    expected = _shares(_counts(reference_bucket), buckets.count).select("bucket", expected="share")
    value = float(_psi(_counts(buckets.of(night)), expected)["psi"].item())

    freedom = max(int((expected["expected"] > 0).sum()) - 1, 1)
    noise = 1 / night.len() + 1 / reference.values.len()
    allowed = [limits.psi, noise * _chi_square_quantile(1 - limits.false_alarm, freedom)]
    if reference.dates is not None:
        nights = _psi(_counts(reference_bucket, reference.dates), expected).filter(pl.col("rows") >= MIN_VALUES)["psi"]
        allowed.extend(_ordinary(nights, limits))
    return value, max(allowed)


def _quantile_buckets(reference: pl.Series, rows: int) -> _Buckets:
    """Quantiles of the reference, with a bucket below its least value and one above its greatest."""
    inner = max(2, min(BUCKETS, rows // MIN_PER_BUCKET))
    edges = pl.Series([reference.quantile(step / inner, "lower") for step in range(1, inner + 1)], dtype=pl.Float64).unique().sort()
    least = reference.min()

    def of(values: pl.Series) -> pl.Series:
        above = edges.search_sorted(values, side="left").cast(pl.Int64) + 1
        return above.zip_with(values >= least, pl.zeros(values.len(), dtype=pl.Int64, eager=True))

    return _Buckets(edges.len() + 2, of)


def _category_buckets(reference: pl.Series, rows: int) -> _Buckets:
    """The categories a night can be expected to hold often enough, the most frequent first; all others, new ones too, share the last bucket."""
    frequent = (
        reference.alias("category")
        .value_counts(name="n")
        .filter(pl.col("n") * rows >= MIN_PER_BUCKET * reference.len())
        .sort(["n", "category"], descending=[True, False])["category"]
        .head(MAX_CATEGORIES)
    )
    numbers = pl.int_range(frequent.len(), dtype=pl.Int64, eager=True)

    def of(values: pl.Series) -> pl.Series:
        return values.replace_strict(frequent, numbers, default=frequent.len(), return_dtype=pl.Int64)

    return _Buckets(frequent.len() + 1, of)


def _counts(bucket: pl.Series, group: pl.Series | None = None) -> pl.DataFrame:
    labels = pl.zeros(bucket.len(), dtype=pl.Int8, eager=True) if group is None else group
    return pl.DataFrame({"group": labels, "bucket": bucket}).group_by("group", "bucket").agg(n=pl.len().cast(pl.Int64))


def _shares(counts: pl.DataFrame, buckets: int) -> pl.DataFrame:
    """One row per group and bucket, empty buckets included: `share` of the group's rows, and the group's `rows`."""
    every = counts.select("group").unique().join(pl.DataFrame({"bucket": pl.int_range(buckets, dtype=pl.Int64, eager=True)}), how="cross")
    filled = every.join(counts, on=["group", "bucket"], how="left").with_columns(pl.col("n").fill_null(0))
    rows = pl.col("n").sum().over("group")
    return filled.select("group", "bucket", share=pl.col("n") / rows, rows=rows)


def _psi(counts: pl.DataFrame, expected: pl.DataFrame) -> pl.DataFrame:
    """PSI of each group against the expected shares, with the group's rows; sorted by group."""
    both = _shares(counts, expected.height).join(expected, on="bucket").sort("group", "bucket")
    p, q = ((pl.col(name) + SMOOTHING) / (1 + SMOOTHING * expected.height) for name in ("share", "expected"))
    return both.group_by("group", maintain_order=True).agg(psi=((p - q) * (p / q).log()).sum(), rows=pl.col("rows").first())


def _chi_square_quantile(probability: float, freedom: int) -> float:
    """Wilson and Hilferty's approximation (1931): at most 3% above the exact quantile."""
    spread = 2 / (9 * freedom)
    return float(freedom * (1 - spread + NormalDist().inv_cdf(probability) * spread**0.5) ** 3)
