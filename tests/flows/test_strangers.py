"""What strangers may do at a Prefect server of ours, on `up` and as compose starts it; and what nobody
may, not even logged in.
"""

import asyncio
import http.client
import http.server
import json
import os
import re
import subprocess
import sys
import time
import urllib.request
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import psutil
import pytest
import websockets
import yaml
from fastapi.routing import APIWebSocketRoute
from prefect.client.schemas.actions import WorkPoolUpdate
from prefect.server.api.server import API_ROUTERS

from nightjar.cli import doctor
from nightjar.server.deploy import connected, local_api
from nightjar.server.login import login_file
from nightjar.server.pool import POOL, TEMPLATE
from nightjar.wiring.settings import PROJECT

pytestmark = [pytest.mark.platform, pytest.mark.timeout(400)]

EVIL = "https://evil.example"
COMPOSED = "composed:by-a-test"
FOREIGN_HOSTS = [
    "evil.example",
    "evil.example:4200",
    "127.0.0.1.evil.example",
    "EVIL.example.",
    "0.0.0.0:4200",
    "[::2]:4200",
    "localhost.evil",
    "",
]
FOREIGN_ORIGINS = [EVIL, "null", "http://localhost:3000", "http://127.0.0.1:1", "http://[::1]:3000"]
SOCKETS = sorted(
    {route.path for router in API_ROUTERS for route in router.routes if isinstance(route, APIWebSocketRoute)}
)


@dataclass(frozen=True)
class Server:
    base: str
    login: str

    @property
    def address(self) -> str:
        return urlsplit(self.base).netloc

    @property
    def authorized(self) -> tuple[str, str]:
        return "Authorization", f"Basic {b64encode(self.login.encode()).decode()}"

    def asked(
        self,
        method: str,
        path: str,
        *headers: tuple[str, str],
        host: str | None = None,
        body: str | None = None,
    ) -> http.client.HTTPResponse:
        """The answer to a request with exactly these headers."""
        name, _, port = self.address.partition(":")
        connection = http.client.HTTPConnection(name, int(port), timeout=20)
        connection.putrequest(method, path, skip_host=True)
        sized = [("Content-Length", str(len(body)))] if body is not None else []
        for header, value in [("Host", self.address if host is None else host), *headers, *sized]:
            connection.putheader(header, value)
        connection.endheaders(None if body is None else body.encode())
        answer = connection.getresponse()
        answer.read()
        connection.close()
        return answer


@contextmanager
def serving(command: Sequence[str], environment: Mapping[str, str], base: str, log: Path) -> Iterator[None]:
    """A server of its own on the database of the platform's, without the services that only one may run."""
    clean = {
        name: value for name, value in os.environ.items() if not name.startswith(("NIGHTJAR_", "PREFECT_"))
    }
    alone = {
        "PREFECT__SERVER_WEBSERVER_ONLY": "1",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_HOME": str(log.parent / "prefect"),
    }
    with log.open("w") as file:
        server = subprocess.Popen(
            command, env=clean | alone | environment, cwd=PROJECT, stdout=file, stderr=file
        )
    try:
        deadline = time.monotonic() + 120
        while not answers(f"{base}/api/health"):
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.2)
        yield
    finally:
        server.terminate()
        server.wait(30)


def answers(url: str) -> bool:
    with suppress(OSError), urllib.request.urlopen(url, timeout=5) as answer:
        return answer.status == 200
    return False


def composed(values: Mapping[str, str]) -> tuple[list[str], dict[str, str]]:
    """Command and environment of the server in compose.yaml, with what `.env` would give."""
    text = (PROJECT / "docker" / "compose.yaml").read_text()
    filled = re.sub(r"\$\{(\w+)(?::[-?]([^}]*))?\}", lambda found: values.get(found[1], found[2] or ""), text)
    service = yaml.safe_load(filled)["services"]["prefect-server"]
    given = {name: str(value) for name, value in service["environment"].items() if value is not None}
    return service["command"], {
        name: value for name, value in given.items() if not name.startswith("PREFECT_SERVER_DATABASE_")
    }


@pytest.fixture(scope="module")
def compose(prefect, world, unused_port, tmp_path_factory) -> Iterator[Server]:
    folder, port = tmp_path_factory.mktemp("composed"), unused_port()
    given = {
        "NIGHTJAR_PREFECT_AUTH": COMPOSED,
        "PREFECT_PORT": str(port),
        "NIGHTJAR_PREFECT_HOSTS": prefect.proxy,
        "PREFECT_DATABASE_PASSWORD": "x",
    }
    command, environment = composed(given)
    assert command[0] == "python"
    here = {
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": world.platform.prefect_database(),
        "PREFECT_UI_STATIC_DIRECTORY": str(folder / "ui"),
    }
    listening = [sys.executable, *(str(port) if word == "4200" else word for word in command[1:])]
    base = f"http://127.0.0.1:{port}"
    with serving(listening, environment | here, base, folder / "server.log"):
        yield Server(base, COMPOSED)


@pytest.fixture(scope="module", params=["up", pytest.param("compose", marks=pytest.mark.chaos)])
def server(request, prefect) -> Server:
    """On every day that of `up`, with a proxy. tests/test_containers.py holds compose to the same program."""
    if request.param == "compose":
        return request.getfixturevalue("compose")
    return Server(prefect.base, prefect.settings.prefect_auth.get_secret_value())


def test_without_the_login_no_question_of_the_whole_api_is_answered(server):
    questions = httpx.get(
        f"{server.base}/api/openapi.json", headers=dict([server.authorized]), timeout=60
    ).json()["paths"]
    assert len(questions) > 100
    answered = {
        f"{method} {path}"
        for path, methods in questions.items()
        for method in methods
        if server.asked(method.upper(), "/api" + re.sub(r"{.*?}", str(uuid4()), path)).status
        not in {401, 403}
    }
    assert answered == {"get /health", "get /ready"}


@pytest.mark.parametrize("login", ["", "nightjar:", "nightjar:wrong", "wrong", "nightjar:w\u00fcrong"])
def test_a_wrong_login_is_refused(server, login):
    assert (
        server.asked(
            "GET", "/api/admin/version", ("Authorization", f"Basic {b64encode(login.encode()).decode()}")
        ).status
        == 401
    )
    assert (
        server.asked(
            "GET", "/api/admin/version", ("Authorization", login.encode("ascii", "ignore").decode())
        ).status
        == 401
    )
    assert server.asked("GET", "/api/admin/version", server.authorized).status == 200


def test_the_pages_are_served_and_tell_nothing_but_how_to_log_in(server):
    for path in ("/", "/v2/"):
        page = server.asked("GET", path, ("Accept", "text/html"))
        assert page.status in {200, 307}
        assert "frame-ancestors 'none'" in page.getheader("content-security-policy")
    assert [
        server.asked("GET", path).status
        for path in ("/docs", "/redoc", "/openapi.json", "/api/docs", "/api/openapi.json")
    ] == [
        404,
        404,
        404,
        401,
        401,
    ]
    own = server.asked(
        "OPTIONS", "/api/flows/filter", ("Origin", server.base), ("Access-Control-Request-Method", "POST")
    )
    assert (own.status, own.getheader("access-control-allow-origin")) == (200, server.base)
    told = httpx.get(f"{server.base}/ui-settings").json()
    assert (told["auth"], told["csrf_enabled"], told["api_url"]) == ("BASIC", True, "/api")


@pytest.mark.parametrize("origin", FOREIGN_ORIGINS)
def test_a_page_of_another_site_may_ask_nothing_with_or_without_the_login(server, origin):
    asks = (
        ("Access-Control-Request-Method", "POST"),
        ("Access-Control-Request-Headers", "authorization,content-type,prefect-csrf-token"),
    )
    preflight = server.asked("OPTIONS", "/api/flows/filter", ("Origin", origin), *asks)
    assert (preflight.status, preflight.getheader("access-control-allow-origin")) == (403, None)
    for kind in (
        "application/json",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
    ):
        for login in ((), (server.authorized,)):
            assert (
                server.asked(
                    "POST", "/api/flows/filter", ("Origin", origin), ("Content-Type", kind), *login, body="{}"
                ).status
                == 403
            )


@pytest.mark.parametrize("host", FOREIGN_HOSTS)
def test_a_foreign_name_is_answered_nothing(server, host):
    assert server.asked("GET", "/", host=host).status in {400, 403}
    assert server.asked("GET", "/api/health", host=host).status in {400, 403}
    assert server.asked("GET", "/api/health", ("X-Forwarded-Host", server.address), host=host).status in {
        400,
        403,
    }
    assert server.asked("GET", "/api/admin/version", server.authorized, host=host).status in {400, 403}
    assert server.asked("GET", "/api/health", ("Host", host)).status in {400, 403}, "a second Host"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LOCALHOST", "localhost.", "[::1]"])
def test_this_machines_own_names_are_answered_on_any_port(server, host):
    assert [
        server.asked("GET", "/api/health", host=f"{host}{port}").status for port in ("", ":4200", ":8080")
    ] == [200] * 3


def test_only_a_proxy_that_is_named_may_stand_in_front(server, prefect):
    forwarded = "X-Forwarded-Host", prefect.proxy

    def status(*headers: tuple[str, str], host: str | None = None) -> int:
        return server.asked("GET", "/api/health", *headers, host=host).status

    assert status(host=prefect.proxy) == 200
    assert status(("Origin", f"https://{prefect.proxy}"), forwarded) == 200
    assert status(("Origin", f"https://{prefect.proxy}:8443"), forwarded) == 403
    assert status(host="prefect-server:4200") == (200 if server.login == COMPOSED else 403)


PAGE = """
<script>
async function tried(ask) { try { await ask(); return "open" } catch { return "shut" } }
const socket = () => new Promise((open, shut) => {
  const made = new WebSocket("SERVER".replace("http", "ws") + "/api/events/out", "prefect")
  made.onopen = open; made.onerror = shut })
const change = {method: "POST", headers: {"Content-Type": "application/json"}, body: "{}"}
async function all() { return [
  await tried(() => fetch("SERVER/ui-settings")), await tried(() => fetch("SERVER/api/health")),
  await tried(() => fetch("SERVER/api/flows/filter", change)), await tried(socket)] }
</script><iframe src="SERVER/"></iframe>
"""


@pytest.fixture
def foreign_page(server) -> Iterator[str]:
    """A site on this machine whose page tries what pages can."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(PAGE.replace("SERVER", server.base).encode())

        # the base class's name
        def log_message(self, format: str, *arguments: object) -> None: ...  # noqa: A002

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as site:
        Thread(target=site.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{site.server_port}"
        site.shutdown()


@pytest.mark.chaos  # the tests around it hold the server to what browsers go by
def test_a_real_browser_keeps_foreign_pages_and_foreign_names_out(server, foreign_page, browsing):
    port = urlsplit(server.base).port
    with browsing("--host-resolver-rules=MAP evil.example 127.0.0.1") as page:
        page.goto(foreign_page)
        assert page.evaluate("all()") == ["shut"] * 4
        assert "chrome-error" in page.frames[1].url, "the server's page shows in a frame"
        assert page.goto(f"http://evil.example:{port}/").status == 403
        assert page.evaluate("fetch('/api/health').then(answer => answer.status)") == 403
        assert page.goto(f"{server.base}/").status == 200


def test_the_login_alone_changes_nothing_without_a_token_against_forged_requests(server):
    for kind in (("Content-Type", "application/json"), ("Content-Type", "text/plain")):
        assert server.asked("POST", "/api/flows/filter", server.authorized, kind, body="{}").status == 403


@pytest.mark.parametrize("path", SOCKETS)
def test_a_websocket_is_for_those_with_the_login_and_from_no_other_site(server, path):
    where = f"ws://{server.address}/api" + path.format(work_pool_name=POOL)

    def opened(token: str | None, **how) -> bool:
        return asyncio.run(greeted(where, token, **how))

    assert opened(server.login)
    assert not opened(None)
    assert not opened("wrong")
    assert not opened(None, subprotocols=None)
    assert not opened(server.login, origin=EVIL)
    assert not opened(server.login, origin="null")
    assert not opened(server.login, additional_headers={"Host": "evil.example"})


async def greeted(where: str, token: str | None, **how) -> bool:
    """True if the server takes the token."""
    try:
        async with websockets.connect(where, **{"subprotocols": ["prefect"], **how}) as socket:
            await socket.send(json.dumps({"type": "auth", "token": token}))
            return json.loads(await asyncio.wait_for(socket.recv(), 10))["type"] == "auth_success"
    except (websockets.exceptions.WebSocketException, OSError):
        return False


def test_every_socket_of_the_api_is_tried():
    assert {"/events/in", "/events/out", "/logs/out", "/task_runs/subscriptions/scheduled"} < set(SOCKETS)


@pytest.mark.chaos  # another server takes seconds; tests/server/test_openings.py finds each opening at once
def test_a_server_that_anybody_may_use_is_named_by_the_doctor(
    prefect, world, unused_port, tmp_path, monkeypatch
):
    base = f"http://127.0.0.1:{(port := unused_port())}"
    command = [sys.executable, "-m", "prefect", "server", "start", "--port", str(port)]
    here = {
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": world.platform.prefect_database(),
        "PREFECT_SERVER_UI_ENABLED": "false",
    }
    monkeypatch.setenv("PREFECT_API_URL", f"{base}/api")
    with serving(command, here, base, tmp_path / "server.log"):
        found = {name: (verdict, text) for name, verdict, text in doctor.prefect(world.platform.settings)}
    verdict, text = found["access"]
    assert verdict == "NO"
    for opening in ("for a login", "CORS", "DNS rebinding", "CSRF", "runbooks/server-open.md"):
        assert opening in text
    assert (found["retention"][0], "for ever" in found["retention"][1]) == ("NO", True)


def test_everything_that_talks_to_the_server_finds_the_login_by_itself(prefect, world):
    assert world.platform.settings.prefect_auth is None
    with connected(world.platform.settings, local_api(world.platform.settings)) as client:
        assert client.read_flows()
    done = world.command("prefect", "work-pool", "inspect", POOL)
    assert (done.returncode, f"name='{POOL}'" in done.stdout) == (0, True), done.stdout + done.stderr


def test_the_login_is_where_up_says_and_nowhere_else(prefect, world):
    said, file = (world.home / "up.log").read_text(), login_file(world.platform.settings)
    assert f"cat {file}" in said
    assert file.stat().st_mode & 0o777 == 0o600
    secret = prefect.settings.prefect_auth.get_secret_value().partition(":")[2]
    logs = "".join(log.read_text(errors="replace") for log in (world.home / "logs").iterdir())
    assert "nightjar" in logs
    assert secret not in said + logs + str(prefect.settings)
    assert secret not in "".join(
        " ".join(process.info["cmdline"] or ()) for process in psutil.process_iter(["cmdline"])
    )


@pytest.fixture
def marked(tmp_path) -> Path:
    """What a command of an intruder would make."""
    return tmp_path / "was-here"


def asks_for(marked: Path) -> list[dict[str, object]]:
    """Job variables by which a command would run."""
    library = marked.parent / "library"
    library.mkdir()
    (library / "sitecustomize.py").write_text(f"open({str(marked)!r}, 'w').close()\n")
    path = {"PYTHONPATH": str(library)}
    return [
        {"command": f"touch {marked}"},
        {"env": path},
        {"env.PYTHONPATH": str(library)},
        {"working_dir": str(library)},
        {"stream_output": False},
    ]


def test_no_field_of_a_run_takes_a_command_or_an_environment(prefect, marked):
    deployment = prefect.ask("/deployments/name/features/flight_delay-features")
    for variables in asks_for(marked):
        with pytest.raises(Exception, match="422"):
            prefect.ask(
                f"/deployments/{deployment['id']}/create_flow_run",
                {"job_variables": variables, "state": {"type": "SCHEDULED"}},
            )


def test_who_has_logged_in_still_runs_nothing_but_our_flows(prefect, marked):
    """Neither by a deployment of theirs, nor by a run without one, nor by a changed work pool."""
    shell, code = f"touch {marked}", marked.with_suffix(".py")
    code.write_text(
        f"open({str(marked)!r}, 'w').close()\nfrom prefect import flow\n@flow\ndef main(): pass\n"
    )
    step = {"prefect.deployments.steps.run_shell_script": {"script": shell}}
    mine = {"work_pool_name": POOL, "flow_id": prefect.ask("/flows/", {"name": "intruder"})["id"]}
    ways = [
        {"entrypoint": "flows.features.features", "pull_steps": [step]},
        {"entrypoint": f"{code}:main"},
        {"entrypoint": "os.system"},
    ]
    ids = [
        prefect.ask("/deployments/", {"name": f"intruder-{n}", **mine, **way})["id"]
        for n, way in enumerate(ways)
    ]
    prefect.client.update_work_pool(POOL, WorkPoolUpdate(base_job_template=taking_commands(shell)))
    try:
        scheduled = {"state": {"type": "SCHEDULED"}}
        runs = [prefect.ask(f"/deployments/{each}/create_flow_run", scheduled)["id"] for each in ids]
        runs.append(
            prefect.ask("/flow_runs/", {**mine, "job_variables": {"command": shell}, **scheduled})["id"]
        )
        ours = prefect.start("features", today="2013-03-15")
        ended = [prefect.ended(run, after_runs=-1) for run in runs]
        assert prefect.ended(ours)["state_name"] == "Completed"
    finally:
        prefect.client.update_work_pool(POOL, WorkPoolUpdate(base_job_template=TEMPLATE))
        prefect.client.request("DELETE", f"/flows/{mine['flow_id']}")  # and the deployments with it
    assert {run["state_name"] for run in ended} == {"Crashed"}
    assert all("NotOurFlow" in run["state"]["message"] for run in ended)
    assert not marked.exists()


def taking_commands(shell: str) -> dict[str, object]:
    """A template that runs a command in place of the flow."""
    fields = {"command": {"type": "string", "default": shell}}
    return {
        "job_configuration": {"command": "{{ command }}"},
        "variables": {"type": "object", "properties": fields},
    }
