"""Which addresses of a bridge are taken."""

from __future__ import annotations

import pytest

from bridge.ops.admin.status_client import status_url


@pytest.mark.parametrize(
    ("address", "url"),
    [
        (":9465", "http://127.0.0.1:9465/status"),
        ("9465", "http://127.0.0.1:9465/status"),
        ("bridge-0.bridge-pods:9465", "http://bridge-0.bridge-pods:9465/status"),
        ("[::1]:9465", "http://[::1]:9465/status"),
        ("http://10.0.0.7:9464", "http://10.0.0.7:9464/status"),
        ("http://10.0.0.7:9464/status/", "http://10.0.0.7:9464/status"),
        ("https://ops.example.org/bridge", "https://ops.example.org/bridge/status"),
        ("0.0.0.0:9464", "http://127.0.0.1:9464/status"),
        ("http://[::]:9464", "http://[::1]:9464/status"),
        (" 127.0.0.1:9464 ", "http://127.0.0.1:9464/status"),
    ],
)
def test_an_address_is_taken_as_a_port_a_host_with_a_port_or_a_url(address: str, url: str) -> None:
    assert status_url(address) == url


@pytest.mark.parametrize(
    "address",
    ["", ":0", "0", "70000", ":", "ftp://127.0.0.1", "http://", "http://h:port", "::1:9464", "a b:1", "http://a..b:1",
     "http://h:1/?x=1", "h:1\n2", "http://h:1#x"],
)  # fmt: skip
def test_what_is_no_address_is_refused_with_those_that_are(address: str) -> None:
    with pytest.raises(ValueError, match="is not an address"):
        status_url(address)
