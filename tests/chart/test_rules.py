"""The alerts the chart renders: each fires when it should, stays silent when it nearly should, and says what to do."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from bridge.counts import LATENCY_BOUNDS
from bridge.holds import PARTITION_HOLDS, Reason
from bridge.ops.metrics import exposition_format
from bridge.ops.metrics.catalogue import CATALOGUE, Over
from bridge.ops.snapshot import Snapshot
from tests.chart import chart, series
from tests.chart.conftest import Judge, Render, Say
from tests.chart.promql import added_over_replicas

CASES = sorted((Path(__file__).parent / "rules").glob("*.yaml"))
RUNBOOK = chart.ROOT / "docs" / "runbook.md"
BASE = "https://wiki.example/runbook.md"
HOURS = 4 * 60
PARTS = ("_bucket", "_count", "_sum")
OF_KUBERNETES = "TrackBridgeReplayFailed"
"""Reads a series of kube-state-metrics, whose job says nothing of the release."""

Rule = dict[str, Any]


def alerts(spec: dict[str, Any]) -> list[Rule]:
    """Those of a PrometheusRule, without what is only recorded."""
    return [rule for group in spec["groups"] for rule in group["rules"] if "alert" in rule]


def recorded(spec: dict[str, Any]) -> list[Rule]:
    return [rule for group in spec["groups"] for rule in group["rules"] if "record" in rule]


def values(**settings: Any) -> dict[str, Any]:
    """The release is called `bridge`, as in the cases, and makes its rules."""
    return {"fullnameOverride": "bridge", "prometheusRule": {"enabled": True, "runbookUrl": BASE, **settings}}


@pytest.fixture
def spec(render: Render) -> dict[str, Any]:
    """What Prometheus is given."""
    found: dict[str, Any] = render(values()).one("PrometheusRule")["spec"]
    return found


@pytest.fixture
def rules(spec: dict[str, Any]) -> list[Rule]:
    return alerts(spec)


@pytest.fixture
def tested(spec: dict[str, Any], tmp_path: Path) -> Path:
    """The rules as a file, with the summaries alone: the cases are about when an alert fires, not about its prose."""
    for rule in alerts(spec):
        rule["annotations"] = {"summary": rule["annotations"]["summary"]}
    path = tmp_path / "rules.yaml"
    path.write_text(yaml.safe_dump(spec), encoding="utf-8")
    return path


def by_name(rules: list[Rule]) -> dict[str, Rule]:
    return {rule["alert"]: rule for rule in rules}


def cases() -> list[dict[str, Any]]:
    return [case for path in CASES for case in yaml.safe_load(path.read_text(encoding="utf-8"))["tests"]]


def test_prometheus_takes_the_rules_and_finds_nothing_to_say_about_them(
    spec: dict[str, Any], judge: Judge, tmp_path: Path
) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(yaml.safe_dump(spec), encoding="utf-8")

    judge("check", "rules", "--lint=all", "--lint-fatal", path)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_every_alert_fires_when_it_should_and_only_then(path: Path, tested: Path, judge: Judge) -> None:
    """A file is about the group of its name: the other groups' rules, four fifths of all, are not evaluated."""
    spec = yaml.safe_load(tested.read_text(encoding="utf-8"))
    spec["groups"] = [group for group in spec["groups"] if group["name"] == f"track-bridge.{path.stem}"]
    tested.write_text(yaml.safe_dump(spec), encoding="utf-8")
    cases = yaml.safe_load(path.read_text(encoding="utf-8"))["tests"]
    looked_at = {look["alertname"] for case in cases for look in case.get("alert_rule_test", ())}
    assert looked_at == set(by_name(alerts(spec)))
    copy = tested.with_name("cases.yaml")
    copy.write_bytes(path.read_bytes())

    judge("test", "rules", copy)


def test_every_alert_is_shown_firing_and_shown_silent(rules: list[Rule]) -> None:
    shown: dict[str, set[bool]] = {rule["alert"]: set() for rule in rules}
    for case in cases():
        for look in case["alert_rule_test"]:
            assert case["name"].startswith(f"{look['alertname']}, ")
            shown[look["alertname"]].add(bool(look.get("exp_alerts")))

    assert {name for name, outcomes in shown.items() if outcomes != {True, False}} == set()


def test_an_idle_bridge_raises_nothing_not_even_where_its_counters_begin_anew(
    rules: list[Rule], tested: Path, judge: Judge
) -> None:
    shown = series.constant(series.idle(), minutes=HOURS, restart_at=HOURS // 2, before=5000)
    looks = [
        {"eval_time": f"{minute}m", "alertname": rule["alert"]}
        for rule in rules
        for minute in (20, HOURS // 2 + 5, HOURS // 2 + 30, HOURS - 5)
    ]
    case = {"interval": "1m", "input_series": list(shown), "alert_rule_test": looks}
    path = tested.with_name("idle.yaml")
    path.write_text(
        yaml.safe_dump({"rule_files": [tested.name], "evaluation_interval": "1m", "tests": [case]}), encoding="utf-8"
    )

    judge("test", "rules", path)


@pytest.mark.parametrize("reason", PARTITION_HOLDS)
def test_what_is_held_is_late_and_in_danger_as_what_is_read_is(reason: Reason, tested: Path, judge: Judge) -> None:
    """Nothing of it is consumed; its age and its lag are those of the log all the same."""
    apart = {
        Reason.HELD_BY_OPERATOR: "TrackBridgeHeldByOperator",
        Reason.SCHEMA_REGISTRY: "TrackBridgeSchemaRegistry",
    }
    told = apart.get(reason, "TrackBridgeHeld")
    late = {"TrackBridgeOldestOpenRecord", "TrackBridgeRetentionNear"}
    objective = {"TrackBridgeObjectiveBurnsFast", "TrackBridgeObjectiveBurnsSlowly"}

    expect_firing(series.held(reason, seconds=400_000), {told, *late, *objective}, tested, judge)


def test_an_idle_partition_and_one_that_is_held_without_records_are_not_late(tested: Path, judge: Judge) -> None:
    expect_firing(series.idle(), set(), tested, judge)
    expect_firing(series.held(Reason.NO_START, seconds=None), {"TrackBridgeHeld"}, tested, judge)


def test_partitions_that_nobody_has_are_told_of_although_no_replica_knows_their_age(tested: Path, judge: Judge) -> None:
    expect_firing(series.unowned(), {"TrackBridgePartitionsUnowned"}, tested, judge)


def test_of_two_clusters_only_the_one_in_trouble_is_told_of(render: Render, judge: Judge, tmp_path: Path) -> None:
    """Namespace, job and instance are the same in both: a join that forgot the cluster would mix them, or fail."""
    found = render(values(aggregationLabels=["cluster"])).one("PrometheusRule")["spec"]
    path = tmp_path / "rules.yaml"
    path.write_text(yaml.safe_dump(found), encoding="utf-8")
    shown = [
        *pages(series.held(Reason.OUT_OF_RANGE, seconds=400_000), cluster="eu"),
        *pages(series.idle(), cluster="us"),
    ]
    expr = 'count by (cluster) (ALERTS{alertstate="firing",alertname=~".+(Held|BurnsFast|RetentionNear)"})'

    expect(expr, [{"labels": '{cluster="eu"}', "value": 3}], shown, path, judge)


def expect_firing(snapshot: Snapshot, expected: set[str], tested: Path, judge: Judge) -> None:
    """These alerts and no others, when the page has looked like this for 110 minutes."""
    samples = [{"labels": f'{{alertname="{name}"}}', "value": 1} for name in sorted(expected)]

    expect('count by (alertname) (ALERTS{alertstate="firing"})', samples, pages(snapshot), tested, judge)


def pages(snapshot: Snapshot, **labels: str) -> list[dict[str, str]]:
    return list(series.constant(snapshot, minutes=120, restart_at=1, before=0, **labels))


def expect(expr: str, samples: list[dict[str, Any]], shown: list[dict[str, str]], tested: Path, judge: Judge) -> None:
    look = {"expr": expr, "eval_time": "110m", "exp_samples": samples}
    case = {"interval": "1m", "input_series": shown, "promql_expr_test": [look]}
    path = tested.with_name("page.yaml")
    path.write_text(
        yaml.safe_dump({"rule_files": [tested.name], "evaluation_interval": "1m", "tests": [case]}), encoding="utf-8"
    )

    judge("test", "rules", path)


def test_every_alert_says_how_bad_it_is_what_it_means_and_where_its_runbook_is(rules: list[Rule]) -> None:
    for rule in rules:
        assert rule["labels"]["severity"] in ("critical", "warning")
        assert {"summary", "description"} <= rule["annotations"].keys()
        assert rule["annotations"]["runbook_url"] == f"{BASE}#{rule['alert'].lower()}"
        assert rule.keys() & {"for", "keep_firing_for"}


def test_without_an_address_an_alert_names_no_runbook(render: Render) -> None:
    """A path of this repository leads nowhere from a pager."""
    for none in ({}, {"runbookUrl": "docs/runbook.md"}):
        spec = render({"prometheusRule": {"enabled": True, **none}}).one("PrometheusRule")["spec"]
        assert all("runbook_url" not in rule["annotations"] for rule in alerts(spec))


def test_every_alert_carries_the_command_that_looks_at_the_replicas_of_its_release(
    rules: list[Rule], render: Render
) -> None:
    """tests/chart/test_runbook_commands.py types it. With a selector of one's own the alert may be of other bridges."""
    (look,) = {rule["annotations"]["first_look"] for rule in rules}
    assert "--namespace events " in look
    assert look.endswith("-- track-bridge status")
    own = render(values(selector='job="x"')).one("PrometheusRule")["spec"]
    assert all("first_look" not in rule["annotations"] for rule in alerts(own))


def test_a_ruler_over_several_clusters_keeps_them_apart(render: Render, judge: Judge, tmp_path: Path) -> None:
    found = render(values(aggregationLabels=["cluster"])).one("PrometheusRule")["spec"]
    for group in found["groups"]:
        for rule in group["rules"]:
            for grouped in re.findall(r"\b(?:by|on) \(([^)]*)\)", rule["expr"]):
                assert grouped.startswith("cluster, namespace, job"), rule
    path = tmp_path / "rules.yaml"
    path.write_text(yaml.safe_dump(found), encoding="utf-8")

    judge("check", "rules", "--lint=none", path)


def test_what_inhibits_and_is_inhibited_are_alerts_and_share_the_labels_that_must_be_equal(rules: list[Rule]) -> None:
    """A name that no alert has, or a label that one of them lacks, is a rule that never does anything."""
    names = by_name(rules)
    for rule in inhibitions():
        for side in ("source_matchers", "target_matchers"):
            spelled = {name for each in rule[side] for name in re.findall(r"\bTrackBridge\w+", each)} - {"TrackBridge"}
            assert all(any(alert.startswith(name) for alert in names) for name in spelled), rule
            found = [name for name in names if matched(name, rule[side])]
            assert found, rule
            for name in found:
                assert set(rule["equal"]) - {"cluster"} <= labels_of(names[name]), (name, rule)


def test_no_alert_that_tells_of_a_loss_or_of_what_ends_soon_is_silenced_by_more_than_a_missing_target(
    rules: list[Rule],
) -> None:
    never = {
        "TrackBridgeAccountingViolated",
        "TrackBridgeCertificateEnding",
        "TrackBridgeDeadLettersExpiring",
        "TrackBridgeHeld",
        "TrackBridgeRecordsPossiblyLost",
        "TrackBridgeRetentionNear",
    }
    assert never <= by_name(rules).keys()
    for rule in inhibitions():
        if not matched("TrackBridgeTargetMissing", rule["source_matchers"]):
            assert not [name for name in never if matched(name, rule["target_matchers"])], rule


def test_two_alerts_never_inhibit_each_other(rules: list[Rule]) -> None:
    silenced = {
        (source, target)
        for rule in inhibitions()
        for source in by_name(rules)
        for target in by_name(rules)
        if matched(source, rule["source_matchers"]) and matched(target, rule["target_matchers"])
    }
    assert not {(target, source) for source, target in silenced} & silenced


def inhibitions() -> list[dict[str, Any]]:
    page = chart.ROOT / "deploy" / "alertmanager" / "inhibit-rules.yaml"
    found: list[dict[str, Any]] = yaml.safe_load(page.read_text(encoding="utf-8"))["inhibit_rules"]
    return found


def matched(name: str, matchers: list[str]) -> bool:
    """As Alertmanager does it: all of them, a pattern for the whole name."""
    verdicts = []
    for each in matchers:
        label, operator, value = re.fullmatch(r'(\w+) (=~|!~|!=|=) "([^"]*)"', each).groups()  # type: ignore[union-attr]
        assert label == "alertname"
        hit = re.fullmatch(value, name) is not None if "~" in operator else value == name
        verdicts.append(hit != operator.startswith("!"))
    return all(verdicts)


def labels_of(rule: Rule) -> set[str]:
    """Those of the alert: its expression's outermost grouping, or what its selector names."""
    grouped = re.search(r"\bby \(([^)]*)\)", rule["expr"])
    if grouped is not None:
        return {str(label) for label in grouped[1].split(", ")}
    return {"namespace", "job", *rule["labels"]}


def test_alerts_fire_on_for_as_long_as_they_are_told(render: Render) -> None:
    settings = values(keepFiringFor="10m", alerts={"TrackBridgeOutage": {"keepFiringFor": "30m"}})
    spec = render(settings).one("PrometheusRule")["spec"]
    firing = {rule["alert"]: rule["keep_firing_for"] for rule in alerts(spec)}
    assert firing.pop("TrackBridgeOutage") == "30m"
    assert set(firing.values()) == {"10m"}


def test_every_alert_has_its_section_in_the_runbook_and_every_section_its_alert(rules: list[Rule]) -> None:
    sections = re.split(r"^## ", RUNBOOK.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    found = {section.split("\n", 1)[0]: section for section in sections}

    assert [name for name in found if name.startswith("TrackBridge")] == [rule["alert"] for rule in rules]
    for name, section in found.items():
        if name.startswith("TrackBridge"):
            assert re.findall(r"^\*\*(.+?)\.\*\*", section, re.MULTILINE) == [
                "Meaning",
                "First look",
                "Fix",
                "Over when",
            ], name


def test_the_rules_look_only_at_metrics_that_exist_and_at_what_was_recorded_before(spec: dict[str, Any]) -> None:
    exposed = {metric.name for metric in CATALOGUE}
    exposed |= {f"{metric.name}{end}" for metric in CATALOGUE if metric.kind == "histogram" for end in PARTS}
    before: set[str] = set()
    for rule in [*recorded(spec), *alerts(spec)]:
        assert set(re.findall(r"\b(?:track_bridge|process)_\w+", rule["expr"])) <= exposed, rule
        assert set(re.findall(r"\btrack_bridge:[\w:]+", rule["expr"])) <= before, rule
        before.add(rule.get("record", ""))


@pytest.mark.parametrize(
    ("expr", "added"),
    [
        ("sum(track_bridge_open_dead_letters)", {"track_bridge_open_dead_letters"}),
        ('avg by (namespace, job) (track_bridge_rate_limit{a=~"(.+/)?b"}) > 1', {"track_bridge_rate_limit"}),
        ("sum by (job) (max by (job, reason) (track_bridge_open_dead_letters))", set()),
        ("sum by (job, instance) (track_bridge_rate_limit)", set()),
        ("max by (job) (track_bridge_rate_limit)", set()),
        ("sum by (job) (track_bridge_lag and track_bridge_age > 3 or track_bridge_more)",
         {"track_bridge_lag", "track_bridge_more"}),
        ("sum by (job) ((track_bridge_a + track_bridge_b) and on (job) time() - process_start_time_seconds < 9)",
         {"track_bridge_a", "track_bridge_b"}),
    ],
)  # fmt: skip
def test_what_an_expression_adds_up_over_replicas_is_seen(expr: str, added: set[str]) -> None:
    assert added_over_replicas(expr) == added


def test_nothing_is_added_up_over_replicas_that_has_no_sum(spec: dict[str, Any]) -> None:
    additive = {metric.name for metric in CATALOGUE if metric.over is Over.SUM}
    parts = {f"{metric.name}{part}" for metric in CATALOGUE for part in PARTS}
    for rule in [*recorded(spec), *alerts(spec)]:
        assert added_over_replicas(rule["expr"]) <= additive | parts, rule


def test_prometheus_has_nothing_to_say_about_the_page_of_metrics(judge: Judge) -> None:
    for snapshot in (
        series.idle(),
        series.unowned(),
        *(series.held(reason, seconds=9.0) for reason in PARTITION_HOLDS),
    ):
        judge(
            "check", "metrics", given=exposition_format.Exposition().render(snapshot, exposition_format.TEXT).decode()
        )


def test_every_series_is_narrowed_to_the_release(spec: dict[str, Any]) -> None:
    chosen = ('{namespace="events",job=~"(.+/)?bridge"', '{release="events/bridge"}')
    for rule in [*recorded(spec), *alerts(spec)]:
        if rule.get("alert") == OF_KUBERNETES:
            continue  # see test_the_replays_of_a_release_are_its_own
        series_named = re.findall(
            r"\b(?:track_bridge_\w+|track_bridge:[\w:]+|process_\w+|up)(?P<labels>\{[^}]*\})?", rule["expr"]
        )
        assert series_named
        assert all(labels.startswith(chosen) for labels in series_named), rule["expr"]
    assert {rule["labels"]["release"] for rule in recorded(spec)} == {"events/bridge"}


def test_the_replays_of_a_release_are_its_own(rules: list[Rule]) -> None:
    """Also beside a release that is called `bridge-replay`."""
    expression = by_name(rules)[OF_KUBERNETES]["expr"]
    ((pattern, left_out),) = re.findall(r'namespace="events",job_name=~"([^"]*)",job_name!~"([^"]*)"', expression)

    def counts(job: str) -> bool:
        return bool(re.fullmatch(pattern, job)) and not re.fullmatch(left_out, job)

    for mine in ("bridge-replay", "bridge-replay-1", "bridge-replay-28400000", "bridge-replay-0a1b2c3d"):
        assert counts(mine)
    of_the_like_named = ("bridge-replay-replay-28400000", "bridge-replay-replay-0a1b2c3d", "bridge-replay-topics")
    for other in ("bridge-eu-replay-1", "eu-bridge-replay-1", "bridge-topics", *of_the_like_named):
        assert not counts(other)


def test_what_prometheus_itself_fills_in_is_left_for_it(rules: list[Rule]) -> None:
    assert "{{ $labels.topic }}" in by_name(rules)["TrackBridgeHeld"]["annotations"]["summary"]


def test_a_selector_of_ones_own_takes_the_place_of_the_releases(render: Render) -> None:
    rendered = render(values(selector='job="compose"')).one("PrometheusRule")
    rules = [*alerts(rendered["spec"]), *recorded(rendered["spec"])]
    expressions = [rule["expr"] for rule in rules if rule.get("alert") != OF_KUBERNETES]

    assert all('{job="compose"' in expr or '{release="events/bridge"}' in expr for expr in expressions)
    assert not any("namespace=" in expr for expr in expressions)


def test_what_is_recorded_is_found_whatever_labels_the_selector_picks_by(
    render: Render, judge: Judge, tmp_path: Path
) -> None:
    """Recorded series keep namespace and job alone; looked for by another label their alerts would never fire."""
    found = render(values(selector='app="bridge"')).one("PrometheusRule")["spec"]
    path = tmp_path / "rules.yaml"
    path.write_text(yaml.safe_dump(found), encoding="utf-8")
    shown = pages(series.held(Reason.OUT_OF_RANGE, seconds=400_000), app="bridge")
    expr = 'count by (alertname) (ALERTS{alertstate="firing",alertname=~".+BurnsFast"})'

    expect(expr, [{"labels": '{alertname="TrackBridgeObjectiveBurnsFast"}', "value": 1}], shown, path, judge)


def test_thresholds_reach_the_expressions_and_the_sentences(render: Render) -> None:
    rendered = render(values(thresholds={"oldestOpenSeconds": 90, "retentionShare": 0.25})).one("PrometheusRule")
    rules = by_name(alerts(rendered["spec"]))

    assert rules["TrackBridgeOldestOpenRecord"]["expr"].endswith("> 90")
    assert "{{ 90 | humanizeDuration }}" in rules["TrackBridgeOldestOpenRecord"]["annotations"]["description"]
    assert "0.25 * (" in rules["TrackBridgeRetentionNear"]["expr"]


def test_an_alert_can_be_switched_off_softened_delayed_and_labelled(render: Render) -> None:
    changes = {
        "TrackBridgeMostUnmapped": {"enabled": False},
        "TrackBridgeOutage": {
            "for": "30m",
            "severity": "info",
            "labels": {"team": "night"},
            "annotations": {"runbook_url": "https://elsewhere.example"},
        },
    }
    rendered = render(values(alerts=changes, ruleLabels={"team": "growth"})).one("PrometheusRule")
    rules = by_name(alerts(rendered["spec"]))

    assert "TrackBridgeMostUnmapped" not in rules
    outage = rules["TrackBridgeOutage"]
    assert (outage["for"], outage["labels"]) == ("30m", {"severity": "info", "team": "night"})
    assert outage["annotations"]["runbook_url"] == "https://elsewhere.example"
    assert rules["TrackBridgeHeld"]["labels"] == {"severity": "critical", "team": "growth"}


def test_the_objective_can_be_another_and_switched_off(render: Render) -> None:
    another = values(thresholds={"objectiveSeconds": 60, "objectiveTarget": 0.999, "objectiveLate": 3})
    spec = render(another).one("PrometheusRule")["spec"]
    accepted, fast = recorded(spec)[0], by_name(alerts(spec))["TrackBridgeObjectiveBurnsFast"]

    assert 'le=~"60|60.0"' in accepted["expr"]
    assert "> 14.4 * (1 - 0.999)" in fast["expr"]
    assert ">= 3" in fast["expr"]
    without = render(values(objective={"enabled": False})).one("PrometheusRule")["spec"]
    assert recorded(without) == []
    assert not [name for name in by_name(alerts(without)) if "Objective" in name]


def test_the_objectives_that_may_be_chosen_are_bounds_of_the_histogram() -> None:
    """Of any other the share cannot be known, and its alerts would never fire."""
    overrides = yaml.safe_load((chart.ROOT / "helm" / "values.schema.yaml").read_text(encoding="utf-8"))
    chosen = {float(each) for each in overrides["prometheusRule.thresholds.objectiveSeconds"]["enum"]}

    assert chosen == {bound for bound in LATENCY_BOUNDS if bound >= 0.5}


def test_groups_of_ones_own_come_after_the_charts(render: Render) -> None:
    own = {"name": "mine", "rules": [{"alert": "Mine", "expr": "vector(1)", "labels": {"of": "{{ $labels.job }}"}}]}

    assert render(values(additionalGroups=[own])).one("PrometheusRule")["spec"]["groups"][-1] == own


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"alerts": {"TrackBridgeHold": {}}}, "prometheusRule.alerts.TrackBridgeHold: there is no alert of that name."),
        ({"thresholds": {"rebalances": None}}, "prometheusRule.thresholds.rebalances is null"),
        ({"thresholds": {"rebalance": 3}}, "rebalance"),
        ({"thresholds": {"objectiveSeconds": 120}}, "/prometheusRule/thresholds/objectiveSeconds"),
        ({"thresholds": {"objectiveTarget": 0.9}}, "/prometheusRule/thresholds/objectiveTarget"),
        ({"thresholds": {"unmappedShare": 1.5}}, "/prometheusRule/thresholds/unmappedShare"),
        ({"alerts": {"TrackBridgeHeld": {"enable": False}}}, "enable"),
        ({"alerts": {"TrackBridgeHeld": {"for": "ten minutes"}}}, "/prometheusRule/alerts/TrackBridgeHeld/for"),
    ],
)
def test_a_mistake_in_the_alerts_is_named(refusal: Say, settings: dict[str, Any], sentence: str) -> None:
    assert sentence in refusal(values(**settings))


def test_the_runbook_names_only_commands_and_metrics_that_exist() -> None:
    page = RUNBOOK.read_text(encoding="utf-8")
    commands = set(re.findall(r"track-bridge ((?:dlq|offsets) \w+|[a-z]+)", page))
    operations = (RUNBOOK.parent / "operations.md").read_text(encoding="utf-8")
    events = set(re.findall(r"^\| `(\w+)` \| \w+ \|", operations, re.MULTILINE))

    assert commands <= {
        "status",
        "check",
        "map",
        "send",
        "hold",
        "release",
        "test",
        "topics",
        "offsets show",
        "offsets set",
        "dlq stats",
        "dlq list",
        "dlq show",
        "dlq replay",
        "dlq discard",
        "dlq export",
        "dlq import",
    }
    assert {"dlq stats", "status", "check"} <= commands
    logged = {
        name
        for line in re.findall(r"Log:(.*?)(?:\n\n|\Z)", page, re.DOTALL)
        for name in re.findall(r"`([a-z]+(?:_[a-z]+)*)`", line)
    }
    assert logged - events <= {"held", "unauthorized", "out_of_range"}
