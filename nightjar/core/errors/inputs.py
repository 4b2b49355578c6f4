"""These errors say what is wrong with the data that a night needs."""

from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path

from nightjar.core.errors.base import NightjarError
from nightjar.core.errors.settings import BadSettings
from nightjar.core.lost import LostDelivery
from nightjar.core.plurals import counted


class BadDelivery(NightjarError):
    """A landed file breaks its dataset's schema. Earlier data are unchanged.

    night: the model and the score date of a night that needs the file. It is given only if a person may have
    the night scored without the file.
    """

    exit_code, runbook = 5, "bad-delivery"

    def __init__(
        self,
        file: Path | str,
        problem: str,
        remedy: str,
        column: str | None = None,
        night: tuple[str, date] | None = None,
    ) -> None:
        where = f"{file}, column {column!r}" if column else str(file)
        without = (
            " Or have the night scored without it, with a reason, which the ledger keeps." if night else ""
        )
        super().__init__(f"{where}: {problem}. {remedy}{without}")
        self.file, self.problem, self.remedy = str(file), problem, remedy
        self.column, self.night = column, night


class DeliveriesSetAside(NightjarError):
    """There are bad deliveries that no good delivery has replaced and no person has cleared."""

    exit_code, runbook = 45, "bad-delivery"
    told = 5

    def __init__(self, model: str, names: Sequence[str]) -> None:
        more = f", and {len(names) - self.told:,} more" if len(names) > self.told else ""
        first = ", ".join(names[: self.told])
        super().__init__(f"Bad deliveries are set aside ({len(names):,}): {first}{more}.")
        self.model = model


class BadTable(NightjarError):
    """A table to scan that is not as its dataset declares. What was read before is untouched."""

    exit_code, runbook = 60, "bad-table"

    def __init__(self, dataset: str, problem: str, remedy: str, column: str | None = None) -> None:
        where = f"table of {dataset}, column {column!r}" if column else f"table of {dataset}"
        super().__init__(f"{where}: {problem}. {remedy}")
        self.dataset, self.problem, self.remedy, self.column = dataset, problem, remedy, column


class NotDelivered(BadSettings):
    """A file for a dataset whose rows are read from a table."""

    def __init__(self, dataset: str) -> None:
        remedy = "Write its rows to the table, and have `deliver` leave it out."
        super().__init__(f"{dataset} is read from a table, so no file of it can land", remedy)


class NothingLost(BadSettings):
    """A person gave up a file of a day, but none is lost."""

    def __init__(self, model: str, dataset: str, day: date) -> None:
        super().__init__(f"No file of {dataset} {day} is lost", "Name what is.")
        self.model = model


class NothingSetAside(BadSettings):
    """A person asked to clear a bad delivery, but none is set aside for that day."""

    def __init__(self, model: str, dataset: str, day: date) -> None:
        super().__init__(f"Nothing of {dataset} {day} is set aside", "Name what is.")
        self.model = model


class NoPopulation(NightjarError):
    """A night has no rows to score.

    landed: number of rows for the date. The model's filter takes none of them.
    last: the last date of the range that was asked for. No date of the range has any rows to score.
    scanned: the rows are read from a table, not delivered.
    """

    exit_code, runbook = 6, "no-population"

    def __init__(
        self,
        model: str,
        score_date: date,
        dataset: str,
        known_at: datetime,
        landed: int,
        last: date | None = None,
        *,
        scanned: bool = False,
    ) -> None:
        dates = f"{score_date}" if last in (None, score_date) else f"{score_date} to {last}"
        known = f"recorded by {known_at:%Y-%m-%d %H:%M} UTC"
        why = (
            f"{counted(landed, 'row')} of {dataset} {known} landed for that date, and the model's "
            f"`population` takes none of them. Look at the rows, and at the filter in models/{model}/; "
            "or name another date."
            if landed
            else f"the table of {dataset} has no row for that date {known}. "
            "Have it filled, or name another date; if it was recorded later than that, let the night know it."
            if scanned
            else f"no {dataset} {known} landed for that date. "
            "Land it, or name another date; if it was recorded later than that, let the night know it."
        )
        super().__init__(f"{model}: nothing to score on {dates}: {why}")
        self.model, self.score_date, self.dataset, self.landed = model, score_date, dataset, landed
        self.scanned = scanned


class ContractBroken(NightjarError):
    """The whole batch is at fault: a column is missing or has the wrong type. No row can be trusted."""

    exit_code, runbook = 8, "contract-broken"

    def __init__(self, where: str, faults: Sequence[str]) -> None:
        super().__init__(
            f"{where}: {'; '.join(faults)}. Correct the source or the contract, then retry the run."
        )


class StaleFeatures(NightjarError):
    """A feed stopped, so features are older than the model allows."""

    exit_code, runbook = 25, "stale-features"

    def __init__(self, model: str, score_date: date, as_of: datetime, findings: Sequence[str]) -> None:
        super().__init__(
            f"{model} {score_date} is not scored, as of {as_of:%Y-%m-%d %H:%M} UTC: {'; '.join(findings)}. "
            "Bring the feed up to date and run the night again; "
            "or have it scored without, with a reason, which the ledger keeps."
        )
        self.model, self.score_date, self.findings = model, score_date, tuple(findings)


class MissingFeatures(NightjarError):
    """Inputs of a model that nothing gives.

    repo: the Feast repository of the service, if it is not ours.
    columns: those of the population, if no feature table declares the inputs either. near: names that are
    like them, of columns and of declared features.
    """

    exit_code, runbook = 11, "missing-features"

    def __init__(
        self,
        model: str,
        missing: Sequence[str],
        service: str,
        repo: Path | None = None,
        *,
        columns: Sequence[str] | None = None,
        near: Sequence[str] = (),
    ) -> None:
        ours = "Tell Feast what the models declare, or correct the model's spec."
        theirs = (
            f"The population does not have them either. Correct the model's spec, or have the features added "
            f"to the service in {repo} and applied there."
        )
        lacks = f"feature service {service!r} lacks {sorted(missing)}. {theirs if repo else ours}"
        super().__init__(
            f"{model}: {lacks if columns is None else _of_nowhere(model, missing, columns, near)}"
        )
        self.repo, self.columns = repo, columns
        self.variant = "of nowhere" if columns is not None else ""


def _of_nowhere(model: str, missing: Sequence[str], columns: Sequence[str], near: Sequence[str]) -> str:
    several, names = len(missing) > 1, ", ".join(map(repr, missing))
    them, are = "them" if several else "it", "are" if len(near) > 1 else "is"
    like = f" Near {them} {are} {', '.join(map(repr, near))}." if near else ""
    return (
        f"{'each of the inputs' if several else 'the input'} {names} is neither a column of `population`, "
        f"which gives {', '.join(columns) or 'entity_key alone'}, nor a feature of the model's feature "
        f"tables.{like} Correct `categorical` or `numeric` in models/{model}/spec.py, or have the population "
        f"or a table give {them}."
    )


class FeastSchemaGone(BadSettings):
    def __init__(self) -> None:
        remedy = "Migrate the database, then tell Feast what the models declare."
        super().__init__("The schema of Feast's registry is gone", remedy)


class FeastRegistryEmpty(BadSettings):
    def __init__(self) -> None:
        super().__init__("Feast's registry has no tables yet", "Tell Feast what the models declare.")


class DamagedFile(NightjarError):
    """A stored file of raw days or features does not hold the bytes that were written."""

    exit_code, runbook = 41, "damaged-file"

    def __init__(self, file: Path, why: str, remedy: str) -> None:
        super().__init__(f"{file} is damaged: {why}. {remedy}")


class FilesLost(NightjarError):
    """Files that were stored are gone. what: of them, in the plural."""

    exit_code, runbook = 72, "damaged-file"
    told = 5

    def __init__(self, what: str, files: Sequence[str], remedy: str) -> None:
        more = f", and {len(files) - self.told:,} more" if len(files) > self.told else ""
        first = ", ".join(files[: self.told])
        super().__init__(f"{what} are gone from the disk ({len(files):,}): {first}{more}. {remedy}")


class DeliveriesLost(FilesLost):
    """Files of raw days that have landed are gone. model: of who looks for them, if it is known."""

    exit_code, runbook = 74, "delivery-lost"

    def __init__(self, lost: Sequence[LostDelivery], model: str | None = None) -> None:
        super().__init__(
            "Files of days that have landed",
            [f"{each.dataset} {each.about} ({each.file})" for each in lost],
            "What was built of them stays. A night, a build or a training that has to read one stops. "
            "Each landing asks the feed for them again. Restore them from a backup, or land the same files.",
        )
        self.lost, self.model = tuple(lost), model


class DataGone(NightjarError):
    """There is nothing in the data folder, although versions were trained on what had landed in it.

    lacking: what follows the name of the folder.
    """

    exit_code, runbook = 75, "data-gone"

    def __init__(self, folder: Path | str, lacking: str) -> None:
        super().__init__(
            f"The data folder {folder} {lacking}. Is its disk mounted? Until it is, no run lands, builds or "
            "scores anything."
        )


class ArtifactsLost(FilesLost):
    """Files that versions, nights and reports name are not in the artifact store."""

    exit_code, runbook = 73, "artifact-broken"

    def __init__(self, files: Sequence[str]) -> None:
        super().__init__(
            "Stored files of versions, nights and reports",
            files,
            "Restore them from a backup. Without one, the runbook says what each kind is needed for.",
        )


class UnsafeFeatureStore(NightjarError):
    exit_code, runbook = 21, "unsafe-feature-store"

    def __init__(self, store_type: str) -> None:
        super().__init__(
            f"feature_store.yaml names offline_store type {store_type!r}, which loses rows: "
            "on a real night of 801 departures it returned 13 without an error (it drops entity rows whose "
            "history is expired or absent). Use nightjar.adapters.feast_polars.PolarsOfflineStore."
        )


class ServiceMissing(NightjarError):
    """A model names a FeatureService that the registry of its Feast repository does not have."""

    exit_code, runbook = 57, "your-feast"

    def __init__(self, model: str, service: str, repo: str, known: Sequence[str]) -> None:
        there = f"It has {', '.join(known)}." if known else "It has none: the repository was not applied yet."
        super().__init__(f"{model}: the Feast repository {repo} has no feature service {service!r}. {there}")


class ServiceUnreadable(NightjarError):
    """The Feast repository that a model names cannot be opened."""

    exit_code, runbook = 58, "your-feast"

    def __init__(self, repo: str, problem: str) -> None:
        super().__init__(f"The Feast repository {repo}: {problem}.")


class NotOurStore(NightjarError):
    """A retrieval needs our own offline store, but another one is configured."""

    exit_code, runbook = 26, "not-our-store"

    def __init__(self, model: str, store_type: str) -> None:
        super().__init__(
            f"{model}: features are asked for as they were known at another instant than the entities' own, "
            f"which the offline store {store_type!r} of feature_store.yaml cannot answer. "
            "Use nightjar.adapters.feast_polars.PolarsOfflineStore with its `known_at` as it is."
        )
