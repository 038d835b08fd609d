"""What several keys must fulfil together. Each rule is silent where a key it needs has a problem of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from bridge.config import kafka_properties, login_rules, mapping_rules, registry_rules
from bridge.config.keys import endpoint
from bridge.config.keys.problems import Problem
from bridge.config.topics import consumed_topics, topic_patterns


class ValidValues:
    """The values that are valid so far, by section and key."""

    def __init__(self, values: Mapping[str, Mapping[str, Any]]) -> None:
        self._values = values

    def has(self, *paths: str) -> bool:
        """Whether each ``section.key`` is there and valid."""
        return all(path.partition(".")[2] in self._values.get(path.partition(".")[0], {}) for path in paths)

    def section(self, name: str) -> Mapping[str, Any]:
        """The valid values of a section; empty where it is left out."""
        return self._values.get(name, {})

    def get(self, path: str) -> Any:
        """The value of ``section.key``; ask `has` first."""
        section, _, key = path.partition(".")
        return self._values[section][key]


def problems(known: ValidValues, *, needs_key: bool = True) -> Iterator[Problem]:
    """All that is wrong between keys. Without `needs_key` no API key has to be given."""
    for rule in _RULES:
        yield from rule(known)
    if needs_key:
        yield from _a_key(known)


def warnings(known: ValidValues) -> Iterator[Problem]:
    """What is allowed but worth saying at each start."""
    for section in ("kafka", "dead_letter"):
        if known.has(f"{section}.properties"):
            for name, consequence in kafka_properties.warnings(known.get(f"{section}.properties")):
                yield Problem(f"{section}.properties.{name}", f"weakens a check: {consequence}")
    yield from registry_rules.warnings(known.section("schema_registry"))
    yield from mapping_rules.warnings(known.section("mapping"), has_registry=bool(known.section("schema_registry")))


def _formats(known: ValidValues) -> Iterator[Problem]:
    yield from mapping_rules.problems(known.section("mapping"))


def _registry(known: ValidValues) -> Iterator[Problem]:
    yield from registry_rules.problems(known.section("schema_registry"))


# --- track -------------------------------------------------------------------------------------------


def _one_key(known: ValidValues) -> Iterator[Problem]:
    if not known.has("track.api_key", "track.api_key_file"):
        return
    given = [name for name in ("api_key", "api_key_file") if known.get(f"track.{name}") is not None]
    if len(given) == 2:
        yield Problem("track.api_key", "must not be set beside track.api_key_file; remove one of the two")


def _a_key(known: ValidValues) -> Iterator[Problem]:
    keys = ("track.api_key", "track.api_key_file")
    if known.has(*keys) and all(known.get(each) is None for each in keys):
        yield Problem("track.api_key_file", "is required: the file with the API key (or set track.api_key)")


def _https(known: ValidValues) -> Iterator[Problem]:
    if not known.has("track.endpoint", "track.allow_http"):
        return
    base_url = known.get("track.endpoint")
    if base_url.startswith("http://") and not known.get("track.allow_http") and not endpoint.is_loopback(base_url):
        yield Problem(
            "track.endpoint",
            "must be https, because plain http shows the API key to the network; only loopback addresses, or "
            "track.allow_http: true, are exempt",
        )


# --- times -------------------------------------------------------------------------------------------


def _deadlines(known: ValidValues) -> Iterator[Problem]:
    """A request must end within the drain, the drain before the group gives the partition away."""
    if not known.has("kafka.drain_timeout"):
        return
    drain = known.get("kafka.drain_timeout")
    if known.has("track.timeout") and known.get("track.timeout") >= drain:
        yield Problem(
            "track.timeout",
            f"must be below kafka.drain_timeout ({drain:g}s), so that a request can end while its partition is still "
            f"ours; it is {known.get('track.timeout'):g}s",
        )
    if not known.has("kafka.properties"):
        return
    name = "max.poll.interval.ms"
    properties = known.get("kafka.properties")
    limit = _milliseconds(properties.get(name, str(kafka_properties.MAX_POLL_INTERVAL_MS)))
    if limit is None:
        yield Problem(f"kafka.properties.{name}", "must be a whole number of milliseconds")
    elif drain * 1000 >= limit:
        yield Problem(
            "kafka.drain_timeout",
            f"must be below {name} ({limit / 1000:g}s), after which the group gives the partitions away; it is "
            f"{drain:g}s",
        )


def _refresh(known: ValidValues) -> Iterator[Problem]:
    """The client takes 10 ms to an hour; more often than some times a second only keeps brokers busy."""
    if known.has("kafka.refresh") and not 0.1 <= known.get("kafka.refresh") <= 3600.0:
        yield Problem("kafka.refresh", f"must be from 100ms to 1h, not {known.get('kafka.refresh'):g}s")


def _letter_deadline(known: ValidValues) -> Iterator[Problem]:
    if not known.has("kafka.drain_timeout"):
        return
    drain = known.get("kafka.drain_timeout")
    for section in ("kafka", "dead_letter"):
        properties = known.get(f"{section}.properties") if known.has(f"{section}.properties") else {}
        for name in ("message.timeout.ms", "delivery.timeout.ms"):
            if name not in properties:
                continue
            limit = _milliseconds(properties[name])
            if limit is None or not 0 < limit < drain * 1000:
                yield Problem(
                    f"{section}.properties.{name}",
                    f"must be above 0 and below kafka.drain_timeout ({drain * 1000:g} ms), so that the fate of each "
                    "dead letter is known before its partition is given away",
                )


def _backoff(known: ValidValues) -> Iterator[Problem]:
    if not known.has("delivery.retry"):
        return
    retry = known.get("delivery.retry")
    if retry.max_backoff < retry.initial_backoff:
        yield Problem(
            "delivery.retry.max_backoff",
            f"must not be below initial_backoff ({retry.initial_backoff:g}s); it is {retry.max_backoff:g}s",
        )


def _milliseconds(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 16 else None


# --- topics ------------------------------------------------------------------------------------------


def _topics(known: ValidValues) -> Iterator[Problem]:
    topics: tuple[str, ...] = known.get("kafka.topics") if known.has("kafka.topics") else ()
    for place, topic in enumerate(topics):
        where = f"kafka.topics[{place}]"
        found = topic_patterns.fault(topic)
        if found is not None:
            yield Problem(where, found)
        elif topic in topics[:place]:
            yield Problem(where, "is in the list twice; remove one")
    if not known.has("dead_letter.topic"):
        return
    letters = known.get("dead_letter.topic")
    found = (
        topic_patterns.fault(letters) if not topic_patterns.is_pattern(letters) else "must be one topic, not a pattern"
    )
    if found is not None:
        yield Problem("dead_letter.topic", found)
    properties = known.get("kafka.properties") if known.has("kafka.properties") else {}
    setting = known.get("kafka.group_protocol") if known.has("kafka.group_protocol") else "auto"
    yield from _own_topics(topics, letters, consumed_topics.reading_of(setting, topics, properties))


def _own_topics(topics: tuple[str, ...], letters: str, reading: topic_patterns.Reading) -> Iterator[Problem]:
    """Reading back what the bridge wrote would turn each dead letter into the next one, for ever."""
    for own, what in ((letters, "dead-letter topic"), (f"{letters}.resolutions", "resolutions topic")):
        for place, topic in enumerate(topics):
            if topic_patterns.fault(topic) is None and topic_patterns.matches(topic, own, reading):
                how = "matches" if topic_patterns.is_pattern(topic) else "is"
                yield Problem(
                    f"kafka.topics[{place}]",
                    f"{how} the {what} {own}: the bridge would read its own dead letters for ever; narrow it, or "
                    "rename dead_letter.topic",
                )


def _topic_names_of_mapping(known: ValidValues) -> Iterator[Problem]:
    """Names alone: the patterns there are the mapping's own, compiled and checked with it."""
    for topic in known.get("mapping.per_topic") if known.has("mapping.per_topic") else ():
        yield from _topic_name(f"mapping.per_topic.{topic}", topic)
    for event_type, rule in known.get("mapping.events").items() if known.has("mapping.events") else ():
        for place, route in enumerate(rule if rule != "drop" else ()):
            for entry, topic in enumerate(route.topics or ()):
                yield from _topic_name(f"mapping.events.{event_type}[{place}].topics[{entry}]", topic)


def _topic_name(where: str, topic: str) -> Iterator[Problem]:
    found = None if topic_patterns.is_pattern(topic) else topic_patterns.fault(topic)
    if found is not None:
        yield Problem(where, found)


# --- librdkafka --------------------------------------------------------------------------------------


def _properties(known: ValidValues) -> Iterator[Problem]:
    kafka = known.get("kafka.properties") if known.has("kafka.properties") else {}
    letters = known.get("dead_letter.properties") if known.has("dead_letter.properties") else {}
    protocol = known.get("kafka.group_protocol") if known.has("kafka.group_protocol") else "auto"
    for section, properties, beside in (("kafka", kafka, protocol), ("dead_letter", letters, "auto")):
        for name, reason in kafka_properties.refusals(properties, beside):
            yield Problem(f"{section}.properties.{name}", reason)
    iam = known.get("kafka.aws_iam") if known.has("kafka.aws_iam") else None
    servers = known.get("kafka.bootstrap_servers") if known.has("kafka.bootstrap_servers") else ""
    if iam is not None:
        yield from login_rules.aws_iam(iam.region, iam.role_arn, servers)
        for section, properties in (("kafka", kafka), ("dead_letter", letters)):
            yield from login_rules.beside_aws_iam(section, properties, servers)
        return
    yield from login_rules.sasl("kafka", kafka)
    if any(name in letters for name in ("security.protocol", "sasl.mechanism", "sasl.mechanisms")):
        yield from login_rules.sasl("dead_letter", {**kafka, **letters})


_RULES: tuple[Callable[[ValidValues], Iterator[Problem]], ...] = (
    _one_key,
    _https,
    _deadlines,
    _letter_deadline,
    _refresh,
    _backoff,
    _topics,
    _topic_names_of_mapping,
    _properties,
    _formats,
    _registry,
)
