"""The keys that the self-test decides itself, each with the reason; all others are the configuration's under test."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from bridge.config.keys.scalars import duration_text
from bridge.config.mapping_section import MappingConfig
from bridge.config.sections import Config
from bridge.config.topics import topic_patterns
from bridge.config.topics.consumed_topics import GroupProtocol, decided_protocol
from bridge.mapping.settings import pattern_rank

MARK: Final = "bridge-selftest-id"
"""A header of every record, unique, and a metadata key of every event: no two requests are alike."""
TRACK_TIMEOUT: Final = 2.0
DRAIN_TIMEOUT: Final = 6.0
RECHECK: Final = 0.3
OF_THE_CLUSTER: Final = ("security.", "sasl.", "ssl.", "enable.sasl", "enable.ssl", "broker.address")
"""Properties that reach the user's cluster, by their beginnings: the embedded broker has no TLS and no users."""
_OWN_PROPERTIES: Final = (
    "session.timeout.ms",
    "heartbeat.interval.ms",
    "message.timeout.ms",
    "delivery.timeout.ms",
    "request.timeout.ms",
    "max.poll.interval.ms",
    "group.instance.id",
)
"""Properties that say how long a fault may last, and the one that must differ between replicas."""
_OF_THE_ENVELOPE: Final = ("event_type", "user_id", "occurred_at", "event_id")


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
class Given:
    """What values are worked out from."""

    config: Config
    """The configuration under test."""
    site: Site
    names: Mapping[str, str]
    """The name each topic has in the configuration, and the one it has here."""


@dataclass(frozen=True, slots=True)
class Override:
    """One key."""

    key: str
    """Its path in the file; ``*`` is every entry of a map or list."""
    reason: str
    value: Callable[[Given, Any], Any]
    """As written in a file, from what is known and from what the key was."""


def _always(value: Any) -> Callable[[Given, Any], Any]:
    return lambda _given, _old: value


def _at_most(limit: float, seconds: Callable[[Config], float]) -> Callable[[Given, Any], Any]:
    return lambda given, _old: duration_text(min(seconds(given.config), limit))


_OLD: Final = "examples are old"
_CLOCK: Final = "a fault is over sooner than this would be"
_LOGGED: Final = "replicas are followed by what they log"

OVERRIDES: Final = (
    Override("kafka.bootstrap_servers", "the broker is the self-test's", lambda given, _: given.site.bootstrap),
    Override("kafka.group_id", "the group is the self-test's", lambda given, _: given.site.group),
    Override("kafka.topics", "the topics are the self-test's", lambda given, _: list(given.names.values())),
    Override("kafka.start_from", "every record of its topics counts", _always("earliest")),
    Override("kafka.drain_timeout", _CLOCK, _always(duration_text(DRAIN_TIMEOUT))),
    Override("kafka.start_timeout", "a replica may start while the brokers are down", _always(None)),
    Override("kafka.max_record_bytes", "what is due is known from the mapping alone", _always("20MB")),
    Override(
        "kafka.aws_iam",
        "the login is of the user's cluster",
        lambda given, old: old if given.site.has_users else None,
    ),
    Override(
        "kafka.properties",
        "how long a fault lasts is the self-test's, TLS and SASL are of the user's cluster; the others stay",
        lambda given, _: _properties(given.config.kafka.properties, given.site) | _session(given),
    ),
    Override("track.endpoint", "the API is emulated", lambda given, _: given.site.endpoint),
    Override("track.api_key", "the user's key is not for an emulated API", _always(None)),
    Override("track.api_key_file", "keys rotate", lambda given, _: str(given.site.key_file)),
    Override("track.timeout", _CLOCK, _at_most(TRACK_TIMEOUT, lambda config: config.track.timeout)),
    Override("track.auth.recheck", _CLOCK, _always(duration_text(RECHECK))),
    Override("delivery.rate_limit", "the emulated API has no limit, and nobody has all day", _always("unlimited")),
    Override("delivery.identify_rate_limit", "as delivery.rate_limit", _always("unlimited")),
    Override(
        "delivery.retry.initial_backoff", _CLOCK, _at_most(0.1, lambda config: config.delivery.retry.initial_backoff)
    ),
    Override("delivery.retry.max_backoff", _CLOCK, _at_most(1.0, lambda config: config.delivery.retry.max_backoff)),
    Override(
        "delivery.retry.max_retry_after", _CLOCK, _at_most(5.0, lambda config: config.delivery.retry.max_retry_after)
    ),
    Override("dead_letter.topic", "the topic is the self-test's", lambda given, _: given.site.letters),
    Override("dead_letter.create", "the self-test creates its topics", _always(False)),
    Override("dead_letter.hold_after", "a held topic waits for its owner to look, and nobody looks", _always(0)),
    Override("dead_letter.redrive", "a dead letter sent again comes after later events of its user", _always({})),
    Override(
        "dead_letter.properties",
        "as kafka.properties",
        lambda given, _: _properties(given.config.dead_letter.properties, given.site),
    ),
    Override("mapping.max_age", _OLD, _always(None)),
    Override(
        "mapping.common_metadata",
        "every event has a mark of its own",
        lambda _, old: {**(old or {}), MARK: f"header:{MARK}"},
    ),
    Override("mapping.per_topic", "topics have other names", lambda given, _: _per_topic(given)),
    Override("mapping.per_topic.*.max_age", _OLD, _always(None)),
    Override("mapping.events.*.*.max_age", _OLD, _always(None)),
    Override("mapping.events.*.*.sample", "every user counts", _always("100%")),
    Override("mapping.events.*.*.topics", "topics have other names", lambda given, old: _limited(old, given.names)),
    Override("mapping.examples", "the records are made of them", _always([])),
    Override("observability.listen", "replicas share a machine, and show where they listen", _always("127.0.0.1:0")),
    Override("observability.control_socket", "a path would be that of the user's own bridge", _always("auto")),
    Override("observability.log_level", _LOGGED, _always("info")),
    Override("observability.log_format", _LOGGED, _always("json")),
)


def document(given: Given) -> dict[str, Any]:
    """The file of the replicas: the configuration under test, with the overrides put in."""
    found: dict[str, Any] = dict(given.config.as_written())
    for override in OVERRIDES:
        _put(found, override.key.split("."), partial(override.value, given))
    return found


def _put(node: Any, path: Sequence[str], value: Callable[[Any], Any]) -> None:
    key, *rest = path
    if key == "*":
        for each in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
            _put(each, rest, value)
    elif rest:
        _put(node.setdefault(key, {}), rest, value)
    else:
        node[key] = value(node.get(key))


# --- librdkafka --------------------------------------------------------------------------------------


def _properties(given: Mapping[str, str], site: Site) -> dict[str, str]:
    foreign = () if site.has_users else OF_THE_CLUSTER
    return {
        name: value for name, value in given.items() if name not in _OWN_PROPERTIES and not name.startswith(foreign)
    }


def _session(given: Given) -> dict[str, str]:
    """Under the newer group protocol the brokers alone decide."""
    kafka = given.config.kafka
    if decided_protocol(kafka.group_protocol, (), kafka.properties) is GroupProtocol.CONSUMER:
        return {}
    return {
        "session.timeout.ms": str(round(given.site.session * 1000)),
        "heartbeat.interval.ms": str(round(given.site.session * 100)),
    }


# --- topics in the mapping ---------------------------------------------------------------------------


def _per_topic(given: Given) -> dict[str, Any]:
    """Every topic's settings under the name it has here."""
    return {used: found for own, used in given.names.items() if (found := _settings(given.config.mapping, own))}


def _limited(topics: Iterable[str] | None, names: Mapping[str, str]) -> Sequence[str] | None:
    """The topics a route is limited to, as they are called here."""
    if topics is None:
        return None
    limited = [used for own, used in names.items() if any(_takes(topic, own) for topic in topics)]
    # A route of topics that are not consumed stays a route of no topic.
    return limited or ["no-topic-of-the-selftest"]


def _settings(mapping: MappingConfig, own: str) -> dict[str, Any]:
    """Where the topic's name is a value, its own name stays that value."""
    overrides = mapping.per_topic.get(own)
    if overrides is None:
        patterns = [name for name in mapping.per_topic if topic_patterns.is_pattern(name)]
        matching = [name for name in sorted(patterns, key=pattern_rank) if _takes(name, own)]
        overrides = mapping.per_topic[matching[0]] if matching else None
    found = dict(overrides.as_written()) if overrides is not None else {}
    for key in _OF_THE_ENVELOPE:
        if found.get(key, getattr(mapping, key)) == "topic":
            found[key] = {"value": own}
    return found


def _takes(topic: str, own: str) -> bool:
    """As the mapping reads a name or pattern of its own."""
    return topic_patterns.matches(topic, own, topic_patterns.Reading.FROM_BEGINNING)
