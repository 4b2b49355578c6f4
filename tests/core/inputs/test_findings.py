"""What is told of findings."""

from nightjar.core.inputs.findings import (
    Finding,
    foremost,
    most_telling_first,
    numbers_told,
    sentences,
)


def finding(name, rate):
    return Finding(name=name, sentence="odd", rate=rate)


def test_the_rate_of_ordinary_nights_is_told_of_the_checks_that_have_one():
    known = [finding("units", 0.01), finding("distribution", None), finding("frozen", 0.02)]
    assert numbers_told(known) == "At most 2% of ordinary nights reach a limit of units, frozen."


def test_the_numbers_are_told_by_the_names_of_their_checks():
    rows = Finding(name="volume", sentence="odd", number=478, expected=1970, limit=770.7, rate=0.05)
    told = "Numbers: volume 478, expected 1,970, limit 770.7."
    assert numbers_told([rows, finding("swapped", None)]) == (
        f"{told} At most 5% of ordinary nights reach a limit of volume."
    )


def test_a_finding_is_told_in_a_plain_line_and_a_line_of_numbers():
    found = Finding(name="volume", sentence="Half of the rows are missing\nRows: 99. Limit: 160")
    assert found.lines == "Half of the rows are missing (volume).\n  Rows: 99. Limit: 160."
    assert sentences([found]) == ("Half of the rows are missing. Rows: 99. Limit: 160",)
    assert found.because("a holiday").sentence == (
        "Half of the rows are missing: a holiday\nRows: 99. Limit: 160"
    )


def test_of_checks_without_a_known_rate_nothing_is_told():
    assert numbers_told([finding("incomplete", None)]) == ""


def test_what_no_state_of_the_world_explains_is_always_real():
    of = ("incomplete", "irreproducible", "misread", "misbuilt", "units", "volume")
    assert [name for name in of if finding(name, None).always_real] == [*of[:4]]


def test_what_is_about_more_rows_is_told_first_then_how_many_there_are_then_other_checks_by_strength():
    def found(name, number, **about):
        return Finding(name=name, sentence=name, number=number, expected=0, limit=1, **about)

    in_order = [
        Finding(name="incomplete", sentence="the run has no population"),
        found("volume", 2),
        found("level", 9, column="a"),
        found("precision", 4, column="a"),
        found("level", 3, column="b"),
        found("slice_volume", 7, slice="origin=JFK"),
        found("slice_missing", 1.5, slice="origin=LGA"),
        found("few", 1.2, slice="country=Trinidad and Tobago"),
        found("slice_volume", 6, slice="origin=EWR"),
        found("slice_volume", 8, slice="origin and carrier=JFK and UA"),
    ]
    assert most_telling_first(reversed(in_order)) == tuple(in_order)
    assert foremost(in_order) == tuple(in_order[:3])


def test_a_number_below_what_is_expected_is_as_strong_as_one_above():
    above, below = (
        Finding(name="volume", sentence="rows", number=number, expected=100, limit=limit)
        for number, limit in ((120, 110), (80, 90))
    )
    assert (above.strength, below.strength) == (2, 2)
    assert Finding(name="calendar", sentence="", number=1, expected=2, limit=2).strength == float("inf")


def test_a_carrier_that_is_missing_is_told_before_a_gauge_that_is_further_off():
    gauge = Finding(name="by_others", slice="origin=JFK", number=5, expected=1, limit=4, sentence="dew point")
    gone = Finding(name="slice_missing", slice="carrier=UA", number=0, expected=116, limit=1, sentence="UA")
    assert gauge.strength > gone.strength
    assert [each.name for each in most_telling_first([gauge, gone])] == ["slice_missing", "by_others"]
