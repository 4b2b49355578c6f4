"""How often the audit stops ordinary nights, and which of the faults put into ordinary nights it finds.

    python benchmarks/audit_guard.py ordinary --home FOLDER
    python benchmarks/audit_guard.py young --home FOLDER --half first      # platforms without a history
    python benchmarks/audit_guard.py faults --home FOLDER --half second --nights 2 --seconds 300
    python benchmarks/audit_guard.py sizes --home FOLDER --half second     # the least sizes that are found
    python benchmarks/audit_guard.py misread --home FOLDER --half first    # a second reading of the tables
    python benchmarks/audit_guard.py faults --home FOLDER --only "seats doubled" "an airport missing"
    python benchmarks/audit_guard.py faults --home FOLDER --half first --held 1 2 3  # the nights before

Lands the year and retrieves what each night would be scored with. Every night is audited by the functions of
a real night: the contract, a sample scored again, golden rows, the profile and the readings beside those of
the nights before (`Unlike`), and `audit`. A second reading of the feature tables (`SecondReading`) is counted
apart, by `misread`: it finds what lies between the tables and the score, and a table that is wrong in itself
is found by these functions alone. The limits were chosen on January to June.
Then it puts each fault of `audit_faults.py` into random nights of a half of the year, retrieves the features
of a changed population again, and scores the rows again. With `--home` the folder is kept, and what was
counted with the same code and faults is not counted again. With `--seconds` it stops after that time: the
next run goes on, and the table is of what was counted. With `--held` each night is audited as if
the nights so many days before it had been held, and nobody had accepted them: they are no history.
"""

import argparse
import json
import logging
import pickle
import random
import time
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from difflib import get_close_matches
from functools import partial
from hashlib import sha256
from itertools import takewhile
from pathlib import Path

import polars as pl
import structlog
from audit_faults import (
    FOURTH_INPUTS,
    FOURTH_POPULATION,
    GRADED,
    GRADED_POPULATION,
    INPUTS,
    LATER_INPUTS,
    LATER_POPULATION,
    PART_OF_POPULATION,
    POPULATION,
    SCORES,
    VERSION,
    Case,
    Change,
    Size,
)
from recorded_year import JULY, YEAR, RecordedYear, distribution_of, recorded_year

import models
import nightjar.core
from nightjar.adapters.contracts import check
from nightjar.core.comparison.comparable import is_alike, lacking
from nightjar.core.comparison.entities import SCORE, NightProfile
from nightjar.core.comparison.profile import profile_of, sample_of
from nightjar.core.errors.inputs import ContractBroken
from nightjar.core.inputs.findings import Finding
from nightjar.core.inputs.readings import counts, entities, same_entities
from nightjar.core.lifecycle.golden import GIVEN, given_otherwise
from nightjar.core.night.audit import TRAILING_NIGHTS, Findings, audit, scored_otherwise
from nightjar.core.night.clock import as_of
from nightjar.core.night.entities import Part, Population, Receipt, Run, RunState
from nightjar.usecases.scoring.rehearsal import NIGHTS as REHEARSED
from nightjar.usecases.scoring.second_reading import SecondReading
from nightjar.usecases.scoring.unlike import Unlike

TRAINED = date(2013, 6, 30)
SEED = 2013
MOST_DAYS_BEFORE = 60
"""Faults put no older night into another one."""
BATCH = 30
"""So many nights are kept at once."""
YOUNG, APART = 35, 21
"""A platform is young for so many nights. One begins every so many days."""
HALVES: Mapping[str, Sequence[date]] = {
    "first": [day for day in YEAR if date(2013, 3, 1) <= day < JULY],
    "second": [day for day in YEAR if JULY <= day < YEAR[-1]],
}
"""The nights that faults are put into. Some faults need weeks before, or the day after."""
KINDS: Mapping[str, Mapping[str, Change]] = {
    "population": POPULATION | LATER_POPULATION | FOURTH_POPULATION | PART_OF_POPULATION,
    "inputs": INPUTS | LATER_INPUTS | FOURTH_INPUTS,
    "scores": SCORES,
    "version": VERSION,
}
LISTS = {
    "written after the rules of ADR 90": LATER_POPULATION.keys() | LATER_INPUTS.keys(),
    "the list of ADR 92": FOURTH_POPULATION.keys() | FOURTH_INPUTS.keys(),
    "the list of ADR 138": PART_OF_POPULATION.keys(),
}
SIZED: Mapping[str, Mapping[str, Size]] = {"population": GRADED_POPULATION, "inputs": GRADED}
FAULTS: Mapping[str, tuple[str, Change]] = {
    name: (kind, change) for kind, changes in KINDS.items() for name, change in changes.items()
}
SIZES: Mapping[str, tuple[str, Change]] = {
    f"{name}: {size:g}": (kind, change(size))
    for kind, every in SIZED.items()
    for name, (change, sizes) in every.items()
    for size in sizes
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

    def samples(self, _model: str, before: date, most: int) -> Mapping[date, pl.DataFrame]:
        return {night: self.rows[night] for night in self._before(before)[:most]}

    def _before(self, day: date) -> list[date]:
        return sorted((night for night in self.rows if night < day), reverse=True)

    def without(self, nights: Collection[date]) -> "Kept":
        """The same if these nights had been held."""
        return Kept(
            *({day: of for day, of in every.items() if day not in nights} for every in (self.read, self.rows))
        )


@dataclass(frozen=True, slots=True)
class Audits:
    """Audits the nights of a year, each beside those before it.

    held: the nights so many days before each were held, and nobody accepted them.
    """

    year: RecordedYear
    kept: Kept = field(default_factory=Kept)
    profiles: dict[date, NightProfile] = field(default_factory=dict[date, NightProfile])
    held: tuple[int, ...] = ()

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
        held = [day - timedelta(days=days) for days in self.held]
        before = sorted((other for other in self.profiles if other < day and other not in held), reverse=True)
        last = before[:TRAILING_NIGHTS]
        if (newest := lacking(day, last, [other for other in before if is_alike(day, other)])) is not None:
            last[-1:] = [newest]
        trailing = [self.profiles[other] for other in last]
        run = run_of(spec.name, day, as_of(spec, day), self.year.version.id, rows.height)
        compared = entities(same_entities(sound, day), day)
        kept = self.kept.without(held) if held else self.kept
        unlike, counted = Unlike(spec, kept), counts(sound, spec)
        return audit(
            run,
            [Part(number=0, start=0, stop=rows.height)],
            [receipt_of(run, rows.height, sound.height)],
            scores,
            profile,
            trailing,
            spec,
            () if again is None else scored_otherwise(stored(sampled), stored(again)),
            unlike.findings(run, counted, compared, unlike.earlier(run, counted)),
        )


def stored(rows: pl.DataFrame) -> pl.DataFrame:
    """Scores as the table of scores has them."""
    return rows.select("entity_key", SCORE, outputs=pl.lit(None, pl.List(pl.Float64)))


def run_of(model: str, day: date, instant: datetime, version_id: int, rows: int) -> Run:
    """A claimed run of a night of so many rows, which no store holds."""
    return Run(
        id=day.toordinal(),
        model=model,
        score_date=day,
        revision=1,
        attempt=1,
        state=RunState.CLAIMED,
        as_of=instant,
        known_at=instant,
        version_id=version_id,
        population=Population(uri="memory", sha256="0" * 64, rows=rows, parts=1),
    )


def receipt_of(run: Run, rows: int, scored: int) -> Receipt:
    return Receipt(
        run_id=run.id, part=0, rows=rows, scored=scored, quarantined=rows - scored, stored_at=run.as_of
    )


def read_year(year: RecordedYear, home: Path | None, half: str) -> tuple[Audits, dict[date, Findings]]:
    """Audit the nights up to the end of a half, in order. The home keeps what this code audited."""
    file = None if home is None else home / f"audits-{fingerprint()}.pickle"
    audits, found = Audits(year), dict[date, Findings]()
    if file is not None and file.exists():
        kept, profiles, found = pickle.loads(file.read_bytes())  # of this program
        audits = Audits(year, Kept(kept.read, kept.rows), profiles)
    todo = [day for day in YEAR if day not in found and (half == "second" or day < JULY)]
    started = time.process_time()
    for place, day in enumerate(todo, start=1):
        found[day] = audits.found(day, year.nights[day])
        if file is not None and (place % BATCH == 0 or place == len(todo)):
            file.write_bytes(pickle.dumps((audits.kept, audits.profiles, found)))
    rows = sum(year.nights[day].height for day in found)
    spent = f", {1000 * (time.process_time() - started) / len(todo):.0f} ms of CPU a night" if todo else ""
    print(f"{len(found)} nights of {rows:,} rows{spent}", flush=True)
    return audits, found


def fingerprint(*more: Path) -> str:
    """Of the code that audits, and of more files."""
    core = Path(nightjar.core.__path__[0])
    files = sorted(file for part in ("inputs", "comparison") for file in (core / part).glob("*.py"))
    return sha256(b"".join(file.read_bytes() for file in (*files, *more))).hexdigest()[:12]


def rehearsed(kept: Kept, first: date) -> Kept:
    """A young platform's readings: those of the nights before its first one, as it rehearses them."""
    before = [day for day in kept.read if first - timedelta(days=REHEARSED) <= day < first]
    return Kept({day: kept.read[day] for day in before}, {day: kept.rows[day] for day in before})


def show_young(year: RecordedYear, every: Kept, half: str, *, accepted: bool) -> None:
    """Platforms that begin on some days of a half, each without a published night before.

    every: the readings of all nights. accepted: somebody publishes each night that is held, so that it is
    history for the later ones.
    """
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    days = [day for day in YEAR if (day >= JULY) == (half == "second")]
    nights, stopped = 0, list[str]()
    for first in range(0, len(days) - YOUNG, APART):
        audits = Audits(year, rehearsed(every, days[first]))
        for day in days[first : first + YOUNG]:
            nights += 1
            if odd := audits.found(day, year.nights[day]).holding:
                stopped.append(
                    f"  {day}, began {days[first]}: " + "; ".join(each.in_one_line for each in odd[:4])
                )
                for kept in () if accepted else (audits.kept.read, audits.kept.rows, audits.profiles):
                    kept.pop(day, None)
    how = "and then accepted" if accepted else "and nobody looks at them"
    print(f"{half} half, young platforms: {len(stopped)} of {nights} ordinary nights are stopped, {how}")
    print("\n".join(stopped))


def show_ordinary(found: Mapping[date, Findings]) -> None:
    halves = {
        "January to June (the limits were chosen on them)": [day for day in found if day < JULY],
        "July to December": [day for day in found if day >= JULY],
    }
    for half, days in halves.items():
        if not days:
            continue
        stopped = [day for day in days if found[day].holding]
        share = len(stopped) / len(days)
        print(f"{half}: {len(stopped)} of {len(days)} ordinary nights are stopped ({share:.1%})")
        for day in stopped:
            most = found[day].holding[:4]
            print(f"  {day}: " + "; ".join(f"{each.name}: {each.in_one_line}" for each in most))


MISREAD = "misread"


def faulty(
    audits: Audits, kind: str, change: Change, day: date, second: SecondReading
) -> Iterable[str] | None:
    """Put a fault into a night. Return the names of what finds it; None if it changes nothing of it."""
    year = audits.year
    if kind == "version":
        return ["golden rows"] if golden_otherwise(year, change) else []
    rows = change(Case(day, year.nights))
    if rows.equals(year.nights[day]):
        return None
    if kind == "population":
        rows = retrieved_again(year, rows)
    if kind != "scores":
        rows = rows.with_columns(year.predictor.predict(rows).alias(SCORE))
    found = audits.found(day, rows, year.nights[day] if kind == "scores" else None)
    again = misread(year, second, day, rows) if kind == "inputs" else []
    return sorted({each.name for each in (*found.every, *again)})


def misread(year: RecordedYear, second: SecondReading, day: date, rows: pl.DataFrame) -> list[Finding]:
    """What a second reading of the tables finds against rows."""
    run = run_of(year.spec.name, day, as_of(year.spec, day), year.version.id, rows.height)
    return [*second.findings(run, rows, year.platform.features.generations(year.spec), {})]


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


Found = list[str] | None
"""The names of what found a fault on a night; None: the fault changes nothing of it."""


@dataclass(frozen=True, slots=True)
class Tally:
    """What found each fault on each night.

    file: where it is kept for the next run. nights: how many to try of each fault.
    """

    file: Path | None
    half: str
    nights: int
    found: dict[tuple[str, date], Found] = field(default_factory=dict[tuple[str, date], Found])

    @classmethod
    def kept_in(cls, home: Path | None, half: str, nights: int, held: Sequence[int]) -> "Tally":
        if home is None:
            return cls(None, half, nights)
        of = fingerprint(Path(__file__).with_name("audit_faults.py"))
        file = home / f"faults-{'-'.join((of, *map(str, held)))}.jsonl"
        lines = file.read_text().splitlines() if file.exists() else []
        read = ((fault, date.fromisoformat(day), names) for fault, day, names in map(json.loads, lines))
        return cls(file, half, nights, {(fault, day): names for fault, day, names in read})

    def add(self, fault: str, day: date, names: Iterable[str] | None) -> None:
        self.found[fault, day] = None if names is None else [*names]
        if self.file is not None:
            with self.file.open("a") as kept:
                kept.write(json.dumps([fault, str(day), self.found[fault, day]]) + "\n")

    def of(self, fault: str) -> list[list[str]]:
        """What found it on those of its nights that were counted."""
        told = [found for day in self._days(fault) if (found := self.found.get((fault, day))) is not None]
        return told[: self.nights]

    def to_do(self, fault: str) -> Iterator[date]:
        """The nights on which it is to be tried, as long as too few are counted."""
        for day in self._days(fault):
            if len(self.of(fault)) >= self.nights:
                return
            if (fault, day) not in self.found:
                yield day

    def _days(self, fault: str) -> Sequence[date]:
        """Some nights in an order of their own: always the same ones."""
        return random.Random(f"{SEED} {fault}").sample(HALVES[self.half], 4 * self.nights)


def second_reading_of(year: RecordedYear) -> SecondReading:
    return SecondReading(spec=year.spec, tables=year.platform.feature_files)


def count(audits: Audits, tally: Tally, faults: Mapping[str, tuple[str, Change]], seconds: float) -> None:
    """Put the faults into their nights until the time is over. What was counted before stays."""
    until, second = time.monotonic() + seconds, second_reading_of(audits.year)
    for fault in faults:
        for day in tally.to_do(fault):
            if time.monotonic() > until:
                print(f"time is over at {fault!r}: run it again to go on")
                return
            tally.add(fault, day, faulty(audits, *faults[fault], day, second))


def by_history(found: Iterable[str]) -> list[str]:
    """What finds a fault without the second reading."""
    return [name for name in found if name != MISREAD]


def show_faults(tally: Tally, faults: Iterable[str]) -> None:
    """What history finds, as a table, and what a second reading of the tables adds."""
    print("\n| fault | found | by |\n|---|---|---|")
    by_list = {title: list[list[str]]() for title in ("faults before", *LISTS)}
    every = {fault: tally.of(fault) for fault in faults}
    for fault, nights in every.items():
        by = [*map(by_history, nights)]
        names = Counter(name for each in by for name in each)
        told = ", ".join(f"`{each}`" for each, _ in names.most_common(3)) or "nothing"
        print(f"| {fault} | {sum(map(bool, by))} of {len(by)} | {told} |")
        by_list[next((title for title, of in LISTS.items() if fault in of), "faults before")] += nights
    print()
    for title, nights in by_list.items():
        if nights:
            alone = sum(map(bool, map(by_history, nights)))
            both = sum(map(bool, nights))
            print(
                f"{title}: history finds {alone} of {len(nights)} ({alone / len(nights):.1%}), "
                f"with the second reading {both} ({both / len(nights):.1%})"
            )


def show_misread(year: RecordedYear, days: Sequence[date]) -> None:
    """What a second reading of the tables says of ordinary nights, and of each fault of their features."""
    told = partial(misread, year, second_reading_of(year))
    stopped = [day for day in days if told(day, year.nights[day])]
    print(f"{len(stopped)} of {len(days)} ordinary nights are stopped")
    features = {name for table in year.spec.feature_tables for name in table.features}
    by_fault = dict[str, bool]()
    for fault, change in KINDS["inputs"].items():
        day = random.Random(f"{SEED} {fault}").choice(days[MOST_DAYS_BEFORE:-1])
        rows = change(Case(day, year.nights))
        if not rows.select(features).equals(year.nights[day].select(features)):
            by_fault[fault] = bool(told(day, rows))
    missed = [fault for fault, found in by_fault.items() if not found]
    print(f"{len(by_fault) - len(missed)} of {len(by_fault)} faults of their features are found")
    print(f"not found: {', '.join(missed) or 'none'}")


def show_sizes(tally: Tally) -> None:
    """The least size of each kind from which on history finds every fault on each of its nights."""
    print("\n| fault | found from | sizes that were tried |\n|---|---|---|")
    for name, (_, sizes) in (each for every in SIZED.values() for each in every.items()):
        faults = {size: f"{name}: {size:g}" for size in sizes}
        fully = {size: all(map(by_history, tally.of(fault))) for size, fault in faults.items()}
        found = [*takewhile(fully.__getitem__, sizes[::-1])]
        least = f"{found[-1]:g}" if found else "none"
        print(f"| {name} | {least} | {', '.join(f'{size:g}' for size in sizes)} |")


def chosen(names: Sequence[str] | None) -> Mapping[str, tuple[str, Change]]:
    """The faults of these names; without names, all. Raises SystemExit for a name that is no fault."""
    if unknown := sorted(set(names or ()) - set(FAULTS)):
        near = {name: get_close_matches(name, FAULTS, n=1) for name in unknown}
        told = "; ".join(
            f"{name!r}" + (f", perhaps {like[0]!r}" if like else "") for name, like in near.items()
        )
        raise SystemExit(f"no such fault: {told}. The names are in benchmarks/audit_faults.py.")
    return FAULTS if names is None else {name: FAULTS[name] for name in names}


def arguments() -> argparse.Namespace:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("of", choices=("ordinary", "young", "faults", "sizes", "misread"))
    parser.add_argument("--home", type=Path, help="folder to keep the year in; without it one that goes away")
    parser.add_argument(
        "--half",
        choices=[*HALVES],
        default="second",
        help="the nights to put faults into; only nights up to its end are read",
    )
    parser.add_argument("--nights", type=int, default=2, help="nights to put each fault into")
    told = "audit each night as if those so many days before it had been held"
    parser.add_argument("--held", type=int, nargs="+", default=(), metavar="DAYS", help=told)
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop after this time")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="names of faults: only these")
    return parser.parse_args()


def main() -> None:
    wanted = arguments()
    faults = SIZES if wanted.of == "sizes" else chosen(wanted.only)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    with recorded_year(models.model("flight_delay"), TRAINED, wanted.home) as year:
        if wanted.of == "misread":
            show_misread(year, [day for day in YEAR if (day < JULY) == (wanted.half == "first")])
            return
        if wanted.of == "young":
            every = read_year(year, wanted.home, wanted.half)[0].kept
            for accepted in (True, False):
                show_young(year, every, wanted.half, accepted=accepted)
            return
        audits, found = read_year(year, wanted.home, wanted.half)
        if held := tuple(wanted.held):
            audits = replace(audits, held=held)
        if wanted.of == "ordinary":
            show_ordinary({day: audits.found(day, year.nights[day]) for day in found} if held else found)
            return
        tally = Tally.kept_in(wanted.home, wanted.half, wanted.nights, held)
        count(audits, tally, faults, wanted.seconds)
        if wanted.of == "sizes":
            show_sizes(tally)
        else:
            show_faults(tally, faults)


if __name__ == "__main__":
    main()
