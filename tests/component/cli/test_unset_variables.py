"""A second terminal, in which nobody has set endpoint and key: what asks the API nothing works there."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from tests.component.cli.conftest import TOPIC, Cli

ENVIRON = {name: value for name, value in os.environ.items() if not name.startswith("USERPILOT_")}


@pytest.fixture
def unset(config: Callable[..., str]) -> str:
    """A configuration as `track-bridge init` writes it."""
    return config(endpoint="${USERPILOT_ENDPOINT}", key_file="${USERPILOT_KEY_FILE}")


@pytest.mark.parametrize(
    "arguments",
    [
        ("map", "--from-topic"),
        ("explain", f"{TOPIC}/0/0"),
        ("offsets", "show"),
        ("topics", "create", "--dry-run"),
        ("dlq", "stats"),
        ("dlq", "list"),
        ("dlq", "export"),
        ("dlq", "replay", "--dry-run"),
        ("dlq", "discard", "--reason", "rejected", "--because", "a test", "--yes"),
    ],
    ids=" ".join,
)
async def test_what_asks_the_api_nothing_needs_no_variables(
    cli: Cli, unset: str, produce: Callable[..., None], arguments: tuple[str, ...]
) -> None:
    produce(0, b'{"type": "order.completed", "id": "e-1", "user_id": "u-1", "data": {"amount": 1}}')
    ran = await cli(*arguments, "-c", unset, environ=ENVIRON)
    assert ran.code in {0, 1}, ran
    assert "USERPILOT" not in ran.err


@pytest.mark.parametrize("command", ["check", "run", "dlq replay --yes"])
async def test_what_asks_the_api_names_both(cli: Cli, unset: str, command: str) -> None:
    ran = await cli(*command.split(), "-c", unset, environ=ENVIRON)
    assert ran.code == 2
    assert "USERPILOT_ENDPOINT is not set" in ran.err
    assert "USERPILOT_KEY_FILE is not set" in ran.err
