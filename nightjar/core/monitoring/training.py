"""The training sample: how far each column of a night is from the rows on which its model was trained.

The result is one row a column, by PSI and by missing values. A column differs (`drifted`) if it is further
from the sample than all of these:
- the customary "significant change" of 0.2 (Siddiqi 2006, Credit Risk Scorecards);
- what so few rows reach by chance;
- what the training nights themselves reach, because the rows of a night share their weekday and weather.
The last one is known if the sample has the date of each row (`score_date`). Those nights have few rows each,
and their noise is not removed. A threshold that is a little too high is better than an alarm every night.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import polars as pl

from nightjar.core.comparison import columns
from nightjar.core.comparison.ordinary import MIN_VALUES, furthest, turned_constant
from nightjar.core.comparison.psi import Numbers, Reference, bucket_count, reference_of
from nightjar.core.monitoring.entities import ColumnDrift

METHOD = "psi"
WORTH_A_WORD = 0.01
"""A note mentions values that training never had from this share on."""

TRAINING = "training"
"""The finding of a column that training alone proves to be broken: values missing, gone or unknown."""
MOSTLY = 0.5
"""Values are unknown to training if more than this share of them is."""
GONE = 0.5
"""Categories are gone if a night has at most this share of those that so many rows should have."""
MIN_CATEGORIES = 10
"""Of fewer expected categories, half may be lacking by chance, or because a night has few entities."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftThresholds:
    """Thresholds for drift.

    psi: the least PSI that counts as drift. null_share: the least change of the share of missing values that
    counts as drift. false_alarm: the probability that chance alone exceeds a column's threshold.
    night_quantile: the quantile of the training nights' own PSI that is still ordinary.
    """

    psi: float = 0.2
    null_share: float = 0.1
    false_alarm: float = 0.001
    night_quantile: float = 0.99


@dataclass(frozen=True, slots=True)
class _Side:
    """A column of the night or of the sample.

    values: without the missing ones. dates: 0, 1, ... for the date of each value. null_share_a_date: of each
    date with enough rows. Both are None if dates are not known. fault: the reason why there are no values to
    compare. The column is absent, or its type cannot be compared.
    """

    rows: int
    values: pl.Series
    null_share: float = 1.0
    dates: Numbers | None = None
    null_share_a_date: pl.Series | None = None
    fault: str | None = None


def compared(
    night: pl.DataFrame,
    reference: pl.DataFrame,
    categorical: Sequence[str],
    numeric: Sequence[str],
    thresholds: DriftThresholds | None = None,
) -> tuple[ColumnDrift, ...]:
    """Compare each named column. The scores are compared too if `numeric` names `score`.

    Data never raise an error. The note of a column says if it cannot be compared.
    reference: may hold `score_date`. Its nights then show how far an ordinary night is from all of them.
    """
    return TrainingSample(reference, categorical, numeric, thresholds).compared(night)


class TrainingSample:
    """A sample with which many nights are compared. Values that depend on the sample are computed once.

    Threads may share one. The arguments are those of `compared`, which compares one night.
    """

    def __init__(
        self,
        rows: pl.DataFrame,
        categorical: Sequence[str],
        numeric: Sequence[str],
        thresholds: DriftThresholds | None = None,
    ) -> None:
        limits = thresholds or DriftThresholds()
        kinds = [(name, True) for name in categorical] + [(name, False) for name in numeric]
        dates = _numbered(rows["score_date"]) if "score_date" in rows.columns else None
        self._columns = [
            (name, _Training(_side(rows, name, dates, text=text), limits, text=text)) for name, text in kinds
        ]

    def compared(self, night: pl.DataFrame) -> tuple[ColumnDrift, ...]:
        """Return one row for each column, as `compared` does."""
        return tuple(
            _column_drift(name, _side(night, name, text=column.text), column)
            for name, column in self._columns
        )


class _Training:
    """A column of the training sample, and its references for comparison, by number of buckets."""

    def __init__(self, side: _Side, limits: DriftThresholds, *, text: bool) -> None:
        self.side, self.limits, self.text = side, limits, text
        self._references: dict[int, tuple[Reference, float]] = {}

    def psi_and_threshold(self, night: pl.Series) -> tuple[float, float]:
        reference, allowed = self._reference(night.len())
        return reference.psi(night), max(allowed, reference.chance(night.len(), self.limits.false_alarm))

    def _reference(self, rows: int) -> tuple[Reference, float]:
        """Return the sample in buckets for a night of `rows` rows.

        Also return the PSI that is allowed for any number of rows.
        """
        many = bucket_count(self.side.values, rows, text=self.text)
        if many not in self._references:
            reference = reference_of(self.side.values, rows, text=self.text)
            self._references[many] = reference, max(self.limits.psi, self._of_dates(reference))
        return self._references[many]

    def _of_dates(self, reference: Reference) -> float:
        """Return the PSI that the training nights reach, or 0 if there are too few of them."""
        if self.side.dates is None:
            return 0.0
        reached = pl.Series(reference.psi_a_date(self.side.dates, MIN_VALUES))
        return furthest(reached, self.limits.night_quantile) or 0.0


def _numbered(dates: pl.Series) -> Numbers:
    return dates.rank("dense").to_numpy().astype(np.int64) - 1


def _side(frame: pl.DataFrame, name: str, dates: Numbers | None = None, *, text: bool) -> _Side:
    """dates: 0, 1, ... for the date of each row."""
    nothing = pl.Series(dtype=pl.String if text else pl.Float64)
    if name not in frame.columns:
        return _Side(frame.height, nothing, fault="column missing from")
    found = frame[name]
    if not (columns.holds_categories if text else columns.holds_numbers)(found.dtype):
        return _Side(frame.height, nothing, fault=f"{found.dtype} cannot be compared, found in")
    column = columns.categories(found) if text else columns.numbers(found)
    there = column.is_not_null()
    return _Side(
        rows=frame.height,
        values=column.filter(there),
        null_share=column.null_count() / frame.height if frame.height else 1.0,
        dates=None if dates is None else dates[there.to_numpy()],
        null_share_a_date=None if dates is None else _null_share_a_date(there, dates),
    )


def _null_share_a_date(there: pl.Series, dates: Numbers) -> pl.Series:
    rows = np.bincount(dates)
    missing = 1 - np.bincount(dates, there.to_numpy(), minlength=len(rows)) / rows
    return pl.Series(missing[rows >= MIN_VALUES])


def _column_drift(name: str, night: _Side, training: _Training) -> ColumnDrift:
    reference, limits = training.side, training.limits

    def row(
        value: float | None, threshold: float | None, *, drifted: bool, note: str | None, broken: bool
    ) -> ColumnDrift:
        return ColumnDrift(
            column=name,
            method=METHOD,
            value=value,
            threshold=threshold,
            drifted=drifted,
            null_share=night.null_share,
            reference_null_share=reference.null_share,
            note=note,
            finding=TRAINING if broken else None,
        )

    incomparable = _incomparable(night, reference)
    if incomparable:
        drifted, note = incomparable
        return row(None, None, drifted=drifted, note=note, broken=drifted)
    nulls = _null_change(night, reference, limits)
    if night.values.len() < MIN_VALUES:
        note = f"only {night.values.len()} values: too few to compare"
        told = "; ".join(filter(None, (nulls, note)))
        return row(None, None, drifted=nulls is not None, note=told, broken=nulls is not None)
    value, threshold = training.psi_and_threshold(night.values)
    unknown = _unknown_share(night.values, reference.values, text=training.text)
    gone = _gone(night.values, reference.values) if training.text else None
    notes = [nulls, _constant(night.values, reference.values), _unknown(unknown, text=training.text), gone]
    broken = nulls is not None or gone is not None or unknown > MOSTLY
    return row(
        value,
        threshold,
        drifted=value > threshold or broken,
        note="; ".join(filter(None, notes)) or None,
        broken=broken,
    )


def _incomparable(night: _Side, reference: _Side) -> tuple[bool, str] | None:
    """Return why a column cannot be compared and True if this counts as drift; None if it can be compared."""
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
    """Describe a notable change of the share of missing values, or return None.

    The change is notable if it is large, is not chance (two-proportion z test), and exceeds the changes of
    the training nights.
    """
    pooled = (night.null_share * night.rows + reference.null_share * reference.rows) / (
        night.rows + reference.rows
    )
    noise = (pooled * (1 - pooled) * (1 / night.rows + 1 / reference.rows)) ** 0.5
    allowed = max(
        limits.null_share,
        NormalDist().inv_cdf(1 - limits.false_alarm / 2) * noise,
        *_of_nights(reference, limits),
    )
    if abs(night.null_share - reference.null_share) <= allowed:
        return None
    return f"missing values went from {reference.null_share:.1%} to {night.null_share:.1%}"


def _of_nights(reference: _Side, limits: DriftThresholds) -> Iterator[float]:
    """Yield how far a training night's share of missing values is from the sample's.

    It yields nothing if there are too few nights.
    """
    if reference.null_share_a_date is not None:
        reached = furthest((reference.null_share_a_date - reference.null_share).abs(), limits.night_quantile)
        yield from () if reached is None else (reached,)


def _constant(night: pl.Series, reference: pl.Series) -> str | None:
    return (
        f"constant: every value is {_short(night.first())}"
        if turned_constant(night.n_unique(), reference.n_unique())
        else None
    )


def _short(value: object) -> str:
    """A number in the digits that people read."""
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _unknown_share(night: pl.Series, reference: pl.Series, *, text: bool) -> float:
    """The share of a night's values that training never had: other categories, or outside of its range."""
    known = (
        night.is_in(reference.unique().implode())
        if text
        else night.is_between(reference.min(), reference.max())
    )
    return 1 - int(known.sum()) / night.len()


def _unknown(share: float, *, text: bool) -> str | None:
    if share < WORTH_A_WORD:
        return None
    return f"{share:.1%} of values " + ("never seen in training" if text else "outside the range of training")


def _gone(night: pl.Series, reference: pl.Series) -> str | None:
    """Describe that most of the known categories are gone, or return None.

    A sample of n rows is expected to have the sum of 1 - (1 - p)^n of the categories of shares p.
    """
    shares = reference.value_counts(normalize=True, name="share")["share"]
    expected = float((1 - (1 - shares) ** night.len()).sum())
    known = night.filter(night.is_in(reference.unique().implode())).n_unique()
    if expected < MIN_CATEGORIES or known > GONE * expected:
        return None
    return f"{known} known categories, where so many rows have about {expected:.0f}"
