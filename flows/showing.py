"""What a run leaves behind for people to see in the Prefect UI: tables, and the pages of the runbooks."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from prefect.artifacts import create_markdown_artifact
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import ArtifactCreate, ArtifactUpdate
from prefect.client.schemas.filters import ArtifactCollectionFilter
from prefect.client.schemas.objects import ArtifactCollection

from nightjar.showing import markdown
from nightjar.wiring.settings import PROJECT

RUNBOOKS = PROJECT / "runbooks"


def show(
    key: str,
    says: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[object]],
    *,
    notes: Sequence[str] = (),
) -> None:
    """A sentence, a list of notes, and a table below: nothing of them is cut off."""
    table = [markdown.table(columns, rows)] if rows else []
    text = "\n\n".join([*([markdown.bullets(notes)] if notes else []), *table]) or "Nothing to list."
    create_markdown_artifact(key=slug(key), description=markdown.literal(says), markdown=text)


def with_runbook(client: SyncPrefectClient, says: str, runbook: str) -> str:
    """A sentence and a page of the runbooks.

    The pages that it leads to become artifacts, so that its links can be followed.
    """
    places = shown_pages(client, reachable(runbook))
    return f"{says}\n\n---\n\n{page(runbook, places)}"


def shown_pages(client: SyncPrefectClient, names: Sequence[str]) -> dict[str, str]:
    """Where the UI shows each page, by the name of its file.

    Pages belong to no run, so they stay when a run goes. Each page has one artifact, which links of other
    pages name. So it is changed, and not made anew.
    """
    known = latest(client, [key_of(name) for name in names])
    ids = {
        name: known[key].latest_id if (key := key_of(name)) in known else empty(client, key) for name in names
    }
    places = {f"{name}.md": f"/artifacts/artifact/{id_}" for name, id_ in ids.items()}
    for name, id_ in ids.items():
        text, there = page(name, places), known.get(key_of(name))
        if there is None or there.data != text:
            client.update_artifact(id_, ArtifactUpdate(data=text))
    return places


def latest(client: SyncPrefectClient, keys: Sequence[str]) -> dict[str, ArtifactCollection]:
    """The newest artifact of each key that has any."""
    wanted = ArtifactCollectionFilter.model_validate({"key": {"any_": keys}})
    return {found.key: found for found in client.read_latest_artifacts(artifact_filter=wanted)}


def empty(client: SyncPrefectClient, key: str) -> UUID:
    """Make a page that has no text yet; return its id."""
    blank = ArtifactCreate(key=key, type="markdown", data="", description="A page of the runbooks")
    return client.create_artifact(blank).id


def page(runbook: str, places: Mapping[str, str]) -> str:
    return markdown.page((RUNBOOKS / f"{runbook}.md").read_text(), places)


def reachable(runbook: str) -> tuple[str, ...]:
    """The pages of the runbooks that its links lead to, and the pages that those link to, in order.

    There are none if it has no link to another page.
    """
    found: dict[str, None] = {}
    todo = [runbook]
    while todo:
        near = [
            link.removesuffix(".md") for link in markdown.links((RUNBOOKS / f"{todo.pop()}.md").read_text())
        ]
        fresh = [
            name
            for name in near
            if name not in found and "/" not in name and (RUNBOOKS / f"{name}.md").exists()
        ]
        found.update(dict.fromkeys(fresh))
        todo += fresh
    return tuple(found)


def key_of(runbook: str) -> str:
    return slug(f"runbook-{runbook}")


def slug(name: str) -> str:
    """A name as Prefect allows it for artifact keys: lower-case letters, digits and dashes."""
    return name.replace("_", "-")
