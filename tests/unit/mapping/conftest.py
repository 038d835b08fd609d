"""A mapping from its YAML, and records to put through it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from bridge.config.keys.problems import Problem
from bridge.config.mapping_section import MappingConfig
from bridge.config.reading import yaml_core
from bridge.mapping.compile import CompiledMapping, compile_mapping
from bridge.mapping.review.examples import run_examples
from bridge.model import Failed, Filtered, Outcomes, Record, Request

NOW = 1_767_326_400.0
"""2026-01-02T04:00:00Z"""


def config_of(text: str) -> MappingConfig:
    return MappingConfig.model_validate(yaml_core.parse(text).tree)


def compiled(text: str) -> CompiledMapping:
    """A mapping section that has no problems."""
    mapping = compile_mapping(config_of(text))
    assert isinstance(mapping, CompiledMapping), [str(problem) for problem in mapping]
    return mapping


@dataclass(frozen=True)
class Bench:
    """One compiled mapping, asked in the words of the tests."""

    mapping: CompiledMapping

    def map(self, value: Any = b"", /, *, now: float = NOW, **changes: Any) -> Outcomes:
        """The outcomes of a record; a value that is not bytes or None is sent as JSON."""
        raw = value if isinstance(value, bytes | None) else json.dumps(value).encode()
        record = Record("shop.orders", 3, 17, 1_767_323_045_000, None, raw, ())._replace(**changes)
        return self.mapping.map(record, now)

    def request(self, value: Any = b"", /, **changes: Any) -> dict[str, Any]:
        """The one request of a record, decoded."""
        (outcome,) = self.map(value, **changes)
        assert isinstance(outcome, Request), outcome
        body: dict[str, Any] = json.loads(outcome.body)
        assert (body["user_id"], body["event_name"]) == (outcome.user_id, outcome.event_name)
        return body

    def metadata(self, value: Any = b"", /, **changes: Any) -> dict[str, Any]:
        found: dict[str, Any] = self.request(value, **changes).get("metadata", {})
        return found

    def failed(self, value: Any = b"", /, **changes: Any) -> Failed:
        (outcome,) = self.map(value, **changes)
        assert isinstance(outcome, Failed), outcome
        return outcome

    def filtered(self, value: Any = b"", /, **changes: Any) -> Filtered:
        (outcome,) = self.map(value, **changes)
        assert isinstance(outcome, Filtered), outcome
        return outcome


@pytest.fixture
def bench() -> Callable[[str], Bench]:
    """A mapping section that has no problems."""

    return lambda text: Bench(compiled(text))


@pytest.fixture
def order(bench: Callable[[str], Bench]) -> Callable[[str], Bench]:
    """A mapping with one route for `order`, given by its indented lines; no common metadata."""

    def build(route: str) -> Bench:
        lines = "\n".join(f"    {line}" for line in route.splitlines())
        common = "common_metadata: {occurred_at: false, event_id: false}\nuser_id: u\n"
        return bench(f"{common}events:\n  order:\n    event_name: Order\n{lines}\n")

    return build


@pytest.fixture
def problems() -> Callable[[str], dict[str, str]]:
    """What is wrong with a mapping section that parses, by place."""

    def find(text: str) -> dict[str, str]:
        found = compile_mapping(config_of(text))
        assert not isinstance(found, CompiledMapping)
        assert all(isinstance(problem, Problem) for problem in found)
        return {problem.where: problem.message for problem in found}

    return find


@pytest.fixture
def examples() -> Callable[[str], dict[str, tuple[str, ...]]]:
    """Runs a mapping's examples; the differences by the example's name."""

    def run(text: str) -> dict[str, tuple[str, ...]]:
        config = config_of(text)
        mapping = compile_mapping(config)
        assert isinstance(mapping, CompiledMapping), mapping
        return {result.name: result.differences for result in run_examples(mapping, config.examples)}

    return run
