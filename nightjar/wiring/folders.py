"""The models as their folders are now, and not as they were when a process started that runs for weeks."""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib import invalidate_caches
from pathlib import Path
from threading import Lock

import structlog

import models
from nightjar.core.errors.base import NightjarError
from nightjar.core.model.spec import ModelSpec
from nightjar.core.telling.facts import Fault, fault_of

log = structlog.get_logger(__name__)

ASK = """
import json, models
print(json.dumps({name: (error.words, error.because) for name, error in models.BROKEN.items()}))
"""
"""Code of a model may hang or end its process. So another process imports it before this one does."""
ANSWERS_WITHIN_S = 60.0

State = tuple[tuple[str, int, int], ...]
"""Each file with its size and the time of its last change."""


@dataclass(frozen=True, slots=True)
class Found:
    """specs: of the models that can be used. broken: model -> why its folder cannot be used.

    outdated: model -> why this process cannot import it as it is now, though another one can.
    """

    specs: Mapping[str, ModelSpec]
    broken: Mapping[str, Fault]
    names: frozenset[str]
    outdated: Mapping[str, Fault] = field(default_factory=dict[str, Fault])


@dataclass
class ModelFolders:
    """Imports anew only after a file below the models has changed. The first answer is what was imported.

    Threads may share one: they wait for the one that imports.
    """

    _state: State | None = None
    _found: Found | None = None
    _asking: Lock = field(default_factory=Lock, repr=False)

    def now(self) -> Found:
        """Return what is there now. If nobody can say it, what was known before."""
        with self._asking:
            if self._found is None:
                self._state, self._found = state(), imported()
            elif (now := state()) != self._state and (broken := asked()) is not None:
                self._state, self._found = now, imported_anew(broken)
            return self._found


def imported() -> Found:
    broken = {name: fault_of(error) for name, error in models.BROKEN.items()}
    return Found(models.MODELS, broken, frozenset(models.NAMES))


def imported_anew(broken: Mapping[str, Fault]) -> Found:
    """Import all models again. Whoever has a spec of before keeps it.

    broken: by a process that has just imported them. A model that only this process cannot import anew has no
    spec and is not broken: it is not looked at, and its incidents stay open.
    """
    for name in [name for name in sys.modules if name.startswith(f"{models.__name__}.")]:
        del sys.modules[name]
    invalidate_caches()
    specs, failed = models.find()
    outdated = {name: error for name, error in failed.items() if name not in broken}
    for name, error in outdated.items():
        log.error("model_not_imported_anew", model=name, reason=error.words)
    names = frozenset((*specs, *failed, *broken))
    usable = {name: spec for name, spec in specs.items() if name not in broken}
    log.info("models_imported_anew", models=sorted(usable), broken=sorted(broken))
    return Found(usable, broken, names, {name: _needs_restart(error) for name, error in outdated.items()})


def _needs_restart(error: NightjarError) -> Fault:
    """Without the runbook of the error: nothing is wrong with the model."""
    why = fault_of(error)
    told = f"The watcher was started before Nightjar was changed, and has to be started again: {why.told}"
    return replace(why, told=told, runbook="")


def asked() -> Mapping[str, Fault] | None:
    """Model -> why its folder cannot be used, by another process. None: it could not say."""
    ask = [sys.executable, "-P", "-c", ASK]  # -P: not the models of the folder in which this process runs
    try:
        done = subprocess.run(ask, capture_output=True, text=True, timeout=ANSWERS_WITHIN_S, check=True)
        broken: dict[str, tuple[str, str]] = json.loads(done.stdout.splitlines()[-1])
    except (OSError, subprocess.SubprocessError, ValueError, IndexError) as error:
        log.warning("models_not_imported_anew", error=str(error))
        return None
    return {name: Fault(told, because) for name, (told, because) in broken.items()}


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
