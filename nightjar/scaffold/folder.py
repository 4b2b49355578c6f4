"""Writes the folder of a new model: the template beside this file, filled in for a kind and a calendar."""

import tomllib
from collections.abc import Mapping
from datetime import date, timedelta
from keyword import iskeyword
from pathlib import Path
from string import Template
from typing import Any

from nightjar.core.errors.settings import BadSettings
from nightjar.core.model.rules import NAME, NAMED
from nightjar.core.model.schedule import end_of_day, starts_before
from nightjar.scaffold.choices import Every, NewKind

HERE = Path(__file__).parent


def new_model(name: str, kind: NewKind, every: Every, models: Path, today: date) -> tuple[Path, ...]:
    """Write `models`/`name`, whole or not at all, and return its files.

    Raises BadSettings for a name that no model may have, or a folder or module that is there.
    """
    if NAME.fullmatch(name) is None:
        raise BadSettings(f"A model cannot be called {name!r}", f"A name {NAMED}.")
    if iskeyword(name):
        why = f"it is a keyword of Python, so no code can import from models.{name}"
        raise BadSettings(f"A model cannot be called {name!r}: {why}", "Choose another name.")
    if (module := models / f"{name}.py").exists():
        why = f"Python would import the folder in place of {module}"
        raise BadSettings(f"A model cannot be called {name!r}: {why}", "Choose another name.")
    folder, draft = models / name, models / f".{name}.draft"
    if folder.exists():
        raise BadSettings(f"{folder} is there already", "Choose another name, or remove the folder.")
    facts = {"name": name, **parts(kind, every, today)}
    draft.mkdir(parents=True)
    for template in sorted((HERE / "template").glob("*.txt")):
        text = Template(template.read_text(encoding="utf-8")).substitute(facts)
        (draft / template.stem).write_text(text, encoding="utf-8")
    draft.replace(folder)
    return tuple(sorted(folder.iterdir()))


def parts(kind: NewKind, every: Every, today: date) -> Mapping[str, Any]:
    """What models differ in: pieces of text and code by name. Those of a kind may use those of a calendar."""
    calendar = tomllib.loads((HERE / "every" / f"{every}.toml").read_text(encoding="utf-8"))
    of_kind = Template((HERE / "kinds" / f"{kind}.toml").read_text(encoding="utf-8"))
    return {
        **calendar,
        **tomllib.loads(of_kind.substitute(calendar)),
        "data_from": repr_of(sample_from(today - timedelta(days=calendar["history_days"]), calendar)),
    }


def sample_from(day: date, calendar: Mapping[str, Any]) -> date:
    """The first day of sample data: the last date up to `day` that is scored. No outcome begins before it."""
    horizon = timedelta(days=calendar["horizon_days"])
    return next(starts_before(calendar["cron"], end_of_day(day - horizon))).date() + horizon


def repr_of(day: date) -> str:
    return f"date({day.year}, {day.month}, {day.day})"
