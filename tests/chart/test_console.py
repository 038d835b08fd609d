"""The console in a cluster: off by default, no replica, and nobody in it who was not asked who he is."""

from __future__ import annotations

from typing import Any

from tests.chart.conftest import Render, Say

TOKEN = {"console": {"enabled": True, "token": {"existingSecret": "bridge-console"}}}
PROXIED = {"console": {"enabled": True, "behindProxy": True, "hosts": ["bridge.example.com"]}}


def container(deployment: dict[str, Any]) -> dict[str, Any]:
    (found,) = deployment["spec"]["template"]["spec"]["containers"]
    return dict(found)


def environment(of: dict[str, Any]) -> dict[str, str]:
    return {each["name"]: each.get("value", "") for each in of["env"]}


def test_there_is_none_unless_asked_for(render: Render) -> None:
    assert [each["metadata"]["name"] for each in render().all("Deployment")] == ["shop-track-bridge"]


def test_it_asks_every_replica_also_one_that_is_not_ready(render: Render) -> None:
    found = render(TOKEN)
    console = container(found.one("Deployment", "shop-track-bridge-console"))
    assert environment(console)["BRIDGE_CONSOLE__INSTANCES"] == "[dns+http://shop-track-bridge-pods:9464]"
    service = found.one("Service", "shop-track-bridge-pods")
    assert service["spec"]["clusterIP"] == "None"
    assert service["spec"]["publishNotReadyAddresses"] is True


def test_replicas_get_the_token_that_its_orders_are_signed_with(render: Render) -> None:
    found = render(TOKEN)
    file = "/run/secrets/track-bridge/console-token/token"
    for name in ("shop-track-bridge", "shop-track-bridge-console"):
        assert environment(container(found.one("Deployment", name)))["BRIDGE_CONSOLE__TOKEN_FILE"] == file


def test_a_replica_gets_nothing_where_there_is_no_console(render: Render) -> None:
    token_alone = {"console": {"token": {"existingSecret": "bridge-console"}}}
    assert render(token_alone).one("Deployment") == render().one("Deployment")


def test_no_service_of_the_replicas_takes_it_for_one(render: Render) -> None:
    found = render(TOKEN)
    labels = found.one("Deployment", "shop-track-bridge-console")["spec"]["template"]["metadata"]["labels"]
    for name in ("shop-track-bridge", "shop-track-bridge-pods"):
        selector = found.one("Service", name)["spec"]["selector"]
        assert not selector.items() <= labels.items()
    assert found.one("Service", "shop-track-bridge-console")["spec"]["selector"].items() <= labels.items()


def test_behind_a_proxy_it_is_told_so_and_knows_its_names(render: Render) -> None:
    console = container(render(PROXIED).one("Deployment", "shop-track-bridge-console"))
    assert console["args"] == ["console", "--behind-proxy", "--host", "bridge.example.com"]


def test_one_that_anybody_could_look_at_is_refused(refusal: Say) -> None:
    said = refusal({"console": {"enabled": True}})
    assert "console: would show the group to everybody in the cluster; set console.token.existingSecret" in said


def test_values_are_not_shown_to_who_goes_past_the_proxy(refusal: Say, render: Render) -> None:
    shown: dict[str, Any] = {"config": {"console": {"show_values": True}}}
    said = refusal(PROXIED, shown)
    assert "config.console.show_values: would show records to everybody in the cluster who goes past the proxy" in said
    policy: dict[str, Any] = {"networkPolicy": {"enabled": True}}
    assert "config.console.show_values:" in refusal(PROXIED, shown, policy)
    fence = {"console": {**PROXIED["console"], "from": [{"podSelector": {"matchLabels": {"app": "proxy"}}}]}}
    assert "config.console.show_values:" in refusal(fence, shown)
    assert render(fence, shown, policy).one("NetworkPolicy", "shop-track-bridge-console")
    with_token = {"console": {**PROXIED["console"], **TOKEN["console"]}}
    assert render(with_token, shown).one("Deployment", "shop-track-bridge-console")


def test_one_at_the_port_of_the_replicas_pages_is_refused(refusal: Say) -> None:
    assert "console.port: is 9464" in refusal({"console": {**TOKEN["console"], "port": 9464}})


def test_the_network_lets_it_reach_the_replicas_and_its_visitors_reach_it(render: Render) -> None:
    peers = [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "gateways"}}}]
    policy = {"networkPolicy": {"enabled": True, "metricsFrom": [{"podSelector": {}}]}}
    found = render(policy, {"console": {**TOKEN["console"], "from": peers}})
    own = found.one("NetworkPolicy", "shop-track-bridge-console")["spec"]
    assert own["ingress"] == [{"ports": [{"port": 9465, "protocol": "TCP"}], "from": peers}]
    labels = own["podSelector"]["matchLabels"]
    of_all = found.one("NetworkPolicy", "shop-track-bridge")["spec"]
    assert {"podSelector": {"matchLabels": labels}} in of_all["ingress"][1]["from"]
    (names,) = of_all["podSelector"]["matchExpressions"]
    assert labels["app.kubernetes.io/name"] in names["values"]


def test_the_probes_ask_the_console_itself(render: Render) -> None:
    console = container(render(TOKEN).one("Deployment", "shop-track-bridge-console"))
    assert [each["containerPort"] for each in console["ports"]] == [9465]
    assert console["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "console"}
    assert console["livenessProbe"]["httpGet"] == {"path": "/livez", "port": "console"}
