"""Addresses of replicas: what is understood, and what is refused with a sentence."""

from __future__ import annotations

import pytest

from bridge.config.keys import instance


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("http://bridge-0:9464", "http://bridge-0:9464"),
        ("bridge-0:9464", "http://bridge-0:9464"),
        ("http://bridge-0:9464/", "http://bridge-0:9464"),
        ("http://bridge-0:9464/status", "http://bridge-0:9464"),
        ("https://pages.example/bridge-0/", "https://pages.example/bridge-0"),
        ("http://[::1]:9464", "http://[::1]:9464"),
        ("dns+http://track-bridge-headless:9464", "dns+http://track-bridge-headless:9464"),
        ("dns+http://track-bridge-headless.shop.svc:9464/", "dns+http://track-bridge-headless.shop.svc:9464"),
    ],
)
def test_an_address_in_any_spelling_in_use(written: str, meant: str) -> None:
    assert instance.normalise(written) == meant


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("", "must not be empty"),
        ("ftp://bridge-0:9464", "is not an address"),
        ("http://:9464", "is not an address"),
        ("http://bridge-0:0", "is not an address"),
        ("http://bridge-0:99999", "is not an address"),
        ("http://bridge 0:9464", "is not an address"),
        ("http://u:secret@bridge-0:9464", "must not carry a user or a password"),
        ("http://bridge-0:9464/?a=secret", "must end with its path"),
        ("dns+http://track-bridge-headless", "must be dns+http://NAME:PORT"),
        ("dns+http://track-bridge-headless:9464/x", "must be dns+http://NAME:PORT"),
    ],
)
def test_what_is_no_address_is_refused_without_being_repeated(written: str, said: str) -> None:
    with pytest.raises(ValueError, match=said.replace("+", r"\+")) as refused:
        instance.normalise(written)
    assert "secret" not in str(refused.value)
