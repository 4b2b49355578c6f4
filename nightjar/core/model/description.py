"""What is told of a version that was trained elsewhere."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any

from pydantic import Field

from nightjar.core.values import Sha256, Value
from nightjar.core.years import YEARS

Day = Annotated[date, Field(ge=date(YEARS.start, 1, 1), lt=date(YEARS.stop, 1, 1))]


class Description(Value):
    """Facts of a model file that the file itself may not hold. All of them are kept with the version.

    inputs: the model's input columns in its order; None: the file names them. categories: column -> its
    categories, each at the place by whose number the model knows it, counted from 0; only of columns that the
    model gets as numbers. texts: columns that a model of scikit-learn takes as text.
    classes: the outcomes that it tells apart, in the order of its probabilities.
    output: which of the outputs of an ONNX graph is the answer. sha256: of the file's bytes.
    trained_through: the last date whose outcomes it has seen. trained_by, trained_on, notes: for people.
    """

    algorithm: str | None = None
    inputs: tuple[str, ...] | None = None
    categories: Mapping[str, tuple[str | bool | int | float, ...]] = {}
    texts: tuple[str, ...] | None = None
    classes: tuple[str | int, ...] | None = None
    output: str | None = None
    sha256: Sha256 | None = None
    trained_through: Day | None = None
    trained_by: str | None = None
    trained_on: str | None = None
    notes: Mapping[str, Any] = {}

    def knowing(self, categories: Mapping[str, tuple[Any, ...]]) -> "Description":
        """The same with the categories that the file itself tells, where it says nothing of them."""
        return self.model_copy(update={"categories": {**categories, **self.categories}})


UNDESCRIBED = Description()
