"""Evidence is stored by its hash, and read as it was."""

import pytest

from nightjar.adapters.files.artifacts import FsspecArtifacts
from nightjar.core.errors.model import ArtifactBroken
from nightjar.core.kinds.estimates import Estimate
from nightjar.core.lifecycle.evidence import Evidence
from nightjar.testing.versions import toy_version
from nightjar.usecases.lifecycle.documents import read_evidence, store_evidence

EVIDENCE = Evidence(
    nights=(), comparisons=(), metrics={"auc": Estimate(value=0.7, nights=28, error=0.01, degrees=27)}
)


@pytest.fixture
def artifacts(tmp_path):
    return FsspecArtifacts(str(tmp_path))


def stored(artifacts):
    uri, sha256 = store_evidence(EVIDENCE, artifacts)
    return toy_version(evidence_uri=uri, evidence_sha256=sha256)


def test_it_is_read_as_it_was_stored_and_the_same_evidence_is_one_file(artifacts):
    assert read_evidence(stored(artifacts), artifacts) == EVIDENCE
    assert stored(artifacts) == stored(artifacts)


def test_a_version_of_before_has_none(artifacts):
    assert read_evidence(toy_version(), artifacts) is None


def test_evidence_that_was_tampered_with_is_refused(artifacts):
    version = stored(artifacts)
    file = artifacts.get(version.evidence_uri)
    file.chmod(0o644)
    file.write_text(file.read_text().replace("0.7", "0.9"))
    with pytest.raises(ArtifactBroken):
        read_evidence(version, artifacts)
