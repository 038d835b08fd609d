"""What the network lets through: off by default, and nothing but what is named once it is on."""

from __future__ import annotations

from typing import Any

from tests.chart.conftest import Render

ON = {"networkPolicy": {"enabled": True}}


def ports(rule: dict[str, Any]) -> list[int]:
    return [port["port"] for port in rule["ports"]]


def test_there_is_no_policy_unless_asked_for(render: Render) -> None:
    assert render().all("NetworkPolicy") == []


def test_ports_follow_the_configuration(render: Render) -> None:
    dns, kafka, api = render(ON, {"config": {"track": {"endpoint": "https://gateway:8443/v1"}}}).one("NetworkPolicy")[
        "spec"
    ]["egress"]
    assert ports(dns) == [53, 53]
    assert ports(kafka) == [9092, 9093]
    assert ports(api) == [8443]


def test_the_api_is_at_443_unless_it_says_otherwise(render: Render) -> None:
    for endpoint, port in (
        ("analytex.userpilot.io", 443),
        ("https://analytex.userpilot.io/", 443),
        ("http://emulator", 80),
    ):
        spec = render(ON, {"config": {"track": {"endpoint": endpoint, "allow_http": True}}}).one("NetworkPolicy")[
            "spec"
        ]
        assert ports(spec["egress"][2]) == [port]


def test_only_metrics_come_in_and_only_from_who_is_named(render: Render) -> None:
    peers = [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}]
    spec = render({"networkPolicy": {"enabled": True, "metricsFrom": peers}}).one("NetworkPolicy")["spec"]
    assert spec["policyTypes"] == ["Ingress", "Egress"]
    (rule,) = spec["ingress"]
    assert ports(rule) == [9464]
    assert rule["from"] == peers


def test_a_named_target_is_one_rule_of_its_own(render: Render) -> None:
    to = [{"ipBlock": {"cidr": "10.1.2.3/32"}}]
    more = {"networkPolicy": {"enabled": True, "extraEgress": {"proxy": {"to": to, "ports": [3128]}}}}
    rule = render(more).one("NetworkPolicy")["spec"]["egress"][-1]
    assert (rule["to"], ports(rule)) == (to, [3128])
