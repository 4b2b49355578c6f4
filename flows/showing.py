"""A run leaves tables and pages of the runbooks for people to see in the Prefect UI."""

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
    """Show a sentence, a list of notes, and a table below them. Nothing is cut off."""
    table = [markdown.table(columns, rows)] if rows else []
    text = "\n\n".join([*([markdown.bullets(notes)] if notes else []), *table]) or "Nothing to list."
    create_markdown_artifact(key=slug(key), description=markdown.literal(says), markdown=text)


def with_runbook(client: SyncPrefectClient, says: str, runbook: str) -> str:
    """Return a sentence and a page of the runbooks.

    The pages that this page links to become artifacts, so that its links can be followed.
    """
    places = shown_pages(client, reachable(runbook))
    return f"{says}\n\n---\n\n{page(runbook, places)}"


def shown_pages(client: SyncPrefectClient, names: Sequence[str]) -> dict[str, str]:
    """Return the UI's address of each page, by the name of the page's file.

    Pages belong to no run, so they stay when a run is deleted. Each page has one artifact. Links of other
    pages name this artifact, so it is updated and not created anew.
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
    """Return the newest artifact of each key that has one."""
    wanted = ArtifactCollectionFilter.model_validate({"key": {"any_": keys}})
    return {found.key: found for found in client.read_latest_artifacts(artifact_filter=wanted)}


def empty(client: SyncPrefectClient, key: str) -> UUID:
    """Create a page without text. Return its id."""
    blank = ArtifactCreate(key=key, type="markdown", data="", description="A page of the runbooks")
    return client.create_artifact(blank).id


def page(runbook: str, places: Mapping[str, str]) -> str:
    return markdown.page((RUNBOOKS / f"{runbook}.md").read_text(), places)


def reachable(runbook: str) -> tuple[str, ...]:
    """Return the pages of the runbooks that a page's links lead to, directly or through pages, in order.

    The result is empty if the page has no link to another page.
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
    """Return a name that Prefect allows as an artifact key: lower-case letters, digits and dashes."""
    return name.replace("_", "-")
