"""What a person does next about a version that its gates did not let pass."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nightjar.core.model.entities import Version

RUNBOOK = "runbooks/gate-failed.md"
FIRST_LOOK = {
    "max_loss_by_level": "whether the rate of outcomes moved since it was fitted, or its scores were scaled",
    "max_loss_within_nights": "which inputs it lacks or has lost, beside the champion's",
    "max_loss_in_slices": "the rows of the slices that are named: their inputs, and how many train it",
    "max_skill_alone": "when the input that is named is known, and whether it is filled in afterwards",
    "min_loss_in_a_bin": "when the input that is named is known, and whether it is filled in afterwards",
    "min_loss_over_an_input_a_day_earlier": "when the input that is named is known, by its recorded time",
    "min_loss_over_a_day_earlier": "when each feature is known, by its recorded time",
    "min_loss_over_rivals": "which input is new, and when it is known",
    "min_loss_over_baseline": "which input knows the outcome",
    "min_loss_shuffled": "where the learner has outcomes from, other than those that it is given",
    "max_skewed_rows": "what differs between the features of training and of a night",
}
"""Gate -> what to look at first."""


def next_step(version: "Version") -> str | None:
    """One sentence or two, with the command. None if all gates passed, or none was judged."""
    from nightjar.core.kinds.gates import Verdict

    stopped = [gate for gate in version.gates if not gate.passed]
    if not stopped:
        return None
    found = {gate.verdict for gate in stopped}
    looks = list(dict.fromkeys(FIRST_LOOK[gate.name] for gate in stopped if gate.name in FIRST_LOOK))
    promote = f"nightjar promote {version.number} --model {version.model}"
    if Verdict.FAILED in found:
        what = f"It is not to score. `{promote} --despite-gates --reason REASON` overrules the gates"
    elif Verdict.ASKS in found:
        what = f"If it is right, `{promote} --reason REASON`"
    else:
        what = (
            "The next retraining brings a newer version with newer nights. If you know more than the nights, "
            f"`{promote} --reason REASON`"
        )
    look = f" Look first at {'; '.join(looks)}." if looks else ""
    return f"The champion stays, if there is one.{look} {what} ({RUNBOOK})."
