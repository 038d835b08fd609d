"""Runs docs/mapping.md: every mapping in it, every record under a mapping, and what it says comes out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bridge.config.keys.problems import Problem
from bridge.config.mapping_section import ExampleConfig, MappingConfig
from bridge.config.reading import yaml_core
from bridge.mapping.compile import CompiledMapping, compile_mapping
from bridge.mapping.review.examples import run_example, run_examples
from bridge.model import Failed, Filtered, Request

PAGE = Path(__file__).parents[3] / "docs" / "mapping.md"
FENCE = re.compile(r"^```(\w+) (\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass
class Case:
    """A record under the mapping that stands before (or right after) it, and all outcomes the page gives for it."""

    line: int
    mapping: str
    record: str
    is_input: bool
    requests: list[dict[str, Any]] = field(default_factory=list)
    others: list[str] = field(default_factory=list)


def blocks() -> Iterator[tuple[int, str, str]]:
    text = PAGE.read_text(encoding="utf-8")
    for match in FENCE.finditer(text):
        yield text.count("\n", 0, match.start()) + 1, match[2], match[3]


def cases() -> list[Case]:
    found: list[Case] = []
    mapping = ""
    for line, role, body in blocks():
        match role:
            case "mapping":
                mapping = body
                if found and not found[-1].mapping:
                    found[-1].mapping = body  # the first example shows the record before the mapping
            case "input" | "record":
                found.append(Case(line, mapping, body, role == "input"))
            case "request":
                found[-1].requests.append(json.loads(body))
            case "outcome":
                found[-1].others += body.splitlines()
    return found


CASES = cases()


def compiled(text: str) -> tuple[MappingConfig, CompiledMapping | tuple[Problem, ...]]:
    config = MappingConfig.model_validate(yaml_core.parse(text).tree["mapping"])
    return config, compile_mapping(config)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"line-{case.line}")
def test_a_record_of_the_page_becomes_what_the_page_says(case: Case) -> None:
    _, mapping = compiled(case.mapping)
    assert isinstance(mapping, CompiledMapping), mapping
    assert case.requests or case.others, "the page does not say what becomes of this record"
    given: dict[str, Any] = {"name": "n", "expect": {"dropped": "rule"}}
    if case.is_input:
        given["input"] = json.loads(case.record)
    else:
        record = yaml_core.parse(case.record).tree
        given |= {"now": record.pop("now")} if "now" in record else {}
        given["record"] = record

    outcomes = run_example(mapping, ExampleConfig.model_validate(given)).outcomes

    requests = [json.loads(outcome.body) for outcome in outcomes if isinstance(outcome, Request)]
    assert requests == case.requests
    assert [list(request.get("metadata", {})) for request in requests] == [
        list(request.get("metadata", {})) for request in case.requests
    ]
    letters = [f"dead letter: {each.reason}: {each.message}" for each in outcomes if isinstance(each, Failed)]
    drops = [f"dropped: {each.reason}" for each in outcomes if isinstance(each, Filtered)]
    assert letters + (drops if not case.requests else []) == case.others


MAPPINGS = [(line, body) for line, role, body in blocks() if role == "mapping"]


@pytest.mark.parametrize("body", [body for _, body in MAPPINGS], ids=[f"line-{line}" for line, _ in MAPPINGS])
def test_a_mapping_of_the_page_compiles_and_its_own_examples_pass(body: str) -> None:
    config, mapping = compiled(body)

    assert isinstance(mapping, CompiledMapping), mapping
    assert [result for result in run_examples(mapping, config.examples) if not result.passed] == []


def test_what_the_page_calls_refused_is_refused_in_these_words() -> None:
    refused = [body for _, role, body in blocks() if role == "refused"]
    problems = [body for _, role, body in blocks() if role == "problems"]

    assert len(refused) == len(problems) > 0
    for text, expected in zip(refused, problems, strict=True):
        _, found = compiled(text)
        assert isinstance(found, tuple)
        assert "\n".join(map(str, found)) == expected.strip()


def test_every_block_of_the_page_is_run_or_plainly_not_an_example() -> None:
    roles = {role for _, role, _ in blocks()}
    fences = re.findall(r"^```(\w+.*)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)

    assert roles == {"mapping", "input", "record", "request", "outcome", "refused", "problems"}
    assert len(fences) - len(list(blocks())) == 1, "only the block of defaults stands for itself"
    assert len(CASES) > 20
