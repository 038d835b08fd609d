"""Runs the pages about mappings: every mapping in them, every record under one, and what they say comes out."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from bridge.config import load
from bridge.config.reading import yaml_core
from bridge.mapping.compile import CompiledMapping
from bridge.mapping.review.examples import run_example, run_examples
from bridge.model import Failed, Filtered, Forget, Request
from tests.support.docs.examples import (
    DOCS,
    ExampleBlock,
    WorkedExample,
    blocks,
    compiled,
    pages_of_examples,
    worked_examples,
)
from tests.support.docs.snippets import BASE
from tests.support.service.settings import layered

PAGES = pages_of_examples()
BLOCKS = {page: list(blocks(page)) for page in PAGES}
EXAMPLES = [example for page in PAGES for example in worked_examples(page)]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: f"{example.page}-line-{example.line}")
def test_a_record_of_a_page_becomes_what_the_page_says(example: WorkedExample) -> None:
    _, mapping = compiled(example.mapping, example.schemas)
    assert isinstance(mapping, CompiledMapping), mapping
    assert example.requests or example.others, "the page does not say what becomes of this record"

    outcomes = run_example(mapping, example.given).outcomes

    requests = [json.loads(outcome.body) for outcome in outcomes if isinstance(outcome, Request)]
    assert requests == example.requests
    assert [list(request.get("metadata", {})) for request in requests] == [
        list(request.get("metadata", {})) for request in example.requests
    ]
    letters = [f"dead letter: {each.reason}: {each.message}" for each in outcomes if isinstance(each, Failed)]
    filtered = [each.filtered if isinstance(each, Forget) else each for each in outcomes]
    drops = [f"dropped: {each.reason}" for each in filtered if isinstance(each, Filtered)]
    assert letters + (drops if not example.requests else []) == example.others


MAPPINGS = [(page, block) for page in PAGES for block in BLOCKS[page] if block.role == "mapping"]


@pytest.mark.parametrize(
    "block", [block for _, block in MAPPINGS], ids=[f"{page}-line-{block.line}" for page, block in MAPPINGS]
)
def test_a_mapping_of_a_page_compiles_and_its_own_examples_pass(block: ExampleBlock) -> None:
    config, mapping = compiled(block.body)

    assert isinstance(mapping, CompiledMapping), mapping
    assert [result for result in run_examples(mapping, config.examples) if not result.passed] == []


def test_what_a_page_calls_refused_is_refused_in_these_words() -> None:
    shown = [block for page in PAGES for block in BLOCKS[page] if block.role in ("refused", "problems")]

    assert [block.role for block in shown] == ["refused", "problems"] * (len(shown) // 2)
    assert shown
    for text, expected in zip(shown[::2], shown[1::2], strict=True):
        _, found = compiled(text.body)
        assert isinstance(found, tuple)
        assert "\n".join(map(str, found)) == expected.body.strip()


def test_a_part_of_a_configuration_on_a_page_loads_beside_what_every_configuration_has(tmp_path: Path) -> None:
    parts = [block.body for page in PAGES for block in BLOCKS[page] if block.role == "configuration"]

    assert parts
    for part in parts:
        path = tmp_path / "bridge.yaml"
        path.write_text(yaml.safe_dump(layered(BASE, yaml_core.parse(part).tree)), encoding="utf-8")
        assert load.read(path, {}).problems == ()


@pytest.mark.parametrize("page", PAGES)
def test_every_block_of_a_page_is_run_or_plainly_not_an_example(page: str) -> None:
    roles = {block.role for block in BLOCKS[page]}
    fences = re.findall(r"^```(\w+.*)$", (DOCS / page).read_text(encoding="utf-8"), re.MULTILINE)

    assert roles <= {
        "mapping",
        "input",
        "record",
        "request",
        "outcome",
        "refused",
        "problems",
        "schema",
        "configuration",
    }
    of_defaults = 1 if page == "mapping.md" else 0
    assert len(fences) - len(BLOCKS[page]) == of_defaults, "only the block of defaults stands for itself"


def test_the_cookbook_has_ten_mappings_and_each_is_tried_with_a_record() -> None:
    tried = {example.mapping for example in EXAMPLES if example.page == "cookbook.md"}

    assert len(tried) == 10
    assert tried == {block.body for block in BLOCKS["cookbook.md"] if block.role == "mapping"}
