"""The store of nights: everything that scoring a night reads and writes."""

from typing import Protocol

from nightjar.core.ports.claims import ClaimStore
from nightjar.core.ports.ledger import PublicationReader, PublicationWriter, RunReader
from nightjar.core.ports.parts import PartReader, PartWriter
from nightjar.core.ports.scores import ScoreReader


class NightReader(RunReader, PublicationReader, PartReader, ScoreReader, Protocol):
    """Reads runs, their parts, scores and publications. It changes nothing."""


class NightStore(NightReader, ClaimStore, PartWriter, PublicationWriter, Protocol):
    """Reads and changes runs, their parts, scores and publications.

    One database holds all of them, so a publication sees the parts that it publishes.
    """
