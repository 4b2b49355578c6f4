"""Several learners as one: the mean of what they give, on the scale on which learners add up.

Of a kind with probabilities that is the mean of their logs, scaled so that each row adds up to 1. Of a binary
model it is the mean of the log odds. Of a regression it is the mean of the scores. Learners that err in
different ways are better together, and a mean of log odds is less sure of itself than the surest of them.
"""

import json
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from nightjar.adapters.learners.single import SINGLE, Single
from nightjar.core.explaining.contributions import LEAST, Unexplained, contributions_of
from nightjar.core.kinds.kind import Kind
from nightjar.core.model.description import UNDESCRIBED, Description

EPOCH = (1980, 1, 1, 0, 0, 0)
NAMES = "members.json"


@dataclass(frozen=True, slots=True)
class BlendPredictor:
    """Implements spec.Predictor. members: at least one, each fitted for `kind`."""

    members: tuple[Single, ...]
    kind: Kind
    algorithm: str = "blend"

    @property
    def categorical(self) -> tuple[str, ...]:
        return self._columns("categorical")

    @property
    def numeric(self) -> tuple[str, ...]:
        return self._columns("numeric")

    def _columns(self, role: str) -> tuple[str, ...]:
        of_each = (getattr(getattr(member, "columns", member), role) for member in self.members)
        return tuple(dict.fromkeys(name for names in of_each for name in names))

    def predict(self, frame: pl.DataFrame) -> pl.Series:
        given = [member.predict(frame) for member in self.members]
        return mean_of(self.kind, [answer.to_numpy() for answer in given])

    def contributions(self, frame: pl.DataFrame, sample: pl.DataFrame) -> pl.DataFrame:
        """Implements contributions.Explains: the mean of what the members say."""
        if self.kind.classes:
            raise Unexplained(self.algorithm, "its members may each take another class for the likeliest")
        told = [contributions_of(member, frame, sample) for member in self.members]
        names = dict.fromkeys(name for each in told for name in each.columns)
        return pl.DataFrame({name: _mean_column(told, name) for name in names})

    def params(self) -> Mapping[str, Any]:
        return {"members": [{"algorithm": member.algorithm, **member.params()} for member in self.members]}

    def save(self, path: Path) -> None:
        """An archive of the members' own files, without a time of day."""
        with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(path, "w") as archive:
            names = json.dumps([member.algorithm for member in self.members])
            archive.writestr(zipfile.ZipInfo(NAMES, EPOCH), names)
            for place, member in enumerate(self.members):
                member.save(file := Path(folder) / str(place))
                archive.writestr(zipfile.ZipInfo(str(place), EPOCH), file.read_bytes())

    @classmethod
    def load(cls, path: Path, kind: Kind, told: Description = UNDESCRIBED) -> "BlendPredictor":
        """Raises UnfitModel, and errors of the members' libraries for bytes that are no model of theirs."""
        with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(path) as archive:
            return cls(tuple(_members(archive, Path(folder), kind, told)), kind)


def _members(archive: zipfile.ZipFile, folder: Path, kind: Kind, told: Description) -> Iterator[Single]:
    for place, algorithm in enumerate(json.loads(archive.read(NAMES))):
        (file := folder / str(place)).write_bytes(archive.read(str(place)))
        yield SINGLE[algorithm].load(file, kind, told)


def mean_of(kind: Kind, given: list[np.ndarray]) -> pl.Series:
    """The answer of a blend. given: the answers of its members, rows or rows x classes."""
    if not kind.probabilities:
        return pl.Series("score", _mean(given), dtype=kind.dtype)
    if not kind.classes:
        odds = _mean([_log(one) - _log(1 - one) for one in given])
        return pl.Series("score", 1 / (1 + np.exp(-odds)), dtype=kind.dtype)
    logs = _mean([_log(one) for one in given])
    together = np.exp(logs - logs.max(axis=1, keepdims=True))
    return pl.Series("score", together / together.sum(axis=1, keepdims=True), dtype=kind.dtype)


def _log(probability: np.ndarray) -> np.ndarray:
    return np.log(np.clip(probability, LEAST, None))


def _mean(given: list[np.ndarray]) -> np.ndarray:
    """One after the other, so that a row gets the same bits in every batch."""
    return reduce(np.add, given) / len(given)


def _mean_column(told: list[pl.DataFrame], name: str) -> np.ndarray:
    """An input that a member does not read adds nothing to what it gives."""
    columns = [each[name].to_numpy() if name in each.columns else np.zeros(each.height) for each in told]
    return _mean(columns)
