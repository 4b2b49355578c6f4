"""Serves the desk beside Prefect's pages, behind the same login and with the rights of an analyst."""

import asyncio
import re
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from hmac import compare_digest
from http import HTTPStatus
from urllib.parse import parse_qs, unquote

from pydantic import SecretStr

from nightjar.core.errors.base import NightjarError
from nightjar.core.model.spec import ModelSpec
from nightjar.core.ports.desk import DeskReader
from nightjar.server.app import Asgi, Receive, Scope, Send, read
from nightjar.showing import desk as pages
from nightjar.showing import remedies
from nightjar.usecases.monitoring.desk import ReadDesk

AT = "/desk"
NIGHT = re.compile(r"(\d{4}-\d{2}-\d{2})\.html")
ASKS = (b"www-authenticate", b'Basic realm="Nightjar", charset="UTF-8"')


@dataclass(frozen=True, slots=True)
class Page:
    status: HTTPStatus
    html: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pages:
    """Finds the page of a path.

    reader: opens what reads the database; asked anew for each page. specs: the models, by name.
    """

    reader: Callable[[], DeskReader]
    specs: Callable[[], Mapping[str, ModelSpec]]

    def __call__(self, path: str, query: Mapping[str, list[str]]) -> Page:
        """path: below AT, without its leading slash."""
        try:
            return self._found(path.split("/"), query) or Page(
                HTTPStatus.NOT_FOUND, pages.not_found(f"There is no page {path}.")
            )
        except NightjarError as error:
            return Page(HTTPStatus.SERVICE_UNAVAILABLE, pages.not_found(remedies.told(error)))

    def _found(self, path: list[str], query: Mapping[str, list[str]]) -> Page | None:
        if path == [pages.TOP]:
            return Page(HTTPStatus.OK, pages.index(self.reader().models()))
        if len(path) != 2:
            return None
        model, name = path
        if name == "entity":
            key = query.get("key", [""])[0]
            return Page(HTTPStatus.OK, pages.entity_page(model, key, self.reader().entity(model, key)))
        if name == pages.TOP:
            return self._model(model)
        matched = NIGHT.fullmatch(name)
        return None if matched is None else self._night(model, matched[1])

    def _model(self, model: str) -> Page | None:
        desk, days = ReadDesk(reader=self.reader(), specs=self.specs())(model)
        if not desk.nights and not desk.roles:
            return None
        html = pages.model_page(desk, days, self.specs().get(model), served=True)
        return Page(HTTPStatus.OK, html)

    def _night(self, model: str, text: str) -> Page | None:
        try:
            day = date.fromisoformat(text)
        except ValueError:
            return None
        reader = self.reader()
        desk, days = ReadDesk(reader=reader, specs=self.specs())(model)
        found = next((one for one in days if one.score_date == day), None)
        if found is None:
            return None
        return Page(HTTPStatus.OK, pages.night_page(desk, found, reader.explained(model, day), served=True))


def with_desk(login: SecretStr, pages_of: Pages, app: Asgi) -> Asgi:
    """Return an app that answers below AT by itself, and gives everything else to `app`."""
    expected = f"Basic {b64encode(login.get_secret_value().encode()).decode()}"

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        path = str(scope.get("path", ""))
        if scope["type"] != "http" or not (path == AT or path.startswith(f"{AT}/")):
            await app(scope, receive, send)
            return
        given = next((value for name, value in read(scope) if name == "authorization"), "")
        if not compare_digest(given.encode(), expected.encode()):
            await _answer(send, Page(HTTPStatus.UNAUTHORIZED, pages.not_found("Log in first.")), ASKS)
        elif scope["method"] not in {"GET", "HEAD"}:
            await _answer(send, Page(HTTPStatus.METHOD_NOT_ALLOWED, pages.not_found("The desk only reads.")))
        elif path in {AT, f"{AT}/"}:
            moved = (b"location", f"{AT}/{pages.TOP}".encode())
            await _answer(send, Page(HTTPStatus.FOUND, ""), moved)
        else:
            query = parse_qs(scope.get("query_string", b"").decode("latin-1"))
            found = await asyncio.to_thread(pages_of, unquote(path.removeprefix(f"{AT}/")), query)
            await _answer(send, found)

    return answer


async def _answer(send: Send, page: Page, *headers: tuple[bytes, bytes]) -> None:
    body = page.html.encode()
    fixed = [
        (b"content-type", b"text/html; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
    ]
    await send({"type": "http.response.start", "status": int(page.status), "headers": [*fixed, *headers]})
    await send({"type": "http.response.body", "body": body})
