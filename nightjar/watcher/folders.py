"""Which folders of models cannot be used, as they are now and not as they were when the watcher started."""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import structlog

import models

log = structlog.get_logger(__name__)

ASK = "import json, models; print(json.dumps({name: error.words for name, error in models.BROKEN.items()}))"
"""Python imports a module once. So another process is asked, which imports what the files say now."""
ANSWERS_WITHIN_S = 60.0

State = tuple[tuple[str, int, int], ...]
"""Each file with its size and the time of its last change."""


@dataclass
class ModelFolders:
    """Asks anew only after a file below the models has changed. The first answer is what was imported."""

    _state: State | None = None
    _broken: Mapping[str, str] | None = None

    def broken(self) -> Mapping[str, str]:
        """Model -> why its folder cannot be used. If nobody can say it now, what was known before."""
        if (now := state()) != self._state or self._broken is None:
            found = imported() if self._broken is None else asked()
            if found is not None:
                self._state, self._broken = now, found
        return self._broken or {}


def imported() -> Mapping[str, str]:
    return {name: error.words for name, error in models.BROKEN.items()}


def asked() -> Mapping[str, str] | None:
    try:
        done = subprocess.run(
            [sys.executable, "-c", ASK], capture_output=True, text=True, timeout=ANSWERS_WITHIN_S, check=True
        )
        return json.loads(done.stdout.splitlines()[-1])
    except (OSError, subprocess.SubprocessError, ValueError, IndexError) as error:
        log.warning("models_not_imported_anew", error=str(error))
        return None


def state() -> State:
    """Files that vanish meanwhile are left out: the next look sees that, too."""
    found: list[tuple[str, int, int]] = []
    for file in (file for place in models.__path__ for file in Path(place).rglob("*")):
        if file.suffix == ".pyc" or "__pycache__" in file.parts:
            continue
        try:
            known = file.stat()
        except OSError:
            continue
        if file.is_file():
            found.append((str(file), known.st_size, known.st_mtime_ns))
    return tuple(sorted(found))
