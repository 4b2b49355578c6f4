"""All that is known of one row of a published night."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Literal

from pydantic import AwareDatetime

from nightjar.core.values import Value


class Added(Value):
    """An input of a row. contribution: what it added to the raw score; None if the learner cannot tell."""

    input: str
    value: str | None
    contribution: float | None
    words: str


class Shown(Value):
    """A publication of the night, and the score of the row in it; None if the row was not scored there."""

    published_at: AwareDatetime
    action: str
    reason: str | None
    run_id: int
    revision: int
    version: int
    score: float | None


class Neighbour(Value):
    """The same entity on another published night."""

    score_date: date
    entity_key: str
    score: float
    version: int


class Source(Value):
    """Raw rows of one day as they were recorded at an instant, and where they lie.

    rows: of these, those that belong to the row that is explained. keys: of the first of them.
    """

    dataset: str
    day: date
    recorded_at: AwareDatetime
    place: str
    rows: int
    of: int
    keys: tuple[Mapping[str, Any], ...]


class FeatureRow(Value):
    """The row of a feature table that the night read.

    event_timestamp, created: None if there was no row, so the features are missing. raw_day: the day that it
    was computed for; None if the code of today makes no such row any more. same: its features are what the
    code of today makes of the same raw rows.
    """

    table: str
    keys: Mapping[str, Any]
    event_timestamp: AwareDatetime | None = None
    created: AwareDatetime | None = None
    raw_day: date | None = None
    same: bool | None = None
    sources: tuple[Source, ...] = ()


class VersionTold(Value):
    """The version that served the row, and the rows that trained it."""

    number: int
    algorithm: str
    trained_from: date
    trained_through: date
    rows: int
    refit_of: int | None


class RowExplained(Value):
    """One row: what was published of it, why, and what it was made of.

    standing: a quarantined row has no score, but reasons why it broke the contract (`broken`).
    outputs: the other numbers that the version gives, by name. base_value + contributions = raw_score.
    unexplained: why there are no contributions. features_from: a FeatureService of another Feast, whose rows
    are not traced.
    """

    model: str
    score_date: date
    entity_key: str
    standing: Literal["scored", "quarantined"]
    run_id: int
    revision: int
    scored_by_run: int
    as_of: AwareDatetime
    known_at: AwareDatetime
    score: float | None
    outputs: Mapping[str, float]
    version: VersionTold
    base_value: float | None
    raw_score: float | None
    unexplained: str | None
    broken: tuple[Mapping[str, Any], ...]
    inputs: tuple[Added, ...]
    publications: tuple[Shown, ...]
    neighbours: tuple[Neighbour, ...]
    population: tuple[Source, ...]
    features: tuple[FeatureRow, ...]
    features_from: str | None
