"""All that scoring a night needs of its store."""

from typing import Protocol

from nightjar.core.ports.claims import ClaimStore
from nightjar.core.ports.ledger import PublicationReader, PublicationWriter, RunReader
from nightjar.core.ports.parts import PartReader, PartWriter
from nightjar.core.ports.scores import ScoreReader


class NightReader(RunReader, PublicationReader, PartReader, ScoreReader, Protocol):
    """Runs, their parts, scores and publications. Changes nothing."""


class NightStore(NightReader, ClaimStore, PartWriter, PublicationWriter, Protocol):
    """The same, and what changes them.

    One database keeps them: a publication sees the parts that it publishes.
    """
