import json
from datetime import UTC, datetime

import pytest
from pydantic import SecretStr

from nightjar.adapters.notify import people
from nightjar.adapters.notify.people import way_to
from nightjar.core.telling.incidents import Severity
from nightjar.core.telling.messages import Message, trial


def test_a_url_that_no_service_has_is_told_so_and_is_not_repeated():
    why = way_to(SecretStr("gopher://token@host"))(
        trial(datetime(2026, 1, 2, tzinfo=UTC), "https://ui.example")
    )
    assert why == "Apprise knows no such URL"


@pytest.mark.parametrize(
    ("severity", "over", "kind"),
    [
        (Severity.CRITICAL, False, "failure"),
        (Severity.WARNING, False, "warning"),
        (Severity.CRITICAL, True, "success"),
    ],
)
def test_a_service_of_people_on_call_hears_how_bad_it_is(monkeypatch, severity, over, kind):
    kinds = []
    monkeypatch.setattr(people, "told", lambda url, title, text, kind: kinds.append(kind) or True)
    message = Message(title="Nightjar", text="", severity=severity, over=over, notes=())
    assert way_to(SecretStr("json://127.0.0.1/x"))(message) is None
    assert kinds == [kind]


def test_what_slack_would_read_as_a_link_or_a_call_is_escaped(monkeypatch):
    bodies = []
    monkeypatch.setattr(people, "posted", lambda url, body, headers: bodies.append(json.loads(body)))
    text = "The delivery <!channel>.csv is set aside: 3 & 5.\nhttps://ui/desk"
    way_to(SecretStr("slack+https://chat.example/hooks/x"))(
        Message(title="Nightjar warning", text=text, severity=Severity.WARNING, notes=())
    )
    assert bodies == [
        {
            "text": "*Nightjar warning*\n"
            "The delivery &lt;!channel&gt;.csv is set aside: 3 &amp; 5.\nhttps://ui/desk"
        }
    ]
