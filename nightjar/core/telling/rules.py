"""The rules: what counts as trouble, how bad it is, and which runbook helps. docs/alerts.md lists them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Generic, TypeVar
from zoneinfo import ZoneInfo

from nightjar.core.desk.places import TOP, desk_url, night_file, run_url
from nightjar.core.errors.inputs import DataGone
from nightjar.core.inputs.findings import Finding, foremost
from nightjar.core.inputs.refusals import Refusal
from nightjar.core.lost import LostDelivery
from nightjar.core.monitoring.losses import FEWEST_NIGHTS
from nightjar.core.monitoring.outcome_guard import TOLD_DAYS
from nightjar.core.night.plan import Stage, Standing
from nightjar.core.plurals import counted, days_told
from nightjar.core.telling.facts import (
    MOST_TRAININGS,
    DiskFacts,
    ModelFacts,
    NightFacts,
    PlatformFacts,
)
from nightjar.core.telling.incidents import Note, Severity, Trouble
from nightjar.core.wording import percent

F = TypeVar("F")

UNFINISHED_AFTER = timedelta(hours=1)
COMPARED_WITHIN = timedelta(hours=1)
UNREAD_AFTER = timedelta(days=1)
SILENT_FOR = timedelta(minutes=2)
UNTOLD_FOR = timedelta(minutes=30)
TRAININGS_MISSED = 2
FILLING, FULL = 0.10, 0.03
"""Free shares of a disk, or of the size that the database may have."""
QUEUE_FILLING = 0.5
GB, MB = 1e9, 1e6
RUNBOOK = " Runbook: runbooks/"
"""How the text of an error goes on with its runbook. See NightjarError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """What a rule saw. subject, because: as of a trouble.

    flow_run, night: whose page is about it. runbook: in place of the rule's. paged: False if no page opens.
    """

    sentence: str
    subject: str = ""
    flow_run: str | None = None
    night: date | None = None
    because: str = ""
    runbook: str = ""
    paged: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule(Generic[F]):
    """look: what is wrong by the facts. None: it could not be found out, so its incidents stay open.

    unmended: why nobody looks any more at a subject that is seen no more. It gives None if it was mended.
    A rule needs it that looks at the newest nights or days alone: what becomes too old is not mended by that.
    undecided: True if nobody can say yet whether a subject that is seen no more was mended.
    by_cause: True if troubles with other causes are told in other messages.
    """

    kind: str
    severity: Severity
    runbook: str
    means: str
    look: Callable[[F], Iterable[Sign] | None]
    unmended: Callable[[F, str], str | None] | None = None
    undecided: Callable[[F, str], bool] | None = None
    by_cause: bool = False

    def is_undecided(self, facts: F, subject: str) -> bool:
        return self.undecided is not None and self.undecided(facts, subject)

    def why_unmended(self, facts: F, subject: str) -> str | None:
        return None if self.unmended is None else self.unmended(facts, subject)


WARNING, CRITICAL = Severity.WARNING, Severity.CRITICAL


def rule(
    severity: Severity, runbook: str, means: str
) -> Callable[[Callable[[F], Iterable[Sign] | None]], Rule[F]]:
    """Make a rule of a function. The function's name is the kind of its troubles."""
    return lambda look: Rule(kind=look.__name__, severity=severity, runbook=runbook, means=means, look=look)


def told_no_more(unmended: Callable[[F, str], str | None]) -> Callable[[Rule[F]], Rule[F]]:
    """Have a rule say why its incidents end although nobody need have mended them."""
    return lambda rule: replace(rule, unmended=unmended)


def waits(undecided: Callable[[F, str], bool]) -> Callable[[Rule[F]], Rule[F]]:
    """Have a rule keep incidents open while nobody can say how they end."""
    return lambda rule: replace(rule, undecided=undecided)


def by_cause(rule: Rule[F]) -> Rule[F]:
    """Have troubles of a rule that have other causes told in other messages."""
    return replace(rule, by_cause=True)


# --- nights ---------------------------------------------------------------------------------------


def _promised_anew(facts: ModelFacts, subject: str) -> str | None:
    """A night that nobody published may be late no more, because the schedule or its promise changed."""
    night = next((each for each in facts.nights if str(each.score_date) == subject), None)
    if night is None or night.published:
        return None
    if not night.owed:
        return f"The night of {subject} is not published, and the schedule does not ask for it any more."
    if night.promised is None or night.promised <= facts.now:
        return None
    return f"The night of {subject} is not published. It is promised by {_local(night, facts.zone)} now."


@told_no_more(_promised_anew)
@rule(CRITICAL, "late-night", "a night is not published by its promise")
def late(facts: ModelFacts) -> Iterator[Sign]:
    for night in (each for each in facts.nights if each.owed and not each.published):
        if night.promised is None or night.promised <= facts.now:
            when = "its promise" if night.promised is None else _local(night, facts.zone)
            stage = "No run has begun it" if night.standing is None else f"It is {night.standing.stage.value}"
            yield Sign(
                subject=str(night.score_date),
                sentence=f"The night of {night.score_date} is not published by {when}. {stage}.",
                flow_run=night.standing.flow_run if night.standing else None,
            )


def _local(night: NightFacts, zone: str) -> str:
    assert night.promised is not None  # its caller asked
    return f"{night.promised.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M} ({zone})"


def _under_way(facts: ModelFacts, subject: str) -> bool:
    """A retry that fails or dies is the same incident, however long it takes."""
    return any(
        night.standing is not None and night.standing.stage in {Stage.SCORING, Stage.UNFINISHED}
        for night in facts.nights
        if str(night.score_date) == subject
    )


@by_cause
@waits(_under_way)
@rule(WARNING, "late-night", "a night failed and is tried again by itself, or was left unfinished")
def failed(facts: ModelFacts) -> Iterator[Sign]:
    """What fails and is tried again without a person, or died and was not taken up again."""
    for night, standing in _attempted(facts):
        if standing.stage is Stage.FAILED and standing.missed:
            yield _of_error(night, standing, "failed and is tried again by the next run")
        if standing.stage is Stage.UNFINISHED and _old(facts, standing):
            yield _of_error(night, standing, "was left unfinished by a process that died")


@by_cause
@waits(_under_way)
@rule(CRITICAL, "late-night", "a night failed, and only a person can say what follows")
def held_back(facts: ModelFacts) -> Iterator[Sign]:
    for night, standing in _attempted(facts):
        if standing.waits:
            what = "is held back and waits for a person"
            if holding := [finding for finding in night.findings if finding.holds]:
                yield _of_findings(night.score_date, holding, what)
            else:
                yield _of_error(night, standing, what)


@by_cause
@rule(WARNING, "audit-failed", "a night is published, and something stands against it")
def doubted(facts: ModelFacts) -> Iterator[Sign]:
    """It ends when another revision is published, without it or by a person who accepted it."""
    for day, findings in facts.doubted.items():
        yield _of_findings(day, findings, "is published and doubted")


def _of_findings(night: date, findings: Sequence[Finding], what: str) -> Sign:
    """The most telling findings: of each a line that says what is wrong, and one with its numbers."""
    told = foremost(findings)
    others = len(findings) - len(told)
    more = [f"And {counted(others, 'more finding')}."] if others else []
    return Sign(
        subject=str(night),
        sentence="\n".join((f"The night of {night} {what}.", *(f"- {each.lines}" for each in told), *more)),
        night=night,
        because=told[0].name,
        runbook=told[0].runbook,
    )


def _attempted(facts: ModelFacts) -> Iterator[tuple[NightFacts, Standing]]:
    return (
        (night, night.standing)
        for night in facts.nights
        if night.standing is not None and not night.published and not night.standing.held
    )


def _old(facts: ModelFacts, standing: Standing) -> bool:
    return standing.claimed_at is not None and facts.now - standing.claimed_at > UNFINISHED_AFTER


def _of_error(night: NightFacts, standing: Standing, what: str) -> Sign:
    """By the text that is stored with the run: the name of the error's type, its words and its runbook."""
    error, _, runbook = (standing.error or "").partition(RUNBOOK)
    kind, separator, words = error.partition(": ")
    named = bool(separator) and kind.isidentifier()
    return Sign(
        subject=str(night.score_date),
        sentence=f"The night of {night.score_date} {what}. {words if named else error}".strip(),
        flow_run=standing.flow_run,
        night=night.score_date,
        because=kind if named else "",
        runbook=runbook.removesuffix(".md"),
    )


def _newer_night(facts: ModelFacts, subject: str) -> str | None:
    newest = next((night.score_date for night in facts.nights if night.published), None)
    if newest is None or subject.startswith(str(newest)):
        return None
    return f"The night of {newest} is the newest published one now, and only the newest is looked at."


@told_no_more(_newer_night)
@rule(WARNING, "rows-set-aside", "the newest published night lacks rows, or its drift")
def partial(facts: ModelFacts) -> Iterator[Sign]:
    """More rows set aside than half of what would hold the night back, or no drift rows an hour later."""
    newest = next((night for night in facts.nights if night.published), None)
    if newest is None or newest.published_at is None:
        return
    limit = facts.max_quarantine_share / 2
    if newest.rows and newest.quarantined > limit * newest.rows:
        yield Sign(
            subject=f"{newest.score_date} rows",
            sentence=(
                f"The night of {newest.score_date} is published without {newest.quarantined:,} of "
                f"{newest.rows:,} rows ({percent(newest.quarantined / newest.rows)}): they were set aside. "
                f"Limit: {percent(limit)}."
            ),
            night=newest.score_date,
        )
    if not newest.compared and facts.now - newest.published_at > COMPARED_WITHIN:
        yield Sign(
            subject=f"{newest.score_date} drift",
            sentence=f"The night of {newest.score_date} is published, and its drift is not measured.",
            night=newest.score_date,
            runbook="report-failed",
        )


def _older_nights(facts: ModelFacts, subject: str) -> str | None:  # noqa: ARG001  # there is one
    if not facts.nights_too_old:
        return None
    older = counted(facts.nights_too_old, "older night")
    return f"No night that is looked at has such rows any more. {older} may have some; nobody looks at them."


@told_no_more(_older_nights)
@rule(WARNING, "rows-set-aside", "rows were set aside a day ago, and nobody scored them again")
def quarantine_unread(facts: ModelFacts) -> Iterator[Sign]:
    waiting = [each for each in facts.set_aside if facts.now - each.published_at > UNREAD_AFTER]
    if waiting:
        rows, oldest = sum(each.rows for each in waiting), min(each.score_date for each in waiting)
        yield Sign(
            sentence=(
                f"Nobody scored again what was set aside: {counted(rows, 'row')} of "
                f"{counted(len(waiting), 'published night')} since {oldest}."
            )
        )


# --- models ---------------------------------------------------------------------------------------


@rule(WARNING, "drift", "a column of the newest night drifted")
def drifted(facts: ModelFacts) -> Iterable[Sign] | None:
    if facts.drifted is None:
        return None
    return [
        Sign(
            subject=column,
            sentence=f"The column {column} of {facts.drift_of} drifted{f': {told}' if told else ''}.",
            night=facts.drift_of,
        )
        for column, told in facts.drifted.items()
    ]


def _not_comparable(facts: ModelFacts, subject: str) -> str | None:  # noqa: ARG001  # there is one
    if facts.loss is not None:
        return None
    return (
        f"Nobody can compare now: fewer than {FEWEST_NIGHTS} nights are measured of versions whose "
        "tests gave an interval."
    )


@told_no_more(_not_comparable)
@rule(WARNING, "model-worse", "measured nights are worse than the tests of their versions expect")
def degraded(facts: ModelFacts) -> Iterator[Sign]:
    loss = facts.loss
    if loss is not None and loss.worse:
        yield Sign(
            sentence=(
                f"The model is worse than its own tests. The {loss.metric} of the last {loss.nights} "
                f"measured nights is {loss.value:.4g}; the tests of the versions that scored them expect at "
                f"most {loss.expected:.4g}."
            )
        )


@rule(WARNING, "model-worse", "the schedule of training trains nothing")
def champion_stale(facts: ModelFacts) -> Iterator[Sign]:
    if facts.trained_at is not None and facts.trainings_due >= TRAININGS_MISSED:
        yield Sign(
            sentence=(
                f"No version was trained since {facts.trained_at:%Y-%m-%d}. The schedule has asked for "
                f"{'at least ' if facts.trainings_due == MOST_TRAININGS else ''}{facts.trainings_due} "
                "trainings since."
            )
        )


def _still_without(facts: ModelFacts, subject: str) -> str | None:  # noqa: ARG001  # there is one
    if not (old := facts.outcomes_too_old):
        return None
    of_them = f"{counted(len(old), 'older night')} without them ({min(old)} to {max(old)})"
    return f"No night that is looked at lacks its outcomes any more. Nobody looks at {of_them}."


@told_no_more(_still_without)
@rule(WARNING, "bad-delivery", "outcomes that are due are unknown")
def outcomes_missing(facts: ModelFacts) -> Iterator[Sign]:
    if facts.without_outcomes:
        nights = counted(len(facts.without_outcomes), "night")
        first, last = min(facts.without_outcomes), max(facts.without_outcomes)
        yield Sign(sentence=f"The outcomes of {nights} are due and not known: {days_told(first, last)}.")


@by_cause
@rule(CRITICAL, "outcomes-held", "a day of outcomes is held until a person decides")
def outcomes_held(facts: ModelFacts) -> Iterator[Sign]:
    for day, odd in facts.held.items():
        yield Sign(
            subject=str(day),
            sentence=f"The outcomes of {day} are held and count nowhere until a person decides: {odd.told}.",
            because=odd.because,
        )


def _too_old(facts: ModelFacts, subject: str) -> str | None:
    if subject not in map(str, facts.doubts_too_old):
        return None
    return (
        f"The day is not among the newest {TOLD_DAYS} any more. Nobody has accepted it, no other file of it "
        "has landed, and it counts."
    )


@by_cause
@told_no_more(_too_old)
@rule(WARNING, "outcomes-held", "a day of outcomes counts, and something stands against it")
def outcomes_doubted(facts: ModelFacts) -> Iterator[Sign]:
    for day, odd in facts.doubted_outcomes.items():
        yield Sign(
            subject=str(day),
            sentence=f"The outcomes of {day} count and are doubted, until a person accepts them: {odd.told}.",
            because=odd.because,
        )


def _unsettled(facts: ModelFacts, subject: str) -> str | None:
    if facts.settled is None or subject in facts.settled:
        return None
    return "The data folder does not know of it any more: no good file has landed, and nobody has cleared it."


@told_no_more(_unsettled)
@rule(WARNING, "bad-delivery", "a delivery is set aside")
def delivery_refused(facts: ModelFacts) -> Iterable[Sign] | None:
    if facts.refused is None:
        return None
    newest = {each.name: each for each in facts.refused}
    return [_of_refused(each) for each in newest.values()]


def _of_refused(refused: Refusal) -> Sign:
    """Its cause is its content: a second file that is refused is told, also if the same is wrong with it."""
    return Sign(
        subject=refused.name,
        sentence=(
            f"The delivery {refused.name}, recorded {refused.recorded_at:%Y-%m-%d %H:%M} "
            f"UTC, is set aside: {refused.told}. {refused.remedy}"
        ),
        because=refused.content,
    )


@rule(WARNING, "delivery-lost", "files that had landed are gone")
def deliveries_lost(facts: ModelFacts) -> Iterable[Sign] | None:
    """One trouble a dataset: a folder that is lost has hundreds of files."""
    if facts.lost is None:
        return None
    return [
        _of_lost(dataset, [each for each in facts.lost if each.dataset == dataset])
        for dataset in dict.fromkeys(each.dataset for each in facts.lost)
    ]


def _of_lost(dataset: str, lost: Sequence[LostDelivery]) -> Sign:
    days = days_told(min(each.day for each in lost), max(each.last for each in lost))
    return Sign(
        subject=dataset,
        sentence=(
            f"The data folder lacks {counted(len(lost), 'file')} of {dataset} that had landed, about {days}. "
            "A night or a training that has to read one stops."
        ),
    )


# --- the platform ---------------------------------------------------------------------------------


def _not_there(facts: PlatformFacts, subject: str) -> bool:
    return facts.data is not None and facts.data.place == subject and bool(facts.data.lacking)


def _no_disk(facts: PlatformFacts, subject: str) -> str | None:
    if subject in {each.place for each in facts.disks}:
        return None
    return "The settings name no such folder any more, or it is on the disk of another one."


@waits(_not_there)
@told_no_more(_no_disk)
@rule(WARNING, "storage-refused", "less than 10% of a disk is free")
def disk_filling(facts: PlatformFacts) -> Iterator[Sign]:
    return (_of_disk(disk) for disk in facts.disks if FULL <= disk.free / disk.total < FILLING)


@waits(_not_there)
@told_no_more(_no_disk)
@rule(CRITICAL, "storage-refused", "less than 3% of a disk is free")
def disk_full(facts: PlatformFacts) -> Iterator[Sign]:
    return (_of_disk(disk) for disk in facts.disks if disk.free / disk.total < FULL)


def _of_disk(disk: DiskFacts) -> Sign:
    return Sign(
        subject=disk.place,
        sentence=(
            f"{_size(disk.free)} of {_size(disk.total)} ({disk.free / disk.total:.1%}) are free at "
            f"{disk.place}."
        ),
    )


def _other_folder(facts: PlatformFacts, subject: str) -> str | None:
    if facts.data is None or facts.data.place == subject:
        return None
    return f"The settings name another data folder now: {facts.data.place}."


@told_no_more(_other_folder)
@rule(CRITICAL, "data-gone", "the data folder is gone, empty or cannot be read for 2 minutes")
def data_gone(facts: PlatformFacts) -> Iterable[Sign] | None:
    """Unknown for a short time only, as while a disk is mounted, and where nothing has landed yet."""
    data = facts.data
    if data is None or data.since is None:
        return ()
    if not data.needed or facts.now - data.since < SILENT_FOR:
        return None
    return (Sign(subject=data.place, sentence=DataGone(data.place, data.lacking).words),)


def _size(count: int) -> str:
    return f"{count / GB:.1f} GB" if count >= GB else f"{count / MB:.0f} MB"


@rule(WARNING, "storage-refused", "the database has 90% of NIGHTJAR_DATABASE_MAX_GB")
def database_filling(facts: PlatformFacts) -> Iterator[Sign]:
    limit = facts.database_limit
    if limit is not None and facts.database_bytes > (1 - FILLING) * limit:
        yield Sign(
            sentence=(
                f"The database holds {_size(facts.database_bytes)}. NIGHTJAR_DATABASE_MAX_GB allows "
                f"{limit / GB:.0f} GB."
            )
        )


@rule(WARNING, "storage-refused", "the queue of NOTIFY is half full")
def notifications_filling(facts: PlatformFacts) -> Iterator[Sign]:
    if facts.notifications > QUEUE_FILLING:
        yield Sign(
            sentence=(
                f"The queue of NOTIFY is {facts.notifications:.0%} full, because a session that listens "
                "keeps a transaction open. When it is full, no night can be published."
            )
        )


@rule(CRITICAL, "platform-failed", "the Prefect server does not answer for 2 minutes")
def server_gone(facts: PlatformFacts) -> Iterable[Sign] | None:
    """Unknown while it is silent for a short time only, so that a watcher that starts then ends nothing."""
    silent = facts.server_silent_since
    if silent is None:
        return ()
    if facts.now - silent < SILENT_FOR:
        return None
    said = f"The Prefect server has not answered since {silent:%Y-%m-%d %H:%M} UTC. No scheduled run starts."
    return (Sign(sentence=said, paged=False),)


@rule(CRITICAL, "no-worker", "no worker takes runs for 2 minutes")
def worker_gone(facts: PlatformFacts) -> Iterable[Sign] | None:
    """Unknown for a short time only: a worker that starts or is replaced is soon back."""
    since, lacking = facts.workerless_since, facts.workers
    if lacking is None or (lacking and (since is None or facts.now - since < SILENT_FOR)):
        return None
    return [Sign(sentence=why.told, because=why.because, runbook=why.runbook) for why in lacking]


def _no_folder(facts: PlatformFacts, subject: str) -> str | None:
    return None if subject in facts.folders else f"There is no folder of {subject} any more."


@told_no_more(_no_folder)
@rule(CRITICAL, "bad-spec", "the folder of a model cannot be used")
def model_broken(facts: PlatformFacts) -> Iterator[Sign]:
    for model, why in facts.broken.items():
        yield Sign(
            subject=model,
            sentence=f"Nothing of {model} is scored or looked at. {why.told}",
            because=why.because,
        )


def _still_unseen(facts: PlatformFacts, subject: str) -> bool:
    return subject in facts.unseen


@waits(_still_unseen)
@told_no_more(_no_folder)
@rule(CRITICAL, "unexpected-error", "a model cannot be looked at for 2 minutes")
def model_unseen(facts: PlatformFacts) -> Iterator[Sign]:
    """Not at once: files may be read while they change."""
    for model, seen in facts.unseen.items():
        if facts.now - seen.since >= SILENT_FOR:
            yield Sign(
                subject=model,
                sentence=(
                    f"Nobody can look at {model} since {seen.since:%Y-%m-%d %H:%M} UTC, so nobody is told "
                    f"what is wrong with it. {seen.why.told}"
                ),
                because=seen.why.because,
                runbook=seen.why.runbook,
            )


def _no_receiver(facts: PlatformFacts, subject: str) -> str | None:
    if facts.channels is None or subject in facts.channels:
        return None
    return "The settings do not name this receiver any more."


@told_no_more(_no_receiver)
@rule(WARNING, "receiver-gone", "a receiver takes nothing for 30 minutes")
def receiver_gone(facts: PlatformFacts) -> Iterator[Sign]:
    for channel, since in facts.untold.items():
        if facts.now - since > UNTOLD_FOR:
            yield Sign(
                subject=channel,
                sentence=(
                    f"The channel {channel} takes nothing: its oldest message waits since "
                    f"{since:%Y-%m-%d %H:%M} UTC."
                ),
            )


OF_A_MODEL = (
    late,
    held_back,
    failed,
    doubted,
    partial,
    quarantine_unread,
    drifted,
    degraded,
    champion_stale,
    outcomes_missing,
    outcomes_held,
    outcomes_doubted,
    delivery_refused,
    deliveries_lost,
)
OF_THE_PLATFORM = (
    disk_full,
    disk_filling,
    data_gone,
    database_filling,
    notifications_filling,
    server_gone,
    worker_gone,
    model_broken,
    model_unseen,
    receiver_gone,
)
EXPLAINS = ("disk_full", "data_gone", "server_gone", "worker_gone")
"""Troubles of the platform that make nights late or fail. Those nights are told together, as one cause."""
EXPLAINED = frozenset({"late", "failed"})


def judged(
    models: Iterable[ModelFacts], platform: PlatformFacts, ui: str | None
) -> tuple[tuple[Trouble, ...], frozenset[tuple[str, str]]]:
    """Return the troubles of now, and the (model, kind) pairs that could not be looked at.

    ui: the address of Prefect's pages for people.
    """
    found, unknown = _look(OF_THE_PLATFORM, "", platform, ui)
    cause = next((trouble.kind for trouble in found if trouble.kind in EXPLAINS), None)
    for facts in models:
        more, blind = _look(OF_A_MODEL, facts.model, facts, ui)
        found += [_explained(trouble, cause) for trouble in more]
        unknown |= blind
    return tuple(found), frozenset(unknown)


def why_unmended(models: Iterable[ModelFacts], platform: PlatformFacts, note: Note) -> str | None:
    """Why nobody looks any more at what an incident is about, so that it ends. None: it was mended."""
    if not note.model:
        rule = _rule_of(OF_THE_PLATFORM, note)
        return None if rule is None else rule.why_unmended(platform, note.subject)
    facts = next((each for each in models if each.model == note.model), None)
    if facts is None:
        return _no_folder(platform, note.model)
    rule = _rule_of(OF_A_MODEL, note)
    return None if rule is None else rule.why_unmended(facts, note.subject)


def undecided(models: Iterable[ModelFacts], platform: PlatformFacts, note: Note) -> bool:
    """True if nobody can say yet whether an incident is over, so that it stays open."""
    if not note.model:
        rule = _rule_of(OF_THE_PLATFORM, note)
        return rule is not None and rule.is_undecided(platform, note.subject)
    facts = next((each for each in models if each.model == note.model), None)
    rule = _rule_of(OF_A_MODEL, note)
    return facts is not None and rule is not None and rule.is_undecided(facts, note.subject)


def _rule_of(rules: Iterable[Rule[F]], note: Note) -> Rule[F] | None:
    return next((rule for rule in rules if rule.kind == note.kind), None)


def _look(
    rules: Iterable[Rule[F]], model: str, facts: F, ui: str | None
) -> tuple[list[Trouble], set[tuple[str, str]]]:
    found, unknown = list[Trouble](), set[tuple[str, str]]()
    for rule in rules:
        signs = rule.look(facts)
        if signs is None:
            unknown.add((model, rule.kind))
        else:
            found += [_trouble(rule, model, sign, ui) for sign in signs]
    return found, unknown


def _trouble(rule: Rule[F], model: str, sign: Sign, ui: str | None) -> Trouble:
    return Trouble(
        model=model,
        kind=rule.kind,
        subject=sign.subject,
        severity=rule.severity,
        cause=f"{rule.kind} {sign.because}".strip() if rule.by_cause else rule.kind,
        because=sign.because,
        sentence=sign.sentence,
        link=_page(ui, model, sign) if ui is not None and sign.paged else None,
        runbook=sign.runbook or rule.runbook,
    )


def _page(ui: str, model: str, sign: Sign) -> str:
    """The page of the flow run or of the night; else that of the model or of all models."""
    if sign.flow_run is not None:
        return run_url(ui, sign.flow_run)
    file = TOP if sign.night is None else night_file(sign.night)
    return desk_url(ui, f"{model}/{file}" if model else file)


def _explained(trouble: Trouble, cause: str | None) -> Trouble:
    if cause is None or trouble.kind not in EXPLAINED:
        return trouble
    return trouble.model_copy(update={"cause": cause})
