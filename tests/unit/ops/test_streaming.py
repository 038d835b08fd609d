"""Who may ask for a page of samples: whoever is on the machine, and can be told to be."""

from __future__ import annotations

import pytest

from bridge.ops.admin.streaming import StreamRefusal, StreamRequest, refused_elsewhere

LOCAL = {"host": "127.0.0.1:9464"}


def asked(peer: str, own: str = "127.0.0.1", **headers: str) -> StreamRefusal | None:
    return refused_elsewhere(
        StreamRequest({}, {name.replace("_", "-"): it for name, it in headers.items()}, peer, own), "/tap"
    )


@pytest.mark.parametrize("peer", ["127.0.0.1", "::1", "::ffff:127.0.0.1"])
@pytest.mark.parametrize("host", ["127.0.0.1:9464", "localhost:9464", "localhost", "[::1]:9464", "127.0.0.1"])
def test_the_loopback_address_is_answered(peer: str, host: str) -> None:
    assert asked(peer, host=host) is None


@pytest.mark.parametrize(
    "peer", ["10.0.0.7", "::", "::ffff:10.0.0.7", "fe80::1%eth0", "", "unix", "128.0.0.1", "127.0.0.6", "127.8.8.8"]
)
def test_every_other_address_is_refused_and_named(peer: str) -> None:
    refusal = asked(peer, **LOCAL)

    assert refusal is not None
    assert refusal.status == 403
    assert (peer or "an address that is not known") in refusal.sentence
    assert refusal.sentence.endswith("Ask beside the bridge, or through kubectl exec or kubectl port-forward.")


@pytest.mark.parametrize(
    "host", ["", "bridge.example", "10.0.0.7:9464", "localhost.evil.example", "127.0.0.1.evil.example", "[::", "[::1"]
)
def test_a_name_that_is_not_this_machines_is_refused_although_it_came_over_loopback(host: str) -> None:
    """As of a service mesh that delivers to the container, or of a name that was bound to 127.0.0.1."""
    assert asked("127.0.0.1", host=host) is not None


@pytest.mark.parametrize("own", ["10.0.0.7", "::", "", "fd00::7"])
def test_a_connection_to_an_address_that_others_reach_is_refused_wherever_it_seems_to_come_from(own: str) -> None:
    """A service mesh may connect as 127.0.0.1 in the name of everybody."""
    refusal = asked("127.0.0.1", own, **LOCAL)

    assert refusal is not None
    assert (own or "an address that is not known") in refusal.sentence
    assert asked("127.0.0.1", "127.0.0.2", **LOCAL) is None


@pytest.mark.parametrize(
    "header",
    [
        *("forwarded", "x_forwarded_for", "x_forwarded_proto", "x_forwarded_client_cert", "x_real_ip", "via"),
        *("x_envoy_attempt_count", "x_envoy_external_address", "x_request_id", "origin", "sec_fetch_site"),
    ],
)
def test_what_a_proxy_or_a_browser_says_of_itself_is_refused(header: str) -> None:
    assert asked("127.0.0.1", **LOCAL, **{header: ""}) is not None
