"""Trials of searches as files: a folder for each search, a file for each trial."""

from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from nightjar.adapters.files.atomic import write_text
from nightjar.core.errors.settings import BadSettings
from nightjar.core.lifecycle.tuning import Trial


@dataclass(frozen=True, slots=True)
class TrialFiles:
    """Implements ports.Trials. Raises BadSettings for a file that holds no trial."""

    root: Path

    def add(self, name: str, trial: Trial) -> None:
        write_text(trial.model_dump_json(indent=1), self.root / name / f"{trial.number:06}.json")

    def of(self, name: str) -> tuple[Trial, ...]:
        return tuple(_read(file) for file in sorted((self.root / name).glob("*.json")))


def _read(file: Path) -> Trial:
    try:
        return Trial.model_validate_json(file.read_bytes())
    except ValidationError as error:
        raise BadSettings(f"{file} holds no trial of a search", "Remove it: it is made again.") from error
