"""Whatever is wrong is a sentence and an exit code of 1; the table and the JSON say the same."""

from __future__ import annotations

import dataclasses
from collections import Counter
from typing import Any

import pytest

from bridge.sandbox import sample
from bridge.selftest import report
from bridge.selftest.bounds import Bound
from bridge.selftest.faults import Happened
from bridge.selftest.oracle import Verdict
from bridge.selftest.run import SelftestResult
from bridge.selftest.schedule import DisturbanceKind, Options

WELL = Verdict(
    due=10, arrived=9, given_up=Counter(unauthorized=1), lost=[], duplicates=3, overtaken=[], foreign=0, unexplained=[]
)


@pytest.fixture
def result() -> SelftestResult:
    return SelftestResult(
        options=Options(7, 12, 2, 60.0, sample.configuration(), bootstrap="kafka:9092"),
        verdict=WELL,
        bound=Bound(ambiguous=1, after_crashes=2),
        records=12,
        filtered=2,
        happened=[Happened(DisturbanceKind.KILL, 1.0, 2.0), Happened(DisturbanceKind.KILL, 5.0, 6.0)],
        recoveries=[0.5, 1.25],
        unauthorized_at_most=1,
        problems=[],
        seconds=30.0,
    )


def test_a_run_that_kept_every_promise_has_no_findings(result: SelftestResult) -> None:
    assert report.findings(result) == []


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"lost": ["orders/0/1 never reached the API"]}, "lost: orders/0/1 never reached the API"),
        ({"overtaken": ["orders/0/1 arrived after orders/0/2"]}, "out of order: orders/0/1 arrived after orders/0/2"),
        ({"duplicates": 4}, "4 duplicates; at most 3 are allowed"),
        ({"foreign": 2}, "2 requests that come from no record"),
        ({"unexplained": ["x"]}, "a dead letter without a reason: x"),
        (
            {"given_up": Counter(unauthorized=2)},
            "2 events became dead letters for a refused key; at most 1 are allowed",
        ),
    ],
)
def test_each_broken_promise_is_a_sentence(result: SelftestResult, changes: dict[str, Any], sentence: str) -> None:
    broken = dataclasses.replace(result, verdict=dataclasses.replace(WELL, **changes))
    assert report.findings(broken) == [sentence]


def test_what_a_process_did_wrong_is_a_finding(result: SelftestResult) -> None:
    assert report.findings(dataclasses.replace(result, problems=["replica 1 ended"])) == ["replica 1 ended"]


def test_of_many_losses_a_few_are_named_and_the_others_counted(result: SelftestResult) -> None:
    lost = [f"orders/0/{n}" for n in range(8)]
    found = report.findings(dataclasses.replace(result, verdict=dataclasses.replace(WELL, lost=lost)))
    assert found[-1] == "lost: 3 more"
    assert len(found) == 6


def test_the_table_names_each_fault_and_those_a_cluster_is_spared(result: SelftestResult) -> None:
    text = "\n".join(report.table(result))
    assert "a replica is killed (kill -9) and started again" in text
    assert "1.2 s" in text
    assert text.count("not on a given cluster") == 2
    assert "at most 3: 1 answers that never came, 2 in flight or uncommitted at a crash" in text


def test_the_document_has_the_same_facts(result: SelftestResult) -> None:
    found = report.as_json(result, ["wrong"])
    assert (found["ok"], found["seed"], found["lost"], found["duplicates_at_most"]) == (False, 7, 0, 3)
    assert found["faults"] == {"kill": {"times": 2, "longest_recovery_s": 1.25}}
    assert found["skipped"] == ["broker_down", "letters_refused"]
