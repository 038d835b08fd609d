"""Which topics a configuration reads: the entries of kafka.topics, as the group protocol in use reads them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from bridge.config.topics import group_protocol
from bridge.config.topics.group_protocol import GroupProtocol
from bridge.config.topics.topic_patterns import Reading, compiled, is_pattern


class Subscription(Protocol):
    """What of the section `kafka` says it."""

    @property
    def topics(self) -> tuple[str, ...]:
        """Names and patterns."""

    @property
    def group_protocol(self) -> str:
        """``auto``, or which."""

    @property
    def properties(self) -> Mapping[str, str]:
        """Of librdkafka."""


class ConsumedTopics:
    """Whoever asks whether a topic is read asks here."""

    def __init__(self, entries: Iterable[str], reading: Reading) -> None:
        """Raises `PatternError`, where the entries were not checked."""
        self.entries: Sequence[str] = tuple(entries)
        self.reading = reading
        self.names = frozenset(each for each in self.entries if not is_pattern(each))
        """Those that are no patterns."""
        self._patterns = [compiled(each, reading) for each in self.entries if is_pattern(each)]

    def takes(self, name: str) -> bool:
        """Whether the topic is read."""
        return name in self.names or any(each.matches(name) for each in self._patterns)


def topics_of(kafka: Subscription) -> ConsumedTopics:
    """What this configuration reads."""
    return ConsumedTopics(kafka.topics, reading_of(kafka.group_protocol, kafka.topics, kafka.properties))


def reading_of(setting: str, topics: Iterable[str], properties: Mapping[str, str]) -> Reading:
    """How patterns are read under the protocol that the configuration decides for: where it has any, it does decide."""
    protocol = group_protocol.decided(setting, topics, properties)
    return Reading.WHOLE if protocol is GroupProtocol.CONSUMER else Reading.SEARCHED
