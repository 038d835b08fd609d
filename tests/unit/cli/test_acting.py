"""What an act on the whole group is reported as: each partition that is not simply done, and who says nothing."""

from __future__ import annotations

import json

import pytest

from bridge.cli.frame import acting
from bridge.exits import ExitCode
from bridge.fleet.acts.outcomes import ActReport, Fate, PartitionFate, Silent

HERE, THERE = "http://10.0.0.3:9464/", "http://10.0.0.4:9464"
REPORT = ActReport(
    "shop.orders",
    (
        PartitionFate(0, Fate.DONE, HERE),
        PartitionFate(1, Fate.DONE, HERE),
        PartitionFate(2, Fate.REFUSED, THERE, "it is held already."),
        PartitionFate(3, Fate.ELSEWHERE, owner="replica-4"),
        PartitionFate(4, Fate.NOT_REACHED, detail="no answer within 5 s."),
    ),
    (Silent(THERE, "no answer within 5 s", may_be_done=True), Silent(HERE, f"{HERE} refused the token")),
    ("unauthorized",),
)


def test_partitions_are_listed_replica_by_replica() -> None:
    assert acting.listed("shop.orders", REPORT.partitions[:3]) == (
        "shop.orders/0, shop.orders/1 (10.0.0.3:9464); shop.orders/2 (10.0.0.4:9464)"
    )
    assert acting.listed("shop.orders", [PartitionFate(7, Fate.DONE)]) == "shop.orders/7"


def test_what_is_not_done_is_said_with_its_reason_and_a_silent_replica_by_its_address_once(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert acting._end(REPORT, "Held: some.", as_json=False) is ExitCode.FINDINGS
    said = capsys.readouterr().out.splitlines()
    assert said[:2] == ["Held: some.", "Not done, shop.orders/2: it is held already."]
    assert said[2].startswith("No replica that was asked has shop.orders/3 (replica-4): ")
    assert said[3] == "Not reached, shop.orders/4: no answer within 5 s."
    assert said[4:] == [
        f"{HERE} refused the token.",
        "All sending is held, which no release ends: unauthorized",
    ]
    silent = ActReport("shop.orders", REPORT.partitions[:1], (Silent(THERE, "no answer"),))
    assert acting.remarks(silent) == [f"{THERE}: no answer."]


def test_a_script_reads_the_same_and_the_exit_code_says_whether_it_is_complete(
    capsys: pytest.CaptureFixture[str],
) -> None:
    acting._end(REPORT, "Held: some.", as_json=True)
    document = json.loads(capsys.readouterr().out)
    assert [each["outcome"] for each in document["partitions"]] == [
        "done", "done", "refused", "elsewhere", "not_reached",
    ]  # fmt: skip
    assert document["partitions"][3]["owner"] == "replica-4"
    assert document["silent"][0] == {"replica": THERE, "problem": "no answer within 5 s", "may_be_done": True}
    assert document["gates"] == ["unauthorized"]
    assert acting._end(ActReport("t", REPORT.partitions[:1]), "Held.", as_json=True) is ExitCode.OK
