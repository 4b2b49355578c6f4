"""The audit decides if a stored night may be published. It returns its findings."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import polars as pl

from nightjar.core.comparison.entities import SCORE, Distribution, NightProfile
from nightjar.core.inputs.findings import Finding
from nightjar.core.inputs.oddities import oddities
from nightjar.core.model.spec import ModelSpec
from nightjar.core.night.entities import Part, Receipt, Run
from nightjar.core.plurals import counted
from nightjar.core.wording import percent, two_lines

TRAILING_NIGHTS = 14
"""The distribution guard compares with this many published nights.

Of a daily model they have each weekday twice.
"""


MOST_CHECKS = 3
"""So many checks that quarantined rows broke are told."""
SAME = 1e-9
"""Two scores of the same row may differ by this much.

The order in which a predictor adds numbers depends on the number of rows.
"""


@dataclass(frozen=True, slots=True)
class Findings:
    """The reasons against publishing.

    broken: the night is inconsistent or empty, and nobody may accept this. odd: a person may accept this.
    doubts: they hold nothing back, and people are told.
    """

    broken: tuple[Finding, ...] = ()
    odd: tuple[Finding, ...] = ()
    doubts: tuple[Finding, ...] = ()

    @property
    def holding(self) -> tuple[Finding, ...]:
        return (*self.broken, *self.odd)

    @property
    def every(self) -> tuple[Finding, ...]:
        return (*self.holding, *self.doubts)


def audit(
    run: Run,
    parts: Sequence[Part],
    receipts: Sequence[Receipt],
    scores: Distribution,
    tonight: NightProfile,
    trailing: Sequence[NightProfile],
    spec: ModelSpec,
    otherwise: Sequence[str] = (),
    unlike: Sequence[Finding] = (),
) -> Findings:
    """Return the reasons against publishing; empty if there are none.

    Fails closed: a number that cannot be counted is a finding.
    otherwise: the result of `scored_otherwise` for a sample. unlike: how the night's readings differ from
    those of comparable nights, and what else stands against it.
    """
    odd = (*absurdities(scores, trailing, receipts, spec), *oddities(tonight, trailing, spec), *unlike)
    return Findings(
        broken=(
            *(Finding(name="incomplete", sentence=told) for told in reconcile(run, parts, receipts, scores)),
            *(Finding(name="irreproducible", sentence=told) for told in irreproducible(otherwise)),
        ),
        odd=tuple(finding for finding in odd if finding.holds),
        doubts=tuple(finding for finding in odd if not finding.holds),
    )


def reconcile(
    run: Run, parts: Sequence[Part], receipts: Sequence[Receipt], scores: Distribution
) -> Iterable[str]:
    if run.population is None:
        yield "The run has no population"
        return
    rows_of = {receipt.part: receipt.rows for receipt in receipts}
    if lacking := [part.number for part in parts if part.number not in rows_of]:
        yield f"Parts {lacking} have no receipt"
    if odd := [part.number for part in parts if rows_of.get(part.number, part.rows) != part.rows]:
        yield f"Parts {odd} account for another number of rows than they hold"
    scored, quarantined = sum(r.scored for r in receipts), sum(r.quarantined for r in receipts)
    if scored + quarantined != run.population.rows:
        yield f"Scored {scored} + quarantined {quarantined} is not the population of {run.population.rows}"
    if scores.rows != scored:
        yield f"The table holds {scores.rows} scores, the receipts say {scored}"
    if scores.rows == 0:
        yield "No row was scored"


def scored_otherwise(stored: pl.DataFrame, again: pl.DataFrame) -> tuple[str, ...]:
    """Return the keys, in order, of rows whose stored score differs from a new score of the same inputs.

    A row that is quarantined in only one of the two frames is also returned, if it has a score there.
    Both frames: `entity_key`, unique, `score` and `outputs`; null for a row that a version gave none.
    """
    given = again.select("entity_key", now="score", outputs_now="outputs")
    both = stored.join(given, on="entity_key", how="full", coalesce=True)
    outputs, outputs_now = pl.col("outputs"), pl.col("outputs_now")
    apart = (outputs - outputs_now).list.eval(pl.element().abs()).list.max()
    score, now = pl.col("score"), pl.col("now")
    same = (
        ((score.is_null() & now.is_null()) | ((score - now).abs() <= SAME))
        & ((outputs.is_null() & outputs_now.is_null()) | (apart <= SAME))
    ).fill_null(value=False)
    return tuple(both.filter(~same)["entity_key"].sort())


def irreproducible(otherwise: Sequence[str]) -> Iterable[str]:
    if otherwise:
        yield two_lines(
            "Rows are stored with other scores than their inputs give now: features or code were exchanged "
            "while the night was scored",
            f"Sampled rows with other scores: {len(otherwise)}, such as {otherwise[0]!r}. Limit: 0",
        )


def challenger_irreproducible(otherwise: Sequence[str], sampled: int) -> Iterable[Finding]:
    """A doubt about the challenger's stored scores, which nobody but the comparison of both versions reads.

    otherwise: as for `irreproducible`, of its scores. sampled: rows that were scored again.
    """
    if otherwise:
        yield Finding(
            name="challenger_irreproducible",
            column="challenger_score",
            number=len(otherwise),
            expected=0,
            limit=0,
            runbook="challenger-failed",
            holds=False,
            sentence=two_lines(
                "Rows are stored with other scores of the challenger than their inputs give now",
                f"Sampled rows with other scores: {len(otherwise)} of {sampled}, such as {otherwise[0]!r}. "
                "Usual: 0. Limit: 0",
            ),
        )


def broken_told(receipts: Sequence[Receipt]) -> str:
    """Which checks of the contract the quarantined rows broke most often. Empty if nobody counted them."""
    rows = Counter[str]()
    for each in (broken for receipt in receipts for broken in receipt.broken):
        rows[f"{each.column}: {each.check}" if each.column else each.check] += each.rows
    told = ", ".join(f"{check} ({counted(count, 'row')})" for check, count in rows.most_common(MOST_CHECKS))
    return f": they broke {told}" if told else ""


def absurdities(
    scores: Distribution, trailing: Sequence[NightProfile], receipts: Sequence[Receipt], spec: ModelSpec
) -> Iterable[Finding]:
    quarantined = sum(receipt.quarantined for receipt in receipts)
    share = quarantined / max(1, scores.rows + quarantined)
    if share > spec.audit["max_quarantine_share"]:
        limit = spec.audit["max_quarantine_share"]
        yield Finding(
            name="quarantined",
            number=share,
            limit=limit,
            sentence=two_lines(
                f"Many rows are quarantined{broken_told(receipts)}",
                f"Rows: {quarantined:,} ({percent(share)}). Limit: {percent(limit)}",
            ),
        )
    if scores.rows == 0:
        return
    for absurdity in spec.kind.absurdities:
        if told := absurdity.finding(scores, trailing, spec.audit[absurdity.name]):
            yield Finding(
                name=f"scores_{absurdity.name}",
                column=SCORE,
                limit=spec.audit[absurdity.name],
                sentence=told,
            )
