"""A small file that is right, and ways to make it wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.config.load import Loaded, read

RIGHT = """\
kafka:
  bootstrap_servers: localhost:9092
  group_id: bridge
  topics: [shop.orders]
track:
  endpoint: https://analytex.userpilot.io
  api_key: key-1
dead_letter:
  topic: bridge.dlq
mapping:
  events:
    order.completed: {event_name: Order Completed}
"""

Load = Callable[..., Loaded]


@pytest.fixture
def right() -> str:
    return RIGHT


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Reads a text as a configuration file under a given environment."""

    def load(text: str | bytes, **environ: str) -> Loaded:
        path = tmp_path / "bridge.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read(path, environ)

    return load


@pytest.fixture
def changed(load: Load) -> Load:
    """Reads the right file with some lines replaced: ``changed("api_key: key-1", "api_key: ''")``."""

    def changed(*replacements: str, **environ: str) -> Loaded:
        text = RIGHT
        for old, new in zip(replacements[::2], replacements[1::2], strict=True):
            assert old in text, old
            text = text.replace(old, new)
        return load(text, **environ)

    return changed


@pytest.fixture
def problem_of(changed: Load) -> Callable[..., tuple[str, str]]:
    """The one problem of a changed file: where, and the message."""

    def problem_of(*replacements: str, **environ: str) -> tuple[str, str]:
        problems = changed(*replacements, **environ).problems
        assert len(problems) == 1, [str(each) for each in problems]
        return problems[0].where, problems[0].message

    return problem_of
