from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.config.keys import endpoint

BASE = "https://analytex.userpilot.io"


def complaint(spelling: Any) -> str:
    """What is said against an address; empty where it is taken."""
    try:
        endpoint.normalise(spelling)
    except ValueError as error:
        return str(error)
    return ""


@pytest.mark.parametrize(
    "spelling",
    [
        BASE,
        f"{BASE}/",
        f"{BASE}/v1",
        f"{BASE}/v1/",
        "analytex.userpilot.io",
        "analytex.userpilot.io/",
        "analytex.userpilot.io/v1",
        f"  {BASE}\n",
        "HTTPS://Analytex.Userpilot.IO",
        f"{BASE}:443",
        f"{BASE}.",
        "analytex.userpilot.io:443/v1/",
    ],
)
def test_every_spelling_in_use_ends_at_one_base_url(spelling: str) -> None:
    assert endpoint.normalise(spelling) == BASE


@pytest.mark.parametrize(
    ("spelling", "base_url"),
    [
        ("https://analytex-eu.userpilot.io/v1", "https://analytex-eu.userpilot.io"),
        ("https://h.example:8443", "https://h.example:8443"),
        ("localhost:8080", "https://localhost:8080"),
        ("http://127.0.0.1:8080/", "http://127.0.0.1:8080"),
        ("http://h.example:80", "http://h.example"),
        ("https://[::1]:8443/v1", "https://[::1]:8443"),
        ("https://[2001:DB8:0::1]", "https://[2001:db8::1]"),
        ("https://müller.example", "https://xn--mller-kva.example"),
        ("track_api.internal:1", "https://track_api.internal:1"),
    ],
)
def test_ports_addresses_and_international_names_are_kept(spelling: str, base_url: str) -> None:
    assert endpoint.normalise(spelling) == base_url


@pytest.mark.parametrize(
    ("spelling", "says"),
    [
        ("", "is empty"),
        ("  ", "there is no default"),
        (None, "there is no default"),
        (5, "there is no default"),
        ("ftp://h.example", "must be an https address"),
        ("https:h.example", "two slashes"),
        ("https:/h.example", "two slashes"),
        ("https://", "names no host"),
        ("https:///v1", "names no host"),
        ("https://user:pw@h.example", "must not carry a user name"),
        ("user@h.example", "must not carry a user name"),
        ("https://h.example?x=1", "a query"),
        ("https://h.example#x", "a fragment"),
        ("https://h.example/?", "a query"),
        ("https://h exa.mple", "white space"),
        ("https://h.example\\v1", "backslash"),
        ("https://h.exam\u200bple", "control characters"),
        ("https://h.example/v1/track", "must end at the host"),
        ("https://h.example/v1/track/event", "must end at the host"),
        ("https://h.example/v2", "must end at the host"),
        ("https://h.example/api/v1", "must end at the host"),
        ("https://h.example//v1", "must end at the host"),
        ("https://h.example:", "a port"),
        ("https://h.example:0", "a port"),
        ("https://h.example:99999", "a port"),
        ("https://h.example:abc", "a port"),
        ("https://[::1", "is not an address"),
        ("https://[v1.x]", "without an IPv6 address"),
        ("https://-h.example", "cannot exist"),
        ("https://h..example", "cannot exist"),
        ("https://127.1", "IPv4"),
        ("https://256.1.1.1", "IPv4"),
        ("https://0x7f000001", "IPv4"),
        ("https://" + "a" * 64 + ".example", "cannot exist"),
    ],
)
def test_anything_else_is_refused_with_a_sentence_and_never_repaired(spelling: Any, says: str) -> None:
    assert says in complaint(spelling)


@given(st.text(min_size=12).filter(lambda text: text.strip() not in "https://analytex.userpilot.io"))
def test_no_refusal_repeats_the_text_which_may_be_a_key_that_was_swapped(text: str) -> None:
    assert text.strip() not in complaint(text)


@given(st.text())
def test_what_is_accepted_is_its_own_base_url(text: str) -> None:
    try:
        base_url = endpoint.normalise(text)
    except ValueError:
        return
    assert endpoint.normalise(base_url) == base_url


@pytest.mark.parametrize("base_url", ["http://127.0.0.1:1", "http://127.9.9.9", "http://[::1]", "http://localhost:80"])
def test_loopback_is_recognised(base_url: str) -> None:
    assert endpoint.is_loopback(base_url)


@pytest.mark.parametrize("base_url", ["http://h.example", "http://10.0.0.1", "http://localhost.example", "http://[::]"])
def test_what_only_looks_like_loopback_is_not(base_url: str) -> None:
    assert not endpoint.is_loopback(base_url)


Problem = Callable[..., tuple[str, str]]


def test_plain_http_is_refused_beyond_loopback(problem_of: Problem) -> None:
    assert problem_of("https://", "http://") == (
        "track.endpoint",
        (
            "must be https, because plain http shows the API key to the network; only loopback addresses, or "
            "track.allow_http: true, are exempt"
        ),
    )


def test_plain_http_is_allowed_on_loopback_and_on_request(changed: Callable[..., Any]) -> None:
    assert changed("https://analytex.userpilot.io", "http://localhost:1").problems == ()
    assert changed("https://analytex.userpilot.io", "http://h.example\n  allow_http: true").problems == ()


def test_there_is_no_default_host(problem_of: Problem) -> None:
    where, message = problem_of("  endpoint: https://analytex.userpilot.io\n", "")
    assert (where, message.partition(":")[0]) == ("track.endpoint", "is required")
