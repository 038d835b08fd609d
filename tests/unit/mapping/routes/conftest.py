"""One route of a user or a company, and its request."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from bridge.model import Request
from tests.unit.mapping.conftest import Bench, compiled


@pytest.fixture
def user() -> Callable[[str], Bench]:
    """A mapping with one route for `u` that identifies ``data.id``, given by the lines of `identify`."""

    def build(lines: str, settings: str = "") -> Bench:
        inside = "\n".join(f"      {line}" for line in lines.splitlines())
        return Bench(compiled(f"{settings}\nevents:\n  u:\n    identify:\n      user_id: data.id\n{inside}\n"))

    return build


@pytest.fixture
def document() -> Callable[..., dict[str, Any]]:
    """The document of the one request that ``data`` becomes."""

    def of(bench: Bench, **data: Any) -> dict[str, Any]:
        (outcome,) = bench.map({"type": "u", "data": {"id": "u-1", **data}})
        assert isinstance(outcome, Request), outcome
        found: dict[str, Any] = json.loads(outcome.body)
        return found

    return of
