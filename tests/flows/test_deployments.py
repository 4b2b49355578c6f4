"""What is deployed follows from the models' specs."""

from importlib import import_module
from pathlib import Path

import pytest
import yaml

import models
from nightjar.core.errors.model import ModelBroken
from nightjar.core.platform.deployments import FLOWS
from nightjar.server.deployments import declared, prefect_yaml

PROJECT = Path(models.__file__).parent.parent
every_model = pytest.mark.parametrize("spec", models.MODELS.values(), ids=models.MODELS)


@every_model
def test_every_model_has_every_flow_tagged_and_one_at_a_time(spec):
    for flow in FLOWS:
        deployed = declared()[f"{spec.name}-{flow}"]
        assert deployed["entrypoint"] == f"flows.{flow}.{flow}"
        assert callable(getattr(import_module(f"flows.{flow}"), flow))
        assert deployed["parameters"] == {"model": spec.name}
        assert set(deployed["tags"]) == {"nightjar", f"model:{spec.name}"}
        assert deployed["work_pool"] == {"name": "nightjar"}
        assert deployed["concurrency_limit"] == {"limit": 1, "collision_strategy": "ENQUEUE"}


def test_the_schedules_of_the_flights_are_these():
    scheduled = {
        name: [(each["cron"], each["timezone"]) for each in deployed["schedules"]]
        for name, deployed in declared().items()
        if name.startswith("flight_delay-")
    }
    zone = "America/New_York"
    assert scheduled == {
        "flight_delay-features": [("10 21 * * *", zone)],
        "flight_delay-score": [("30 21 * * *", zone)],
        "flight_delay-monitor": [("0 22 * * *", zone)],
        "flight_delay-retrain": [("0 23 * * 0", zone)],
        "flight_delay-backfill": [],
        "flight_delay-repair": [],
        "flight_delay-promote": [],
    }


def test_what_prefect_is_given_names_each_deployment_once_and_no_code_to_pull():
    written = yaml.safe_load(prefect_yaml())
    assert [each["name"] for each in written["deployments"]] == list(declared())
    assert len(declared()) == len(models.MODELS) * len(FLOWS)
    assert written["pull"] == []


def test_a_broken_model_is_not_deployed_and_stops_no_other(monkeypatch):
    monkeypatch.setattr(models, "BROKEN", {"bad": ModelBroken("bad", "is bad")})
    assert "flight_delay-score" in declared()
    assert not [name for name in declared() if name.startswith("bad-")]


@pytest.mark.parametrize("flow", FLOWS)
def test_a_flow_offers_the_models_and_takes_none_by_default(flow):
    schema = getattr(import_module(f"flows.{flow}"), flow).parameters
    assert schema.properties["model"]["enum"] == list(models.NAMES)
    assert "model" in schema.required


def test_no_flow_shares_its_name_with_an_importable_module():
    for file in (PROJECT / "flows").glob("*.py"):
        if file.stem != "__init__":
            with pytest.raises(ModuleNotFoundError):
                import_module(file.stem)
