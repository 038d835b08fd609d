"""``track-bridge dlq`` alone is the first look where there is a configuration, and its help where there is none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bridge.cli.frame import startup

Cli = Callable[..., Any]


@pytest.mark.parametrize("where", ["first", "last"])
def test_it_is_stats_with_the_configuration_wherever_that_is_named(
    cli: Cli, config: Callable[..., str], monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    monkeypatch.setattr(startup, "PATIENCE", 0.2)
    path = config()
    alone = cli("-c", path, "dlq") if where == "first" else cli("dlq", "-c", path)
    stats = cli("dlq", "stats", "-c", path)
    assert (alone.code, alone.err) == (stats.code, stats.err)
    assert alone.code == 3, "no broker answers"


def test_where_no_configuration_is_found_it_says_what_there_is(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BRIDGE_CONFIG", raising=False)
    monkeypatch.chdir(tmp_path)
    ran = cli("dlq")
    assert ran.code == 2
    assert "replay" in ran.out + ran.err
    assert "Usage: track-bridge dlq" in ran.out + ran.err
