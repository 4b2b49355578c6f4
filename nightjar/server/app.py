"""Prefect's server behind a check of each request's `Host` and `Origin`, which Prefect does not check.

It refuses a request that calls it by a foreign name, and a request from a page of another site. Its own
pages appear in no frame and connect to no other server. The reason: a browser keeps the login where the
scripts of these pages can read it.
"""

import json
from base64 import b64decode
from collections.abc import Callable, Collection, Coroutine, MutableMapping
from http import HTTPStatus
from typing import Any

from nightjar.core.platform.hosts import Site, refusal

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Coroutine[Any, Any, Message]]
Send = Callable[[Message], Coroutine[Any, Any, None]]
Asgi = Callable[[Scope, Receive, Send], Coroutine[Any, Any, None]]

DOCUMENTATION = ("/docs", "/redoc", "/openapi.json")
"""Pages that load scripts of another host into the site where a browser keeps the login."""

POLICY = {
    "script-src": "'self' 'unsafe-inline' 'unsafe-eval'",  # Prefect's pages need both
    "worker-src": "'self' blob:",
    "connect-src": "'self'",  # a page sends data, such as the login, to this server only
    "object-src": "'none'",
    "base-uri": "'self'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}
ADDED = (
    (b"content-security-policy", "; ".join(f"{what} {whence}" for what, whence in POLICY.items()).encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
)


def guarded(served: Collection[Site], beside: Callable[[Asgi], Asgi]) -> Asgi:
    """Return Prefect's app, API and UI, for requests that use a name in `served` or one of this machine.

    beside: puts our own pages beside it.
    """
    from prefect.server.api.server import create_app  # noqa: PLC0415  # it reads settings when imported

    return only_for(served, beside(create_app(final=True)))


def only_for(served: Collection[Site], app: Asgi) -> Asgi:
    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await app(scope, receive, send)
        elif why := refusal(headers := read(scope), served):
            await refuse(scope, send, HTTPStatus.FORBIDDEN, why)
        elif not all(readable(value) for name, value in headers if name == "authorization"):
            await refuse(scope, send, HTTPStatus.UNAUTHORIZED, "Unauthorized")
        elif scope["path"].startswith(DOCUMENTATION):
            await refuse(scope, send, HTTPStatus.NOT_FOUND, "This server shows no documentation of its API.")
        else:
            await app(scope, receive, with_headers(send))

    return answer


def read(scope: Scope) -> list[tuple[str, str]]:
    """The headers, their names in lower case."""
    return [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"]]


def readable(authorization: str) -> bool:
    """Return False for a login that is not ASCII: Prefect would answer with an error, not with a refusal."""
    try:
        return b64decode(authorization.rpartition(" ")[2]).isascii()
    except ValueError:
        return True  # Prefect refuses it


def with_headers(send: Send) -> Send:
    async def added(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), *ADDED]}
        await send(message)

    return added


async def refuse(scope: Scope, send: Send, status: HTTPStatus, why: str) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008, "reason": why})  # unaccepted: it is answered 403
        return
    body = json.dumps({"detail": why}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": int(status), "headers": headers})
    await send({"type": "http.response.body", "body": body})
