"""How often the audit stops ordinary nights, and which of the faults put into ordinary nights it finds.

    python benchmarks/audit_guard.py                              # both, in a folder that goes away
    python benchmarks/audit_guard.py ordinary --home FOLDER
    python benchmarks/audit_guard.py faults --home FOLDER --nights 2 [--after "seats doubled"]

Lands the year and retrieves what each night would be scored with. Every night is audited by the functions of
a real night: the contract, a sample scored again, golden rows, the profile and the readings beside those of
the nights before (`Unlike`), and `audit`. The limits were chosen on January to June.
Then it puts each fault of `audit_faults.py` into random nights of July to December, retrieves the features of
a changed population again, and scores the rows again. With `--home` the folder is kept, so that the next run
begins with the audits; `--after` goes on behind a fault.
"""

import argparse
import logging
import pickle
import random
import time
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from hashlib import sha256
from itertools import dropwhile
from pathlib import Path

import polars as pl
import structlog
from audit_faults import INPUTS, POPULATION, SCORES, VERSION, Case, Change
from recorded_year import JULY, YEAR, RecordedYear, distribution_of, recorded_year

import models
import nightjar.core
from nightjar.adapters.contracts import check
from nightjar.core.comparison.entities import SCORE, NightProfile
from nightjar.core.comparison.profile import profile_of, sample_of
from nightjar.core.errors.inputs import ContractBroken
from nightjar.core.inputs.findings import Finding
from nightjar.core.inputs.readings import entities, same_entities
from nightjar.core.lifecycle.golden import GIVEN, given_otherwise
from nightjar.core.night.audit import TRAILING_NIGHTS, Findings, audit, scored_otherwise
from nightjar.core.night.clock import as_of
from nightjar.core.night.entities import Part, Population, Receipt, Run, RunState
from nightjar.usecases.scoring.unlike import Unlike

TRAINED = date(2013, 6, 30)
SEED = 2013
BATCH = 30
"""So many nights are kept at once."""
KINDS: Mapping[str, Mapping[str, Change]] = {
    "population": POPULATION,
    "inputs": INPUTS,
    "scores": SCORES,
    "version": VERSION,
}


@dataclass(frozen=True, slots=True)
class Kept:
    """The port `Readings` for nights that are audited in order. What is stored already stays."""

    read: dict[date, pl.DataFrame] = field(default_factory=dict[date, pl.DataFrame])
    rows: dict[date, pl.DataFrame] = field(default_factory=dict[date, pl.DataFrame])

    def record(self, run: Run, readings: pl.DataFrame, sample: pl.DataFrame) -> None:
        self.read.setdefault(run.score_date, readings)
        self.rows.setdefault(run.score_date, sample)

    def record_findings(self, run: Run, findings: Sequence[Finding]) -> None:
        """Findings are returned by the audit."""

    def published(self, _model: str, before: date, most: int) -> Mapping[date, bool]:
        return dict.fromkeys(self._before(before)[:most], False)

    def of_nights(self, _model: str, nights: Collection[date]) -> Mapping[date, pl.DataFrame]:
        return {night: self.read[night] for night in nights}

    def samples(self, _model: str, before: date, most: int) -> Sequence[pl.DataFrame]:
        return [self.rows[night] for night in self._before(before)[:most]]

    def _before(self, day: date) -> list[date]:
        return sorted((night for night in self.rows if night < day), reverse=True)


@dataclass(frozen=True, slots=True)
class Audits:
    """Audits the nights of a year, each beside those before it."""

    year: RecordedYear
    kept: Kept = field(default_factory=Kept)
    profiles: dict[date, NightProfile] = field(default_factory=dict[date, NightProfile])

    def found(self, day: date, rows: pl.DataFrame, again: pl.DataFrame | None = None) -> Findings:
        """What is found against a night.

        rows: with the scores that are stored. again: what the rows are scored with now, if not the same.
        """
        spec = self.year.spec
        try:
            checked = check(spec, rows)
        except ContractBroken as error:
            return Findings(broken=(Finding(name="contract", sentence=str(error)),))
        sound = rows.join(
            checked.valid.select("entity_key"), on="entity_key", how="semi", maintain_order="left"
        )
        if sound.is_empty():
            return Findings(broken=(Finding(name="incomplete", sentence="no row was scored"),))
        scores, sampled = distribution_of(day, sound[SCORE]), sample_of(sound, spec.seed)
        profile = profile_of(sampled, scores, spec)
        self.profiles.setdefault(day, profile)
        trailing = [self.profiles[other] for other in sorted(self.profiles) if other < day][-TRAILING_NIGHTS:]
        run, compared = run_of(self.year, day, rows), entities(same_entities(sound, day), day)
        return audit(
            run,
            [Part(number=0, start=0, stop=rows.height)],
            [receipt_of(run, rows.height, sound.height)],
            scores,
            profile,
            trailing[::-1],
            spec,
            () if again is None else scored_otherwise(stored(sampled), stored(again)),
            Unlike(spec, self.kept).findings(run, sound, compared),
        )


def stored(rows: pl.DataFrame) -> pl.DataFrame:
    """Scores as the table of scores has them."""
    return rows.select("entity_key", SCORE, outputs=pl.lit(None, pl.List(pl.Float64)))


def run_of(year: RecordedYear, day: date, rows: pl.DataFrame) -> Run:
    instant = as_of(year.spec, day)
    return Run(
        id=day.toordinal(),
        model=year.spec.name,
        score_date=day,
        revision=1,
        attempt=1,
        state=RunState.CLAIMED,
        as_of=instant,
        known_at=instant,
        version_id=year.version.id,
        population=Population(uri="memory", sha256="0" * 64, rows=rows.height, parts=1),
    )


def receipt_of(run: Run, rows: int, scored: int) -> Receipt:
    return Receipt(
        run_id=run.id, part=0, rows=rows, scored=scored, quarantined=rows - scored, stored_at=run.as_of
    )


def read_year(year: RecordedYear, home: Path | None) -> tuple[Audits, dict[date, Findings]]:
    """Audit every night in order. What was audited by the same code is kept in the home."""
    file = None if home is None else home / f"audits-{fingerprint()}.pickle"
    audits, found = Audits(year), dict[date, Findings]()
    if file is not None and file.exists():
        kept, profiles, found = pickle.loads(file.read_bytes())  # of this program
        audits = Audits(year, kept, profiles)
    started, todo = time.process_time(), [day for day in YEAR if day not in found]
    for place, day in enumerate(todo, start=1):
        found[day] = audits.found(day, year.nights[day])
        if file is not None and (place % BATCH == 0 or place == len(todo)):
            file.write_bytes(pickle.dumps((audits.kept, audits.profiles, found)))
    rows = sum(night.height for night in year.nights.values())
    spent = f", {1000 * (time.process_time() - started) / len(todo):.0f} ms of CPU a night" if todo else ""
    print(f"{len(YEAR)} nights of {rows:,} rows{spent}", flush=True)
    return audits, found


def fingerprint() -> str:
    """Of the code that audits."""
    core = Path(nightjar.core.__path__[0])
    files = sorted(file for part in ("inputs", "comparison") for file in (core / part).glob("*.py"))
    return sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:12]


def show_ordinary(found: Mapping[date, Findings]) -> None:
    halves = {
        "January to June (the limits were chosen on them)": [day for day in YEAR if day < JULY],
        "July to December": [day for day in YEAR if day >= JULY],
    }
    for half, days in halves.items():
        stopped = [day for day in days if found[day].every]
        share = len(stopped) / len(days)
        print(f"{half}: {len(stopped)} of {len(days)} ordinary nights are stopped ({share:.1%})")
        for day in stopped:
            print(f"  {day}: " + "; ".join(f"{each.name}: {each.sentence}" for each in found[day].every[:4]))


def faulty(audits: Audits, kind: str, change: Change, day: date) -> Counter[str]:
    """Put a fault into a night. Return the names of what finds it."""
    year = audits.year
    if kind == "version":
        return Counter(["golden rows"] if golden_otherwise(year, change) else [])
    rows = change(Case(day, year.nights))
    if kind == "population":
        rows = retrieved_again(year, rows)
    if kind != "scores":
        rows = rows.with_columns(year.predictor.predict(rows).alias(SCORE))
    found = audits.found(day, rows, year.nights[day] if kind == "scores" else None)
    return Counter({each.name for each in found.every})


def golden_otherwise(year: RecordedYear, change: Change) -> str | None:
    """How the golden rows differ if the version gives these other scores."""
    kept = pl.read_parquet(year.platform.artifacts.get(year.version.golden_uri, year.version.golden_sha256))
    given = year.spec.kind.published(
        "golden rows", year.predictor.predict(kept.drop(GIVEN)), year.version.calibration
    )
    day = YEAR[0]
    return given_otherwise(kept, change(Case(day, {day: given})), year.version.algorithm)


def retrieved_again(year: RecordedYear, rows: pl.DataFrame) -> pl.DataFrame:
    """A changed population, with its own features."""
    features = {feature for table in year.spec.feature_tables for feature in table.features}
    return year.platform.features.retrieve(year.spec, rows.drop(features | {SCORE}, strict=False))


def cases(nights: int) -> Iterator[tuple[str, str, Change, list[date]]]:
    """Kind, name and change of each fault, and the nights that it is put into: always the same ones."""
    chosen = random.Random(SEED)
    late = [day for day in YEAR if day >= JULY]
    for kind, changes in KINDS.items():
        for name, change in changes.items():
            yield kind, name, change, chosen.sample(late, nights)


def show_faults(audits: Audits, nights: int, after: str | None) -> None:
    print("\n| fault | found | by |\n|---|---|---|")
    found_of, tried = 0, 0
    todo = cases(nights)
    if after is not None:
        todo = iter([*dropwhile(lambda case: case[1] != after, todo)][1:])
    for kind, name, change, days in todo:
        by = [faulty(audits, kind, change, day) for day in days]
        names, caught = sum(by, Counter[str]()), sum(bool(each) for each in by)
        found_of, tried = found_of + caught, tried + len(by)
        told = ", ".join(f"`{each}`" for each, _ in names.most_common(3)) or "nothing"
        print(f"| {name} | {caught} of {len(by)} | {told} |", flush=True)
    print(f"\nfound: {found_of} of {tried} ({found_of / max(1, tried):.1%})")


def main() -> None:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("of", nargs="?", choices=("both", "ordinary", "faults"), default="both")
    parser.add_argument("--home", type=Path, help="folder to keep the year in; without it one that goes away")
    parser.add_argument("--nights", type=int, default=2, help="nights to put each fault into")
    parser.add_argument("--after", help="name of a fault: only those after it")
    wanted = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    with recorded_year(models.model("flight_delay"), TRAINED, wanted.home) as year:
        audits, found = read_year(year, wanted.home)
        if wanted.of != "faults":
            show_ordinary(found)
        if wanted.of != "ordinary":
            show_faults(audits, wanted.nights, wanted.after)


if __name__ == "__main__":
    main()
