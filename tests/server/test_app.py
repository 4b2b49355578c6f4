"""The look at each request before Prefect's server sees it."""

import asyncio
from base64 import b64encode

import pytest

from nightjar.core.platform.hosts import Site
from nightjar.server.app import only_for

OWN = (b"Host", b"127.0.0.1:4200")
FOREIGN = [(b"Host", b"evil.example")], [OWN, (b"Origin", b"https://evil.example")]


async def behind(scope, receive, send):
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
    elif scope["type"] == "http":
        await send(
            {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]}
        )
        await send({"type": "http.response.body", "body": b"seen"})


def sent(kind, headers, path="/api/flows/filter"):
    """What is sent back for a request."""
    messages = []

    async def send(message):
        messages.append(message)

    scope = {"type": kind, "path": path, "headers": [(name, value) for name, value in headers]}
    asyncio.run(only_for([Site("ui.example.org")], behind)(scope, None, send))
    return messages


def test_a_request_by_the_servers_own_name_goes_through_and_its_page_stays_in_no_frame():
    start, body = sent("http", [OWN])
    headers = dict(start["headers"])
    assert (start["status"], body["body"], headers[b"content-type"]) == (200, b"seen", b"text/plain")
    assert b"frame-ancestors 'none'" in headers[b"content-security-policy"]
    assert b"connect-src 'self'" in headers[b"content-security-policy"]


@pytest.mark.parametrize("headers", FOREIGN)
def test_a_foreign_request_is_refused_before_prefect_sees_it(headers):
    start, body = sent("http", headers)
    assert start["status"] == 403
    assert b"NIGHTJAR_PREFECT_HOSTS" in body["body"]
    assert b"evil" not in body["body"]
    assert not [name for name, _ in start["headers"] if name.startswith(b"access-control")]


@pytest.mark.parametrize("headers", FOREIGN)
def test_a_foreign_websocket_is_never_accepted(headers):
    assert [message["type"] for message in sent("websocket", headers)] == ["websocket.close"]
    assert [message["type"] for message in sent("websocket", [OWN])] == ["websocket.accept"]


@pytest.mark.parametrize("path", ["/docs", "/docs/oauth2-redirect", "/redoc", "/openapi.json"])
def test_pages_with_scripts_of_other_hosts_are_not_shown(path):
    assert sent("http", [OWN], path)[0]["status"] == 404


@pytest.mark.parametrize(("login", "status"), [("user:pässword", 401), ("user:password", 200)])
def test_a_login_that_prefect_cannot_compare_is_a_refusal_and_no_error(login, status):
    assert (
        sent("http", [OWN, (b"Authorization", b"Basic " + b64encode(login.encode()))])[0]["status"] == status
    )


def test_a_login_that_is_none_is_left_to_prefect_to_refuse():
    assert sent("http", [OWN, (b"Authorization", b"Basic !")])[0]["status"] == 200


def test_the_servers_own_start_and_end_are_none_of_its_business():
    assert sent("lifespan", []) == []
