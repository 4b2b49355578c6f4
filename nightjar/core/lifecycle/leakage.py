"""Leakage: what a version knows that it cannot know on the evening before.

Five signs of it. One input alone removes most of the loss. One value of an input tells the outcome. A learner
that was given shuffled outcomes still predicts. All features, or one of them, are worth much less if they are
a day older.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import polars as pl

from nightjar.core.kinds.estimates import LEAST_NIGHTS, Estimate
from nightjar.core.kinds.gates import GateResult, Verdict, told_of
from nightjar.core.kinds.kind import Kind
from nightjar.core.lifecycle.proofs import Proofs, SurestBin
from nightjar.core.lifecycle.resampling import quotient
from nightjar.core.lifecycle.training_set import DAY
from nightjar.core.model.judging import A_DAY_EARLIER, ALONE, IN_A_BIN, INPUT_A_DAY_EARLIER, SHUFFLED
from nightjar.core.model.spec import ModelSpec
from nightjar.core.wording import number

BINS = 20
LEAST_ROWS = 20
"""Of a bin or category. One with fewer training rows gets the constant of all rows."""
MISSING = -1
LEAST_IN_BIN = 30
"""Unseen rows of a bin that tells the outcome. They lie on LEAST_NIGHTS nights or more."""
LEAST_GAIN = 0.5
"""What a row of such a bin removes on average, over the mean loss of the constant.

A value without any event says little where events are rare. So it must say what is not expected.
"""


def leaks(spec: ModelSpec, proofs: Proofs) -> Iterator[GateResult]:
    """The gates on leakage that were measured.

    A person may know why a feature is so good or grows old so fast, and is asked. Nobody can explain that a
    learner learns from shuffled outcomes: it fails.
    """
    if proofs.alone:
        yield _alone(spec.gates[ALONE], proofs)
    if proofs.surest:
        yield _in_a_bin(spec.gates[IN_A_BIN], proofs.surest)
    if proofs.shuffled:
        yield _shuffled(spec.gates[SHUFFLED], proofs.shuffled, spec.certainty.alpha)
    if proofs.earlier:
        what = "the loss over that with features of a day earlier"
        yield _earlier(spec, A_DAY_EARLIER, what, proofs.earlier)
    if proofs.earlier_by:
        oldest = min(
            proofs.earlier_by, key=lambda name: _at_most(proofs.earlier_by[name], spec.certainty.alpha)
        )
        what = f"the loss over that with {oldest} alone of a day earlier"
        yield _earlier(spec, INPUT_A_DAY_EARLIER, what, proofs.earlier_by[oldest])


def _alone(limit: float, proofs: Proofs) -> GateResult:
    """An input that is too good, and a version that is as good: one that is worse does not use that input."""
    best = max(proofs.alone, key=lambda name: proofs.alone[name])
    value = proofs.alone[best]
    own = "" if proofs.skill is None else f", all inputs together remove {proofs.skill:.4f}"
    told = f"{best} alone removes {value:.4f} of the constant's loss{own}, must be at most {limit:.4f}"
    if min(value, proofs.skill or 0.0) <= limit:
        return GateResult(name=ALONE, value=value, threshold=limit, reason=told, verdict=Verdict.PASSED)
    doubt = f"{told}: it may know the outcome, unless a person knows why it is so good"
    return GateResult(name=ALONE, value=value, threshold=limit, reason=doubt, verdict=Verdict.ASKS)


def _in_a_bin(limit: float, surest: SurestBin) -> GateResult:
    """An input with a value that tells the outcome, if in few rows only."""
    told = (
        f"where {surest.input} is {surest.value}, {surest.loss:.4f} of the constant's loss is left in "
        f"{surest.rows:,} rows of {surest.nights} nights, must be at least {limit:.4f}"
    )
    verdict = Verdict.ASKS if surest.loss < limit else Verdict.PASSED
    doubt = ": it may know the outcome, unless a person knows why it is so sure"
    reason = told + (doubt if verdict is Verdict.ASKS else "")
    return GateResult(name=IN_A_BIN, value=surest.loss, threshold=limit, reason=reason, verdict=verdict)


def _shuffled(limit: float, found: Estimate, alpha: float) -> GateResult:
    told = (
        f"with shuffled outcomes the loss over that of the constant is {found.value:.4f}, must be at least "
    )
    verdict = Verdict.FAILED if _at_most(found, alpha) < limit else Verdict.PASSED
    return told_of(SHUFFLED, found, limit, f"{told}{limit:.4f}", verdict, alpha)


def _earlier(spec: ModelSpec, name: str, what: str, found: Estimate) -> GateResult:
    limit, alpha = spec.gates[name], spec.certainty.alpha
    told = f"{what} is {found.value:.4f}, must be at least {limit:.4f}"
    if _at_most(found, alpha) >= limit:
        return told_of(name, found, limit, told, Verdict.PASSED, alpha)
    doubt = f"{told}: it may be known too early, unless a person knows why it ages so fast"
    return told_of(name, found, limit, doubt, Verdict.ASKS, alpha)


def _at_most(found: Estimate, alpha: float) -> float:
    """The upper bound of an estimate; its value where it has no interval."""
    return found.value if found.error is None else found.within(alpha)[1]


def over(days: pl.Series, own: pl.Series, other: pl.Series) -> Estimate | None:
    """The loss of a predictor over that of another, by nights. days: the score date of each row."""
    rows = pl.DataFrame({"day": days, "own": own, "other": other})
    nights = rows.group_by("day").agg(pl.col("own", "other").sum()).sort("day")
    return quotient(nights["own"].to_numpy(), nights["other"].to_numpy())


def in_another_order(values: pl.Series, seed: int) -> pl.Series:
    return values.gather(np.random.default_rng(seed).permutation(values.len()))


def with_shuffled_outcomes(parts: Sequence[pl.DataFrame], seed: int) -> tuple[pl.DataFrame, ...]:
    """The parts with the outcomes of all of them in another order.

    They are shuffled together, so the newest rows have the level of all: a learner may follow that level.
    """
    outcomes = pl.concat([part["outcome"] for part in parts])
    shuffled, start, found = in_another_order(outcomes, seed), 0, list[pl.DataFrame]()
    for part in parts:
        found.append(part.with_columns(outcome=shuffled.slice(start, part.height)))
        start += part.height
    return tuple(found)


def skills_alone(
    kind: Kind, train: pl.DataFrame, unseen: pl.DataFrame, categorical: Sequence[str], numeric: Sequence[str]
) -> Mapping[str, float]:
    """Input -> the share of the constant's loss on unseen rows that it removes by itself.

    For each bin of its values it predicts the best constant of the training rows in that bin. A bin is a
    category, a twentieth of the numbers, or the missing values.
    """
    constant = kind.always(train["outcome"], unseen.height)
    least = _loss(kind, constant, unseen["outcome"])
    if not least:
        return {}
    return {
        name: 1 - _loss(kind, _by_bin(kind, train["outcome"], *both), unseen["outcome"]) / least
        for name, both in _bins(train, unseen, categorical, numeric).items()
    }


def surest_bin(
    kind: Kind, train: pl.DataFrame, unseen: pl.DataFrame, categorical: Sequence[str], numeric: Sequence[str]
) -> SurestBin | None:
    """Of all bins of all inputs the one that tells the outcome best, in rows of which it is not expected.

    None if no bin with enough rows and nights removes so much. train, unseen: `score_date`, the inputs and
    `outcome`.
    """
    constant = _losses(kind, kind.always(train["outcome"], unseen.height), unseen["outcome"])
    usual = float(constant.sum()) / max(unseen.height, 1)
    if not usual:
        return None
    sure = [
        one
        for name, (seen, asked) in _bins(train, unseen, categorical, numeric).items()
        for left in [_losses(kind, _by_bin(kind, train["outcome"], seen, asked), unseen["outcome"])]
        for one in _sure(name, unseen.select(DAY, name, bin=asked, lost=constant / usual, left=left / usual))
    ]
    return min(sure, key=lambda one: one.loss, default=None)


def _sure(name: str, rows: pl.DataFrame) -> Iterator[SurestBin]:
    """rows: `score_date`, the input, its `bin`; what the constant and what that of the bin lost, `left`."""
    known = pl.col(name)
    bins = rows.group_by("bin").agg(
        pl.col("lost", "left").mean(),
        rows=pl.len(),
        nights=pl.col(DAY).n_unique(),
        low=known.min(),
        high=known.max(),
    )
    enough = (pl.col("rows") >= LEAST_IN_BIN) & (pl.col("nights") >= LEAST_NIGHTS)
    for one in bins.filter(enough, pl.col("lost") - pl.col("left") >= LEAST_GAIN).iter_rows(named=True):
        value = _told(one["low"], one["high"])
        yield SurestBin(input=name, value=value, loss=one["left"], rows=one["rows"], nights=one["nights"])


def _told(low: object, high: object) -> str:
    """One value as it is, and the ends of several as numbers are told."""
    if low is None:
        return "missing"
    if low == high:
        return f"{low}"
    return " to ".join(number(end) if isinstance(end, float) else f"{end}" for end in (low, high))


def _bins(
    train: pl.DataFrame, unseen: pl.DataFrame, categorical: Sequence[str], numeric: Sequence[str]
) -> Mapping[str, tuple[pl.Series, pl.Series]]:
    """Input -> the bin of each training row, and of each unseen row."""
    return {name: _categories(train[name], unseen[name]) for name in categorical} | {
        name: _twentieths(train[name], unseen[name]) for name in numeric
    }


def _losses(kind: Kind, answer: pl.Series, outcome: pl.Series) -> pl.Series:
    return kind.losses(kind.rows_of(answer, ()), outcome)


def _loss(kind: Kind, answer: pl.Series, outcome: pl.Series) -> float:
    return float(_losses(kind, answer, outcome).sum())


def _by_bin(kind: Kind, outcome: pl.Series, seen: pl.Series, asked: pl.Series) -> pl.Series:
    """For each asked row the best constant of the outcomes that were seen in its bin."""
    everywhere = kind.constant(outcome)
    by_bin = pl.DataFrame({"bin": seen, "outcome": outcome}).partition_by("bin", as_dict=True)
    best = {
        code: kind.constant(rows["outcome"]) for (code,), rows in by_bin.items() if rows.height >= LEAST_ROWS
    }
    return pl.Series("score", [best.get(code, everywhere) for code in asked.to_list()], dtype=kind.dtype)


def _categories(seen: pl.Series, asked: pl.Series) -> tuple[pl.Series, pl.Series]:
    return seen.cast(pl.String), asked.cast(pl.String)


def _twentieths(seen: pl.Series, asked: pl.Series) -> tuple[pl.Series, pl.Series]:
    numbers, others = (one.cast(pl.Float64).fill_nan(None) for one in (seen, asked))
    known = numbers.drop_nulls().to_numpy()
    edges = np.unique(np.quantile(known, np.arange(1, BINS) / BINS, method="lower")) if known.size else known
    return _placed(numbers, edges), _placed(others, edges)


def _placed(numbers: pl.Series, edges: np.ndarray) -> pl.Series:
    """How many edges lie below each number."""
    places = pl.Series(np.searchsorted(edges, numbers.fill_null(0.0).to_numpy(), side="left"))
    return places.set(numbers.is_null(), MISSING)
