"""The worked examples of a page: mappings, records, schemas, and what comes out of them; all of it can be run.

A block's fence says what it is: ``yaml mapping``, ``json input`` (a value alone), ``yaml record`` (a whole record),
``json request``, ``text outcome``, ``json schema id:42`` (Avro or JSON Schema), ``proto schema id:7``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bridge.config.events.example_section import ExampleConfig
from bridge.config.keys.problems import Problem
from bridge.config.mapping_section import MappingConfig
from bridge.config.reading import yaml_core
from bridge.decode.protocol import NO_SCHEMAS, Schema, Schemas
from bridge.mapping.compile import CompiledMapping, compile_mapping

DOCS = Path(__file__).parents[3] / "docs"
_FENCE = re.compile(r"^```(\w+) (\w+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class ExampleBlock:
    """One block of a page whose fence says what it is for."""

    line: int
    language: str
    role: str
    name: str
    body: str


def blocks(page: str) -> Iterator[ExampleBlock]:
    """All of a page, by its name in docs/."""
    text = (DOCS / page).read_text(encoding="utf-8")
    for match in _FENCE.finditer(text):
        yield ExampleBlock(text.count("\n", 0, match.start()) + 1, match[1], match[2], match[3] or "", match[4])


@dataclass
class WorkedExample:
    """A record under the mapping that stands before (or right after) it, and all outcomes the page gives for it."""

    page: str
    line: int
    mapping: str
    record: str
    is_input: bool
    schemas: Schemas
    requests: list[dict[str, Any]] = field(default_factory=list)
    others: list[str] = field(default_factory=list)

    @property
    def given(self) -> ExampleConfig:
        """As an example of the configuration that expects nothing in particular."""
        given: dict[str, Any] = {"name": "n", "expect": {"dropped": "rule"}}
        if self.is_input:
            given["input"] = json.loads(self.record)
        else:
            record = yaml_core.parse(self.record).tree
            given |= {"now": record.pop("now")} if "now" in record else {}
            given["record"] = record
        return ExampleConfig.model_validate(given)


def pages_of_examples() -> tuple[str, ...]:
    """Every page that shows what becomes of records, or what is refused: all of it has to be run."""
    shown = {"input", "record", "request", "outcome", "refused", "problems"}
    pages = sorted(page.name for page in DOCS.glob("*.md"))
    return tuple(page for page in pages if any(block.role in shown for block in blocks(page)))


def worked_examples(page: str) -> list[WorkedExample]:
    """In the order of the page. Its schemas are known to every example of the page."""
    found: list[WorkedExample] = []
    schemas = {block.name: _schema(block) for block in blocks(page) if block.role == "schema"} or NO_SCHEMAS
    mapping = ""
    for block in blocks(page):
        match block.role:
            case "mapping":
                mapping = block.body
                if found and not found[-1].mapping:
                    found[-1].mapping = block.body  # a first example may show the record before the mapping
            case "input" | "record":
                found.append(WorkedExample(page, block.line, mapping, block.body, block.role == "input", schemas))
            case "request":
                found[-1].requests.append(json.loads(block.body))
            case "outcome":
                found[-1].others += block.body.splitlines()
    return found


def _schema(block: ExampleBlock) -> Schema:
    if block.language == "proto":
        return Schema("protobuf", block.body)
    document = json.loads(block.body)
    return Schema("json" if "$schema" in document else "avro", block.body)


def compiled(text: str, schemas: Schemas = NO_SCHEMAS) -> tuple[MappingConfig, CompiledMapping | tuple[Problem, ...]]:
    """The ``mapping:`` of a block, parsed and compiled."""
    config = MappingConfig.model_validate(yaml_core.parse(text).tree["mapping"])
    return config, compile_mapping(config, schemas)
