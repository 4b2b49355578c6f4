"""Refused deliveries on a file system: what is wrong with each as JSON, and its bytes beside it.

The folder says whether it is settled.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from pathlib import Path

from pydantic import ValidationError

from nightjar.adapters.deliveries.content import Content
from nightjar.adapters.files.atomic import replacing, sync_folder, write_text
from nightjar.core.errors.inputs import DamagedFile
from nightjar.core.inputs.refusals import Refusal
from nightjar.core.model.sources import PROOFS

OPEN, SETTLED = "open", "settled"


@dataclass(frozen=True, slots=True)
class RefusedFiles:
    """The files of refused deliveries, under `<root>/refused/<open or settled>/<dataset>/date=YYYY-MM-DD/`.

    `<hash>.json` describes a delivery, and `<hash>.csv`, or with the ending of another format, has the
    delivered bytes.
    """

    root: Path

    def keep(self, refusal: Refusal, content: Content | None, ending: str = ".csv") -> Refusal | None:
        """Keep a refusal. None, and nothing is done, if the same content was refused before.

        Its bytes are kept in a file with this ending.
        One that was settled is open again if it was delivered anew since, at a later instant.
        """
        record, settled = self._record(OPEN, refusal), self._record(SETTLED, refusal)
        if record.exists() or (settled.exists() and refusal.recorded_at <= read(settled).recorded_at):
            return None
        if content is not None:
            with replacing(record.with_suffix(ending)) as draft:
                draft.writelines(content.blocks())
        write_text(refusal.model_dump_json(indent=1, exclude={"kept"}), record)
        for old in (settled, *copies_of(settled)):
            old.unlink(missing_ok=True)
        return read(record)

    def open(self, dataset: str) -> tuple[Refusal, ...]:
        """The refusals of a dataset that are not settled, by day and by the instant they were recorded at."""
        return self._kept(OPEN, dataset)

    def settled(self, dataset: str) -> tuple[Refusal, ...]:
        """Those that are settled and not pruned, in the same order."""
        return self._kept(SETTLED, dataset)

    def _kept(self, state: str, dataset: str) -> tuple[Refusal, ...]:
        found = map(read, self._records(state, dataset))
        return tuple(sorted(found, key=lambda refusal: (refusal.day, refusal.recorded_at)))

    def settle(
        self, dataset: str, day: date, recorded_by: datetime | None = None, last: date | None = None
    ) -> tuple[Refusal, ...]:
        """Settle open refusals of a day. With an instant, those recorded by it that are about its days alone.

        Their bytes are kept until they are pruned.
        """
        last = last or day
        found = [
            (record, read(record))
            for record in self._records(OPEN, dataset)
            if f"date={day}" <= record.parent.name <= f"date={last}"
        ]
        going = [
            (record, refusal)
            for record, refusal in found
            if recorded_by is None or (refusal.recorded_at <= recorded_by and refusal.through <= last)
        ]
        return tuple(self._settled(record, refusal) for record, refusal in going)

    def _settled(self, record: Path, refusal: Refusal) -> Refusal:
        """The record goes last: killed midway, the refusal is still open, and the next call settles it."""
        settled = self._record(SETTLED, refusal)
        settled.parent.mkdir(parents=True, exist_ok=True)
        for old in (*copies_of(record), record):
            os.utime(old)  # its age counts from now on
            old.replace(settled.with_name(old.name))
        sync_folder(settled.parent)
        return read(settled)

    def _record(self, state: str, refusal: Refusal) -> Path:
        return self._folder(state, refusal.dataset) / f"date={refusal.day}" / f"{refusal.content}.json"

    def _records(self, state: str, dataset: str) -> Iterator[Path]:
        return self._folder(state, dataset).glob("date=*/[0-9a-f]*.json")

    def _folder(self, state: str, dataset: str) -> Path:
        return self.root / "refused" / state / dataset


def read(record: Path) -> Refusal:
    try:
        refusal = Refusal.model_validate_json(record.read_bytes())
    except ValidationError as error:
        remedy = "Remove it; if its file is delivered again, it is refused again."
        raise DamagedFile(
            record, f"it is no record of a refused delivery: {error.errors()[0]['msg']}", remedy
        ) from error
    return refusal.model_copy(update={"kept": next(map(str, copies_of(record)), None)})


def copies_of(record: Path) -> list[Path]:
    """The copy of the delivered bytes. Nothing if they could not be read."""
    beside = (record.with_suffix(f".{ending}") for ending in PROOFS)
    return [copy for copy in beside if copy.exists()]


def content_of(content: Content | None, problem: str) -> str:
    """What tells one refused delivery from another: a hash of its bytes.

    Where they could not be read, it is a hash of the problem.
    """
    digest = sha256(problem.encode()).hexdigest() if content is None else content.sha256
    return digest[:16]
