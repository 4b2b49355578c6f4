"""Whoever asks for the gates of a version holds it to the limits of today, not to those of its day."""

from functools import partial

import pytest

from nightjar.adapters.files.artifacts import FsspecArtifacts
from nightjar.adapters.memory_registry import MemoryRegistry
from nightjar.core.errors.model import GateFailed
from nightjar.core.kinds.estimates import Estimate
from nightjar.core.lifecycle.evidence import Evidence
from nightjar.core.night.clock import night_of
from nightjar.testing.specs import TOY, toy_spec
from nightjar.testing.versions import TRAINED_THROUGH, champion_of, registered
from nightjar.usecases.lifecycle.by_hand import Decided, decide_by_hand
from nightjar.usecases.lifecycle.roll_back import roll_back_champion
from nightjar.usecases.lifecycle.todays_gates import require_todays_gates
from nightjar.usecases.scoring.scorers import by_name

MEASURED = Evidence(
    nights=(), comparisons=(), metrics={"auc": Estimate(value=0.7, nights=28, error=0.01, degrees=27)}
)
TIGHTENED = toy_spec(gates=TOY.gates | {"min_auc": 0.8})
NIGHT = night_of(TIGHTENED, TRAINED_THROUGH)


@pytest.fixture
def artifacts(tmp_path):
    return FsspecArtifacts(f"file://{tmp_path}/store")


@pytest.fixture
def registry(artifacts, tmp_path):
    """A champion, and a version that passed its gates when it was registered."""
    file = tmp_path / "evidence.json"
    file.write_text(MEASURED.model_dump_json())
    uri, sha256 = artifacts.put("evidence", file)
    registry = MemoryRegistry()
    champion_of(registry)
    registered(registry, artifact_sha256="2" * 64, evidence_uri=uri, evidence_sha256=sha256)
    return registry


def test_a_version_that_a_tightened_limit_excludes_is_refused_by_every_way_to_publish_it(registry, artifacts):
    second = registry.version("toy", 2)
    require_gates = partial(require_todays_gates, TIGHTENED, artifacts=artifacts)
    with pytest.raises(GateFailed, match=r"AUC is 0\.7000"):
        decide_by_hand(TIGHTENED, registry, artifacts, 2, Decided.CHAMPION, "it is better")
    with pytest.raises(GateFailed, match=r"AUC is 0\.7000"):
        roll_back_champion(registry, second, "it is better", require_gates)
    with pytest.raises(GateFailed, match=r"AUC is 0\.7000"):
        by_name(registry, NIGHT, number=2, reason=None, require_gates=require_gates)
    assert by_name(registry, NIGHT, number=2, reason="to compare", require_gates=require_gates).named
    assert registry.holder("toy", "champion").number == 1


def test_the_way_back_to_a_champion_stays_open_when_a_limit_is_tightened(registry, artifacts):
    second = registry.version("toy", 2)
    decide_by_hand(TIGHTENED, registry, artifacts, 2, Decided.CHAMPION, "now", despite_gates=True)
    registry.promote(registry.version("toy", 1), "champion", "back")
    require_gates = partial(require_todays_gates, TIGHTENED, artifacts=artifacts)
    assert roll_back_champion(registry, second, "it was right", require_gates).version_number == 2
