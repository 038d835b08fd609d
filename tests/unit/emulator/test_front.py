"""Pages answer to addresses and to browsers of their own site; faults are switched from this machine."""

from __future__ import annotations

import pytest

from bridge.config.keys.scalars import Listen
from bridge.console.security import HEADERS
from bridge.emulator import front
from bridge.emulator.front import EmulatorFront
from bridge.sandbox.emulator.connection import ReceivedRequest

LOCAL = Listen("127.0.0.1", 8080)
HERE = {"host": "127.0.0.1:8080"}


def asked(method: str, path: str, **headers: str) -> ReceivedRequest:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return ReceivedRequest(method, path, "", {**HERE, **named}, b"", too_large=False)


def refused(request: ReceivedRequest, peer: str = "127.0.0.1", *, remote_faults: bool = False) -> int | None:
    found = EmulatorFront(LOCAL, remote_faults).refusal(request, peer)
    return None if found is None else found.status


def test_its_headers_are_the_consoles() -> None:
    assert tuple(front.HEADERS.items()) == HEADERS


@pytest.mark.parametrize(
    ("method", "path", "is_meant"),
    [
        ("GET", "/", True),
        ("POST", "/", False),
        ("GET", "/_live", True),
        ("POST", "/_faults", True),
        ("GET", "/_static/console.css", True),
        ("GET", "/_emulator/stats", True),
        ("POST", "/v1/track", False),
        ("GET", "/v1/track", False),
    ],
)
def test_everything_else_is_the_track_apis(method: str, path: str, *, is_meant: bool) -> None:
    assert EmulatorFront(LOCAL).is_meant(asked(method, path)) is is_meant


def test_a_name_that_leads_here_is_not_served_in_a_browser() -> None:
    assert refused(asked("GET", "/", host="evil.example")) == 421
    assert refused(asked("GET", "/", host="localhost:8080")) is None
    assert refused(asked("POST", "/_faults", host="evil.example", origin="http://evil.example")) == 421


def test_a_page_of_another_site_switches_no_faults_and_embeds_nothing() -> None:
    assert refused(asked("POST", "/_faults", sec_fetch_site="cross-site")) == 403
    assert refused(asked("POST", "/_faults", origin="http://127.0.0.1:9999")) == 403
    assert refused(asked("POST", "/_emulator/faults", sec_fetch_site="same-site")) == 403
    assert refused(asked("GET", "/", sec_fetch_site="cross-site", sec_fetch_mode="no-cors")) == 403
    assert (
        refused(asked("GET", "/", sec_fetch_site="cross-site", sec_fetch_mode="navigate", sec_fetch_dest="document"))
        is None
    )
    assert refused(asked("POST", "/_faults", sec_fetch_site="same-origin", origin="http://127.0.0.1:8080")) is None


def test_faults_are_switched_from_this_machine_unless_it_is_said_otherwise() -> None:
    assert refused(asked("POST", "/_faults"), "127.0.0.1") is None
    assert refused(asked("POST", "/_faults"), "10.0.0.7") == 403
    assert refused(asked("POST", "/_emulator/faults"), "10.0.0.7") == 403
    assert refused(asked("GET", "/_faults"), "10.0.0.7") is None
    assert refused(asked("POST", "/_faults"), "10.0.0.7", remote_faults=True) is None
