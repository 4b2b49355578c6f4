"""How often the ordinary nights of a model that was just written are held or doubted.

    uv run python benchmarks/new_models.py    three models, a year each: 20 minutes
    uv run python benchmarks/new_models.py --nights 60 --kinds binary

`nightjar new-model` writes models of 40 made-up shops, each day with its own seed, so nothing is ever wrong
with them. In a checkout and a home of its own each is trained on its first five months, and scored from
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
BEGINS = date(2024, 1, 1)
TRAINED_ON = timedelta(days=152)
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

    def write(self, name: str, kind: str) -> None:
        """A model with data since BEGINS."""
        self.run("new-model", name, "--kind", kind)
        spec = self.folder / "models" / name / "spec.py"
        begins = f"data_from=date({BEGINS.year}, {BEGINS.month}, {BEGINS.day})"
        spec.write_text(re.sub(r"data_from=date\([^)]*\)", begins, spec.read_text()))

    def score(self, name: str, nights: int) -> None:
        first = BEGINS + TRAINED_ON
        self.run("retrain", "--model", name, "--today", str(first - timedelta(days=1)))
        self.run("promote", "1", "--model", name, "--reason", "a benchmark", must=False)
        last = first + timedelta(days=nights - 1)
        self.run("backfill", "--model", name, "--from", str(first), "--to", str(last), must=False)


def main() -> None:
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=form)
    parser.add_argument("--nights", type=int, default=365)
    parser.add_argument("--kinds", nargs="+", default=["binary", "regression", "multiclass"])
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="nightjar-benchmark-"))
    folder.chmod(0o755)  # root runs Postgres as another account
    checkout = Checkout(folder / "checkout", folder / "home")
    for place in (checkout.folder, checkout.home):
        place.mkdir()
    for name in COPIED:
        copy = shutil.copytree if (PROJECT / name).is_dir() else shutil.copy
        copy(PROJECT / name, checkout.folder / name)
    models = {f"new_{kind}": kind for kind in options.kinds}
    try:
        for name, kind in models.items():
            checkout.write(name, kind)
        checkout.run("db", "migrate")
        checkout.run("features", "apply")
        for name in models:
            checkout.score(name, options.nights)
        with psycopg.connect(checkout.run("db", "url", "--role", "analyst")) as analyst:
            rows = [(name, *analyst.execute(COUNTS, {"model": name}).fetchall()[0]) for name in models]
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
