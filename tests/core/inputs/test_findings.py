"""What is told of findings."""

from nightjar.core.inputs.findings import Finding, rate_told


def finding(name, rate):
    return Finding(name=name, sentence="odd", rate=rate)


def test_the_rate_of_ordinary_nights_is_told_of_the_checks_that_have_one():
    known = [finding("units", 0.01), finding("distribution", None), finding("frozen", 0.02)]
    assert rate_told(known) == "At most 2% of ordinary nights reach a limit of: units, frozen."


def test_of_checks_without_a_known_rate_nothing_is_told():
    assert rate_told([finding("incomplete", None)]) == ""
