"""Where the predictor of a new version comes from: it is fitted here, or it was trained elsewhere."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol

import polars as pl

from nightjar.core.errors.base import NightjarError
from nightjar.core.errors.model import SeenAlready, UnfitModel
from nightjar.core.errors.settings import BadSettings
from nightjar.core.lifecycle.evidence import LearnerLoss
from nightjar.core.lifecycle.training_set import TimeCut, cut_by_time, embargo
from nightjar.core.model.description import Description
from nightjar.core.model.spec import Fit, ModelSpec, Predictor
from nightjar.core.ports.learners import Predictors
from nightjar.usecases.lifecycle.choosing import Chosen, chosen
from nightjar.usecases.lifecycle.fitting import baseline_of, few, refitted, rehearse


@dataclass(frozen=True, slots=True)
class Learned:
    """A predictor and what it has seen.

    cut: the rows by what it has seen: it was not trained on `valid` and `test`. trained_through: the last
    date whose outcomes it has seen. record: kept among the parameters of the version. refit: fits its recipe
    on all rows; None: it scores as it is. among: the learners from which its learner was chosen.
    fit: what fitted it; None: that is not known here.
    """

    predictor: Predictor
    cut: TimeCut
    trained_through: date
    record: Mapping[str, Any] = field(default_factory=dict[str, Any])
    refit: Callable[[pl.DataFrame], Predictor] | None = None
    among: Sequence[LearnerLoss] = ()
    learner: str | None = None
    fit: Fit | None = None


class Origin(Protocol):
    def cut(self, rows: pl.DataFrame, known_at: datetime) -> TimeCut:
        """The rows to train, to choose and to test on.

        It is called before features are built, and again with features. Raises TooLittleHistory.
        rows: at least `score_date` and `outcome`.
        """
        ...

    def rehearse(self, cut: TimeCut) -> None:
        """Find out on few rows what does not fit. Called before anything is stored. Raises WrongLearner."""
        ...

    def learned(self, cut: TimeCut) -> Learned:
        """The predictor of the version."""
        ...


@dataclass(frozen=True, slots=True)
class Here:
    """One of the learners of the spec, fitted on the rows of the cut. Raises CodeFailed."""

    spec: ModelSpec

    def cut(self, rows: pl.DataFrame, known_at: datetime) -> TimeCut:
        return cut_by_time(rows, self.spec, known_at)

    def rehearse(self, cut: TimeCut) -> None:
        rehearse(self.spec, cut)

    def learned(self, cut: TimeCut) -> Learned:
        taken = chosen(self.spec, cut)
        return Learned(
            taken.predictor,
            cut,
            cut.trained_through,
            refit=self._refit(taken),
            among=taken.among,
            learner=taken.learner.name if taken.among else None,
            fit=taken.learner.fit,
        )

    def _refit(self, taken: Chosen) -> Callable[[pl.DataFrame], Predictor] | None:
        refit = taken.learner.refit
        return None if refit is None else partial(refitted, self.spec, refit, judged=taken.predictor)


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A predictor that was read from a file.

    trained_through: the last date whose outcomes it has seen. record: what was told of the file.
    """

    spec: ModelSpec
    file: Path
    predictor: Predictor
    trained_through: date
    record: Mapping[str, Any]

    def cut(self, rows: pl.DataFrame, known_at: datetime) -> TimeCut:
        """Raises SeenAlready if it may have seen outcomes of the test, or all that its interval needs."""
        cut = cut_by_time(rows, self.spec, known_at)
        calibrates = self.spec.kind.calibrate is not None
        seen = cut.test.height > self._unseen(cut.test).height
        if seen or (calibrates and self._unseen(cut.valid).is_empty()):
            raise SeenAlready(self.spec.name, self.trained_through, self._last_needed(calibrates=calibrates))
        return cut

    def rehearse(self, cut: TimeCut) -> None:
        """Raises UnfitModel, WrongLearner, ContractBroken. The baseline is fitted on few rows as well."""
        rehearse(self.spec, cut, [baseline_of(self.spec)])
        kind, rows = self.spec.kind, few(cut.test, self.spec.kind)
        try:
            answer = self.predictor.predict(rows)
        except (NightjarError, MemoryError, OSError):
            raise
        except Exception as error:  # libraries have their own errors
            problem = f"it does not score rows of {self.spec.name} ({type(error).__name__}: {error})"
            raise UnfitModel(self.file, problem, "Compare its inputs with the spec.") from error
        kind.published(f"Predictions of {self.file}", answer, ())

    def learned(self, cut: TimeCut) -> Learned:
        """Rows to choose by that it has seen count as rows that it was trained on."""
        unseen = self._unseen(cut.valid)
        train = pl.concat([cut.train, cut.valid.filter(~self._is_unseen())])
        seen = replace(cut, train=train, valid=unseen)
        return Learned(self.predictor, seen, self.trained_through, {"trained_elsewhere": self.record})

    def _unseen(self, rows: pl.DataFrame) -> pl.DataFrame:
        return rows.filter(self._is_unseen())

    def _is_unseen(self) -> pl.Expr:
        """Outcomes of later dates share no day with those that it has seen."""
        return pl.col("score_date") > self.trained_through + embargo(self.spec)

    def _last_needed(self, *, calibrates: bool) -> date:
        """The first date whose outcomes must be known, so that enough dates are unseen."""
        days = self.spec.split.test_days
        choice = timedelta(days=1) + embargo(self.spec) if calibrates else timedelta()
        return self.trained_through + embargo(self.spec) + choice + timedelta(days=days)


def read_elsewhere(spec: ModelSpec, file: Path, told: Description, predictors: Predictors) -> Elsewhere:
    """A model file with its description. Nothing is stored.

    Raises UnfitModel for a file that does not fit the spec or its description; BadSettings for one that is
    not there, and if it is not told through which date the model was trained; ExtraMissing,
    SystemLibraryMissing.
    """
    try:
        digest = sha256(file.read_bytes()).hexdigest()
    except OSError as error:
        raise BadSettings(f"{file} cannot be read: {error.strerror}", "Name the file of a model.") from error
    if told.sha256 not in (digest, None):
        problem = f"its SHA-256 is {digest}, and the description says {told.sha256}"
        raise UnfitModel(file, problem, "It was changed: take the file that was described.")
    if told.trained_through is None:
        problem = f"It is not told through which date {file} was trained"
        raise BadSettings(
            problem, "Name the last date whose outcomes it has seen, by option or in the description."
        )
    predictor = predictors.read(spec, file, told)
    found = {"file": file.name, "sha256": digest, "algorithm": predictor.algorithm}
    record = told.model_dump(mode="json", exclude_defaults=True) | found
    return Elsewhere(spec, file, predictor, told.trained_through, record)
