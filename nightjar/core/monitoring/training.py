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
from functools import cached_property
from statistics import NormalDist
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from nightjar.core.comparison import columns
from nightjar.core.comparison.ordinary import MIN_VALUES, furthest, turned_constant
from nightjar.core.comparison.psi import CategorySample, Numbers, NumberSample, Reference
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

    values: without the missing ones, numbers in an array, categories in a series. there: of each row, whether
    it has a value. fault: the reason why there are no values to compare. The column is absent, or its type
    cannot be compared.
    """

    values: Any
    there: NDArray[np.bool_]
    fault: str | None = None

    @property
    def rows(self) -> int:
        return len(self.there)

    @property
    def null_share(self) -> float:
        return (self.rows - len(self.values)) / self.rows if self.rows else 1.0


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
        dates = _Dates(rows["score_date"]) if "score_date" in rows.columns else None
        self._columns = [
            (name, _Training(_side(rows, name, text=text), dates, limits, text=text)) for name, text in kinds
        ]

    def compared(self, night: pl.DataFrame) -> tuple[ColumnDrift, ...]:
        """Return one row for each column, as `compared` does."""
        return tuple(
            _column_drift(name, _side(night, name, text=column.text), column)
            for name, column in self._columns
        )


class _Dates:
    """The dates of the rows of the sample, as 0, 1, ... Rows without one count together, as one night."""

    def __init__(self, dates: pl.Series) -> None:
        ranks = dates.rank("dense").fill_null(0).to_numpy()
        self.of_rows: Numbers = np.unique(ranks, return_inverse=True)[1]
        self._rows = np.bincount(self.of_rows)

    def null_shares(self, there: NDArray[np.bool_]) -> NDArray[np.float64]:
        """The share of missing values on each date with enough rows. there: whether a row has a value."""
        if there.all():
            return np.zeros(np.count_nonzero(self._rows >= MIN_VALUES))
        known = self._rows - np.bincount(self.of_rows[~there], minlength=len(self._rows))
        return (1 - known / self._rows)[self._rows >= MIN_VALUES]


class _Training:
    """A column of the training sample, and its references for comparison, by number of buckets.

    dates: None if they are not known.
    """

    def __init__(self, side: _Side, dates: _Dates | None, limits: DriftThresholds, *, text: bool) -> None:
        self.side, self.limits, self.text = side, limits, text
        self._dates = dates
        self._references: dict[int, tuple[Reference, float]] = {}

    @cached_property
    def sample(self) -> NumberSample | CategorySample:
        return CategorySample(self.side.values) if self.text else NumberSample(self.side.values)

    def psi_and_threshold(self, night: Any) -> tuple[float, float]:
        reference, allowed = self._reference(len(night))
        return reference.psi(night), max(allowed, reference.chance(len(night), self.limits.false_alarm))

    def null_changes(self) -> Iterator[float]:
        """Yield how far a training night's share of missing values is from the sample's.

        It yields nothing if there are too few nights.
        """
        if self._dates is not None:
            apart = np.abs(self._dates.null_shares(self.side.there) - self.side.null_share)
            reached = furthest(apart, self.limits.night_quantile)
            yield from () if reached is None else (reached,)

    def _reference(self, rows: int) -> tuple[Reference, float]:
        """Return the sample in buckets for a night of `rows` rows.

        Also return the PSI that is allowed for any number of rows.
        """
        many = self.sample.bucket_count(rows)
        if many not in self._references:
            reference = self.sample.reference(rows)
            self._references[many] = reference, max(self.limits.psi, self._of_dates(reference))
        return self._references[many]

    def _of_dates(self, reference: Reference) -> float:
        """Return the PSI that the training nights reach, or 0 if there are too few of them."""
        if self._dates is None:
            return 0.0
        reached = reference.psi_a_date(_those(self._dates.of_rows, self.side.there), MIN_VALUES)
        return furthest(reached, self.limits.night_quantile) or 0.0


def _side(frame: pl.DataFrame, name: str, *, text: bool) -> _Side:
    nothing = np.zeros(frame.height, bool)
    if name not in frame.columns:
        return _Side((), nothing, fault="column missing from")
    found = frame[name]
    if not (columns.holds_categories if text else columns.holds_numbers)(found.dtype):
        return _Side((), nothing, fault=f"{found.dtype} cannot be compared, found in")
    if text:
        spelled = columns.categories(found)
        return _Side(spelled.drop_nulls(), spelled.is_not_null().to_numpy())
    values = found.cast(pl.Float64).to_numpy()
    there = np.isfinite(values)
    return _Side(_those(values, there), there)


def _those(values: NDArray[Any], there: NDArray[np.bool_]) -> NDArray[Any]:
    """Most columns lack no value, and need no copy."""
    return values if there.all() else values[there]


def _column_drift(name: str, night: _Side, training: _Training) -> ColumnDrift:
    reference = training.side

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
    nulls = _null_change(night, training)
    if len(night.values) < MIN_VALUES:
        note = f"only {len(night.values)} values: too few to compare"
        told = "; ".join(filter(None, (nulls, note)))
        return row(None, None, drifted=nulls is not None, note=told, broken=nulls is not None)
    value, threshold = training.psi_and_threshold(night.values)
    known, gone = _known(night.values, training.sample)
    unknown = 1 - known / len(night.values)
    notes = [
        nulls,
        _constant(night.values, training.sample.distinct),
        _unknown(unknown, text=training.text),
        gone,
    ]
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
    here, there = len(night.values), len(reference.values)
    if not here and not there:
        return False, "all values missing, as in the training sample"
    if not here or not there:
        return True, "all values missing" + (" from the training sample" if here else "")
    return None


def _null_change(night: _Side, training: _Training) -> str | None:
    """Describe a notable change of the share of missing values, or return None.

    The change is notable if it is large, is not chance (two-proportion z test), and exceeds the changes of
    the training nights.
    """
    reference, limits = training.side, training.limits
    pooled = (night.null_share * night.rows + reference.null_share * reference.rows) / (
        night.rows + reference.rows
    )
    noise = (pooled * (1 - pooled) * (1 / night.rows + 1 / reference.rows)) ** 0.5
    allowed = max(
        limits.null_share,
        NormalDist().inv_cdf(1 - limits.false_alarm / 2) * noise,
        *training.null_changes(),
    )
    if abs(night.null_share - reference.null_share) <= allowed:
        return None
    return f"missing values went from {reference.null_share:.1%} to {night.null_share:.1%}"


def _constant(night: Any, distinct_in_training: int) -> str | None:
    """night: values, at least one."""
    first = night[0]
    distinct = 1 if (night == first).all() else 2
    return (
        f"constant: every value is {_short(first)}"
        if turned_constant(distinct, distinct_in_training)
        else None
    )


def _short(value: object) -> str:
    """A number in the digits that people read."""
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _known(night: Any, sample: NumberSample | CategorySample) -> tuple[int, str | None]:
    """Return how many values training had too, categories or numbers in its range, and what `_gone` says."""
    if isinstance(sample, NumberSample):
        return sample.known(night), None
    met = sample.met(night)
    return int(met.sum()), _gone(met, sample.rows, len(night))


def _unknown(share: float, *, text: bool) -> str | None:
    if share < WORTH_A_WORD:
        return None
    return f"{share:.1%} of values " + ("never seen in training" if text else "outside the range of training")


def _gone(met: Numbers, rows: Numbers, values: int) -> str | None:
    """Describe that most of the known categories are gone, or return None.

    met, rows: of each category of training, how many of the night's values and of the sample's rows are of
    it. A night of n values is expected to have the sum of 1 - (1 - p)^n of the categories of shares p.
    """
    expected = float((1 - (1 - rows / rows.sum()) ** values).sum())
    known = int(np.count_nonzero(met))
    if expected < MIN_CATEGORIES or known > GONE * expected:
        return None
    return f"{known} known categories, where so many rows have about {expected:.0f}"
