"""For a key nobody knows: the right one. Misspelling, another tool's habit, or the wrong section."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable, Iterator, Mapping

_ELSEWHERE: Mapping[str, str] = {
    "kafka.start_from": "auto_offset_reset offset_reset start_offset initial_offset start_from_oldest from_beginning",
    "kafka.bootstrap_servers": "brokers broker bootstrap_server bootstrap addresses seed_brokers metadata_broker_list",
    "kafka.group_id": "group consumer_group groupid",
    "kafka.topics": "topics_regex topic_pattern subscribe",
    "kafka.commit_interval": "auto_commit_interval_ms auto_commit_interval commit_period commit_interval_ms",
    "kafka.drain_timeout": "drain_timeout_ms shutdown_timeout grace_period",
    "kafka.properties": "librdkafka_options consumer_config consumer sasl ssl tls",
    "dead_letter.properties": "producer",
    "track.endpoint": "url uri base_url api_url endpoint_url region",
    "track.api_key": "token api_token apikey key write_key api_secret",
    "track.api_key_file": "token_file key_file",
    "track.timeout": "request_timeout http_timeout timeout_ms",
    "track.allow_http": "insecure",
    "track.ca_file": "tls_ca_file ca_cert ca_bundle",
    "track": "userpilot api sink output http",
    "delivery.max_in_flight": "concurrency max_concurrency parallelism workers max_inflight",
    "delivery.rate_limit": "rate rate_limits requests_per_minute throttle",
    "delivery.ordering": "order order_by",
    "delivery.max_buffered": "buffer_size queue_size max_poll_records",
    "delivery.retry.max_attempts": "retries max_retries",
    "delivery.retry.initial_backoff": "backoff retry_backoff",
    "delivery.retry.max_backoff": "backoff_max",
    "dead_letter": "dlq dead_letters deadletter",
    "dead_letter.topic": "dlq_topic dead_letter_topic deadletterqueue_topic_name",
    "dead_letter.create": "auto_create",
    "mapping.events": "routes rules",
    "mapping": "transforms",
    "mapping.event_type": "type_field",
    "mapping.user_id": "userid distinct_id",
    "mapping.occurred_at": "timestamp event_time",
    "mapping.event_id": "message_id",
    "mapping.when": "filter",
    "mapping.examples": "tests",
    "mapping.never_send": "redact exclude",
    "observability.listen": "metrics metrics_port health port admin",
    "observability.log_level": "loglevel level",
    "observability": "logging log",
    "observability.log_format": "format",
}  # fmt: skip
"""By where it is here: what Kafka clients, Connect, Spring, Vector, HTTP sinks and others call it."""
HABITS: Mapping[str, str] = {name: path for path, names in _ELSEWHERE.items() for name in names.split()}
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
              "allowed_names": "allowed_event_names", "group": "company", "account": "company",
              "traits": "identify", "delete": "forget"},
    "identify": {"metadata": "properties", "traits": "properties", "attributes": "properties", "data": "properties",
                 "props": "properties", "metadata_from": "from", "metadata_omit": "omit", "exclude": "omit",
                 "id": "user_id", "user": "user_id", "group": "company", "account": "company", "unset": "clear",
                 "nulls": "clear", "remove": "clear"},
    "company": {"metadata": "properties", "traits": "properties", "attributes": "properties", "data": "properties",
                "props": "properties", "metadata_from": "from", "metadata_omit": "omit", "exclude": "omit",
                "company_id": "id", "group_id": "id", "account_id": "id", "unset": "clear", "nulls": "clear",
                "remove": "clear"},
    "value": {"expression": "path", "expr": "path", "jmespath": "path", "field": "path", "from": "path",
              "literal": "value", "const": "value", "constant": "value", "text": "template", "format": "template",
              "separator": "join", "divide": "divide_by", "fallback": "default", "timezone": "zone",
              "tz": "zone", "pattern": "format", "decimal_separator": "decimal"},
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
