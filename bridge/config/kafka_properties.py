"""Properties of librdkafka that the configuration refuses, as data: each with the reason and what to do instead.

Refused is only what breaks a promise of the bridge, what the bridge sets itself, and what librdkafka would refuse or
ignore anyway in words that help nobody. Everything else is passed through. Two decisions that could have gone
otherwise:

- ``enable.ssl.certificate.verification=false`` is refused: it hands the password to whoever answers, and trusting a
  private authority needs only ``ssl.ca.location``. ``ssl.endpoint.identification.algorithm=none`` keeps the chain
  verified and is the one way through a tunnel that changes the brokers' names: allowed, with a warning at each start.
- ``isolation.level=read_uncommitted`` is allowed, with a warning: it sends events that their producer took back, which
  is the owner's decision and loses nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

Accepts = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a property is refused, and what to do."""

    reason: str
    unless: Accepts | None = None
    """Values that do no harm, given in lower case; None where none is harmless."""


def _is(*values: str) -> Accepts:
    return lambda value: value in values


_POSITIONS = "the bridge commits a position only when everything below it is done; remove it"
_CALLBACK = "a callback is code and cannot come from a file; remove it"
_STORE = "positions are kept by the brokers alone; remove it"
_LETTERS_ALL = "a dead letter counts as written only when all in-sync replicas have it; remove it"
_LETTERS_ONCE = "dead letters are written exactly once and in order by an idempotent producer; remove it"
_LETTERS_ONE_BY_ONE = (
    "with more than one request on the wire the client acknowledges dead letters that no broker has; remove it"
)
_RETRIES = "how long a dead letter is tried is decided by message.timeout.ms alone; remove it"

REFUSED: Mapping[str, Refusal] = {
    "bootstrap.servers": Refusal("set kafka.bootstrap_servers instead"),
    "metadata.broker.list": Refusal("set kafka.bootstrap_servers instead"),
    "group.id": Refusal("set kafka.group_id instead"),
    "auto.offset.reset": Refusal("set kafka.start_from instead; a position that is missing is never chosen silently"),
    "auto.commit.interval.ms": Refusal("set kafka.commit_interval instead"),
    "enable.auto.commit": Refusal(_POSITIONS),
    "auto.commit.enable": Refusal(_POSITIONS),
    "enable.auto.offset.store": Refusal(_POSITIONS),
    "offset.store.method": Refusal(_STORE),
    "offset.store.path": Refusal(_STORE),
    "offset.store.sync.interval.ms": Refusal(_STORE),
    "enable.partition.eof": Refusal("the bridge needs to hear of the ends of partitions and sets it itself; remove it"),
    "allow.auto.create.topics": Refusal(
        "a misspelt topic would be created, and waited for, instead of being reported; remove it", _is("false")
    ),
    "partition.assignment.strategy": Refusal(
        "an eager strategy takes every partition from every replica at each rebalance; only cooperative-sticky, the "
        "default, is supported: remove it",
        _is("cooperative-sticky"),
    ),
    "group.protocol": Refusal("must be classic or consumer", _is("classic", "consumer")),
    "group.protocol.type": Refusal("the group's protocol type is always consumer; remove it", _is("consumer")),
    "acks": Refusal(_LETTERS_ALL, _is("all", "-1")),
    "request.required.acks": Refusal(_LETTERS_ALL, _is("all", "-1")),
    "enable.idempotence": Refusal(_LETTERS_ONCE, _is("true")),
    "max.in.flight": Refusal(_LETTERS_ONE_BY_ONE, _is("1")),
    "max.in.flight.requests.per.connection": Refusal(_LETTERS_ONE_BY_ONE, _is("1")),
    "message.send.max.retries": Refusal(_RETRIES),
    "retries": Refusal(_RETRIES),
    "delivery.report.only.error": Refusal(
        "the bridge waits for the receipt of each dead letter; remove it", _is("false")
    ),
    "transactional.id": Refusal("the dead-letter producer uses no transactions; remove it"),
    "partitioner": Refusal(
        "a dead letter and its resolution must meet in one partition, whichever replica writes them; remove it"
    ),
    "enable.ssl.certificate.verification": Refusal(
        "without verification the password goes to whoever answers; name the authority in ssl.ca.location instead",
        _is("true"),
    ),
    "error_cb": Refusal(_CALLBACK),
    "throttle_cb": Refusal(_CALLBACK),
    "stats_cb": Refusal(_CALLBACK),
    "log_cb": Refusal(_CALLBACK),
    "oauth_cb": Refusal("a callback is code and cannot come from a file; use sasl.oauthbearer.method: oidc"),
    "oauthbearer_token_refresh_cb": Refusal(
        "a callback is code and cannot come from a file; use sasl.oauthbearer.method: oidc"
    ),
    "dr_cb": Refusal(_CALLBACK),
    "dr_msg_cb": Refusal(_CALLBACK),
    "rebalance_cb": Refusal(_CALLBACK),
    "offset_commit_cb": Refusal(_CALLBACK),
    "consume_cb": Refusal(_CALLBACK),
    "background_event_cb": Refusal(_CALLBACK),
    "socket_cb": Refusal(_CALLBACK),
    "connect_cb": Refusal(_CALLBACK),
    "closesocket_cb": Refusal(_CALLBACK),
    "open_cb": Refusal(_CALLBACK),
    "resolve_cb": Refusal(_CALLBACK),
    "partitioner_cb": Refusal(_CALLBACK),
    "ssl.certificate.verify_cb": Refusal(_CALLBACK),
    "on_commit": Refusal(_CALLBACK),
    "on_delivery": Refusal(_CALLBACK),
    "logger": Refusal(_CALLBACK),
    "opaque": Refusal(_CALLBACK),
    "msg_order_cmp": Refusal(_CALLBACK),
    "interceptors": Refusal(_CALLBACK),
    "default.topic.config": Refusal("write the topic's properties beside the others; remove it"),
    "default_topic_conf": Refusal("write the topic's properties beside the others; remove it"),
    "log.queue": Refusal("the bridge takes the client's log itself; remove it"),
    "enabled_events": Refusal("the bridge chooses the client's events itself; remove it"),
}

REFUSED_PREFIXES: Mapping[str, Refusal] = {
    "test.mock.": Refusal("it replaces the brokers by simulated ones that forget everything; remove it"),
}

_JAVA = "a property of Java clients; "
_NO_NEED = f"{_JAVA}there is nothing like it here, remove it"
_BYTES = f"{_JAVA}records are always read as bytes here, remove it"
_PEM = f"{_JAVA}set ssl.ca.location to a PEM file instead (a JKS file is converted with keytool and openssl)"

FOREIGN: Mapping[str, Refusal] = {
    "sasl.jaas.config": Refusal(f"{_JAVA}set sasl.username and sasl.password instead, beside sasl.mechanism"),
    "sasl.login.callback.handler.class": Refusal(
        f"{_JAVA}set sasl.oauthbearer.method: oidc and its token endpoint instead"
    ),
    "sasl.client.callback.handler.class": Refusal(
        f"{_JAVA}set sasl.oauthbearer.method: oidc and its token endpoint, or use SCRAM, instead"
    ),
    "ssl.truststore.location": Refusal(_PEM),
    "ssl.truststore.password": Refusal(f"{_JAVA}a PEM file in ssl.ca.location needs none, remove it"),
    "ssl.truststore.type": Refusal(f"{_JAVA}ssl.ca.location is always PEM, remove it"),
    "ssl.truststore.certificates": Refusal(f"{_JAVA}set ssl.ca.pem instead"),
    "ssl.keystore.type": Refusal(
        f"{_JAVA}ssl.keystore.location is always PKCS#12; for PEM set ssl.certificate.location and ssl.key.location"
    ),
    "ssl.keystore.certificate.chain": Refusal(f"{_JAVA}set ssl.certificate.pem instead"),
    "ssl.keystore.key": Refusal(f"{_JAVA}set ssl.key.pem instead"),
    "ssl.protocol": Refusal(f"{_JAVA}OpenSSL agrees on the best version by itself, remove it"),
    "ssl.enabled.protocols": Refusal(f"{_JAVA}OpenSSL agrees on the best version by itself, remove it"),
    "ssl.endpoint.identification": Refusal("the name is ssl.endpoint.identification.algorithm"),
    "key.deserializer": Refusal(_BYTES),
    "value.deserializer": Refusal(_BYTES),
    "key.serializer": Refusal(_BYTES),
    "value.serializer": Refusal(_BYTES),
    "max.poll.records": Refusal(f"{_JAVA}set delivery.max_buffered instead"),
    "fetch.max.wait.ms": Refusal(f"{_JAVA}set fetch.wait.max.ms instead"),
    "buffer.memory": Refusal(f"{_JAVA}set queue.buffering.max.kbytes instead"),
    "max.request.size": Refusal(f"{_JAVA}set message.max.bytes instead"),
    "receive.buffer.bytes": Refusal(f"{_JAVA}set socket.receive.buffer.bytes instead"),
    "send.buffer.bytes": Refusal(f"{_JAVA}set socket.send.buffer.bytes instead"),
    "max.block.ms": Refusal(_NO_NEED),
    "default.api.timeout.ms": Refusal(_NO_NEED),
    "interceptor.classes": Refusal(_NO_NEED),
    "metric.reporters": Refusal(_NO_NEED),
    "metrics.recording.level": Refusal(_NO_NEED),
    "metrics.num.samples": Refusal(_NO_NEED),
    "exclude.internal.topics": Refusal(f"{_JAVA}set topic.blacklist instead"),
    "security.providers": Refusal(_NO_NEED),
    "partitioner.class": Refusal(_NO_NEED),
    "auto.include.jmx.reporter": Refusal(_NO_NEED),
}

REFUSED_UNDER_CONSUMER_PROTOCOL: Mapping[str, Refusal] = {
    "session.timeout.ms": Refusal(
        "under the consumer group protocol the brokers set it (group.consumer.session.timeout.ms)"
    ),
    "heartbeat.interval.ms": Refusal(
        "under the consumer group protocol the brokers set it (group.consumer.heartbeat.interval.ms)"
    ),
    "partition.assignment.strategy": Refusal("under the consumer group protocol set group.remote.assignor instead"),
    "group.protocol.type": Refusal("has no meaning under the consumer group protocol; remove it"),
}

WARNED: Mapping[str, tuple[Accepts, str]] = {
    "ssl.endpoint.identification.algorithm": (
        _is("none"),
        "a certificate of any host that the authority signed is accepted as a broker's",
    ),
    "isolation.level": (_is("read_uncommitted"), "events of transactions that their producer aborted are sent too"),
}
"""Allowed, but said aloud at every start."""

_SECRET_PARTS = ("password", "secret", "key.pem", "sasl.oauthbearer.config", "private.key", "ssl.key")

MAX_POLL_INTERVAL_MS = 300_000
"""librdkafka's default for max.poll.interval.ms."""


def refusals(properties: Mapping[str, str], group_protocol: str = "auto") -> Iterator[tuple[str, str]]:
    """Name and reason of each property that cannot be passed on beside this `kafka.group_protocol`."""
    named = properties.get("group.protocol", "").strip().lower()
    for name, value in properties.items():
        refusal = REFUSED_UNDER_CONSUMER_PROTOCOL.get(name) if (named or group_protocol) == "consumer" else None
        if name == "group.protocol" and group_protocol not in {"auto", named}:
            refusal = Refusal(f"contradicts kafka.group_protocol, which is {group_protocol}; remove it")
        refusal = refusal or REFUSED.get(name) or FOREIGN.get(name)
        refusal = refusal or next((why for prefix, why in REFUSED_PREFIXES.items() if name.startswith(prefix)), None)
        if refusal is not None and not (refusal.unless and refusal.unless(value.strip().lower())):
            yield name, refusal.reason
        elif name != name.lower() or "_" in name:
            yield name, f"properties are written in small letters with dots: {name.lower().replace('_', '.')}"


def warnings(properties: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Name and consequence of each property that is passed on but weakens something."""
    for name, (applies, consequence) in WARNED.items():
        if applies(properties.get(name, "").strip().lower()):
            yield name, consequence


def redacted(properties: Mapping[str, str]) -> dict[str, str]:
    """For people to read: the values of secret properties are replaced."""
    return {name: "********" if is_secret(name) else value for name, value in properties.items()}


def is_secret(name: str) -> bool:
    """Whether a property's value must be shown to nobody."""
    return any(part in name for part in _SECRET_PARTS) and not name.endswith(".location")
