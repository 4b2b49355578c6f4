"""What a run leaves behind for people to see in the Prefect UI: tables, and the pages of the runbooks."""

from collections.abc import Sequence

from prefect.artifacts import create_markdown_artifact
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import ArtifactCreate
from prefect.client.schemas.filters import ArtifactCollectionFilter

from nightjar import markdown
from nightjar.settings import PROJECT

RUNBOOKS = PROJECT / "runbooks"


def show(key: str, says: str, columns: Sequence[str], rows: Sequence[Sequence[object]], *, notes: Sequence[str] = ()) -> None:
    """A sentence, a list of notes, and a table below: nothing of them is cut off."""
    table = [markdown.table(columns, rows)] if rows else []
    text = "\n\n".join([*([markdown.bullets(notes)] if notes else []), *table]) or "Nothing to list."
    create_markdown_artifact(key=slug(key), description=markdown.literal(says), markdown=text)


def with_runbook(client: SyncPrefectClient, says: str, runbook: str) -> str:
    """A sentence and a page of the runbooks. The pages that it leads to become artifacts, so that its links can be followed."""
    keys = {f"{name}.md": key_of(name) for name in reachable(runbook)}
    show_pages(client, keys)
    return f"{says}\n\n---\n\n{page(runbook, keys)}"


def show_pages(client: SyncPrefectClient, keys: dict[str, str]) -> None:
    """Those that the server has not got as they are now. They belong to no run, so they do not go when the run does."""
    wanted = {key: page(name.removesuffix(".md"), keys) for name, key in keys.items()}
    known = client.read_latest_artifacts(artifact_filter=ArtifactCollectionFilter.model_validate({"key": {"any_": list(wanted)}}))
    there = {found.key: found.data for found in known}
    for key, text in wanted.items():
        if there.get(key) != text:
            client.create_artifact(ArtifactCreate(key=key, type="markdown", data=text, description="A page of the runbooks"))


def page(runbook: str, keys: dict[str, str]) -> str:
    return markdown.page((RUNBOOKS / f"{runbook}.md").read_text(), keys)


def reachable(runbook: str) -> tuple[str, ...]:
    """The pages of the runbooks that its links lead to, and theirs, in order; none if it has no link to another page."""
    found: dict[str, None] = {}
    todo = [runbook]
    while todo:
        near = [link.removesuffix(".md") for link in markdown.links((RUNBOOKS / f"{todo.pop()}.md").read_text())]
        fresh = [name for name in near if name not in found and "/" not in name and (RUNBOOKS / f"{name}.md").exists()]
        found.update(dict.fromkeys(fresh))
        todo += fresh
    return tuple(found)


def key_of(runbook: str) -> str:
    return slug(f"runbook-{runbook}")


def slug(name: str) -> str:
    """A name as Prefect allows it for artifact keys: lower-case letters, digits and dashes."""
    return name.replace("_", "-")
