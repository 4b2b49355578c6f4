"""Where the rows of a dataset come from."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

Format = Literal["csv", "jsonl", "parquet"]
Proof = Literal["trailer", "rows", "sha256", "manifest", "footer", "none"]
PROOFS: Mapping[Format, tuple[Proof, ...]] = {
    "csv": ("trailer", "rows", "sha256", "manifest", "none"),
    "jsonl": ("rows", "sha256", "manifest", "none"),
    "parquet": ("footer", "rows", "sha256", "manifest"),
}
"""Format -> the proofs that it allows. A Parquet file always has a footer, so it needs no `none`."""
DEFAULTS: Mapping[Format, Proof] = {"csv": "trailer", "parquet": "footer"}
"""The proof of a format if the dataset names none. JSON lines have no proof of their own."""


@dataclass(frozen=True, slots=True)
class Files:
    """Files that are delivered.

    whole: what proves that a file is whole. "trailer": its last line is `# rows=N`. "rows", "sha256": the
    file `NAME.rows` or `NAME.sha256` beside it holds the number of its rows or the hash of its bytes.
    "manifest": `manifest.json` beside it names it with `rows`, `sha256` or both. "footer": the end of a
    Parquet file. "none": nothing. None: the format's own proof.
    """

    format: Format = "csv"
    whole: Proof | None = None

    @property
    def proof(self) -> Proof:
        return self.whole or DEFAULTS[self.format]

    def faults(self) -> Iterator[str]:
        """What is wrong with the declaration."""
        if self.whole is None and self.format not in DEFAULTS:
            yield f"must say what proves a {self.format} file whole: {told(PROOFS[self.format])}"
        elif self.proof not in PROOFS[self.format]:
            allowed = told(PROOFS[self.format])
            yield f"cannot prove a {self.format} file whole by {self.whole!r}, only by {allowed}"


def told(proofs: tuple[Proof, ...]) -> str:
    return f"{', '.join(proofs[:-1])} or {proofs[-1]}"
