"""The demo runs the whole platform once, on real flights, from raw files to scores and a drift report."""

import time
from datetime import date, timedelta
from itertools import islice

from nightjar.core.model.occasions import occasions_from
from nightjar.core.model.spec import ModelSpec
from nightjar.core.night.clock import as_of, evening_by_now
from nightjar.core.night.entities import NightSummary
from nightjar.core.night.plan import Planned
from nightjar.core.night.windows import no_population
from nightjar.core.plurals import counted
from nightjar.showing import console
from nightjar.wiring.platform import Platform


def run(platform: Platform, spec: ModelSpec, today: date, nights: int) -> None:
    """Migrate, land, train, score `nights` nights from `today` on, measure them, and draw the last report."""
    started = time.monotonic()
    dates = tuple(islice(occasions_from(spec, today), nights))
    last = dates[-1]
    # Before there is a database, which alone knows whether data were lost.
    if missing := platform.prepare(spec).from_nothing().undelivered(dates):
        raise no_population(spec, missing[0], as_of(spec, missing[0]))
    step("1 Postgres: schema, roles and views")
    platform.migrate()
    step("2 Feast: register the feature views")
    platform.apply_features()
    step(f"3 Data: land what was delivered up to {last}")
    known_later = evening_by_now(spec, last + timedelta(days=spec.maturity_days))
    platform.prepare(spec).land(known_later, console.bar)
    known = today - timedelta(days=spec.horizon_days)
    step(f"4 Train: on all that was known on {known}")
    train(platform, spec, known)
    step(f"5 Score: {counted(nights, 'night')} from {today}")
    platform.prepare(spec).ready(known_later, console.bar)
    summary = platform.backfill(spec).run([Planned(score_date=day) for day in dates], console.bar)
    summary.raise_failure()
    console.show_nights(spec.title, summary.nights)
    step("6 Measure: what really happened")
    watcher = platform.measure_nights(spec)
    console.show_performance(spec, watcher.outcomes_known(known_later))
    step("7 Report: drift of the last night")
    report(platform, spec, summary.nights[-1])
    ending = (
        "everything was published already; nothing changed"
        if not summary.published_now
        else f"{counted(len(summary.published_now), 'night')} published"
    )
    console.out.print(console.headed(f"\n{ending}", "bold", f"({time.monotonic() - started:.0f} s)"))
    console.show_where(platform)
    console.out.print("Postgres keeps running; stop it with: uv run nightjar db stop")


def step(what: str) -> None:
    console.out.print(what, style="bold")


def train(platform: Platform, spec: ModelSpec, known: date) -> None:
    champion = platform.registry.holder(spec.name, "champion")
    if champion is not None:
        console.out.print(
            f"  version {champion.number} is champion already; "
            f"`nightjar retrain --model {spec.name}` trains another"
        )
        return
    console.show_training(platform.retrain(spec, known, progress=console.bar))


def report(platform: Platform, spec: ModelSpec, night: NightSummary) -> None:
    from nightjar.showing.reports import keep_reports

    run = platform.store.run(night.run_id)
    drawn = platform.drift_ledger.reports(run, "drift")
    uri = drawn[-1] if drawn else keep_reports(platform, spec, run)[0]
    console.out.print(f"  {platform.artifacts.local_path(uri) or uri}")
