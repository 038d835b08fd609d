"""The table of what goes wrong: the page has what the tests expect, and its alerts and sections exist."""

from __future__ import annotations

import re

import pytest
import yaml

from scripts.reference_tables import refreshed
from tests.chart import chart
from tests.integration.situations import inhibition, report
from tests.integration.situations.agreement import check_runbook
from tests.integration.situations.inhibition import Alert
from tests.integration.situations.situation import Situation
from tests.integration.situations.table import SITUATIONS
from tests.support.docs import commands

RULES = chart.CHART / "rules" / "track-bridge.rules.yaml"


def test_the_pages_table_is_what_the_tests_expect() -> None:
    text = commands.text_of("operations")
    rewrite = "write it anew: python -m tests.integration.situations.report"
    assert refreshed(text, {report.BLOCK: report.short()}) == text, rewrite


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.name)
def test_every_alert_and_every_cure_of_the_table_is_in_the_runbook(situation: Situation) -> None:
    alerts = re.findall(r"- alert: (\w+)", RULES.read_text(encoding="utf-8"))
    assert {*situation.alerts, *situation.later, *situation.inhibited} <= {*alerts}
    check_runbook(situation)


def alert(name: str, **labels: str) -> Alert:
    return Alert(name, {"alertname": name, "namespace": "events", "job": "bridge", **labels}, "")


def sent(*firing: Alert) -> list[str]:
    return [each.name for each in inhibition.sent(firing, inhibition.rules())]


def test_an_alert_that_another_one_explains_is_not_sent_and_that_of_another_release_is() -> None:
    outage, late = alert("TrackBridgeOutage"), alert("TrackBridgeOldestOpenRecord", topic="orders")
    other = alert("TrackBridgeOldestOpenRecord", job="other", topic="orders")
    assert sent(outage, late, other) == ["TrackBridgeOutage", "TrackBridgeOldestOpenRecord"]
    assert sent(late) == ["TrackBridgeOldestOpenRecord"]
    held = alert("TrackBridgeHeld", topic="orders")
    assert sent(held, late, alert("TrackBridgeOldestOpenRecord", topic="accounts")) == [
        "TrackBridgeHeld",
        "TrackBridgeOldestOpenRecord",
    ]


@pytest.mark.parametrize("cause", ["TrackBridgeThrottled", "TrackBridgeHeld"])
def test_one_cause_that_makes_the_objective_burn_is_sent_alone_and_only_for_its_own_release(cause: str) -> None:
    first, burns = alert(cause, topic="orders"), ["TrackBridgeObjectiveBurnsFast", "TrackBridgeObjectiveBurnsSlowly"]
    assert sent(first, *(alert(burn) for burn in burns)) == [cause]
    assert sent(first, *(alert(burn, job="other") for burn in burns)) == [cause, burns[0]]


def test_every_matcher_of_the_rules_is_understood() -> None:
    for rule in yaml.safe_load(inhibition.FILE.read_text(encoding="utf-8"))["inhibit_rules"]:
        for matcher in (*rule["source_matchers"], *rule["target_matchers"]):
            assert inhibition.MATCHER.fullmatch(matcher), matcher
