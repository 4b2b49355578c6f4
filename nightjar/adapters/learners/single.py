"""The learners of one library each, by the algorithm under which their files are stored."""

from collections.abc import Mapping

from nightjar.adapters.learners.catboost import CatBoostPredictor
from nightjar.adapters.learners.lightgbm import LightGBMPredictor
from nightjar.adapters.learners.logistic import LogisticPredictor
from nightjar.adapters.learners.onnx import OnnxPredictor
from nightjar.adapters.learners.sklearn import SklearnPredictor
from nightjar.adapters.learners.xgboost import XGBoostPredictor

Single = (
    CatBoostPredictor
    | LightGBMPredictor
    | LogisticPredictor
    | OnnxPredictor
    | SklearnPredictor
    | XGBoostPredictor
)

SINGLE: Mapping[str, type[Single]] = {
    "catboost": CatBoostPredictor,
    "lightgbm": LightGBMPredictor,
    "logistic": LogisticPredictor,
    "onnx": OnnxPredictor,
    "sklearn": SklearnPredictor,
    "xgboost": XGBoostPredictor,
}
