"""What the comparison with another program says of a run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bench.versus import __main__ as versus
from bench.versus.mishaps import MISHAPS, ORDINARY, REFUSED
from bench.versus.runs import Outcome, bridge_config, disordered
from bridge.config.load import read
from bridge.sandbox.emulator import Fault

OUTCOME = Outcome("a program", "nothing", 100, 100, 0, 0, 0, 1.0, 50.0)


def test_an_event_behind_a_later_one_of_its_user_is_out_of_order() -> None:
    assert disordered([("a", 1), ("b", 0), ("a", 2), ("b", 3)]) == 0
    assert disordered([("a", 1), ("a", 4), ("b", 0), ("a", 2), ("a", 3), ("a", 5)]) == 2


def test_what_is_neither_delivered_nor_a_dead_letter_is_missing() -> None:
    assert OUTCOME.missing == 0
    assert replace(OUTCOME, accepted=90, letters=4).missing == 6
    assert replace(OUTCOME, letters=3).missing == 0, "delivered, though its answer was lost, and a dead letter"


def test_the_table_says_all_or_whatever_became_of_events_and_what_one_cost_where_nothing_went_wrong() -> None:
    other = replace(OUTCOME, program="another", accepted=1, letters=0, seconds=0.0)
    bad = replace(OUTCOME, mishap="500", accepted=90, repeated=3, disordered=2, letters=4)
    rows = versus.table([OUTCOME, other, bad, replace(bad, program="another", letters=0)])
    assert rows == [
        ["at the API", "a program", "another"],
        ["---", "---", "---"],
        ["nothing", "all", "1; 99 missing"],
        [
            "500",
            "90; 6 missing; 4 dead letters; 3 sent again; 2 out of order",
            "90; 10 missing; 3 sent again; 2 out of order",
        ],
        ["events in a second", "100", "0"],
        ["processor for an event", "50 µs", "50 µs"],
    ]
    assert versus.table([bad])[2:] == [["500", bad.told()]]


def test_every_mishap_is_one_that_the_emulated_api_knows() -> None:
    assert len({mishap.name for mishap in MISHAPS}) == len(MISHAPS)
    assert all(Fault.from_json(dict(fault)) for mishap in MISHAPS for fault in mishap.script)


def test_the_bridge_takes_the_configuration_that_it_is_compared_with(tmp_path: Path) -> None:
    path = tmp_path / "bridge.yaml"
    bridge_config(path, "127.0.0.1:9092", "orders", "letters", "http://127.0.0.1:1")
    config = read(path, {}).config
    assert config is not None
    assert config.mapping.events.keys() == {ORDINARY, REFUSED}


def test_a_connector_that_is_not_there_is_said_before_anything_is_started(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["versus", "--connector", "/nowhere/aiven.jar"])
    assert versus.main() == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == "--connector /nowhere/aiven.jar: there is no such file; name the jar of Aiven's HTTP sink\n"


def test_what_cannot_be_built_is_said_before_anything_is_started(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("sys.argv", ["versus", "--benthos"])
    assert versus.main() == 2
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "Benthos cannot be built here: there is no go, which builds it\n")
