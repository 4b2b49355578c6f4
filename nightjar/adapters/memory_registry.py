"""A registry in memory: of a backtest, whose versions nobody registers, and of tests."""

import threading
from datetime import UTC, date, datetime

from nightjar.core.lifecycle.arms import share_of
from nightjar.core.lifecycle.roles import CHALLENGER, CHAMPION, Ending, holder_of
from nightjar.core.model.entities import Candidate, Dataset, Promotion, Version
from nightjar.core.upkeep.retention import Named


class MemoryRegistry:
    """Implements the port `Registry`. Its data ends with it. Threads may share one."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._datasets: list[Dataset] = []
        self._versions: list[Version] = []
        self._ledger: list[Promotion] = []

    def add_dataset(
        self,
        model: str,
        sha256: str,
        uri: str,
        rows: int,
        first_date: date,
        last_date: date,
        known_at: datetime,
    ) -> Dataset:
        with self._lock:
            for dataset in self._datasets:
                if (dataset.model, dataset.sha256) == (model, sha256):
                    return dataset
            dates = {"first_date": first_date, "last_date": last_date, "known_at": known_at}
            self._datasets.append(
                Dataset(id=len(self._datasets) + 1, model=model, sha256=sha256, uri=uri, rows=rows, **dates)
            )
            return self._datasets[-1]

    def datasets(self, model: str) -> tuple[Dataset, ...]:
        return tuple(dataset for dataset in self._datasets if dataset.model == model)

    def add_version(self, candidate: Candidate) -> Version:
        with self._lock:
            for version in self._versions:
                if (version.dataset_id, version.artifact_sha256) == (
                    candidate.dataset_id,
                    candidate.artifact_sha256,
                ):
                    return version
            number = 1 + len(self.versions(candidate.model))
            self._versions.append(
                Version(
                    **candidate.model_dump(), id=len(self._versions) + 1, number=number, created_at=_now()
                )
            )
            return self._versions[-1]

    def version(self, model: str, number: int) -> Version | None:
        return next((version for version in self.versions(model) if version.number == number), None)

    def version_by_id(self, version_id: int) -> Version:
        return self._versions[version_id - 1]

    def versions(self, model: str) -> tuple[Version, ...]:
        return tuple(version for version in reversed(self._versions) if version.model == model)

    def holder(self, model: str, role: str, at: datetime | None = None) -> Version | None:
        known = (row for row in self.promotions(model) if at is None or row.promoted_at <= at)
        held = holder_of(role, ((row.version_id, row.role) for row in known))
        return None if held is None else self.version_by_id(held)

    def promote(self, version: Version, role: str, reason: str) -> Promotion:
        with self._lock:
            if self.holder(version.model, role) == version:
                return next(row for row in self.promotions(version.model) if row.role == role)
            return self._added(version, role, reason)

    def promote_beside(
        self, version: Version, champion: Version | None, role: str, reason: str
    ) -> Promotion | None:
        with self._lock:
            other = self.holder(version.model, CHALLENGER) if role == CHALLENGER else None
            if self.holder(version.model, CHAMPION) != champion or other not in (None, version):
                return None
            return self.promote(version, role, reason)

    def end_challenge(
        self, challenger: Version, champion: Version, ending: Ending, reason: str
    ) -> Promotion | None:
        with self._lock:
            held = tuple(self.holder(challenger.model, role) for role in (CHALLENGER, CHAMPION))
            return self._added(challenger, ending, reason) if held == (challenger, champion) else None

    def set_share(
        self, challenger: Version, champion: Version, share: float, reason: str, *, instead_of: float
    ) -> Promotion | None:
        with self._lock:
            held = tuple(self.holder(challenger.model, role) for role in (CHALLENGER, CHAMPION))
            now = share_of(self.promotions(challenger.model))
            if (*held, now) != (challenger, champion, instead_of):
                return None
            return self._added(challenger, CHALLENGER, reason, share)

    def _added(self, version: Version, role: str, reason: str, share: float = 0) -> Promotion:
        held = {
            "version_id": version.id,
            "version_number": version.number,
            "role": role,
            "share": share,
            "reason": reason,
            "actor": "memory",
        }
        self._ledger.append(
            Promotion(id=len(self._ledger) + 1, model=version.model, promoted_at=_now(), **held)
        )
        return self._ledger[-1]

    def promotions(self, model: str) -> tuple[Promotion, ...]:
        return tuple(row for row in reversed(self._ledger) if row.model == model)

    def named(self) -> tuple[Named, ...]:
        """Every file that a dataset or a version names."""
        of_versions = [
            uri
            for version in self._versions
            for uri in (
                version.artifact_uri,
                version.reference_uri,
                version.evidence_uri,
                version.golden_uri,
            )
            if uri is not None
        ]
        return tuple(map(Named, [*(dataset.uri for dataset in self._datasets), *of_versions]))


def _now() -> datetime:
    return datetime.now(UTC)
