"""``track-bridge console``: what keeps it from starting, in a sentence and a code."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Cli

Config = Callable[..., str]


def listening_on(address: str, *more: str) -> tuple[str, str]:
    """What to replace in the configuration."""
    return "kafka:\n", f"console: {{{', '.join((f'listen: {address!r}', *more))}}}\nkafka:\n"


@pytest.mark.parametrize("absent", ["jinja2", "starlette", "uvicorn"])
def test_without_its_extra_it_says_how_to_have_it(
    cli: Cli, config: Config, monkeypatch: pytest.MonkeyPatch, absent: str
) -> None:
    monkeypatch.setitem(sys.modules, absent, None)
    ran = cli("console", "-c", config())
    assert (ran.code, ran.out) == (2, "")
    assert f"The console needs {absent}, which is not installed: pip install 'track-bridge[console]'" in ran.err


def test_another_address_than_loopback_needs_a_token_or_a_proxy(cli: Cli, config: Config) -> None:
    ran = cli("console", "-c", config(*listening_on("0.0.0.0:0")))
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("console.listen: 0.0.0.0:0 can be reached from other machines")
    assert "console --behind-proxy -c" in ran.err
    assert ran.err.count("\n") == 1


@pytest.mark.parametrize(("text", "said"), [(None, "cannot be read"), ("short", "has 5 characters")])
def test_a_token_that_is_none_is_refused_at_once(
    cli: Cli, config: Config, tmp_path: Path, text: str | None, said: str
) -> None:
    if text is not None:
        (tmp_path / "token").write_text(text)
    ran = cli("console", "-c", config(*listening_on("127.0.0.1:0", f"token_file: {tmp_path / 'token'}")))
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("console.token_file: ")
    assert said in ran.err


def test_an_address_that_is_taken_ends_it_with_3(cli: Cli, config: Config) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        ran = cli("console", "-c", config(*listening_on(address)))
    assert ran.code == 3
    assert ran.err.startswith(f"console.listen: cannot listen on {address} (Address already in use)")
