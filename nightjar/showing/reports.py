"""Draws the reports of a published night: its drift, and the card of the version that scored it."""

import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

from nightjar.core.model.spec import ModelSpec
from nightjar.core.monitoring.entities import ColumnDrift
from nightjar.core.night.entities import Run
from nightjar.showing.card import card_html
from nightjar.wiring.platform import Platform
from nightjar.wiring.settings import PROJECT

LIMITS = re.compile(r"^## Limits\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
FIGURES = re.compile(r"<!--.*?-->|```.*?```", re.DOTALL)


def keep_reports(platform: Platform, spec: ModelSpec, run: Run) -> tuple[str, Sequence[ColumnDrift]]:
    """Draw and keep both. Return the uri of the drift page, and the drift of each column."""
    uri, columns = platform.watch_night(spec).report(run)
    keep_card(platform, spec, run)
    return uri, columns


def keep_card(platform: Platform, spec: ModelSpec, run: Run) -> None:
    version = platform.registry.version_by_id(run.version_id)
    html = card_html(platform.facts_of(spec)(version.number), limits_of(spec))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "card.html"
        file.write_text(html, encoding="utf-8")
        uri, _ = platform.artifacts.put("report", file)
    platform.drift_ledger.record_report(run, "card", uri)


def limits_of(spec: ModelSpec) -> str:
    """The section Limits of a model's page, without its figures. Empty if there is none."""
    page = PROJECT / "models" / spec.name / "card.md"
    found = LIMITS.search(page.read_text(encoding="utf-8")) if page.is_file() else None
    return "" if found is None else " ".join(FIGURES.sub(" ", found[1]).split())
