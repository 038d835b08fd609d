"""Commands run in this process, with a configuration that a test changes in one place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from bridge.cli import entry

CONFIG = """\
kafka:
  bootstrap_servers: 127.0.0.1:1
  group_id: test
  topics: [shop.orders]
track:
  endpoint: https://analytex.userpilot.io
  api_key: NX-secret-of-the-test
dead_letter:
  topic: test.dlq
mapping:
  events:
    order.completed:
      event_name: Order Completed
      metadata: {amount: data.amount}
    audit.*: drop
"""


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str


Cli = Callable[..., Ran]


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Cli:
    """``cli("check", "--offline")``: what a command line of these words prints and returns."""

    def run(*arguments: str) -> Ran:
        capsys.readouterr()
        code = entry.run(arguments)
        captured = capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    return run


@pytest.fixture
def config(tmp_path: Path) -> Callable[..., str]:
    """``config()`` writes the configuration, ``config(old, new)`` with one piece replaced; returns its path."""

    def write(old: str = "", new: str = "") -> str:
        assert old in CONFIG
        path = tmp_path / "bridge.yaml"
        path.write_text(CONFIG.replace(old, new) if old else CONFIG, encoding="utf-8")
        return str(path)

    return write
