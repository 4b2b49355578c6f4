"""Serves the desk beside Prefect's pages, behind the same login and with the rights of an analyst."""

import asyncio
import re
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from hmac import compare_digest
from http import HTTPStatus
from pathlib import Path
from urllib.parse import parse_qs, quote, unquote

from pydantic import SecretStr

from nightjar.core.desk.places import AT, RUNBOOKS, TOP
from nightjar.core.errors.base import NightjarError
from nightjar.core.model.spec import ModelSpec
from nightjar.core.ports.desk import DeskReader
from nightjar.server.app import Asgi, Receive, Scope, Send, read
from nightjar.showing import desk as pages
from nightjar.showing import remedies, runbooks
from nightjar.usecases.monitoring.desk import ReadDesk
from nightjar.wiring.folders import ModelFolders
from nightjar.wiring.platform import Platform

NIGHT = re.compile(r"(\d{4}-\d{2}-\d{2})(?:-([a-z]+))?\.html")
"""The page of a night, or a report about it."""
FOLDER = re.compile(rf"({AT}(?:/[^/.]+)?)/?")
"""The desk, or a model. Each leads to its first page."""
SANDBOX = (b"content-security-policy", b"sandbox allow-scripts")
NO_LOGIN = "The desk has the login of the Prefect UI. Load this page again to be asked for it."
TITLES = {
    HTTPStatus.NOT_FOUND: "Not found",
    HTTPStatus.UNAUTHORIZED: "Log in first",
    HTTPStatus.METHOD_NOT_ALLOWED: "Not allowed",
    HTTPStatus.SERVICE_UNAVAILABLE: "The desk cannot be read now",
}
ASKS = (b"www-authenticate", b'Basic realm="Nightjar", charset="UTF-8"')


@dataclass(frozen=True, slots=True)
class Page:
    """sandboxed: its scripts run, and may not read what a browser keeps for this server, as the login."""

    status: HTTPStatus
    html: str
    sandboxed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Pages:
    """Finds the page of a path.

    reader: opens what reads the database; asked anew for each page. specs: the models, by name. file: fetches
    a report by its uri.
    """

    reader: Callable[[], DeskReader]
    specs: Callable[[], Mapping[str, ModelSpec]]
    file: Callable[[str], Path]

    def __call__(self, path: str, query: Mapping[str, list[str]]) -> Page:
        """path: below AT, without its leading slash."""
        asked = (path, *query.get("key", ()))
        try:
            # Postgres takes no NUL, and no model or entity has one.
            found = None if any("\0" in text for text in asked) else self._found(path.split("/"), query)
            return found or _refusal(HTTPStatus.NOT_FOUND, f"There is no page {path}.")
        except NightjarError as error:
            return _refusal(HTTPStatus.SERVICE_UNAVAILABLE, remedies.told(error))

    def _found(self, path: list[str], query: Mapping[str, list[str]]) -> Page | None:
        if path == [TOP]:
            reader = self.reader()
            return Page(HTTPStatus.OK, pages.index(reader.models(), reader.open_now(), served=True))
        if len(path) != 2:
            return None
        folder, name = path
        if folder == RUNBOOKS:
            found = name in runbooks.PAGES
            return Page(HTTPStatus.OK, runbooks.runbook_page(name)) if found else None
        if name == "entity":
            key = query.get("key", [""])[0]
            return Page(HTTPStatus.OK, pages.entity_page(folder, key, self.reader().entity(folder, key)))
        if name == TOP:
            return self._model(folder)
        matched = NIGHT.fullmatch(name)
        return None if matched is None else self._night(folder, *matched.groups())

    def _model(self, model: str) -> Page | None:
        desk, days = self._read().model(model)
        if not desk.nights and not desk.roles:
            return None
        html = pages.model_page(desk, days, self.specs().get(model), served=True)
        return Page(HTTPStatus.OK, html)

    def _night(self, model: str, text: str, report: str | None) -> Page | None:
        try:
            day = date.fromisoformat(text)
        except ValueError:
            return None
        if report is not None:
            return self._report(model, day, report)
        found = self._read().night(model, day)
        if found is None:
            return None
        return Page(HTTPStatus.OK, pages.night_page(*found, self.specs().get(model), served=True))

    def _report(self, model: str, day: date, kind: str) -> Page | None:
        drawn = (one for one in self.reader().night(model, day).reports if one.kind == kind)
        uri = next((one.uri for one in drawn), None)
        return None if uri is None else Page(HTTPStatus.OK, self.file(uri).read_text(encoding="utf-8"), True)

    def _read(self) -> ReadDesk:
        return ReadDesk(reader=self.reader(), specs=self.specs())


def pages_of(platform: Platform) -> Pages:
    """The models are those of now: the server runs for weeks."""
    folders = ModelFolders()
    folders.now()  # imported now, and not by the first page that somebody opens
    return Pages(reader=platform.desk_reader, specs=lambda: folders.now().specs, file=platform.artifacts.get)


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
            await _answer(send, _refusal(HTTPStatus.UNAUTHORIZED, NO_LOGIN), ASKS)
        elif scope["method"] not in {"GET", "HEAD"}:
            await _answer(send, _refusal(HTTPStatus.METHOD_NOT_ALLOWED, "The desk only reads."))
        elif folder := FOLDER.fullmatch(path):
            moved = (b"location", quote(f"{folder[1]}/{TOP}").encode())
            await _answer(send, Page(HTTPStatus.FOUND, ""), moved)
        else:
            query = parse_qs(scope.get("query_string", b"").decode("latin-1"))
            found = await asyncio.to_thread(pages_of, unquote(path.removeprefix(f"{AT}/")), query)
            await _answer(send, found)

    return answer


def _refusal(status: HTTPStatus, what: str) -> Page:
    return Page(status, pages.refused(TITLES[status], what))


async def _answer(send: Send, page: Page, *headers: tuple[bytes, bytes]) -> None:
    body = page.html.encode()
    fixed = [
        (b"content-type", b"text/html; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
    ]
    apart = [SANDBOX] if page.sandboxed else []
    shown = [*fixed, *apart, *headers]
    await send({"type": "http.response.start", "status": int(page.status), "headers": shown})
    await send({"type": "http.response.body", "body": body})
