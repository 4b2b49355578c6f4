"""Whether delivered bytes are the text they should be, and if not, what they are instead."""

from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE, BOM_UTF32_LE
from pathlib import Path

from nightjar.adapters.deliveries.content import Content
from nightjar.adapters.deliveries.delivered import RESEND
from nightjar.core.errors.inputs import BadDelivery

OTHER_KINDS = {
    b"\x1f\x8b": "compressed by gzip",
    b"PK\x03\x04": "a zip archive or a workbook",
    b"BZh": "compressed by bzip2",
    b"\xfd7zXZ\0": "compressed by xz",
    b"\x28\xb5\x2f\xfd": "compressed by zstd",
    b"PAR1": "Parquet",
    BOM_UTF32_LE: "UTF-32",
    BOM_UTF16_LE: "UTF-16",
    BOM_UTF16_BE: "UTF-16",
}
"""How files begin that are often sent in the place of a text."""


def require_text(content: Content, file: Path, form: str = "CSV") -> None:
    """Raises BadDelivery for bytes that are no text in UTF-8. `form` only names what it should be.

    A byte that is wrong within a text is found later, with its line.
    """
    if not any(map(bytes.strip, content.blocks())):
        raise BadDelivery(file, "is empty: it holds nothing but white space", RESEND)
    if content.between(0, len(BOM_UTF8)) == BOM_UTF8:
        raise BadDelivery(file, "begins with a byte order mark", "Have it written as UTF-8 without one.")
    if kind := kind_of(content):
        raise BadDelivery(
            file, f"is {kind}, not {form} in UTF-8", f"Have it delivered as {form} in UTF-8, not compressed."
        )
    line_end = content.find(b"\n")
    if content.find(b"\r", end=None if line_end < 0 else line_end - 1) >= 0:
        raise BadDelivery(
            file, "ends its lines with a carriage return alone", "Have its lines end with a line feed."
        )


def kind_of(content: Content) -> str | None:
    """What other kind of file it is.

    One of the first two characters of UTF-16 that could be a CSV is ASCII, so half of it is NUL.
    """
    begins = content.between(0, 8)
    other = next((kind for begin, kind in OTHER_KINDS.items() if begins.startswith(begin)), None)
    return other or ("UTF-16 without a byte order mark" if begins[:2].count(0) == 1 else None)


def shortened(text: str, most: int = 80) -> str:
    return text if len(text) <= most else f"{text[:most]}... ({len(text)} characters)"
