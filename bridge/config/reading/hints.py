"""For a key nobody knows: the right one. Misspelling, another tool's habit, or the wrong section."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable, Iterator, Mapping

HABITS: Mapping[str, str] = {
    # Kafka clients, Kafka Connect, Spring, Vector, Redpanda Connect, Kafka UIs
    "auto_offset_reset": "kafka.start_from",
    "offset_reset": "kafka.start_from",
    "start_offset": "kafka.start_from",
    "initial_offset": "kafka.start_from",
    "start_from_oldest": "kafka.start_from",
    "from_beginning": "kafka.start_from",
    "brokers": "kafka.bootstrap_servers",
    "broker": "kafka.bootstrap_servers",
    "bootstrap_server": "kafka.bootstrap_servers",
    "bootstrap": "kafka.bootstrap_servers",
    "addresses": "kafka.bootstrap_servers",
    "seed_brokers": "kafka.bootstrap_servers",
    "metadata_broker_list": "kafka.bootstrap_servers",
    "group": "kafka.group_id",
    "consumer_group": "kafka.group_id",
    "groupid": "kafka.group_id",
    "topics_regex": "kafka.topics",
    "topic_pattern": "kafka.topics",
    "subscribe": "kafka.topics",
    "auto_commit_interval_ms": "kafka.commit_interval",
    "auto_commit_interval": "kafka.commit_interval",
    "commit_period": "kafka.commit_interval",
    "commit_interval_ms": "kafka.commit_interval",
    "drain_timeout_ms": "kafka.drain_timeout",
    "shutdown_timeout": "kafka.drain_timeout",
    "grace_period": "kafka.drain_timeout",
    "librdkafka_options": "kafka.properties",
    "consumer_config": "kafka.properties",
    "consumer": "kafka.properties",
    "producer": "dead_letter.properties",
    "sasl": "kafka.properties",
    "ssl": "kafka.properties",
    "tls": "kafka.properties",
    # HTTP sinks
    "url": "track.endpoint",
    "uri": "track.endpoint",
    "base_url": "track.endpoint",
    "api_url": "track.endpoint",
    "endpoint_url": "track.endpoint",
    "region": "track.endpoint",
    "token": "track.api_key",
    "api_token": "track.api_key",
    "apikey": "track.api_key",
    "key": "track.api_key",
    "write_key": "track.api_key",
    "api_secret": "track.api_key",
    "token_file": "track.api_key_file",
    "key_file": "track.api_key_file",
    "request_timeout": "track.timeout",
    "http_timeout": "track.timeout",
    "timeout_ms": "track.timeout",
    "insecure": "track.allow_http",
    "tls_ca_file": "track.ca_file",
    "ca_cert": "track.ca_file",
    "ca_bundle": "track.ca_file",
    "userpilot": "track",
    "api": "track",
    "sink": "track",
    "output": "track",
    "http": "track",
    # delivery
    "concurrency": "delivery.max_in_flight",
    "max_concurrency": "delivery.max_in_flight",
    "parallelism": "delivery.max_in_flight",
    "workers": "delivery.max_in_flight",
    "max_inflight": "delivery.max_in_flight",
    "rate": "delivery.rate_limit",
    "rate_limits": "delivery.rate_limit",
    "requests_per_minute": "delivery.rate_limit",
    "throttle": "delivery.rate_limit",
    "order": "delivery.ordering",
    "order_by": "delivery.ordering",
    "buffer_size": "delivery.max_buffered",
    "queue_size": "delivery.max_buffered",
    "max_poll_records": "delivery.max_buffered",
    "retries": "delivery.retry.max_attempts",
    "max_retries": "delivery.retry.max_attempts",
    "backoff": "delivery.retry.initial_backoff",
    "retry_backoff": "delivery.retry.initial_backoff",
    "backoff_max": "delivery.retry.max_backoff",
    # dead letters
    "dlq": "dead_letter",
    "dead_letters": "dead_letter",
    "deadletter": "dead_letter",
    "dlq_topic": "dead_letter.topic",
    "dead_letter_topic": "dead_letter.topic",
    "deadletterqueue_topic_name": "dead_letter.topic",
    "auto_create": "dead_letter.create",
    # mapping
    "routes": "mapping.events",
    "rules": "mapping.events",
    "transforms": "mapping",
    "type_field": "mapping.event_type",
    "userid": "mapping.user_id",
    "distinct_id": "mapping.user_id",
    "timestamp": "mapping.occurred_at",
    "event_time": "mapping.occurred_at",
    "message_id": "mapping.event_id",
    "filter": "mapping.when",
    "tests": "mapping.examples",
    "redact": "mapping.never_send",
    "exclude": "mapping.never_send",
    # observability
    "metrics": "observability.listen",
    "metrics_port": "observability.listen",
    "health": "observability.listen",
    "port": "observability.listen",
    "admin": "observability.listen",
    "loglevel": "observability.log_level",
    "level": "observability.log_level",
    "logging": "observability",
    "log": "observability",
    "format": "observability.log_format",
}
"""What other tools call it, in small letters with underscores, and where it is here."""

LOCAL_HABITS: Mapping[str, Mapping[str, str]] = {
    "kafka": {"servers": "bootstrap_servers", "hosts": "bootstrap_servers", "host": "bootstrap_servers",
              "url": "bootstrap_servers", "config": "properties", "options": "properties", "topic": "topics",
              "offset": "start_from", "id": "group_id"},
    "track": {"host": "endpoint", "server": "endpoint", "secret": "api_key", "ca": "ca_file", "proxy": "client"},
    "delivery": {"order": "ordering", "buffer": "max_buffered", "limit": "rate_limit"},
    "retry": {"attempts": "max_attempts", "retries": "max_attempts", "delay": "initial_backoff",
              "max_delay": "max_backoff", "initial_interval": "initial_backoff", "max_interval": "max_backoff"},
    "dead_letter": {"name": "topic", "queue": "topic", "auto_create": "create", "limit": "hold_after",
                    "max_in_a_row": "hold_after"},
    "route": {"name": "event_name", "event": "event_name", "type": "event_name", "if": "when", "condition": "when",
              "filter": "when", "properties": "metadata", "props": "metadata", "attributes": "metadata",
              "data": "metadata", "user": "user_id", "userid": "user_id", "topic": "topics", "ttl": "max_age",
              "sampling": "sample", "sample_rate": "sample", "omit": "metadata_omit", "exclude": "metadata_omit",
              "allowed_names": "allowed_event_names"},
    "value": {"expression": "path", "expr": "path", "jmespath": "path", "field": "path", "from": "path",
              "literal": "value", "const": "value", "constant": "value", "text": "template", "format": "template",
              "separator": "join", "divide": "divide_by", "fallback": "default"},
    "example": {"expected": "expect", "output": "expect", "then": "expect", "given": "input", "title": "name",
                "value": "input", "clock": "now", "time": "now"},
    "expectation": {"event": "event_name", "name": "event_name", "user": "user_id", "properties": "metadata",
                    "drop": "dropped", "dlq": "dead_letter", "deadletter": "dead_letter"},
    "observability": {"host": "listen", "address": "listen", "bind": "listen", "log": "log_level"},
}  # fmt: skip
"""Habits that mean something else elsewhere, by the kind of map the key is in."""

_CLOSE = 0.8
_LIKELY = 0.6
_MOST_LISTED = 14


def advice(key: str, kind: str, section: str, allowed: Collection[str], everywhere: Collection[str]) -> str:
    """What to write instead of `key`, as the end of a sentence; the arguments are those of `meant`."""
    path = meant(key, kind, section, allowed, everywhere)
    if path is not None:
        beside = path.removeprefix(f"{section}.")
        return f"did you mean {path if path in everywhere or '.' in beside else beside}?"
    if 0 < len(allowed) <= _MOST_LISTED:
        return f"known here: {', '.join(sorted(allowed))}"
    return "remove it"


def meant(key: str, kind: str, section: str, allowed: Collection[str], everywhere: Collection[str]) -> str | None:
    """The path of the key that `key` most likely stands for.

    `kind` is a key of `LOCAL_HABITS` (any other finds nothing there), `section` the path `key` is under, `allowed`
    the keys that may be there, `everywhere` the dotted paths of all keys of the file.
    """
    return next(_candidates(key, kind, f"{section}." if section else "", allowed, everywhere), None)


def _candidates(
    key: str, kind: str, prefix: str, allowed: Collection[str], everywhere: Collection[str]
) -> Iterator[str]:
    """From the surest to the vaguest."""
    plain = re.sub(r"[^a-z0-9]+", "_", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", key).lower()).strip("_")
    yield from (prefix + close for close in nearest(plain, allowed, _CLOSE))
    local = LOCAL_HABITS.get(kind, {}).get(plain)
    if local in allowed:
        yield f"{prefix}{local}"
    if plain in HABITS:
        yield HABITS[plain]
    if prefix == "kafka." and "." in key:
        yield f"kafka.properties.{key}"
    yield from (path for path in everywhere if path.rpartition(".")[2] == plain and path != prefix + plain)
    yield from (prefix + close for close in nearest(plain, allowed, _LIKELY))
    yield from nearest(plain, [path for path in everywhere if "." not in path], _CLOSE)


def nearest(word: str, known: Iterable[str], cutoff: float = _LIKELY) -> list[str]:
    """The one known word most like `word`, or nothing."""
    return difflib.get_close_matches(word, list(known), n=1, cutoff=cutoff)
