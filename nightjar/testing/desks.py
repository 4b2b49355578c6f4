"""A desk in memory: a model with as many nights as asked for, and something to show of each."""

from datetime import UTC, date, datetime, timedelta

from nightjar.core.desk.entities import (
    ColumnSeen,
    Desk,
    Explained,
    Found,
    Measured,
    NightSeen,
    OfNight,
    Report,
    RoleHeld,
    Scored,
    SetAside,
    StageSeen,
    Trouble,
)
from nightjar.core.monitoring.foreseen import Expected, Method
from nightjar.core.monitoring.losses import NightLoss

NOON = datetime(2024, 1, 30, 12, tzinfo=UTC)


def night_seen(day: date, **changes: object) -> NightSeen:
    """A published night without anything odd."""
    given: dict[str, object] = {
        "score_date": day,
        "run_id": day.toordinal(),
        "revision": 1,
        "state": "published",
        "model_version": 3,
        "repairs_run": None,
        "switched": False,
        "population": 1000,
        "scored": 990,
        "quarantined": 10,
        "claimed_at": NOON,
        "ended_at": NOON + timedelta(minutes=3),
        "flow_run": None,
        "error": None,
        "action": "publish",
        "reason": None,
        "findings": [],
        "published_at": NOON,
        "first_published_at": changes.get("published_at", NOON),
        "newer": None,
        "newer_state": None,
        "newer_error": None,
    }
    return NightSeen(**given | changes)  # pyright: ignore[reportArgumentType]  # a test names what it changes


def held_back(day: date) -> NightSeen:
    error = "AuditFailed: half of the rows that comparable nights have"
    return night_seen(day, action=None, published_at=None, state="failed", error=error)


def measured(day: date, role: str, occasions: int, value: float, metric: str = "brier") -> Measured:
    return Measured(
        score_date=day,
        role=role,
        occasions=occasions,
        nights=occasions,
        metric=metric,
        value=value,
        low=value - 0.01,
        high=value + 0.01,
        rows=990,
        coverage=0.9,
    )


def night_loss(day: date, value: float, expected: float = 0.14, metric: str = "brier") -> NightLoss:
    return NightLoss(score_date=day, metric=metric, value=value, expected=expected, rows=900)


def expected(day: date, method: Method, value: float | None, came_true: float | None = 0.2) -> Expected:
    note = "few past rows are like this night's" if value is None else None
    return Expected(
        score_date=day, method=method, metric="brier", value=value, note=note, came_true=came_true
    )


def column_seen(day: date, name: str, value: float, note: str = "") -> ColumnSeen:
    """It drifted if its distance is above 0.2."""
    return ColumnSeen(
        score_date=day,
        column_name=name,
        value=value,
        threshold=0.2,
        drifted=value > 0.2,
        finding=None,
        null_share=0.0,
        note=note,
    )


def stage_seen(day: date, name: str, seconds: float, rows: int | None = 990) -> StageSeen:
    return StageSeen(
        score_date=day,
        stage=name,
        role="",
        rows=rows,
        seconds=seconds,
        cpu_seconds=seconds / 2,
        size=2_000_000,
        peak_memory=300_000_000,
        retries=0,
    )


def full_desk(nights: int, columns: int = 40, note: str = "constant: every value is 10.0") -> Desk:
    """Nights with something of everything that a desk shows, the newest held back."""
    days = [date(2024, 1, 30) - timedelta(days=n) for n in range(nights)][::-1]
    recent, shown = days[-62:], days[:-1]
    roles = (("champion", 1), ("champion", 28), ("challenger", 1), ("champion beside challenger", 1))
    return Desk(
        model="toy",
        nights=[*map(night_seen, shown), held_back(days[-1])],
        measured=[
            measured(day, role, occasions, 0.1 + 0.01 * (day.day % 7), metric)
            for day in shown
            for role, occasions in roles
            for metric in ("auc", "brier", "log_loss")
        ],
        losses=[night_loss(day, 0.1 + 0.01 * (day.day % 7)) for day in shown],
        expected=[
            expected(day, method, value, None if day == days[-1] else 0.2)
            for day in days
            for method, value in ((Method.PAPE, 0.21), (Method.CBPE, 0.22), (Method.TRAILING, 0.23))
        ],
        drift=[
            column_seen(day, f"a_column_with_a_long_name_{n}", 0.05 * ((day.day + n) % 6), note)
            for day in recent
            for n in range(columns)
        ],
        set_aside=[SetAside(score_date=day, column_name="wind", broken="in_range", rows=4) for day in recent],
        stages=[stage_seen(day, name, day.day / 2) for day in recent for name in ("retrieval", "scoring")],
        scored=[
            Scored(score_date=day, mean=0.3, quantiles=[0.1 + 0.02 * n for n in range(41)]) for day in shown
        ],
        roles=[role_held(number) for number in range(1, 6)],
        troubles=[trouble(str(days[-1])), trouble(str(days[0]), over=True)],
        reports=[Report(score_date=shown[-1], run_id=shown[-1].toordinal(), kind="card", uri="file:///x")],
        sent_at=NOON,
        watched=True,
    )


def role_held(number: int) -> RoleHeld:
    return RoleHeld(
        role="champion",
        model_version=number,
        held_from=NOON + timedelta(days=number),
        held_until=None if number == 5 else NOON + timedelta(days=number + 1),
        reason="every gate passed",
        actor="nightjar_writer",
    )


def trouble(subject: str, *, over: bool = False) -> Trouble:
    return Trouble(
        model="toy",
        kind="held_back",
        subject=subject,
        severity="critical",
        sentence=f"The night of {subject} is held back and waits for a person. volume: half of the rows.",
        link=None,
        runbook="audit-failed",
        began_at=NOON,
        ended_at=NOON + timedelta(hours=1) if over else None,
    )


def full_night(day: date, run_id: int, note: str = "half of the rows that comparable nights have") -> OfNight:
    """All that is known of a night."""
    return OfNight(
        measured=[measured(day, "champion", 1, 0.1)],
        drift=[column_seen(day, f"a_column_with_a_long_name_{n}", 0.05 * n, note) for n in range(30)],
        found=[
            Found(
                score_date=day,
                run_id=run_id,
                name="volume",
                column_name="",
                slice="",
                number=500.0,
                expected=990.0,
                allowed=800.0,
                rate=0.001,
                sentence=note,
                runbook="audit-failed.md",
                holds=True,
            )
        ],
        set_aside=[SetAside(score_date=day, column_name="wind", broken=note, rows=4)],
        explained=[
            Explained(entity_key=f"UA{n}-EWR-{day}", score=0.9, reasons=["a short flight", note])
            for n in range(20)
        ],
        reports=[
            Report(score_date=day, run_id=run_id, kind=kind, uri="file:///x") for kind in ("card", "drift")
        ],
    )
