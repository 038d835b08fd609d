"""Whether there is a safe place for what cannot be delivered."""

import dataclasses

import pytest

from bridge.cli.checks.findings import Finding, Level
from bridge.cli.checks.letters import LetterTopicFacts, letters
from bridge.exits import ExitCode
from bridge.kafka.admin.inspection import TopicSettings

DAY_MS = 86_400_000
PLAIN = TopicSettings(compacted=False, deletes=True, retention_ms=30 * DAY_MS, max_message_bytes=1_100_000)
COMPACTED = TopicSettings(compacted=True, deletes=False, retention_ms=7 * DAY_MS, max_message_bytes=1_048_588)
SOURCE = TopicSettings(compacted=False, deletes=True, retention_ms=7 * DAY_MS, max_message_bytes=1_048_588)
GOOD = LetterTopicFacts(
    partitions={"dlq": 6, "dlq.resolutions": 6},
    settings={"dlq": PLAIN, "dlq.resolutions": COMPACTED, "orders": SOURCE},
    sources={"orders": 6},
)


def _found(facts: LetterTopicFacts, *, is_created: bool = False) -> list[Finding]:
    return [each for each in letters("dlq", facts, is_created_at_start=is_created) if each.level is not Level.OK]


def _only(facts: LetterTopicFacts, *, is_created: bool = False) -> Finding:
    (finding,) = _found(facts, is_created=is_created)
    return finding


def _with(topic: str, **changes: int | bool) -> LetterTopicFacts:
    changed = dataclasses.replace(GOOD.settings[topic], **changes)  # type: ignore[arg-type]  # each test names its field
    return dataclasses.replace(GOOD, settings={**GOOD.settings, topic: changed})


def test_two_topics_with_the_right_settings_are_nothing_to_mention() -> None:
    assert _found(GOOD) == []


def test_a_missing_dead_letter_topic_keeps_the_bridge_from_starting() -> None:
    facts = dataclasses.replace(GOOD, partitions={"dlq.resolutions": 6})
    found = _only(facts)
    assert (found.level, found.code) == (Level.PROBLEM, ExitCode.USAGE)
    assert "track-bridge topics create" in found.to_do


def test_missing_topics_that_the_bridge_may_create_are_only_noted() -> None:
    facts = dataclasses.replace(GOOD, partitions={})
    assert [each.level for each in _found(facts, is_created=True)] == [Level.NOTE, Level.NOTE]


def test_a_missing_resolutions_topic_is_a_warning() -> None:
    assert _only(dataclasses.replace(GOOD, partitions={"dlq": 6})).level is Level.WARNING


def test_a_compacted_dead_letter_topic_keeps_the_bridge_from_starting() -> None:
    found = _only(_with("dlq", compacted=True, deletes=False))
    assert (found.level, found.code) == (Level.PROBLEM, ExitCode.USAGE)
    assert "compacted" in found.what


@pytest.mark.parametrize(("retention_ms", "warnings"), [(7 * DAY_MS - 1, 1), (7 * DAY_MS, 0), (-1, 0)])
def test_less_than_a_week_of_retention_is_a_warning(retention_ms: int, warnings: int) -> None:
    assert len(_found(_with("dlq", retention_ms=retention_ms))) == warnings


def test_a_limit_below_the_sources_largest_record_is_a_warning_with_the_value_to_set() -> None:
    found = _only(_with("dlq", max_message_bytes=1_000_000))
    assert found.level is Level.WARNING
    assert "max.message.bytes=1048588" in found.to_do


def test_fewer_partitions_than_the_widest_source_are_a_warning() -> None:
    found = _only(dataclasses.replace(GOOD, sources={"orders": 6, "wide": 12}))
    assert (found.level, "wide has 12" in found.what) == (Level.WARNING, True)


def test_resolutions_with_another_number_of_partitions_are_a_problem() -> None:
    found = _only(dataclasses.replace(GOOD, partitions={"dlq": 6, "dlq.resolutions": 5}))
    assert (found.level, "same number" in found.what) == (Level.PROBLEM, True)


@pytest.mark.parametrize("changes", [{"compacted": False, "deletes": True}, {"deletes": True}])
def test_resolutions_that_are_deleted_by_age_are_a_problem(changes: dict[str, bool]) -> None:
    assert _only(_with("dlq.resolutions", **changes)).level is Level.PROBLEM


def test_settings_that_may_not_be_read_are_noted_and_not_guessed() -> None:
    assert _only(dataclasses.replace(GOOD, settings={})).level is Level.NOTE
