"""What prefect.yaml deploys is what the models' specs say."""

from importlib import import_module
from pathlib import Path

import pytest
import yaml

import models

PROJECT = Path(models.__file__).parent.parent
DEPLOYMENTS = yaml.safe_load((PROJECT / "prefect.yaml").read_text())["deployments"]


def deployment(flow, model):
    found = [
        each
        for each in DEPLOYMENTS
        if each["entrypoint"] == f"flows.{flow}.{flow}" and each["name"] == f"{model}-{flow}"
    ]
    assert len(found) == 1, f"prefect.yaml has {len(found)} deployments of {flow} for {model}"
    return found[0]


def of(spec):
    return [each for each in DEPLOYMENTS if each["parameters"] == {"model": spec.name}]


def test_no_two_deployments_share_a_name():
    assert len({each["name"] for each in DEPLOYMENTS}) == len(DEPLOYMENTS)


@pytest.mark.parametrize("model", models.MODELS)
@pytest.mark.parametrize("flow", ["features", "score", "monitor", "retrain", "backfill", "repair"])
def test_every_model_has_every_flow_tagged_and_one_at_a_time(model, flow):
    deployed = deployment(flow, model)
    assert deployed["parameters"] == {"model": model}
    assert set(deployed["tags"]) == {"nightjar", f"model:{model}"}
    assert deployed["concurrency_limit"] == {"limit": 1, "collision_strategy": "ENQUEUE"}


@pytest.mark.parametrize("spec", models.MODELS.values(), ids=lambda spec: spec.name)
def test_schedules_are_those_of_the_spec_in_the_models_time_zone(spec):
    crons = {
        flow: [schedule["cron"] for schedule in deployment(flow, spec.name)["schedules"]]
        for flow in ("score", "retrain")
    }
    assert crons == {"score": [spec.cron], "retrain": [spec.retrain_cron]}
    zones = {schedule["timezone"] for each in of(spec) for schedule in each["schedules"]}
    assert zones == {spec.time_zone}


@pytest.mark.parametrize("spec", models.MODELS.values(), ids=lambda spec: spec.name)
def test_nothing_is_scheduled_before_what_it_may_know_is_known(spec):
    for each in of(spec):
        for schedule in each["schedules"]:
            minute, hour, *_ = schedule["cron"].split()
            assert (int(hour), int(minute)) >= (spec.as_of_time.hour, spec.as_of_time.minute), (
                f"{each['entrypoint']} starts before the as-of"
            )


def test_no_flow_shares_its_name_with_an_importable_module():
    for file in (PROJECT / "flows").glob("*.py"):
        if file.stem != "__init__":
            with pytest.raises(ModuleNotFoundError):
                import_module(file.stem)
