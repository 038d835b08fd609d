"""Ten topics and more, as real systems write them: the proposal loads, and makes of them what is right."""

from __future__ import annotations

import pytest

from bridge.formatting.format_text import formatted
from tests.support.proposal.judged import judged, written
from tests.support.proposal.topics import TOPICS

UNWRITTEN = {"1 avro", "10 protobuf"}
"""Examples would need bytes that nothing here writes."""


@pytest.mark.parametrize("name", TOPICS)
def test_the_proposal_makes_the_right_event_of_nine_records_in_ten_and_shows_each(name: str) -> None:
    made = written(name)  # which runs the examples, too
    topic = made.topic
    assert len(topic.records) >= 40
    verdict = judged(topic, made.mapping)
    assert verdict.share >= 0.9, verdict.wrong
    names = {right.event_name for each in topic.right for right in each}
    assert formatted(made.text) == made.text, "track-bridge fmt would write another file"
    assert len(made.config.examples) == (0 if name in UNWRITTEN else min(6, len(names)))
