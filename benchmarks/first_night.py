"""What people are told on the first night of each fault of a list, end to end.

    uv run python benchmarks/first_night.py --home FOLDER     # an hour; goes on where it stopped
    uv run python benchmarks/first_night.py --home FOLDER --only "schedules: no flights of DL"
    uv run python benchmarks/first_night.py --home ANOTHER_FOLDER --list blind

The lists: `delivered_faults.py`, `blind_faults.py`, `unseen_faults.py`, `everyday_faults.py`,
`field_faults.py`, `reported_faults.py`, `independent_faults.py` and `reviewer_faults.py`. Each has its own
nights and needs its own folder. A platform of its own lands the year day by day, trains, and publishes the
nights before each of the list's nights. From there each case starts, on a copy of its files and of its
database: the faulty file is delivered, landed and built on by `Prepare`, the outcome guard sees it,
`ScoreNight` scores the night, and the rules of the watcher look. Edits of code are scored by a process that
imports edited code. What the rules tell of the same night without a fault does not count.
"""

import argparse
import json
import logging
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, time, timedelta
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import blind_faults
import delivered_faults
import everyday_faults
import field_faults
import independent_faults
import polars as pl
import psycopg
import reported_faults
import reviewer_faults
import structlog
import unseen_faults
from delivered_faults import Fault, FaultList
from own_home import platform_in

import models
from models.flight_delay import source as flight_files
from models.route_delay import source as route_files
from nightjar.adapters.files.feature_tables import read_kept
from nightjar.core.errors.base import NightjarError
from nightjar.core.lifecycle.roles import CHAMPION
from nightjar.core.model.generations import FIRST
from nightjar.core.model.spec import Delivery, FeatureTable, ModelSpec
from nightjar.core.night.clock import as_of, evening_by_now, night_of
from nightjar.core.telling.rules import OF_A_MODEL
from nightjar.usecases.data.landing import land_file
from nightjar.wiring.adapters import INBOX
from nightjar.wiring.platform import Platform
from nightjar.wiring.settings import PROJECT, Settings

WRITTEN = (
    delivered_faults,
    blind_faults,
    unseen_faults,
    everyday_faults,
    field_faults,
    reported_faults,
    independent_faults,
    reviewer_faults,
)
LISTS = {each.LIST.name: each.LIST for each in WRITTEN}
TRAINED = {"flight_delay": date(2013, 6, 30), "route_delay": date(2013, 8, 10)}
BEFORE = {"flight_delay": (14, timedelta(days=1)), "route_delay": (8, timedelta(weeks=1))}
"""So many nights before each are published, so far apart. Older ones are rehearsed."""
ORDINARY = "ordinary-nights-that-were-held.txt"
DAY = timedelta(days=1)
CASE = "one_case"
HOLDING = frozenset({"held_back", "failed", "outcomes_held", "delivery_refused"})
"""Troubles that keep a night or a day of outcomes away from everybody. The others are told."""
PACKAGES = ("models", "nightjar", "db", "feature_repo", "flows")

RECORDS, POPULATION = "models/flight_delay/features.py", "models/flight_delay/population.py"
WEEKLY, COLUMNS = "models/route_delay/features.py", "nightjar/adapters/learners/columns.py"
EDITED: Mapping[str, Sequence[tuple[str, str, str]]] = {
    "week_of_eight": [(RECORDS, 'period=f"{days}d"', 'period=f"{days + (days == 7)}d"')],
    "late_at_30": [
        (RECORDS, '"late": late(),', '"late": ~(pl.col("arr_delay") <= 30).fill_null(value=False),')
    ],
    "delay_over_all": [(RECORDS, '"delay", "left", days', '"delay", "flights", days')],
    "celsius": [
        (
            RECORDS,
            'pl.col("temp").alias("weather_temp")',
            '((pl.col("temp") - 32) / 1.8).alias("weather_temp")',
        )
    ],
    "weekday_from_0": [
        (
            POPULATION,
            '.dt.weekday().cast(pl.Int64).alias("weekday")',
            '.dt.weekday().cast(pl.Int64).sub(1).alias("weekday")',
        ),
        ("models/flight_delay/contract.py", '"weekday": integer(1, 7)', '"weekday": integer(0, 6)'),
    ],
    "share_after": [(POPULATION, "(before / of_day)", "(1 - before / of_day)")],
    "nulls_as_0": [(COLUMNS, "def inputs(", "def inputs_as_they_are(")],
    "categories_moved": [(COLUMNS, "def inputs(", "def inputs_as_they_are(")],
    "as_of_15": [("models/flight_delay/spec.py", "as_of_time=time(21)", "as_of_time=time(15)")],
    "cancelled_in_time": [
        (POPULATION, "late().cast(pl.Int8)", '(late() & ~pl.col("cancelled")).cast(pl.Int8)')
    ],
    "route_delay_over_all": [(WEEKLY, '/ pl.col("departed")', '/ pl.col("flights")')],
    "route_five_weeks": [
        (WEEKLY, "for n in range(WEEKS))", "for n in range(WEEKS + 1))"),
        (WEEKLY, "((WEEKS - 1) * WEEK).days", "(WEEKS * WEEK).days"),
    ],
    "route_hours": [(WEEKLY, '/ pl.col("departed")', '/ pl.col("departed") / 60')],
    **blind_faults.EDITED,
    **unseen_faults.EDITED,
    **everyday_faults.EDITED,
    **field_faults.EDITED,
    **reported_faults.EDITED,
    **independent_faults.EDITED,
    **reviewer_faults.EDITED,
}
"""Edit -> file, what stands there once, and what stands there then."""
ADDED = {
    "nulls_as_0": """

def inputs(rows, categorical, numeric, categories=UNKNOWN):
    return inputs_as_they_are(
        rows.with_columns(pl.col(n).fill_null(0) for n in numeric if n in rows.columns), categorical, numeric,
        categories)
""",
    "categories_moved": """

def inputs(rows, categorical, numeric, categories=UNKNOWN):
    if "carrier" in categorical:
        known = sorted(rows["carrier"].unique().drop_nulls())
        moved = dict(zip(known, [*known[1:], *known[:1]]))
        rows = rows.with_columns(pl.col("carrier").replace(moved))
    return inputs_as_they_are(rows, categorical, numeric, categories)
""",
}
"""Edit -> what is added at the end of its file."""
TAMPERED = {
    **unseen_faults.TAMPERED,
    **everyday_faults.TAMPERED,
    **field_faults.TAMPERED,
    **reported_faults.TAMPERED,
    **independent_faults.TAMPERED,
}


@dataclass(frozen=True, slots=True)
class Told:
    """What was told of a night: kind of trouble, what it is about, and the check or error that began it.

    scores: entity key -> score, as stored. sentences: in words.
    """

    alerts: tuple[tuple[str, str, str], ...]
    sentences: tuple[str, ...]
    logged: tuple[str, ...]
    scores: Mapping[str, float]


# --- where cases start -----------------------------------------------------------------------------


def prepared(platform: Platform, spec: ModelSpec, nights: Iterable[date]) -> None:
    """Make the state before each of a model's nights: its files beside the home, its database by its name."""
    if not platform.registry.versions(spec.name):
        today = TRAINED[spec.name]
        platform.prepare(spec).ready(evening_by_now(spec, today))
        version = platform.retrain(spec, today, promote=False).version
        platform.registry.promote(version, CHAMPION, "the benchmark's")
    count, step = BEFORE[spec.name]
    for night in sorted(nights):
        folder = state_of(platform.settings.home, spec.name, night)
        if folder.exists():
            continue
        for day in (night - n * step for n in range(count, 0, -1)):
            if day > TRAINED[spec.name]:
                platform.prepare(spec).ready(as_of(spec, day))
                published(platform, spec, day)
        platform.prepare(spec).ready(as_of(spec, night - step))
        follow_up(platform, spec, as_of(spec, night - step))
        copied(platform, "nightjar", database_of(spec.name, night))
        draft = folder.with_name(f"{folder.name}.draft")
        shutil.rmtree(draft, ignore_errors=True)
        shutil.copytree(platform.settings.data, draft, ignore=shutil.ignore_patterns(INBOX))
        draft.rename(folder)
        print(f"prepared: {spec.name} up to {night}", flush=True)


def published(platform: Platform, spec: ModelSpec, day: date) -> None:
    """Publish an ordinary night. If it is held, a false alarm is noted, and a person accepts it."""
    night = platform.score_night(spec)
    try:
        night.run(night_of(spec, day))
    except NightjarError as error:
        with (platform.settings.home / ORDINARY).open("a", encoding="utf-8") as file:
            file.write(f"{spec.name} {day} is held: {error}\n")
        night.run(night_of(spec, day), accept="ordinary")


def state_of(home: Path, model: str, night: date) -> Path:
    return home / "states" / f"{model}-{night}"


def database_of(model: str, night: date) -> str:
    return f"{model}_{night:%Y%m%d}"


def copied(platform: Platform, source: str, name: str) -> None:
    """Copy a database. Nobody may be connected to the source."""
    platform.close()
    with psycopg.connect(platform.local.url("admin", "postgres"), autocommit=True) as admin:
        admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        admin.execute(f"CREATE DATABASE {name} TEMPLATE {source} STRATEGY file_copy OWNER nightjar_owner")
        admin.execute(f"GRANT CONNECT ON DATABASE {name} TO nightjar_writer, nightjar_analyst")
        admin.execute(f"GRANT TEMPORARY ON DATABASE {name} TO nightjar_writer")


@contextmanager
def case_of(platform: Platform, model: str, night: date) -> Iterator[Platform]:
    """A platform in the state before a night. It goes away."""
    home, name = platform.settings.home, CASE
    folder = home / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    # Links, because the platform changes no file in its place.
    for kept, there in ((state_of(home, model, night), "data"), (home / "artifacts", "artifacts")):
        shutil.copytree(kept, folder / there, copy_function=os.link)
    copied(platform, database_of(model, night), name)
    case = platform_at(folder, platform, name)
    try:
        yield case
    finally:
        case.close()
        shutil.rmtree(folder, ignore_errors=True)


def platform_at(folder: Path, server: Platform, database: str) -> Platform:
    passwords = server.local.passwords
    settings = Settings(
        home=folder,
        database_url=server.local.url("owner", database),
        writer_password=passwords["writer"],
        analyst_password=passwords["analyst"],
        max_delivery_mb=10_000,
        _env_file=None,
    )
    return Platform(settings)


# --- faults ----------------------------------------------------------------------------------------


def recorded(model: str, dataset: str) -> Callable[[date], pl.DataFrame]:
    days = flight_files.recording()[dataset] if model == "flight_delay" else route_files.weeks()
    return lambda day: days[day]


def write(model: str, rows: pl.DataFrame, path: Path) -> None:
    (flight_files if model == "flight_delay" else route_files).write(rows, path)


def faulty(spec: ModelSpec, fault: Fault, night: date) -> ModelSpec:
    """The model whose supplier delivers the fault."""
    rows_of = recorded(spec.name, fault.dataset)
    bad = {night - lag * DAY for lag in fault.lags}

    def deliver(inbox: Path, first: date, last: date) -> Iterator[Delivery]:
        assert spec.deliver is not None
        assert fault.change is not None
        for delivery in spec.deliver(inbox, first, last):
            if delivery.dataset == fault.dataset and delivery.day in bad:
                write(spec.name, fault.change(rows_of(delivery.day), delivery.day, rows_of), delivery.path)
            yield delivery

    return replace(spec, deliver=deliver)


def correct(case: Platform, spec: ModelSpec, fault: Fault, night: date) -> None:
    """Land changed files of days that have landed, as a person does, some hours before the night.

    A flights file of two days ago, and any newer file, is new to the night.
    """
    rows_of = recorded(spec.name, fault.dataset)
    assert fault.change is not None
    for day in (night - lag * DAY for lag in fault.lags if lag > 2):
        path = case.settings.home / f"{day}.csv"
        write(spec.name, fault.change(rows_of(day), day, rows_of), path)
        known = as_of(spec, night) - timedelta(hours=3)
        land_file(spec, fault.dataset, day, path, known, raw=case.raw_of(spec))


def tampered(case: Platform, spec: ModelSpec, edit: str, night: date) -> None:
    """Change files of the home after features were built."""
    if edit == "artifact_of_another":
        version = case.registry.holder(spec.name, CHAMPION)
        assert version is not None
        file = case.artifacts.get(version.artifact_uri)
        other = next(each for each in file.parent.parent.glob("*/*") if each != file)
        file.unlink()  # it is a link
        shutil.copy(other, file)
        return
    table = next(each for each in spec.feature_tables if edit.startswith(each.name))
    evening = as_of(spec, night)
    generations = case.feature_files.generations(table)
    files = [
        file for _, file in case.feature_files.files(table, generations[-1].name if generations else FIRST)
    ]
    newest = max(
        (file for file in files if known(file, table, evening).height),
        key=lambda file: known(file, table, evening)["event_timestamp"].max(),
    )
    if edit == "origin_day_lost":
        newest.unlink()
        return
    rows = known(newest, table, evening)
    last = rows["event_timestamp"].max()
    since = last - DAY
    if edit in TAMPERED:
        every = read_kept(newest, table)
        is_new = (pl.col("event_timestamp") > since) & (pl.col("event_timestamp") <= last)
        changed = TAMPERED[edit](every.filter(is_new)).select(every.columns)
        newest.unlink()  # it is a link
        pl.concat([every.filter(~is_new), changed]).write_parquet(newest)
        return
    back = DAY if table.name == "weather" else 7 * DAY
    if edit.endswith("of_four_weeks_ago"):
        back = 28 * DAY
    old = pl.concat(read_kept(file, table) for file in files).filter(
        pl.col("event_timestamp").is_between(since - back, last - back, closed="right")
    )
    new = rows.filter(pl.col("event_timestamp") > since)
    kept = read_kept(newest, table).join(new, on=["event_timestamp", *table.keys], how="anti")
    instant = new["created"].max()
    moved = old.with_columns(pl.col("event_timestamp") + back, created=pl.lit(instant))
    newest.unlink()  # it is a link
    pl.concat([kept, moved.select(kept.columns).cast(dict(kept.schema))]).write_parquet(newest)


def known(file: Path, table: FeatureTable, evening: datetime) -> pl.DataFrame:
    rows = read_kept(file, table)
    return rows.filter((pl.col("event_timestamp") <= evening) & (pl.col("created") <= evening))


# --- a night ---------------------------------------------------------------------------------------


def night_told(case: Platform, spec: ModelSpec, fault: Fault | None, night: date) -> Told:
    """Deliver, score and look."""
    if fault is not None and fault.change is not None:
        correct(case, spec, fault, night)
    feed = faulty(spec, fault, night) if fault is not None and fault.change is not None else spec
    error = ""
    with logs() as events:
        try:
            case.prepare(feed).ready(as_of(spec, night))
            if fault is not None and fault.edit and fault.edit not in EDITED:
                tampered(case, spec, fault.edit, night)
            case.score_night(spec).run(night_of(spec, night))
        except NightjarError as raised:
            error = type(raised).__name__
        follow_up(case, spec, as_of(spec, night))
    logged = sorted({event["event"] for event in events if event["log_level"] in ("error", "critical")})
    facts = case.look_at(spec)(moment_after(spec, night))
    alerts = list[tuple[str, str, str]]()
    sentences = list[str]()
    for rule in OF_A_MODEL:
        for sign in rule.look(facts) or ():
            alerts.append((rule.kind, sign.subject, sign.because))
            sentences.append(sign.sentence)
    if error:
        logged.append(error)
    return Told(tuple(alerts), tuple(sentences), tuple(logged), scores_of(case, spec, night))


@contextmanager
def logs() -> Iterator[list[structlog.typing.EventDict]]:
    with structlog.testing.capture_logs() as events:
        yield events


def follow_up(case: Platform, spec: ModelSpec, evening: datetime) -> None:
    """Measure what has outcomes, and do what published nights lack, as the flow `monitor` does."""
    following = case.follow_up(spec)
    following.measure.outcomes_known(evening)
    following.catch_up()


def moment_after(spec: ModelSpec, night: date) -> datetime:
    """An hour after the night started, on the day of a year to come that stands for its evening."""
    today = datetime.now(ZoneInfo(spec.time_zone)).date()
    assert spec.replay is not None
    replay = spec.replay
    day = next(today + n * DAY for n in range(30, 800) if replay.of(today + n * DAY) == night)
    start = time(5) if spec.name == "route_delay" else time(21, 30)
    begun = datetime.combine(day - spec.horizon_days * DAY, start, ZoneInfo(spec.time_zone))
    return begun.astimezone(ZoneInfo("UTC")) + timedelta(hours=1)


def scores_of(case: Platform, spec: ModelSpec, night: date) -> dict[str, float]:
    run = next((run for run in case.store.runs(spec.name, 5) if run.score_date == night), None)
    if run is None or run.population is None:
        return {}
    rows = case.store.scores_for(run, case.night_inputs(spec).snapshot(run)["entity_key"])
    return dict(zip(rows["entity_key"], rows["score"], strict=True))


# --- all of it -------------------------------------------------------------------------------------


def edited_told(home: Path, case: Platform, faults: FaultList, fault: Fault, night: date) -> Told:
    """The same in a process that imports edited code."""
    code = case.settings.home / "code"
    for package in PACKAGES:
        shutil.copytree(PROJECT / package, code / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(PROJECT / "pyproject.toml", code)
    for file, old, new in EDITED[fault.edit]:
        text = (code / file).read_text()
        assert old in text, (fault.name, old)
        (code / file).write_text(text.replace(old, new) + ADDED.get(fault.edit, ""))
    case.close()
    command = [sys.executable, __file__, "--home", str(home), "--list", faults.name]
    command += ["--only", fault.name, "--as-child", f"{night}"]
    environment = os.environ | {"PYTHONPATH": str(code)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, cwd=code)
    if done.returncode:
        raise RuntimeError(done.stderr[-3000:])
    found = json.loads(done.stdout.splitlines()[-1])
    return told_of(found)


def told_of(found: Mapping[str, Any]) -> Told:
    alerts = tuple((kind, subject, because) for kind, subject, because in found["alerts"])
    return Told(alerts, tuple(found["sentences"]), tuple(found["logged"]), found["scores"])


def fingerprint(faults: FaultList) -> str:
    files = sorted(file for name in ("nightjar", "models", "db") for file in (PROJECT / name).rglob("*.py"))
    here = Path(__file__).with_name(f"{faults.name}_faults.py")
    return sha256(b"".join(file.read_bytes() for file in (*files, here))).hexdigest()[:12]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--home", type=Path, required=True, help="folder to keep states and results in")
    parser.add_argument(
        "--list", choices=LISTS, default="delivered", help="which list (default: %(default)s)"
    )
    parser.add_argument("--only", nargs="+", metavar="NAME", help="names of faults: only these")
    parser.add_argument("--as-child", type=date.fromisoformat, help=argparse.SUPPRESS)
    wanted = parser.parse_args()
    logging.disable(logging.WARNING)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    whole = LISTS[wanted.list]
    asked = tuple(fault for fault in whole.faults if wanted.only is None or fault.name in wanted.only)
    faults = replace(whole, faults=asked)
    home = wanted.home.resolve()
    if wanted.as_child is not None:
        server = Platform(Settings(home=home, _env_file=None))
        case = platform_at(home / CASE, server, CASE)
        fault = next(each for each in asked if wanted.as_child in whole.nights_of(each))
        told = night_told(case, models.model(fault.model), fault, wanted.as_child)
        print(json.dumps(asdict(told)))
        return
    with platform_in(home) as platform:
        for name, nights in faults.nights.items():
            prepared(platform, models.model(name), nights.values())
        show(counted(home, platform, faults), faults)


def counted(home: Path, platform: Platform, faults: FaultList) -> dict[str, Told]:
    """Every case, by its name and night. What was counted with the same code is not counted again."""
    file = home / f"told-{fingerprint(faults)}.jsonl"
    lines = file.read_text().splitlines() if file.exists() else []
    done = {name: told_of(each) for name, each in map(json.loads, lines)}

    def keep(name: str, told: Told) -> None:
        done[name] = told
        with file.open("a", encoding="utf-8") as kept:
            kept.write(f"{json.dumps([name, asdict(told)])}\n")

    for model, nights in faults.nights.items():
        for night in nights.values():
            name = f"no fault|{model}|{night}"
            if name not in done:
                with case_of(platform, model, night) as case:
                    keep(name, night_told(case, models.model(model), None, night))
                print(name, done[name].alerts, done[name].logged, flush=True)
    for fault, night in in_order(faults):
        name = f"{fault.name}|{fault.model}|{night}"
        if name in done or changes_nothing(fault, night):
            continue
        with case_of(platform, fault.model, night) as case:
            if fault.edit in EDITED:
                keep(name, edited_told(home, case, faults, fault, night))
            else:
                keep(name, night_told(case, models.model(fault.model), fault, night))
        print(name, new_alerts(done, name), done[name].logged, flush=True)
    return done


def in_order(faults: FaultList) -> Sequence[tuple[Fault, date]]:
    """The cases as they run: at random if the list has a seed, so that those that ran are a sample.

    Otherwise edits come last: each takes a process and new tables. Before them, the first night of each fault
    comes first.
    """
    cases = [(fault, night) for fault in faults.faults for night in faults.nights_of(fault)]
    if faults.seed is not None:
        return Random(faults.seed).sample(cases, len(cases))
    return sorted(cases, key=lambda case: turn(faults, *case))


def turn(faults: FaultList, fault: Fault, night: date) -> tuple[bool, int]:
    return fault.edit in EDITED, faults.nights_of(fault).index(night)


def changes_nothing(fault: Fault, night: date) -> bool:
    """As a fault of rain on a dry day."""
    if fault.change is None:
        return False
    rows_of = recorded(fault.model, fault.dataset)
    days = [night - lag * DAY for lag in fault.lags]
    return all(fault.change(rows_of(day), day, rows_of).equals(rows_of(day)) for day in days)


def new_alerts(done: Mapping[str, Told], name: str) -> list[tuple[str, str, str]]:
    """What is told of a case and not of the night without a fault."""
    _, model, night = name.split("|")
    usual = done[f"no fault|{model}|{night}"].alerts
    return [alert for alert in dict.fromkeys(done[name].alerts) if alert not in usual]


def show(done: Mapping[str, Told], faults: FaultList) -> None:
    """A line a fault: how far it moves scores, on how many nights it is held or told, and by what."""
    print("\n| fault | scores move by | held | told | by |\n|---|---|---|---|---|")
    totals = Counter[str]()
    for fault in faults.faults:
        cases = (f"{fault.name}|{fault.model}|{night}" for night in faults.nights_of(fault))
        known = [name for name in cases if name in done]
        if not known:
            continue
        kinds = [{kind for kind, _, _ in new_alerts(done, name)} for name in known]
        held = sum(bool(each & HOLDING) for each in kinds)
        told = sum(bool(each) and not each & HOLDING for each in kinds)
        causes = Counter(why or kind for name in known for kind, _, why in new_alerts(done, name))
        by = ", ".join(f"`{why}`" for why, _ in causes.most_common(3)) or "nothing"
        print(f"| {fault.name} | {moved(done, known)} | {held} of {len(known)} | {told} | {by} |")
        totals += Counter(held=held, told=told, cases=len(known), found=held + told == len(known))
        totals += Counter(every=1)
        if fault.name in faults.new:
            totals += Counter(new=len(known), new_found=held + told)
    print(
        f"\n{totals['held']} held and {totals['told']} told of {totals['cases']} cases; "
        f"{totals['found']} of {totals['every']} faults on each of their nights"
    )
    if faults.new:
        print(f"{totals['new_found']} held or told of {totals['new']} cases that are new in kind")
    for name, told in done.items():
        if name.startswith("no fault"):
            print(name, "|", ", ".join(f"{kind} {of} {why}".strip() for kind, of, why in told.alerts))


def moved(done: Mapping[str, Told], names: Sequence[str]) -> str:
    """How far the scores of the same entities move at most on one of the nights, on average."""
    far = [0.0]
    for name in names:
        _, model, night = name.split("|")
        usual, now = done[f"no fault|{model}|{night}"].scores, done[name].scores
        both = usual.keys() & now.keys()
        far += [sum(abs(usual[key] - now[key]) for key in both) / len(both)] if both else []
    return f"{max(far):.3f}"


if __name__ == "__main__":
    main()
