"""Stability: what changes in the scores if nothing that matters changed.

Another seed, a little noise in the numbers, or another way to retrieve features must make no difference.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import polars as pl

from nightjar.core.kinds.gates import GateResult, Verdict
from nightjar.core.lifecycle.proofs import Proofs
from nightjar.core.model.judging import NOISE_CHANGE, SEED_SPREAD
from nightjar.core.model.spec import ModelSpec

SKEW = "max_skewed_rows"
NOISE_SHARE = 0.01
"""The noise that is added to a number, as a share of the standard deviation of its column."""


def unstable(spec: ModelSpec, proofs: Proofs) -> Iterator[GateResult]:
    """The gates on stability that were measured."""
    if proofs.seeds is not None:
        yield at_most(SEED_SPREAD, "change of the scores with another seed", proofs.seeds, spec)
    if proofs.noise is not None:
        yield at_most(NOISE_CHANGE, f"change of the scores with {NOISE_SHARE:.0%} noise", proofs.noise, spec)
    if proofs.compared_rows:
        told = f"{proofs.skewed_rows} of {proofs.compared_rows} rows have other inputs when they are scored"
        verdict = Verdict.FAILED if proofs.skewed_rows else Verdict.PASSED
        reason = f"{told}, must be 0"
        yield GateResult(name=SKEW, value=proofs.skewed_rows, threshold=0, reason=reason, verdict=verdict)


def at_most(name: str, what: str, value: float, spec: ModelSpec) -> GateResult:
    limit = spec.gates[name]
    verdict = Verdict.PASSED if value <= limit else Verdict.FAILED
    reason = f"{what} is {value:.4g}, must be at most {limit:.4g}"
    return GateResult(name=name, value=value, threshold=limit, reason=reason, verdict=verdict)


def change(before: pl.Series, after: pl.Series) -> float | None:
    """The mean change of scores, over their standard deviation: 1.13 if the two have nothing in common.

    0 if nothing changed. None if the scores were all alike and are not any more.
    """
    moved, spread = (np.abs(before.to_numpy() - after.to_numpy()).mean(), before.to_numpy().std())
    if not moved:
        return 0.0
    return float(moved / spread) if spread else None


def with_noise(rows: pl.DataFrame, numeric: Sequence[str], seed: int) -> pl.DataFrame:
    """The rows with a little noise in each number. A missing number stays missing."""
    random = np.random.default_rng(seed)
    noisy: list[pl.Series] = []
    for name in numeric:
        column = rows[name].cast(pl.Float64)
        known = column.drop_nulls().drop_nans()
        spread = float(known.to_numpy().std()) if known.len() else 0.0
        noisy.append(column + pl.Series(random.normal(scale=NOISE_SHARE, size=rows.height) * spread))
    return rows.with_columns(column.alias(name) for name, column in zip(numeric, noisy, strict=True))


def skewed(trained: pl.DataFrame, scored: pl.DataFrame, inputs: Sequence[str]) -> int:
    """The number of training rows that are not among the scored rows of their night with the same inputs.

    Both: `entity_key` and the inputs.
    """
    now = scored.select("entity_key", found=True, **{f"{name} now": pl.col(name) for name in inputs})
    both = trained.join(now, on="entity_key", how="left")
    same = [pl.col("found").fill_null(value=False)]
    same += [pl.col(name).eq_missing(pl.col(f"{name} now")) for name in inputs]
    return both.filter(~pl.all_horizontal(same)).height
