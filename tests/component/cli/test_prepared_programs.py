"""The way most tests run a command is no other than the way it is run in production."""

from __future__ import annotations

import os
import re
from collections.abc import Callable

import pytest

from tests.support.prepared.client import completed, started

LINES = b'{"type": "order.completed", "data": {"user": "u-1", "amount": 1}}\nno JSON\n'
MOMENT = re.compile(rb"[0-9-]{10}T[0-9:.]{12}Z")
"""A line that is mapped was made now."""


@pytest.mark.parametrize(
    "arguments",
    [
        ("--version",),
        ("dlq", "replay", "--help"),
        ("map", "-c", "FILE"),
        ("map", "--amount"),
        ("chek",),
        ("check", "-c", "/nowhere.yaml"),
        ("dlq", "list", "--json", "-c", "FILE"),
    ],
    ids=" ".join,
)
async def test_a_program_of_a_prepared_process_prints_and_ends_as_one_of_a_new_interpreter(
    config: Callable[..., str], arguments: tuple[str, ...]
) -> None:
    words = [config() if word == "FILE" else word for word in arguments]
    prepared = await completed(*words, stdin=LINES)
    usual = await started(*words, stdin=LINES, environ=os.environ)
    assert prepared.code == usual.code
    assert prepared.err == usual.err
    assert MOMENT.sub(b"now", prepared.out) == MOMENT.sub(b"now", usual.out)
