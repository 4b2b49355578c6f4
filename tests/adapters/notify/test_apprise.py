"""A person is told through the service of NIGHTJAR_ALERT_URL, and nobody hears its token."""

import json
import logging
from email import message_from_string
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest
from pydantic import SecretStr

from nightjar.adapters.notify import apprise as alerts
from nightjar.core.errors.settings import BadSettings

CANARY = "s3cret-c4nary"
NOWHERE = (
    f"nosuch://{CANARY}",
    CANARY,
    f"slack://{CANARY}",
    f"https://hooks.slack.com/{CANARY}",
    f"mailto://u:{CANARY}",
)

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.mark.parametrize("url", NOWHERE)
def test_a_url_that_leads_nowhere_is_told_by_nobody(url, caplog):
    with caplog.at_level(logging.DEBUG), pytest.raises(BadSettings, match="NIGHTJAR_ALERT_URL") as refused:
        alerts.service(SecretStr(url))
    assert CANARY not in caplog.text + str(refused.value)


def test_a_service_that_answers_is_told_and_one_that_is_gone_is_no_error(caplog):
    heard: list[tuple[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            heard.append((told["message"], told["type"]))
            self.send_response(200)
            self.end_headers()

        # the name is the base class's
        def log_message(self, format: str, *arguments: Any) -> None: ...  # noqa: A002

    with caplog.at_level(logging.DEBUG), HTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        url = SecretStr(f"json://127.0.0.1:{server.server_port}/{CANARY}")
        assert alerts.told(url, "Nightjar gives up", "because")
        server.shutdown()
    assert heard == [("because", "failure")]
    with caplog.at_level(logging.DEBUG):
        assert not alerts.told(url, "Nightjar gives up", "because")
        assert not alerts.told(SecretStr(CANARY), "Nightjar gives up", "because")
    assert CANARY not in caplog.text


def test_a_mail_is_the_text_whose_lines_any_program_can_break_at_spaces(mailbox):
    text = "The night is late: 3 < 5, <b> & more.\nhttp://ui/desk/index.html"
    assert alerts.told(SecretStr(mailbox.url), "Nightjar critical", text)
    (mail,) = map(message_from_string, mailbox.mails)
    assert mail.get_content_type() == "text/plain"
    assert mail.get_payload(decode=True).decode().replace("\r", "").strip() == text
