"""The form in which a person decides about a version."""

import pytest
from prefect.exceptions import ParameterTypeError

from flows.promote import promote
from nightjar.usecases.lifecycle.by_hand import Decided

ANSWER = {"model": "flight_delay", "version": 1, "decision": "champion", "reason": "it is better"}


def test_the_form_offers_the_decisions_and_wants_a_reason():
    form = promote.parameters
    assert set(form.required) == {"model", "version", "decision", "reason"}
    assert form.definitions["Decided"]["enum"] == [*Decided]
    assert promote.validate_parameters(ANSWER) == ANSWER | {"share": None}


@pytest.mark.parametrize("wrong", [{"version": 0}, {"decision": "maybe"}, {"reason": "   "}])
def test_an_answer_that_decides_nothing_is_refused(wrong):
    with pytest.raises(ParameterTypeError):
        promote.validate_parameters(ANSWER | wrong)
