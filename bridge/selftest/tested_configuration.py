"""What is tested: the user's configuration, pointed at a broker, an API and topics that belong to the self-test."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from bridge.config import load
from bridge.config.sections import Config
from bridge.config.topics import topic_patterns
from bridge.config.topics.consumed_topics import topics_of as consumed_by
from bridge.mapping.compile import compile_mapping
from bridge.mapping.mapper import CompiledMapping
from bridge.sandbox import sample
from bridge.sandbox.sample import SampleRecord
from bridge.selftest import events
from bridge.selftest import mapping as own_mapping

TRACK_TIMEOUT: Final = 2.0
DRAIN_TIMEOUT: Final = 6.0
RECHECK: Final = 0.3
_PARTITIONS: Final = 4
"""Of a topic of the user's."""
_OF_THE_USERS_CLUSTER: Final = ("security.", "sasl.", "ssl.", "enable.sasl", "enable.ssl", "broker.address")
"""Properties by their beginnings: the embedded broker has no TLS and no users."""
_DECIDED_HERE: Final = (
    "session.timeout.ms",
    "heartbeat.interval.ms",
    "message.timeout.ms",
    "delivery.timeout.ms",
    "request.timeout.ms",
    "max.poll.interval.ms",
    "group.instance.id",
)
"""Properties that say how long a fault may last, and the one that must differ between replicas."""


@dataclass(frozen=True, slots=True)
class Site:
    """Where the self-test runs, and the names that are its own there."""

    bootstrap: str
    prefix: str
    """Before the name of every topic and of the group; empty on an embedded broker, where nothing else is."""
    session: float
    """Seconds after which a silent member is out of the group."""
    endpoint: str
    key_file: Path
    has_users: bool
    """Whether the properties for TLS and SASL of the configuration are this cluster's."""

    def at(self, bootstrap: str) -> Site:
        """The same elsewhere."""
        return replace(self, bootstrap=bootstrap)

    @property
    def group(self) -> str:
        """The consumer group."""
        return f"{self.prefix}selftest"

    @property
    def letters(self) -> str:
        """The dead-letter topic."""
        return f"{self.prefix}selftest.dlq"


@dataclass(frozen=True, slots=True)
class SelftestTopics:
    """The topics of a self-test, the dead-letter topics aside."""

    names: Mapping[str, str]
    """The name each has in the configuration, and the one it has here."""
    partitions: Mapping[str, int]
    """By the name it has here."""


@dataclass(frozen=True, slots=True)
class ConfigurationUnderTest:
    """A configuration, ready to run, and what it is fed with."""

    config: Config
    mapping: CompiledMapping
    topics: SelftestTopics
    examples: Sequence[events.Pattern] | None
    """None: the sample's own records are sent."""

    def records(self, count: int, seed: int) -> Iterator[SampleRecord]:
        """What to produce."""
        users = max(10, count // 100)
        if self.examples is not None:
            yield from events.records(self.examples, count, users, seed)
            return
        for number, record in enumerate(sample.sample(count, users, seed).records):
            used = SampleRecord(self.topics.names[record.topic], record.key, record.value)
            yield events.marked(used, number)


def topics_of(config: Config) -> tuple[str, ...]:
    """The topics the self-test makes: those named, and those of the examples that a pattern takes."""
    named = [topic for topic in config.kafka.topics if not topic_patterns.is_pattern(topic)]
    shown = [example.record.topic for example in config.mapping.examples if example.record is not None]
    consumed = consumed_by(config.kafka)
    return tuple(dict.fromkeys([*named, *filter(consumed.takes, shown)]))


def topics(config: Config, prefix: str) -> SelftestTopics:
    """Those of the configuration; those of the sample where its mapping is the configuration's.

    Raises `events.NoEventError` where patterns alone say which topics there are.
    """
    from_sample = not config.mapping.examples
    own = tuple(sample.TOPICS) if from_sample else topics_of(config)
    if not own:
        raise events.NoEventError
    names = {topic: f"{prefix}{topic}" for topic in own}
    return SelftestTopics(
        names, {used: sample.TOPICS[topic] if from_sample else _PARTITIONS for topic, used in names.items()}
    )


def prepare(config: Config, site: Site, topics: SelftestTopics, file: Path) -> ConfigurationUnderTest:
    """Write the configuration that the replicas run with. Raises `events.NoEventError`."""
    names = topics.names
    document = _document(config, site, names)
    # JSON is YAML, and a writer of YAML 1.1 would leave out quotes that a reader of 1.2 needs.
    file.write_text(json.dumps(_escaped(document), ensure_ascii=False, indent=1), encoding="utf-8")
    loaded = load.read(file, {})
    if loaded.config is None:
        raise RuntimeError(f"the self-test's own configuration is broken: {loaded.problems}")
    mapping = compile_mapping(loaded.config.mapping)
    if not isinstance(mapping, CompiledMapping):
        raise RuntimeError(f"the self-test's own mapping is broken: {mapping}")  # noqa: TRY004 - not about its type
    examples = events.patterns(mapping, config.mapping.examples, names) if config.mapping.examples else None
    return ConfigurationUnderTest(loaded.config, mapping, topics, examples)


def _document(config: Config, site: Site, names: Mapping[str, str]) -> dict[str, Any]:
    kafka, track, delivery = config.kafka, config.track, config.delivery
    return {
        "kafka": {
            "bootstrap_servers": site.bootstrap,
            "group_id": site.group,
            "topics": list(names.values()),
            "start_from": "earliest",
            "commit_interval": _seconds(kafka.commit_interval),
            "drain_timeout": _seconds(DRAIN_TIMEOUT),
            "properties": _properties(kafka.properties, site) | _timing(kafka.properties, site.session),
        },
        "track": {
            "endpoint": site.endpoint,
            "api_key_file": str(site.key_file),
            "timeout": _seconds(min(track.timeout, TRACK_TIMEOUT)),
            "client": track.client,
            "auth": {"hold_after": track.auth.hold_after, "recheck": _seconds(RECHECK)},
        },
        "delivery": {
            "ordering": delivery.ordering,
            "max_in_flight": delivery.max_in_flight,
            "max_buffered": delivery.max_buffered,
            "max_buffered_bytes": f"{delivery.max_buffered_bytes}B",
            "rate_limit": "unlimited",
            "retry": {
                "initial_backoff": _seconds(min(delivery.retry.initial_backoff, 0.1)),
                "max_backoff": _seconds(min(delivery.retry.max_backoff, 1.0)),
                "max_retry_after": _seconds(min(delivery.retry.max_retry_after, 5.0)),
                "max_attempts": delivery.retry.max_attempts,
            },
        },
        # A topic of which only letters come is held for its owner to look at; nobody looks here.
        "dead_letter": {
            "topic": site.letters,
            "hold_after": 0,
            "properties": _properties(config.dead_letter.properties, site),
        },
        "mapping": own_mapping.document(config.mapping, names),
        "observability": {"listen": "127.0.0.1:0", "log_level": "info", "log_format": "json"},
    }


def client(config: Config) -> dict[str, str]:
    """What reaches the cluster, for the self-test's own clients."""
    own = {name: value for name, value in config.kafka.properties.items() if name.startswith(_OF_THE_USERS_CLUSTER)}
    return {**own, "bootstrap.servers": config.kafka.bootstrap_servers}


def _properties(given: Mapping[str, str], site: Site) -> dict[str, str]:
    kept = {name: value for name, value in given.items() if name not in _DECIDED_HERE}
    if site.has_users:
        return kept
    return {name: value for name, value in kept.items() if not name.startswith(_OF_THE_USERS_CLUSTER)}


def _timing(given: Mapping[str, str], session: float) -> dict[str, str]:
    """Under the newer group protocol the brokers alone decide."""
    if given.get("group.protocol") == "consumer":
        return {}
    return {
        "session.timeout.ms": str(round(session * 1000)),
        "heartbeat.interval.ms": str(round(session * 100)),
    }


def _seconds(value: float) -> str:
    return f"{value:.6f}s"


def _escaped(node: Any) -> Any:
    """What was substituted once must not be again."""
    match node:
        case dict():
            return {key: _escaped(value) for key, value in node.items()}
        case list() | tuple():
            return [_escaped(value) for value in node]
        case str():
            return node.replace("${", "$${")
        case _:
            return node
