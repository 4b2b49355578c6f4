"""Where artifacts may lie, as Python reads it; tests/db/test_whole_nights.py asks Postgres."""

import re

import pytest

from nightjar.core.places import PLACE, STORES


@pytest.mark.parametrize(
    "place", ["/a", "/a b/ü", "file:///a", "file:///", *(f"{scheme}://bucket/x" for scheme in STORES)]
)
def test_a_folder_or_a_store_is_a_place(place):
    assert re.fullmatch(PLACE, place)


@pytest.mark.parametrize(
    "place",
    [
        "",
        "a",
        "javascript:x",
        "data:,x",
        "http://a/b",
        "file://host/a",
        "s3:///a",
        "S3://a",
        " /a",
        "/a\n",
        "/a\x1b[2J",
    ],
)
def test_what_a_browser_would_follow_or_a_terminal_obey_is_none(place):
    assert not re.fullmatch(PLACE, place)
