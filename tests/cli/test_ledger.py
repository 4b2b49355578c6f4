"""What the commands about versions print, on a real registry."""

import json


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
