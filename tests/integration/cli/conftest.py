"""Commands in this process against a real Kafka."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from bridge.cli import entry

CONFIG = """\
kafka:
  bootstrap_servers: {bootstrap}
  group_id: {group}
  topics: [{topic}]
  start_from: {start_from}
  properties: {properties}
track:
  endpoint: http://127.0.0.1:1
  api_key: NX-test
  timeout: 1s
dead_letter:
  topic: {letters}
mapping:
  events:
    order.completed: {{event_name: Order Completed}}
"""


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """``cli("check", "-c", path)``"""

    def run(*arguments: str) -> Ran:
        capsys.readouterr()
        code = entry.run(arguments)
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err
        return Ran(code, captured.out, captured.err)

    return run


@pytest.fixture
def config(tmp_path: Path) -> Callable[..., str]:
    """``config(bootstrap=…, topic=…, letters=…, group=…)`` writes the configuration and returns its path."""

    def write(*, properties: Mapping[str, str] | None = None, start_from: str = "earliest", **names: str) -> str:
        path = tmp_path / "bridge.yaml"
        path.write_text(CONFIG.format(properties=json.dumps(properties or {}), start_from=start_from, **names))
        return str(path)

    return write
