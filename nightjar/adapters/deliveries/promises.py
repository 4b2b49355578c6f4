"""What is promised of a delivered file by another file beside it: how many rows, or which bytes."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nightjar.adapters.deliveries.content import Content
from nightjar.adapters.deliveries.csv_text import shortened
from nightjar.adapters.deliveries.delivered import MEGABYTE, RESEND, read_delivered
from nightjar.core.errors.inputs import BadDelivery
from nightjar.core.model.sources import Proof

MANIFEST = "manifest.json"
COUNT = re.compile(r"[0-9]{1,18}")
HASH = re.compile(r"[0-9a-fA-F]{64}")


@dataclass(frozen=True, slots=True)
class Promise:
    """rows: how many there are. sha256: of the bytes, in lower-case hex. by: the name of who says so."""

    rows: int | None = None
    sha256: str | None = None
    by: str = ""

    def require_bytes(self, content: Content, file: Path) -> None:
        """Raises BadDelivery for other bytes than were promised."""
        if self.sha256 is not None and (found := content.sha256) != self.sha256:
            problem = f"has the SHA-256 {found}, {self.by} says {self.sha256}"
            raise BadDelivery(file, problem, f"{RESEND} Or have {self.by} written anew, if it is older.")

    def require_rows(self, found: int, file: Path) -> None:
        """Raises BadDelivery for fewer or more rows than were promised."""
        if self.rows is None or found == self.rows:
            return
        counts = f"holds {found} rows, {self.by} says {self.rows}"
        if found < self.rows:
            raise BadDelivery(file, f"is truncated: it {counts}", RESEND)
        raise BadDelivery(file, counts, f"Have {self.by} count the rows that are delivered.")


NOTHING = Promise()
"""The promise about a file that proves itself, or need not be proved."""


def promise_of(file: Path, proof: Proof) -> Promise:
    """Raises BadDelivery if what should promise is missing, or promises nothing."""
    return PROMISES[proof](file) if proof in PROMISES else NOTHING


def by_rows(file: Path) -> Promise:
    beside = file.with_name(f"{file.name}.rows")
    text = said(file, beside, "the number of rows").strip()
    if not COUNT.fullmatch(text):
        problem = f"holds {shortened(text)!r}, which is not a number of rows"
        raise BadDelivery(beside, problem, "Have the number written in the digits 0 to 9, and nothing else.")
    return Promise(rows=int(text), by=beside.name)


def by_hash(file: Path) -> Promise:
    """The hash alone, or a line as `sha256sum` writes it."""
    beside = file.with_name(f"{file.name}.sha256")
    text = said(file, beside, "the SHA-256 of its bytes")
    digest = next(iter(text.split()), "")
    if not HASH.fullmatch(digest):
        problem = f"begins with {shortened(digest)!r}, which is not a SHA-256"
        raise BadDelivery(beside, problem, "Have it written as `sha256sum` does: 64 hex digits come first.")
    return Promise(sha256=digest.lower(), by=beside.name)


def by_manifest(file: Path) -> Promise:
    beside = file.with_name(MANIFEST)
    form = (
        f'Have it written like {{"{file.name}": {{"rows": 3, "sha256": "..."}}}}, with one of both or both.'
    )
    entry = entry_of(file.name, beside, said(file, beside, "its rows or its SHA-256"), form)
    rows, digest = entry.get("rows"), entry.get("sha256")
    if rows is digest is None:
        raise BadDelivery(beside, f"promises neither rows nor sha256 of {file.name}", form)
    if rows is not None and (not isinstance(rows, int) or isinstance(rows, bool) or rows < 0):
        raise BadDelivery(beside, f"promises {rows!r} rows of {file.name}, which is not a number", form)
    if digest is not None and not (isinstance(digest, str) and HASH.fullmatch(digest)):
        raise BadDelivery(beside, f"promises {digest!r} of {file.name}, which is not a SHA-256", form)
    return Promise(rows=rows, sha256=digest and digest.lower(), by=MANIFEST)


def entry_of(name: str, manifest: Path, text: str, form: str) -> Mapping[str, Any]:
    try:
        entries = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadDelivery(manifest, f"is not JSON: {error}", form) from error
    if not isinstance(entries, dict) or not isinstance(entries.get(name), dict):
        raise BadDelivery(manifest, f"does not name {name}", form)
    return entries[name]


def said(file: Path, beside: Path, what: str) -> str:
    """The text of the file beside a delivered one. Raises BadDelivery if there is none."""
    if not beside.exists():
        remedy = f"Have {beside.name} delivered too, before the file: it holds {what}."
        raise BadDelivery(file, f"is not proved whole: there is no {beside.name} beside it", remedy)
    return b"".join(read_delivered(beside, MEGABYTE)).decode(errors="replace")


PROMISES: Mapping[Proof, Callable[[Path], Promise]] = {
    "rows": by_rows,
    "sha256": by_hash,
    "manifest": by_manifest,
}
