"""What the card of a version draws, computed once when the version is judged."""

from collections.abc import Mapping

import polars as pl

from nightjar.core.explaining.contributions import BASE, Unexplained, contributions_of
from nightjar.core.lifecycle.evidence import Weight
from nightjar.core.lifecycle.training_set import TimeCut
from nightjar.core.model.spec import ModelSpec, Predictor

WEIGHED_ROWS = 2_000
"""Rows whose contributions weigh the inputs. A contribution costs about forty times a prediction."""


def drawings(
    spec: ModelSpec, predictor: Predictor, published: pl.DataFrame, cut: TimeCut
) -> Mapping[str, object]:
    """Fields of the evidence. published: by the predictor, for the unseen rows."""
    outcome = cut.test["outcome"]
    return {
        "curves": spec.kind.drawn(published, outcome),
        "confusion": spec.kind.confused(published, outcome),
        "weights": weights(predictor, cut),
    }


def weights(predictor: Predictor, cut: TimeCut) -> tuple[Weight, ...]:
    """How much each input matters on a sample of the unseen rows."""
    rows = cut.test.gather_every(max(1, cut.test.height // WEIGHED_ROWS))
    try:
        added = contributions_of(predictor, rows, cut.train).drop(BASE)
    except Unexplained:
        return ()
    sizes = added.select(pl.all().abs().mean()).row(0, named=True)
    total = sum(sizes.values()) or 1.0
    shares = sorted(sizes.items(), key=lambda each: -each[1])
    return tuple(Weight(input=name, share=size / total) for name, size in shares)
