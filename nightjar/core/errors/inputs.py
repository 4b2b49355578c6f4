"""What is wrong with the data that a night needs."""

from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path

from nightjar.core.errors.base import NightjarError


class BadDelivery(NightjarError):
    """A landed file that does not keep its dataset's schema. What was there before is untouched."""

    exit_code, runbook = 5, "bad-delivery"

    def __init__(self, file: Path | str, problem: str, remedy: str, column: str | None = None) -> None:
        where = f"{file}, column {column!r}" if column else str(file)
        super().__init__(f"{where}: {problem}. {remedy}")
        self.file, self.problem, self.remedy, self.column = str(file), problem, remedy, column


class DeliveriesSetAside(NightjarError):
    """Bad deliveries that nothing has replaced, and nobody has cleared."""

    exit_code, runbook = 45, "bad-delivery"

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(f"Bad deliveries are set aside ({len(names)}): {', '.join(names)}. Look with `nightjar deliveries list`.")


class NoPopulation(NightjarError):
    """landed: how many rows there are for the date, of which the model takes none. last: no date up to it has any."""

    exit_code, runbook = 6, "no-population"

    def __init__(self, model: str, score_date: date, dataset: str, known_at: datetime, landed: int, last: date | None = None) -> None:
        dates = f"{score_date}" if last in (None, score_date) else f"{score_date} to {last}"
        known = f"recorded by {known_at:%Y-%m-%d %H:%M} UTC"
        why = (
            f"{landed} rows of {dataset} {known} landed for that date, and the model's `population` takes none of them. "
            f"Look at the rows, and at the filter in models/{model}/; or name another date."
            if landed
            else f"no {dataset} {known} landed for that date. "
            "Land it with `nightjar land`, or name another date; if it was recorded later than that, score with --known-at."
        )
        super().__init__(f"{model}: nothing to score on {dates}: {why}")


class ContractBroken(NightjarError):
    """A fault of the whole batch: a missing column or a wrong type. No row of it can be trusted."""

    exit_code, runbook = 8, "contract-broken"

    def __init__(self, where: str, faults: Sequence[str]) -> None:
        super().__init__(f"{where}: {'; '.join(faults)}. Correct the source or the contract, then retry the run.")


class StaleFeatures(NightjarError):
    """A feed stopped: features are older than the model lets them be."""

    exit_code, runbook = 25, "stale-features"

    def __init__(self, model: str, score_date: date, as_of: datetime, findings: Sequence[str]) -> None:
        super().__init__(
            f"{model} {score_date} is not scored, as of {as_of:%Y-%m-%d %H:%M} UTC: {'; '.join(findings)}. "
            "Land what was delivered and run the night again; or, if it is to be scored without, say --accept and the reason, which the ledger keeps."
        )
        self.findings = tuple(findings)


class MissingFeatures(NightjarError):
    exit_code, runbook = 11, "missing-features"

    def __init__(self, model: str, missing: Sequence[str], service: str) -> None:
        super().__init__(f"{model}: feature service {service!r} lacks {sorted(missing)}. Run `nightjar features apply`, or correct the model's spec.")


class DamagedFile(NightjarError):
    """A stored file of raw days or features that holds other bytes than were written."""

    exit_code, runbook = 41, "damaged-file"

    def __init__(self, file: Path, why: str, remedy: str) -> None:
        super().__init__(f"{file} is damaged: {why}. {remedy}")


class UnsafeFeatureStore(NightjarError):
    exit_code, runbook = 21, "unsafe-feature-store"

    def __init__(self, store_type: str) -> None:
        super().__init__(
            f"feature_store.yaml names offline_store type {store_type!r}, which loses rows: on a real night of 801 departures it "
            "returned 13 without an error (it drops entity rows whose history is expired or absent). Use "
            "nightjar.adapters.feast_polars.PolarsOfflineStore."
        )


class NotOurStore(NightjarError):
    """A question that only our own offline store can answer."""

    exit_code, runbook = 26, "not-our-store"

    def __init__(self, model: str, store_type: str) -> None:
        super().__init__(
            f"{model}: features are asked for as they were known at another instant than the entities' own, which the offline store "
            f"{store_type!r} of feature_store.yaml cannot answer. Use nightjar.adapters.feast_polars.PolarsOfflineStore with its `known_at` as it is."
        )
