"""The desk as it is served: behind the login, read only."""

import asyncio
from base64 import b64encode
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import unquote

import pytest
from pydantic import SecretStr

from nightjar.core.desk.entities import Desk, ModelSeen, Nights, OfNight, OpenNow, Report
from nightjar.core.errors.database import StoreUnavailable
from nightjar.server import desk
from nightjar.server.desk import Pages, pages_of, with_desk
from nightjar.testing.desks import night_seen
from nightjar.testing.specs import toy_spec
from nightjar.wiring.folders import Found

LOGIN = "nightjar:secret"
RIGHT = b"Basic " + b64encode(LOGIN.encode())
DAY = date(2024, 1, 30)
NOON = datetime(2024, 1, 30, 12, tzinfo=UTC)
NIGHT = night_seen(DAY)


class Reader:
    def models(self):
        return [ModelSeen(model="toy", nights=1, newest=DAY, published_at=NOON, open_troubles=0)]

    def open_now(self):
        return OpenNow(troubles=[], watched=True, sent_at=NOON)

    def desk(self, model):
        nights = [NIGHT] if model == "toy" else []
        empty = ("measured", "expected", "drift", "set_aside", "stages", "scored", "roles", "troubles")
        empty += ("reports",)
        return Desk(model=model, nights=nights, sent_at=NOON, watched=True, **dict.fromkeys(empty, ()))

    def nights(self, model):
        return Nights(model=model, nights=[NIGHT] if model == "toy" else [], sent_at=NOON)

    def night(self, model, score_date):
        drawn = [Report(score_date=DAY, run_id=1, kind="drift", uri="report.html")] if model == "toy" else []
        return OfNight(reports=drawn)

    def entity(self, model, entity_key):
        assert entity_key == "UA 1&2"
        return []


def unreachable():
    raise StoreUnavailable("The score database", "it is gone")


async def behind(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"prefect"})


@pytest.fixture(autouse=True)
def report(tmp_path, monkeypatch):
    """The only report that there is."""
    (tmp_path / "report.html").write_text("<script>draw()</script>")
    monkeypatch.chdir(tmp_path)


def get(path, *, given=RIGHT, query=b"", method="GET", reader=Reader):
    sent = []

    async def send(message):
        sent.append(message)

    app = with_desk(SecretStr(LOGIN), Pages(reader=reader, specs=dict, file=Path), behind)
    headers = [] if given is None else [(b"authorization", given)]
    scope = {"type": "http", "method": method, "path": path, "query_string": query, "headers": headers}
    asyncio.run(app(scope, None, send))
    return sent[0]["status"], dict(sent[0]["headers"]), sent[1]["body"].decode()


@pytest.mark.parametrize("given", [None, b"Basic ", RIGHT + b"x", b"Bearer " + RIGHT, RIGHT.lower()])
def test_nobody_sees_it_without_the_login_of_the_server(given):
    status, headers, body = get("/desk/index.html", given=given)
    assert status == 401
    assert headers[b"www-authenticate"].startswith(b"Basic")
    assert "toy" not in body


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/desk/index.html", "toy"),
        ("/desk/toy/index.html", ">2024-01-30</a> is published."),
        ("/desk/toy/2024-01-30.html", "toy: 2024-01-30"),
        ("/desk/toy/2024-01-30-drift.html", "draw()"),
        ("/desk/runbook-pages/index.html", "There is one page for each failure"),
        ("/desk/runbook-pages/late-night.html", "Is it real?"),
    ],
)
def test_each_page_has_its_path(path, told):
    status, headers, body = get(path)
    assert (status, headers[b"content-type"]) == (200, b"text/html; charset=utf-8")
    assert told in body
    assert int(headers[b"content-length"]) == len(body.encode())


def test_the_scripts_of_a_report_are_kept_from_the_login_that_a_browser_holds():
    policy = b"content-security-policy"
    assert get("/desk/toy/2024-01-30-drift.html")[1][policy] == b"sandbox allow-scripts"
    assert policy not in get("/desk/toy/2024-01-30.html")[1]


@pytest.mark.parametrize(
    ("path", "led_to"),
    [
        ("/desk", "/desk/index.html"),
        ("/desk/", "/desk/index.html"),
        ("/desk/toy", "/desk/toy/index.html"),
        ("/desk/toy/", "/desk/toy/index.html"),
        ("/desk/a%0d%0ab", "/desk/a%0D%0Ab/index.html"),
    ],
)
def test_a_short_path_leads_to_the_first_page_below_it(path, led_to):
    status, headers, _ = get(unquote(path))
    assert (status, headers[b"location"].decode()) == (302, led_to)


@pytest.mark.parametrize(
    "path",
    [
        "/desk/nobody/index.html",
        "/desk/toy/2024-01-31.html",
        "/desk/toy/2024-13-99.html",
        "/desk/../etc/passwd",
        "/desk/toy/x/y",
        "/desk/toy/2024-01-30-card.html",
        "/desk/runbook-pages/nothing.html",
        "/desk/runbook-pages/../../README.md",
    ],
)
def test_a_page_that_is_not_there_is_named(path):
    status, _, body = get(path)
    assert (status, "<h1>Not found</h1>" in body) == (404, True)


def test_an_entity_is_asked_for_by_its_key():
    assert get("/desk/toy/entity", query=b"key=UA+1%262")[0] == 200


def test_what_is_no_page_of_the_desk_goes_to_prefect():
    assert get("/api/health")[2] == "prefect"
    assert get("/desktop")[2] == "prefect"


def test_the_desk_only_reads():
    assert get("/desk/index.html", method="POST")[0] == 405


def test_a_database_out_of_reach_is_told_in_words():
    status, _, body = get("/desk/index.html", reader=unreachable)
    assert status == 503
    assert "The score database" in body


def test_a_page_knows_the_folder_of_its_model_as_it_is_now(monkeypatch):
    """A model that was added or mended while the server runs is not gone."""
    specs = {}
    monkeypatch.setattr(
        desk, "ModelFolders", lambda: SimpleNamespace(now=lambda: Found(specs, {}, frozenset(specs)))
    )
    pages = pages_of(SimpleNamespace(desk_reader=Reader, artifacts=SimpleNamespace(get=Path)))
    assert "the folder of the model is gone, or cannot be used" in pages("toy/index.html", {}).html
    specs["toy"] = toy_spec(title="Toys that are sold out")
    html = pages("toy/index.html", {}).html
    assert "Toys that are sold out" in html
    assert "cannot be used" not in html


@pytest.mark.parametrize(
    ("path", "query"), [("/desk/toy/entity", b"key=a%00b"), ("/desk/toy%00/index.html", b"")]
)
def test_a_name_that_no_database_takes_names_no_page(path, query):
    status, _, body = get(path, query=query)
    assert status == 404
    assert "There is no page" in body
