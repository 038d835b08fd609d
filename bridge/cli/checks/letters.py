"""The dead-letter topic and its resolutions: is there a safe place for what cannot be delivered? Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bridge.cli.checks import findings
from bridge.cli.checks.findings import Finding
from bridge.commands import completed
from bridge.exits import FindingKind
from bridge.kafka.admin.inspection import TopicSettings
from bridge.kafka.admin.topic_creation import resolutions_of
from bridge.text.amounts import plural, span, thousands

SHORT_RETENTION_MS = 7 * 86_400_000
"""Below a week a dead letter can vanish over holidays before anybody has looked at it."""
_CREATE = "run `track-bridge topics create`"


@dataclass(frozen=True, slots=True)
class LetterTopicFacts:
    """What the cluster has; settings only of topics whose settings may be read."""

    partitions: Mapping[str, int]
    settings: Mapping[str, TopicSettings]
    sources: Mapping[str, int]
    """Partition counts of the consumed topics."""


def letters(topic: str, facts: LetterTopicFacts, *, is_created_at_start: bool) -> list[Finding]:
    """Judge both topics."""
    return [*_letters(topic, facts, is_created_at_start), *_resolutions(topic, facts, is_created_at_start)]


def _letters(topic: str, facts: LetterTopicFacts, is_created_at_start: bool) -> Iterator[Finding]:
    if topic not in facts.partitions:
        yield _missing(topic, is_created_at_start)
        return
    yield findings.ok(f"{topic}: {plural(facts.partitions[topic], 'partition')}.")
    widest = max(facts.sources, key=lambda name: facts.sources[name], default=None)
    if widest is not None and facts.partitions[topic] < facts.sources[widest]:
        yield findings.warning(
            f"{topic} has {plural(facts.partitions[topic], 'partition')}, {widest} has {facts.sources[widest]}: "
            "dead letters of several source partitions share one, and reprocessing can use fewer replicas.",
            f"give it more partitions while it is empty: kafka-topics --alter --topic {topic} --partitions "
            f"{facts.sources[widest]}",
        )
    if topic not in facts.settings:
        yield findings.note(f"{topic}: its settings could not be read (DESCRIBE_CONFIGS), so they were not checked.")
        return
    yield from _settings(topic, facts)


def _settings(topic: str, facts: LetterTopicFacts) -> Iterator[Finding]:
    own = facts.settings[topic]
    if own.compacted:
        yield findings.problem(
            f"{topic} is compacted (cleanup.policy), so a dead letter would be deleted by the next one with its key.",
            f"set cleanup.policy=delete: kafka-configs --alter --topic {topic} --add-config cleanup.policy=delete",
            FindingKind.TOPICS,
        )
    if own.deletes and 0 <= own.retention_ms < SHORT_RETENTION_MS:
        yield findings.warning(
            f"{topic} keeps dead letters for {span(own.retention_ms / 1000)} only.",
            "give yourself time to look at them: "
            f"kafka-configs --alter --topic {topic} --add-config retention.ms=2592000000",
        )
    largest = max(
        ((facts.settings[name].max_message_bytes, name) for name in facts.sources if name in facts.settings),
        default=(0, ""),
    )
    if own.max_message_bytes < largest[0]:
        yield findings.warning(
            f"{topic} takes records of {thousands(own.max_message_bytes)} bytes at most (max.message.bytes), "
            f"{largest[1]} up to {thousands(largest[0])}: a larger dead letter cannot be written, and its partition "
            "would be held.",
            f"kafka-configs --alter --topic {topic} --add-config max.message.bytes={largest[0]}",
        )


def _resolutions(topic: str, facts: LetterTopicFacts, is_created_at_start: bool) -> Iterator[Finding]:
    companion = resolutions_of(topic)
    if companion not in facts.partitions:
        yield _unresolvable(companion, is_created_at_start)
        return
    count = facts.partitions[companion]
    yield findings.ok(f"{companion}: {plural(count, 'partition')}.")
    if topic in facts.partitions and count != facts.partitions[topic]:
        yield findings.problem(
            f"{companion} has {plural(count, 'partition')}, {topic} has {facts.partitions[topic]}; they must have the "
            "same number, because a dead letter and its resolution are in partitions of the same number.",
            f"delete {companion} if it is empty and {completed(_CREATE)}, or add partitions to the smaller one",
            FindingKind.TOPICS,
        )
    own = facts.settings.get(companion)
    if own is not None and (own.deletes or not own.compacted):
        yield findings.problem(
            f"{companion} is not compacted only (cleanup.policy): it would forget what became of a dead letter.",
            f"kafka-configs --alter --topic {companion} --add-config cleanup.policy=compact",
            FindingKind.TOPICS,
        )


def _missing(topic: str, is_created_at_start: bool) -> Finding:
    if is_created_at_start:
        return findings.note(f"{topic} does not exist; the bridge creates it at its start (dead_letter.create).")
    return findings.problem(
        f"{topic} does not exist, so there is no safe place for what cannot be delivered.",
        f"{completed(_CREATE)} (or set dead_letter.create: true)",
        FindingKind.TOPICS,
    )


def _unresolvable(companion: str, is_created_at_start: bool) -> Finding:
    if is_created_at_start:
        return findings.note(f"{companion} does not exist; the bridge creates it at its start (dead_letter.create).")
    return findings.warning(
        f"{companion} does not exist, so it cannot be recorded what became of a dead letter.", completed(_CREATE)
    )
