"""What the commands about versions print, on a real registry."""

import json
from datetime import date

import pytest

import models
from nightjar.core.errors.night import NothingPublished
from nightjar.core.inputs.findings import Finding
from nightjar.core.night.clock import night_of
from nightjar.core.night.stages import IN_ORDER

SPEC = models.model("flight_delay")


def test_versions_are_shown_with_their_gates_roles_and_decisions(run, world):
    (version,) = world.platform.registry.versions("flight_delay")
    shown = run("models", "--at", "2013-03-16")
    assert "roles on 2013-03-16" in shown
    assert shown.count("champion") >= 3
    for gate in version.gates:
        assert any(gate.name in line and str(gate.verdict) in line for line in shown.splitlines())
    assert "nightjar_writer" in shown
    (decision,) = world.platform.registry.promotions("flight_delay")
    assert decision.reason in shown


def test_the_same_is_printed_as_json(run, world):
    told = json.loads(run("models", "--at", "2013-03-10", "--json"))
    assert [(one["number"], one["roles"], one["roles_at"]) for one in told["versions"]] == [
        (1, ["champion"], [])
    ]
    assert {gate["name"] for gate in told["versions"][0]["gates"]} == {
        gate.name for gate in world.platform.registry.version("flight_delay", 1).gates
    }
    assert [row["actor"] for row in told["ledger"]] == ["nightjar_writer"]


def test_a_version_does_not_differ_from_itself(run):
    shown = run("diff", 1, 1)
    assert "data: the same\nparameters: the same\ncode: the same" in shown
    told = json.loads(run("diff", 1, 1, "--json").partition("\n")[2])  # after the line on stderr
    assert (told["data"], told["parameters"], told["code"]) == ([], [], [])
    assert all(row["first"] == row["second"] for row in told["metrics"])


def test_a_night_is_replayed_bit_for_bit_and_its_source_too(run, world):
    """The version is named because the champion was trained after that night."""
    run("score", "--date", "2013-03-10", "--version", 1, "--reason", "the only one")
    number = world.platform.store.publication("flight_delay", date(2013, 3, 10)).run_id
    assert "bit for bit the same" in run("replay", number)
    told = json.loads(run("replay", number, "--from-source", "--json").partition("\n")[2])
    assert (told["scores"], told["source"], told["profiles"], told["gone"]) == ([], [], [], [])


def test_the_stages_of_a_night_are_shown_and_printed_as_json(run, world):
    run("score", "--date", "2013-03-10", "--version", 1, "--reason", "the only one", "--force")
    number = world.platform.store.publication("flight_delay", date(2013, 3, 10)).run_id
    shown = run("stages", "2013-03-10")
    assert f"stages of flight_delay 2013-03-10, run {number}" in shown
    told = json.loads(run("stages", "2013-03-10", "--json"))
    assert told["run"] == number
    names = [stage["stage"] for stage in told["stages"]]
    assert names[:9] == [*IN_ORDER[:9]]
    assert all(stage in shown for stage in names)


def test_the_findings_of_a_night_are_shown_and_printed_as_json(run, world):
    night, store = night_of(SPEC, date(2013, 3, 11)), world.platform.store
    with store.night(night, world.platform.registry.holder(SPEC.name, "champion"), None) as claimed:
        told = run("findings", "2013-03-11")
        assert f"attempt 1 of run {claimed.run.id} has no findings; the run is claimed" in told
        odd = [
            Finding(name="slice_volume", slice="origin=[JFK]", sentence="too few in JFK", holds=False),
            Finding(name="volume", number=478, expected=970, limit=770.7, sentence="too few rows"),
        ]
        world.platform.readings.record_findings(claimed.run, odd)
        store.fail(claimed.run, "AuditFailed: too few rows")
    shown = run("findings", "2013-03-11")
    assert f"findings of flight_delay 2013-03-11, run {claimed.run.id}" in shown
    assert shown.index("770.7") < shown.index("origin=[JFK]")
    assert shown.count("holds the night back: no") == 1
    told = json.loads(run("findings", "2013-03-11", "--json"))
    assert told["run"] == claimed.run.id
    assert [each["holds"] for each in told["findings"]] == [True, False]
    assert [each["name"] for each in told["findings"]] == ["volume", "slice_volume"]


@pytest.mark.parametrize("command", ["stages", "findings"])
def test_a_night_that_was_never_scored_has_nothing_to_show(run, command):
    with pytest.raises(NothingPublished):
        run(command, "2013-02-01")
