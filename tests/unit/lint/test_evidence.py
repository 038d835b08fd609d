"""What only the brokers show: conditions that real records never meet, and budgets that they are too many for."""

from __future__ import annotations

from pathlib import Path

import yaml

from bridge.config import load
from bridge.decode.protocol import NO_SCHEMAS
from bridge.lint.linting import findings
from bridge.lint.subject import LintEvidence, LintSamples, LintSubject, samples_of_examples
from bridge.mapping.compile import CompiledMapping, compile_mapping
from bridge.model import Record
from tests.support.lint.linted import BASE, ENVIRON
from tests.support.service.settings import layered

EVENTS = """
mapping:
  user_id: data.user_id
  max_age: 1h
  events:
    order.completed: {event_name: Order Completed, when: "data.total > `100`"}
"""


def found(folder: Path, part: str, total: int, **evidence: object) -> set[str]:
    """The codes, where the newest 200 records of the topic have this total."""
    path = folder / "bridge.yaml"
    path.write_text(yaml.safe_dump(layered({k: v for k, v in BASE.items() if k != "mapping"}, yaml.safe_load(part))))
    loaded = load.read(path, ENVIRON, needs_key=False)
    assert loaded.config is not None, loaded.problems
    mapping = compile_mapping(loaded.config.mapping, NO_SCHEMAS)
    assert isinstance(mapping, CompiledMapping)
    newest = LintSamples(mapping)
    for offset in range(200):
        value = b'{"type": "order.completed", "data": {"user_id": "u", "total": %d}}' % total
        record = Record("shop.orders", 0, offset, 0, b"k", value, ())
        newest.add(record, mapping.map_all(record, 0.0))
    seen = LintEvidence(newest, **evidence)  # type: ignore[arg-type] # the tests' own words
    subject = LintSubject(loaded.config, mapping, samples_of_examples(mapping, ()), seen, loaded.places)
    return {each.code for each in findings(subject, loaded.located)}


def test_a_condition_that_no_record_of_a_topic_meets_is_pointed_at(tmp_path: Path) -> None:
    assert "TB103" in found(tmp_path, EVENTS, total=50)
    assert "TB103" not in found(tmp_path, EVENTS, total=150)


def test_a_backlog_that_outlasts_the_age_of_events_is_pointed_at(tmp_path: Path) -> None:
    assert "TB404" in found(tmp_path, EVENTS, total=150, backlog=7200.0)
    assert "TB404" not in found(tmp_path, EVENTS, total=150, backlog=1800.0)


def test_more_records_than_the_budget_has_requests_for_are_pointed_at(tmp_path: Path) -> None:
    assert "TB405" in found(tmp_path, EVENTS, total=150, arriving={"shop.orders": 11.0})
    assert "TB405" not in found(tmp_path, EVENTS, total=150, arriving={"shop.orders": 9.0})
    assert "TB405" not in found(tmp_path, EVENTS, total=50, arriving={"shop.orders": 11.0}), "filtered"
