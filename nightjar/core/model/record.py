"""The record of a version: what it was made of, beside its parameters, so that it can be made again."""

from collections.abc import Mapping
from datetime import date

from pydantic import AwareDatetime, ConfigDict

from nightjar.core.model.search import Param
from nightjar.core.values import Sha256, Value


class Surroundings(Value):
    """What fits and scores, apart from data and parameters.

    code: file of the models' code -> the hash of its bytes: those of the model's folder, and what they import
    of other models. features: feature table -> its recipe. population, outcomes: their recipes; None in older
    records. libraries: name -> version, of Python and of what fits and scores. threads: pool -> how many
    threads it may use.
    """

    code: Mapping[str, Sha256] = {}
    features: Mapping[str, str] = {}
    population: str | None = None
    outcomes: str | None = None
    libraries: Mapping[str, str] = {}
    threads: Mapping[str, int] = {}


UNKNOWN = Surroundings()


class UsedRows(Value):
    """Rows that a version was made with: their number, and the score dates from the first to the last."""

    first: date
    last: date
    rows: int


class Record(Value):
    """What a version was made of. The dataset, the commit and the parameters are named by the version itself.

    dataset_sha256: of the content of the training snapshot. known_at: outcomes recorded by then are in it.
    windows: use -> the rows of the snapshot that it was fitted on, that chose, and that judged it.
    embargo_days: left out between these. params: those of the spec, which its learners read. limits: of the
    gates, by which it was judged at first. beside: role -> the number of the version that it was judged
    beside.
    Fields of later records are passed over.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    dataset_sha256: Sha256
    known_at: AwareDatetime
    windows: Mapping[str, UsedRows]
    embargo_days: int
    seed: int
    params: Mapping[str, Param] = {}
    limits: Mapping[str, float]
    beside: Mapping[str, int]
    surroundings: Surroundings


def differing(then: Mapping[str, str], now: Mapping[str, str]) -> tuple[str, ...]:
    """The libraries of a record whose version is another now, in words. One that is gone has no version."""
    return tuple(
        f"{name} was {version} and is {now.get(name, 'not installed')}"
        for name, version in sorted(then.items())
        if now.get(name) != version
    )
