"""Which requests a server takes, by the names in Host and Origin."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightjar.core.platform.hosts import LOOPBACK, Site, refusal, site

UI = Site("ui.example.org")
BESIDE = Site("10.0.0.5", 8080)
SERVED = (UI, BESIDE)
OWN = "127.0.0.1:4200"

labels = st.from_regex(r"[a-z][a-z0-9]{0,8}", fullmatch=True)
foreign = st.tuples(labels, labels).map(lambda pair: f"{pair[0]}.{pair[1]}.test")


def asked(host=OWN, origin=None, **more):
    return [
        ("host", host),
        *([("origin", origin)] if origin is not None else []),
        *((name.replace("_", "-"), more[name]) for name in more),
    ]


@pytest.mark.parametrize(
    "host",
    [
        OWN,
        "127.0.0.1",
        "localhost:4200",
        "LocalHost",
        "localhost.",
        "localhost.:4200",
        "[::1]:4200",
        "[::1]",
        "UI.example.org",
        "ui.example.org:443",
    ],
)
def test_a_name_of_the_server_is_taken_however_it_is_written(host):
    assert refusal(asked(host), SERVED) is None


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:4200",
        "EVIL.example.",
        "127.0.0.1.evil.example",
        "evil.example#127.0.0.1",
        "127.0.0.1@evil.example",
        "localhost.evil.example",
        "evil-localhost",
        "example.org",
        "x.ui.example.org",
        "0.0.0.0:4200",
        "127.1",
        "2130706433",
        "0x7f.0.0.1",
        "[::2]",
        "[::1",
        "::1",
        "[::ffff:127.0.0.1]",
        "127.0.0.1:",
        "127.0.0.1:4200:1",
        "127.0.0.1:99999",
        "127.0.0.1, evil.example",
        "127.0.0.1 ",
        "127.0.0.1\tevil",
        "localhost..",
        "loca\u212ahost",
        "",
        "*",
    ],
)
def test_a_foreign_or_broken_name_is_refused(host):
    assert refusal(asked(host), SERVED)
    assert refusal(asked(host, f"http://{host}"), SERVED), (
        "also when the page has the same name: DNS rebinding"
    )


@given(foreign, st.none() | st.integers(1, 65535))
def test_no_name_is_taken_that_is_not_listed(name, port):
    assert refusal(asked(str(Site(name, port))), SERVED)
    assert refusal(asked(str(Site(name, port))), (*SERVED, Site(name))) is None


def test_a_request_names_its_host_exactly_once():
    assert refusal([], SERVED)
    assert refusal([("host", OWN), ("host", OWN)], SERVED)
    assert refusal([("host", OWN), ("host", "evil.example")], SERVED)


def test_what_a_proxy_was_called_counts_too_and_excuses_nothing():
    assert refusal(asked(x_forwarded_host="evil.example"), SERVED)
    assert refusal(asked(x_forwarded_host="ui.example.org, evil.example"), SERVED)
    assert refusal(asked("evil.example", x_forwarded_host=OWN), SERVED)
    assert refusal(asked(x_forwarded_host="ui.example.org"), SERVED) is None


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        (OWN, f"http://{OWN}"),
        ("localhost:8080", "http://localhost:8080"),  # a forwarded port
        ("LOCALHOST:4200", "http://localhost:4200"),
        (OWN, "https://ui.example.org"),  # a proxy that writes another Host
        ("ui.example.org", "https://ui.example.org"),
        ("ui.example.org", "https://ui.example.org:443"),
        ("ui.example.org:8443", "https://ui.example.org:8443"),
        (OWN, "http://10.0.0.5:8080"),
    ],
)
def test_pages_of_the_server_may_ask(host, origin):
    assert refusal(asked(host, origin), SERVED) is None


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "null",
        "",
        "file://",
        "http://localhost:3000",
        "http://localhost:4200",  # another site than 127.0.0.1, to a browser
        "http://127.0.0.1",
        "http://127.0.0.1:4201",
        f"http://{OWN}.evil.example",
        f"http://evil.example#{OWN}",
        f"http://evil.example\\{OWN}",
        f"http://user@{OWN}",
        f"http://{OWN}/",
        f"ftp://{OWN}",
        f"chrome-extension://{OWN}",
        "https://ui.example.org:8443",
        "https://x.ui.example.org",
        "http://10.0.0.5",
        f"http://{OWN} https://evil.example",
    ],
)
def test_pages_of_other_sites_may_not(origin):
    assert refusal(asked(OWN, origin), SERVED)


def test_two_origins_are_none():
    assert refusal([("host", OWN), ("origin", f"http://{OWN}"), ("origin", "https://evil.example")], SERVED)


@given(st.text(max_size=30))
def test_what_is_read_as_a_site_is_read_the_same_again(text):
    found = site(text)
    assert found is None or site(str(found)) == found


@given(st.text(max_size=30), st.text(max_size=30))
def test_any_header_is_judged(host, origin):
    taken = refusal(asked(host, origin), ()) is None
    assert not taken or site(host).name in LOOPBACK
