"""How often the ordinary nights of a model that was just written are held or doubted.

    uv run python benchmarks/new_models.py    three models, a year each: 8 minutes
    uv run python benchmarks/new_models.py --every weekday week month
    uv run python benchmarks/new_models.py --days 60 --kinds binary

`nightjar new-model` writes models of 40 made-up shops, each day with its own seed, so nothing is ever wrong
with them. In a checkout and a home of its own each is trained on its first months or years, and scored from
then on by `nightjar backfill`. A model of so few rows shows what chance does to checks of shares.
Counted are nights that the audit held, nights that it doubted, nights with a column that drifted, and days of
outcomes that the guard held or doubted.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import psycopg

from nightjar.showing import console
from nightjar.wiring.settings import PROJECT

COPIED = ("nightjar", "db", "flows", "feature_repo", "models", "pyproject.toml", "prefect.yaml")


@dataclass(frozen=True)
class Span:
    """In days: how much data it is trained on, and how long it is scored then."""

    begins: date
    trained_on: int
    scored: int


EVERY = {
    "day": Span(date(2024, 1, 1), 152, 365),
    "weekday": Span(date(2024, 1, 1), 152, 365),
    "week": Span(date(2020, 1, 1), 730, 1_096),
    "month": Span(date(2012, 1, 1), 1_827, 2_191),
}
COUNTS = """
    SELECT (SELECT count(DISTINCT score_date) FROM analytics.runs WHERE model = %(model)s),
        (SELECT count(DISTINCT score_date) FROM analytics.findings WHERE model = %(model)s AND holds),
        (SELECT count(DISTINCT score_date) FROM analytics.findings WHERE model = %(model)s AND NOT holds),
        (SELECT count(DISTINCT score_date) FROM analytics.drift WHERE model = %(model)s AND drifted),
        (SELECT count(DISTINCT day) FROM analytics.outcome_checks
         WHERE model = %(model)s AND verdict = 'held'),
        (SELECT count(DISTINCT day) FROM analytics.outcome_checks
         WHERE model = %(model)s AND verdict = 'doubted')
"""
COLUMNS = ("model", "nights", "held", "doubted", "drifted", "outcomes held", "outcomes doubted")
WHY = """
    SELECT name, count(DISTINCT (model, score_date)) FROM analytics.findings GROUP BY name ORDER BY 2 DESC, 1
"""

WHY_OUTCOMES = """
    SELECT each ->> 'name', each ->> 'where', count(DISTINCT (model, day))
    FROM analytics.outcome_checks, jsonb_array_elements(findings) AS each GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2
"""


@dataclass(frozen=True)
class Checkout:
    """A copy of the project with a home of its own."""

    folder: Path
    home: Path

    def run(self, *words: str, must: bool = True) -> str:
        """Run a command of nightjar. must: a failure ends the benchmark."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith("NIGHTJAR_")}
        environment = clean | {"NIGHTJAR_HOME": str(self.home), "PYTHONPATH": str(self.folder)}
        program = Path(sys.executable).with_name("nightjar")
        done = subprocess.run(
            [program, *words], cwd=self.folder, env=environment, capture_output=True, text=True, check=False
        )
        if must and done.returncode:
            raise SystemExit(done.stdout + done.stderr)
        return done.stdout.strip()

    def write(self, model: "Model") -> None:
        self.run("new-model", model.name, "--kind", model.kind, "--every", model.every)
        spec, begins = self.folder / "models" / model.name / "spec.py", EVERY[model.every].begins
        since = f"data_from=date({begins.year}, {begins.month}, {begins.day})"
        spec.write_text(re.sub(r"data_from=date\([^)]*\)", since, spec.read_text()))

    def score(self, model: "Model", days: int | None) -> None:
        name, span = model.name, EVERY[model.every]
        first = span.begins + timedelta(days=span.trained_on)
        self.run("retrain", "--model", name, "--today", str(first - timedelta(days=1)))
        self.run("promote", "1", "--model", name, "--reason", "a benchmark", must=False)
        last = first + timedelta(days=(days or span.scored) - 1)
        self.run("backfill", "--model", name, "--from", str(first), "--to", str(last), must=False)


@dataclass(frozen=True)
class Model:
    kind: str
    every: str

    @property
    def name(self) -> str:
        return f"{self.kind}_each_{self.every}"


def main() -> None:
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=form)
    parser.add_argument("--every", nargs="+", choices=EVERY, default=["day"])
    parser.add_argument("--kinds", nargs="+", default=["binary", "regression", "multiclass"])
    parser.add_argument("--days", type=int, help="score so many only")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="nightjar-benchmark-"))
    folder.chmod(0o755)  # root runs Postgres as another account
    checkout = Checkout(folder / "checkout", folder / "home")
    for place in (checkout.folder, checkout.home):
        place.mkdir()
    for name in COPIED:
        copy = shutil.copytree if (PROJECT / name).is_dir() else shutil.copy
        copy(PROJECT / name, checkout.folder / name)
    models = [Model(kind, every) for every in options.every for kind in options.kinds]
    try:
        for model in models:
            checkout.write(model)
        checkout.run("db", "migrate")
        checkout.run("features", "apply")
        for model in models:
            checkout.score(model, options.days)
        with psycopg.connect(checkout.run("db", "url", "--role", "analyst")) as analyst:
            names = [model.name for model in models]
            rows = [(name, *analyst.execute(COUNTS, {"model": name}).fetchall()[0]) for name in names]
            why, of_outcomes = (analyst.execute(query).fetchall() for query in (WHY, WHY_OUTCOMES))
        console.out.print(console.table("ordinary nights of new models", COLUMNS, rows))
        console.out.print(console.table("what held or doubted them", ("check", "nights"), why))
        console.out.print(
            console.table("and the outcomes of days", ("check", "of what", "days"), of_outcomes)
        )
    finally:
        checkout.run("db", "stop", must=False)
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
