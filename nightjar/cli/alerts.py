"""The alerts commands list what is wrong now, and send a test to every receiver."""

import typer

from nightjar.cli.options import opened
from nightjar.core.errors.settings import BadSettings
from nightjar.showing import console

OPEN = ("since (UTC)", "severity", "model", "kind", "what is wrong", "runbook")

alerts = typer.Typer(help="What is wrong now, and who is told.", invoke_without_command=True)


@alerts.callback()
def list_open(context: typer.Context) -> None:
    """List the open incidents, oldest first, as the watcher noted them."""
    if context.invoked_subcommand is not None:
        return
    from nightjar.core.telling.incidents import UNWATCHED

    ledger = opened().incidents()
    found = ledger.opened()
    if not ledger.watched():
        console.notice(f"{UNWATCHED} `nightjar up` and `nightjar watch` run one.", level="warning")
    if not found:
        console.out.print("no incident is open")
        return
    rows = [
        (
            f"{incident.began.noted_at:%Y-%m-%d %H:%M}",
            note.severity.value,
            note.model,
            note.kind,
            note.sentence,
            f"runbooks/{note.runbook}.md",
        )
        for incident in found
        for note in (incident.now,)
    ]
    console.out.print(console.table("open incidents", OPEN, rows))


@alerts.command("test")
def test() -> None:
    """Send a test message to every receiver of alerts, and say who took it. Exit code 1 if one did not."""
    from datetime import UTC, datetime

    from nightjar.core.telling.messages import trial

    platform = opened()
    channels = platform.ways_to_people()
    if not channels:
        raise BadSettings("Nobody is told of alerts", "Set NIGHTJAR_ALERT_URL or NIGHTJAR_ALERT_URLS.")
    failed = False
    for name, channel in channels.items():
        why = channel.tell(trial(datetime.now(UTC), platform.settings.ui))
        failed |= why is not None
        console.out.print(f"{name}: {'took it' if why is None else why}")
    if failed:
        console.notice(
            "Correct its URL in NIGHTJAR_ALERT_URL or NIGHTJAR_ALERT_URLS, or mend the receiver. Runbook: "
            "runbooks/receiver-gone.md",
            level="warning",
        )
        raise typer.Exit(1)
