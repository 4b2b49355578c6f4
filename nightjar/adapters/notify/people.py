"""Ways to people, by the scheme of a URL: Slack-compatible, a webhook, and all that Apprise knows."""

import json
from dataclasses import dataclass
from html import escape

from pydantic import SecretStr

from nightjar.adapters.notify.apprise import service, told
from nightjar.adapters.notify.webhook import posted
from nightjar.core.errors.settings import BadSettings
from nightjar.core.ports.incidents import Tell
from nightjar.core.telling.incidents import Severity
from nightjar.core.telling.messages import Message

SLACK, WEBHOOK = "slack+", "webhook+"
JSON = {"content-type": "application/json"}


@dataclass(frozen=True, slots=True)
class SlackCompatible:
    """What takes `{"text": ...}`, as Slack's incoming webhooks, Mattermost and Rocket.Chat do.

    There, <...> is a link or calls people, so a name of a file or an error with it is escaped.
    """

    url: SecretStr

    def __call__(self, message: Message) -> str | None:
        text = escape(f"*{message.title}*\n{message.text}", quote=False)
        return posted(self.url, json.dumps({"text": text}).encode(), JSON)


@dataclass(frozen=True, slots=True)
class IncidentWebhook:
    """The whole message as JSON, with each incident in it."""

    url: SecretStr

    def __call__(self, message: Message) -> str | None:
        return posted(self.url, message.model_dump_json().encode(), JSON)


@dataclass(frozen=True, slots=True)
class ThroughApprise:
    """E-mail and every other service of Apprise."""

    url: SecretStr

    def __call__(self, message: Message) -> str | None:
        try:
            service(self.url)
        except BadSettings:
            return "Apprise knows no such URL"
        return None if told(self.url, message.title, message.text, kind_of(message)) else "not taken"


def kind_of(message: Message) -> str:
    """What it is for Apprise."""
    if message.over:
        return "success"
    return "failure" if message.severity is Severity.CRITICAL else "warning"


def way_to(url: SecretStr) -> Tell:
    """Return the way for a URL like slack+https://host/path, webhook+https://host/path, mailtos://..."""
    text = url.get_secret_value()
    for prefix, way in ((SLACK, SlackCompatible), (WEBHOOK, IncidentWebhook)):
        if text.startswith((f"{prefix}https://", f"{prefix}http://")):
            return way(SecretStr(text.removeprefix(prefix)))
    return ThroughApprise(url)
