"""The limits of the losses that a version is judged by, for every kind, with their defaults."""

from math import inf

from nightjar.core.kinds.limits import Limit

TOO_GOOD = "min_loss_over_rivals"
TOO_GOOD_AT_FIRST = "min_loss_over_baseline"
WORST_SLICE = "max_loss_in_slices"
WITHIN_NIGHTS = "max_loss_within_nights"
BY_LEVEL = "max_loss_by_level"
ALONE = "max_skill_alone"
IN_A_BIN = "min_loss_in_a_bin"
SHUFFLED = "min_loss_shuffled"
A_DAY_EARLIER = "min_loss_over_a_day_earlier"
INPUT_A_DAY_EARLIER = "min_loss_over_an_input_a_day_earlier"
SEED_SPREAD = "max_change_by_seed"
NOISE_CHANGE = "max_change_by_noise"
US_A_ROW = "max_us_a_row"
ARTIFACT_MB = "max_artifact_mb"

DEFAULTS = {
    "max_loss_over_constant": 1.0,
    "max_loss_over_baseline": 1.05,
    "max_loss_over_champion": 1.05,
    "max_loss_over_anchor": 1.05,
    WITHIN_NIGHTS: 1.025,
    BY_LEVEL: 1.005,
    TOO_GOOD: 0.8,
    TOO_GOOD_AT_FIRST: 0.6,
    WORST_SLICE: 1.01,
    ALONE: 0.5,
    IN_A_BIN: 0.02,
    SHUFFLED: 0.98,
    A_DAY_EARLIER: 0.9,
    INPUT_A_DAY_EARLIER: 0.98,
    SEED_SPREAD: 0.9,
    NOISE_CHANGE: 0.25,
    US_A_ROW: 1000.0,
    ARTIFACT_MB: 500.0,
}
LOSS_LIMITS = tuple(Limit(name=name, low=0, high=inf) for name in DEFAULTS)
"""Most are quotients: the loss of a version over that of another on the same rows. These have no unit."""
