"""feature_store.yaml, read before Feast is."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from string import Template
from typing import Any

import yaml
from pydantic import ValidationError

from nightjar.core.errors.inputs import UnsafeFeatureStore
from nightjar.core.errors.settings import BadSettings

REMEDY = "Correct it there; `git diff` shows what was changed."


@dataclass(frozen=True, slots=True)
class FeatureStoreYaml:
    """The file in a folder. registry_url, feature_dir: what its two variables stand for."""

    folder: Path
    registry_url: str = field(repr=False)
    feature_dir: Path

    @property
    def file(self) -> Path:
        return self.folder / "feature_store.yaml"

    def read(self) -> dict[str, Any]:
        """What is written, with the variables filled in. Raises BadSettings, UnsafeFeatureStore."""
        if not self.file.exists():
            raise BadSettings(
                f"{self.file} does not exist", "Set NIGHTJAR_FEATURE_REPO to the folder that holds it."
            )
        text = Template(self.file.read_text(encoding="utf-8"))
        with readable(self.file):
            written = yaml.safe_load(
                text.safe_substitute(
                    NIGHTJAR_FEAST_REGISTRY=self.registry_url, NIGHTJAR_FEATURE_DIR=self.feature_dir
                )
            )
        _refuse_unsafe(written.get("offline_store"))
        return written


@contextmanager
def readable(file: Path) -> Iterator[None]:
    """What YAML, or a model of its content, finds wrong with the file, as BadSettings.

    Its values are not repeated: the registry's holds a password.
    """
    try:
        yield
    except yaml.MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise BadSettings(f"{file}{line}: {error.problem}", REMEDY) from None
    except ValidationError as error:
        faults = (
            f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}"
            for fault in error.errors(include_input=False, include_url=False)
        )
        raise BadSettings(f"{file}: {'; '.join(faults)}", REMEDY) from None


def _refuse_unsafe(offline_store: object) -> None:
    kind = str(offline_store.get("type")) if isinstance(offline_store, dict) else offline_store
    if (
        not isinstance(kind, str)
        or kind in {"file", "dask"}
        or kind.endswith((".FileOfflineStore", ".DaskOfflineStore"))
    ):
        raise UnsafeFeatureStore(kind if isinstance(kind, str) else "file (Feast's default)")
