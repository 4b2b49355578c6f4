"""Writes the folder of a new model: the template beside this file, filled with what the kind needs."""

import tomllib
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from string import Template

from nightjar.core.errors.settings import BadSettings
from nightjar.core.model.rules import NAME, NAMED
from nightjar.scaffold.choices import NewKind

HERE = Path(__file__).parent
HISTORY = timedelta(days=120)
"""How far the sample data goes back: enough to train on."""


def new_model(name: str, kind: NewKind, models: Path, today: date) -> tuple[Path, ...]:
    """Write `models`/`name`, whole or not at all, and return its files.

    Raises BadSettings for a name that no model may have, or a folder that is there.
    """
    if NAME.fullmatch(name) is None:
        raise BadSettings(f"A model cannot be called {name!r}", f"A name {NAMED}.")
    folder, draft = models / name, models / f".{name}.draft"
    if folder.exists():
        raise BadSettings(f"{folder} is there already", "Choose another name, or remove the folder.")
    facts = {"name": name, "data_from": repr_of(today - HISTORY), "when": "tomorrow", **parts(kind)}
    draft.mkdir(parents=True)
    for template in sorted((HERE / "template").glob("*.txt")):
        text = Template(template.read_text(encoding="utf-8")).substitute(facts)
        (draft / template.stem).write_text(text, encoding="utf-8")
    draft.replace(folder)
    return tuple(sorted(folder.iterdir()))


def parts(kind: NewKind) -> Mapping[str, str]:
    """What the template of a kind differs in: pieces of text and code by name."""
    return tomllib.loads((HERE / "kinds" / f"{kind}.toml").read_text(encoding="utf-8"))


def repr_of(day: date) -> str:
    return f"date({day.year}, {day.month}, {day.day})"
