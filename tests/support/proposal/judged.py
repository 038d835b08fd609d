"""What a proposed configuration makes of a topic, held against what a person says is right."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from math import nan
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson

from bridge.config import load
from bridge.config.mapping_section import MappingConfig
from bridge.mapping.compile import CompiledMapping, compile_mapping
from bridge.mapping.review.examples import run_examples
from bridge.model import Record, Request
from bridge.proposal.choices import Proposal
from bridge.proposal.file.page import Connections
from bridge.proposal.file.write import configuration_of
from bridge.proposal.propose import propose
from tests.support.proposal.made import Right, Topic
from tests.support.proposal.topics import TOPICS

ENVIRON = {"USERPILOT_ENDPOINT": "https://analytex.userpilot.io", "USERPILOT_API_KEY": "NX-secret-of-the-test"}


@dataclass
class Verdict:
    right: int = 0
    wrong: Counter[str] = field(default_factory=Counter)

    @property
    def share(self) -> float:
        return self.right / max(1, self.right + self.wrong.total())


@dataclass(frozen=True)
class Written:
    """What is proposed of a topic: the text of its file, and what that is once it is loaded and compiled."""

    topic: Topic
    proposal: Proposal
    text: str
    config: MappingConfig
    mapping: CompiledMapping


@cache
def written(name: str) -> Written:
    """Of one of `TOPICS`; once in a run, for all tests that look at it."""
    topic = TOPICS[name]()
    proposal = propose(topic.records, topic.schemas)
    text = configuration_of(proposal, Connections((topic.name,)), topic.schemas)
    with TemporaryDirectory() as folder:
        return Written(topic, proposal, text, *compiled(text, Path(folder), topic))


def compiled(text: str, folder: Path, topic: Topic) -> tuple[MappingConfig, CompiledMapping]:
    path = folder / "bridge.yaml"
    path.write_text(text, encoding="utf-8")
    loaded = load.read(path, ENVIRON)
    assert not loaded.problems, f"{list(map(str, loaded.problems))}\n{text}"
    assert loaded.mapping is not None
    mapping = compile_mapping(loaded.mapping, topic.schemas)
    assert isinstance(mapping, CompiledMapping), mapping
    failed = [result for result in run_examples(mapping, loaded.mapping.examples) if not result.passed]
    assert not failed, failed[0].differences
    return loaded.mapping, mapping


def judged(topic: Topic, mapping: CompiledMapping) -> Verdict:
    verdict = Verdict()
    for record, right in zip(topic.records, topic.right, strict=True):
        sent = [orjson.loads(each.body) for each in mapping.map_all(record, nan) if isinstance(each, Request)]
        if len(sent) != len(right):
            verdict.wrong[f"{len(sent)} requests instead of {len(right)}"] += max(1, len(right))
            continue
        for body, wanted in zip(sent, right, strict=True):
            wrong = _wrong(body, wanted, record)
            verdict.right += not wrong
            verdict.wrong.update([", ".join(wrong)] if wrong else [])
        verdict.right += not right
    return verdict


def _wrong(body: dict[str, Any], wanted: Right, record: Record) -> list[str]:
    found = body["metadata"]
    same_time = abs((datetime.fromisoformat(found["occurred_at"]) - wanted.occurred_at).total_seconds()) < 0.002
    match wanted.event_id:
        case None:
            same_id = found["event_id"] == record.identity
        case "debezium":
            same_id = found["event_id"].count(":") == 3
        case identifier:
            same_id = found["event_id"] == identifier
    checks = {
        f"name {body['event_name']}": body["event_name"] == wanted.event_name,
        f"user {body['user_id']}": body["user_id"] == wanted.user_id,
        f"time {found['occurred_at']}": same_time,
        f"id {found['event_id']}": same_id,
    }
    return [what for what, is_right in checks.items() if not is_right]
