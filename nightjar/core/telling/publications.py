"""What a program is told of a publication: the body of a webhook, and the event for Prefect."""

from datetime import date
from hashlib import sha256
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from pydantic import AwareDatetime

from nightjar.core.values import Value

PUBLISHED = "nightjar.night.published"
"""The type of the message and the name of the event. Rollbacks and repairs are publications too."""


class PublicationNews(Value):
    """A publication of the ledger. action: publish or rollback. model_version: the champion of its run.

    flow_run: the flow run that published it; None for the command line.
    """

    publication_id: int
    model: str
    score_date: date
    run_id: int
    revision: int
    model_version: int
    action: str
    flow_run: str | None = None
    published_at: AwareDatetime

    @property
    def message_id(self) -> str:
        """Return the id by which a receiver knows that it has this message already.

        Each attempt has the same one. A database that was restored to an earlier moment gives the number of a
        publication again, but not at the same instant.
        """
        said = f"{self.model} {self.score_date} {self.run_id} {self.published_at.isoformat()}"
        return f"publication-{self.publication_id}-{sha256(said.encode()).hexdigest()[:12]}"


def message(news: PublicationNews) -> dict[str, Any]:
    """Return the body of a webhook, as JSON values: https://www.standardwebhooks.com."""
    told = news.model_dump(mode="json")
    return {"type": PUBLISHED, "timestamp": told["published_at"], "data": told}


def event(news: PublicationNews) -> dict[str, Any]:
    """Return the event for a Prefect server, whose deployments and automations may trigger on it.

    id: each attempt has the same one. resource: the night. related: the model, and the flow run that
    published. payload: as the data of a webhook.
    """
    night = f"{news.model}.{news.score_date}"
    related = [{"prefect.resource.id": f"nightjar.model.{news.model}", "prefect.resource.role": "model"}]
    if news.flow_run is not None:
        flow_run = f"prefect.flow-run.{news.flow_run}"
        related.append({"prefect.resource.id": flow_run, "prefect.resource.role": "flow-run"})
    return {
        "id": str(uuid5(NAMESPACE_URL, news.message_id)),
        "event": PUBLISHED,
        "occurred": news.published_at.isoformat(),
        "resource": {
            "prefect.resource.id": f"nightjar.night.{night}",
            "prefect.resource.name": f"{news.model} {news.score_date}",
            "nightjar.model": news.model,
            "nightjar.score-date": str(news.score_date),
            "nightjar.action": news.action,
        },
        "related": related,
        "payload": news.model_dump(mode="json"),
    }
