"""Where the console listens without anybody being asked who they are."""

from __future__ import annotations

import pytest

from bridge.config.keys import scalars
from bridge.console.reach import ConsoleReach, host_of


def reach(listen: str, *, has_token: bool = False, behind_proxy: bool = False) -> ConsoleReach:
    return ConsoleReach(scalars.listen(listen), has_token, behind_proxy)


@pytest.mark.parametrize("listen", ["127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "localhost:1"])
def test_on_loopback_it_listens_without_a_token(listen: str) -> None:
    assert reach(listen).problem() is None
    assert not reach(listen, has_token=True).needs_login


@pytest.mark.parametrize("listen", ["0.0.0.0:1", ":1", "[::]:1", "10.0.0.7:1", "bridge.example:1"])
def test_elsewhere_it_needs_a_token_or_a_proxy(listen: str) -> None:
    problem = reach(listen).problem()
    assert problem is not None
    assert problem.count(". ") == 0, "one sentence"
    assert all(word in problem for word in ("console.listen", "console.token_file", "--behind-proxy", "127.0.0.1"))
    assert reach(listen, has_token=True).problem() is None
    assert reach(listen, has_token=True).needs_login
    assert reach(listen, behind_proxy=True).problem() is None
    assert not reach(listen, behind_proxy=True).needs_login, "the proxy asks"


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("Bridge.Example:80", "bridge.example"),
        ("bridge.example.", "bridge.example"),
        ("[::1]:80", "::1"),
        ("a b", None),
        ("a/b", None),
        ("a:b", None),
        ("x" * 400, None),
        ("", None),
    ],
)
def test_a_host_is_a_name_and_perhaps_a_port(host: str, name: str | None) -> None:
    assert host_of(host) == name
