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
class PropertyRefusal:
    """Why a property is refused, and what to do."""

    reason: str
    unless: Accepts | None = None
    """Values that do no harm, given in lower case; None where none is harmless."""


def _is(*values: str) -> Accepts:
    return lambda value: value in values


def _all(names: str, reason: str) -> dict[str, PropertyRefusal]:
    """The same for several, whatever their values."""
    return dict.fromkeys(names.split(), PropertyRefusal(reason))


_POSITIONS = "the bridge commits an offset only when everything below it is done; remove it"
_CALLBACK = "a callback is code and cannot come from a file; remove it"
_TOKENS = (
    "a callback is code and cannot come from a file; use sasl.oauthbearer.method: oidc, or kafka.aws_iam for Amazon MSK"
)
_STORE = "committed offsets are kept by the brokers alone; remove it"
_LETTERS_ALL = "a dead letter counts as written only when all in-sync replicas have it; remove it"
_LETTERS_ONCE = "dead letters are written exactly once and in order by an idempotent producer; remove it"
_LETTERS_ONE_BY_ONE = (
    "with more than one request on the wire the client acknowledges dead letters that no broker has; remove it"
)
_RETRIES = "how long a dead letter is tried is decided by message.timeout.ms alone; remove it"

REFUSED: Mapping[str, PropertyRefusal] = {
    "bootstrap.servers": PropertyRefusal("set kafka.bootstrap_servers instead"),
    "metadata.broker.list": PropertyRefusal("set kafka.bootstrap_servers instead"),
    "group.id": PropertyRefusal("set kafka.group_id instead"),
    "auto.offset.reset": PropertyRefusal(
        "set kafka.start_from instead; where to start without a committed offset is never chosen silently"
    ),
    "auto.commit.interval.ms": PropertyRefusal("set kafka.commit_interval instead"),
    **_all("enable.auto.commit auto.commit.enable enable.auto.offset.store", _POSITIONS),
    **_all("offset.store.method offset.store.path offset.store.sync.interval.ms", _STORE),
    "enable.partition.eof": PropertyRefusal(
        "the bridge needs to hear of the ends of partitions and sets it itself; remove it"
    ),
    "allow.auto.create.topics": PropertyRefusal(
        "a misspelt topic would be created, and waited for, instead of being reported; remove it", _is("false")
    ),
    "partition.assignment.strategy": PropertyRefusal(
        "an eager strategy takes every partition from every replica at each rebalance; only cooperative-sticky, the "
        "default, is supported: remove it",
        _is("cooperative-sticky"),
    ),
    "group.protocol": PropertyRefusal("must be classic or consumer", _is("classic", "consumer")),
    "group.protocol.type": PropertyRefusal("the group's protocol type is always consumer; remove it", _is("consumer")),
    "acks": PropertyRefusal(_LETTERS_ALL, _is("all", "-1")),
    "request.required.acks": PropertyRefusal(_LETTERS_ALL, _is("all", "-1")),
    "enable.idempotence": PropertyRefusal(_LETTERS_ONCE, _is("true")),
    "max.in.flight": PropertyRefusal(_LETTERS_ONE_BY_ONE, _is("1")),
    "max.in.flight.requests.per.connection": PropertyRefusal(_LETTERS_ONE_BY_ONE, _is("1")),
    "message.send.max.retries": PropertyRefusal(_RETRIES),
    "retries": PropertyRefusal(_RETRIES),
    "delivery.report.only.error": PropertyRefusal(
        "the bridge waits for the receipt of each dead letter; remove it", _is("false")
    ),
    "transactional.id": PropertyRefusal("the dead-letter producer uses no transactions; remove it"),
    "partitioner": PropertyRefusal(
        "a dead letter and its resolution must meet in one partition, whichever replica writes them; remove it"
    ),
    "enable.ssl.certificate.verification": PropertyRefusal(
        "without verification the password goes to whoever answers; name the authority in ssl.ca.location instead",
        _is("true"),
    ),
    **_all(
        "error_cb throttle_cb stats_cb log_cb dr_cb dr_msg_cb rebalance_cb offset_commit_cb consume_cb "
        "background_event_cb socket_cb connect_cb closesocket_cb open_cb resolve_cb partitioner_cb "
        "ssl.certificate.verify_cb on_commit on_delivery logger opaque msg_order_cmp interceptors",
        _CALLBACK,
    ),
    **_all("oauth_cb oauthbearer_token_refresh_cb", _TOKENS),
    "default.topic.config": PropertyRefusal("write the topic's properties beside the others; remove it"),
    "default_topic_conf": PropertyRefusal("write the topic's properties beside the others; remove it"),
    "log.queue": PropertyRefusal("the bridge takes the client's log itself; remove it"),
    "enabled_events": PropertyRefusal("the bridge chooses the client's events itself; remove it"),
}

REFUSED_PREFIXES: Mapping[str, PropertyRefusal] = {
    "test.mock.": PropertyRefusal("it replaces the brokers by simulated ones that forget everything; remove it"),
}

_JAVA = "a property of Java clients; "
_NO_NEED = f"{_JAVA}there is nothing like it here, remove it"
_BYTES = f"{_JAVA}records are always read as bytes here, remove it"
_PEM = f"{_JAVA}set ssl.ca.location to a PEM file instead (a JKS file is converted with keytool and openssl)"

FOREIGN: Mapping[str, PropertyRefusal] = {
    "sasl.jaas.config": PropertyRefusal(f"{_JAVA}set sasl.username and sasl.password instead, beside sasl.mechanism"),
    "sasl.login.callback.handler.class": PropertyRefusal(
        f"{_JAVA}set sasl.oauthbearer.method: oidc and its token endpoint instead, for Amazon MSK kafka.aws_iam"
    ),
    "sasl.client.callback.handler.class": PropertyRefusal(
        f"{_JAVA}set kafka.aws_iam for Amazon MSK, otherwise sasl.oauthbearer.method: oidc and its token endpoint"
    ),
    "ssl.truststore.location": PropertyRefusal(_PEM),
    "ssl.truststore.password": PropertyRefusal(f"{_JAVA}a PEM file in ssl.ca.location needs none, remove it"),
    "ssl.truststore.type": PropertyRefusal(f"{_JAVA}ssl.ca.location is always PEM, remove it"),
    "ssl.truststore.certificates": PropertyRefusal(f"{_JAVA}set ssl.ca.pem instead"),
    "ssl.keystore.type": PropertyRefusal(
        f"{_JAVA}ssl.keystore.location is always PKCS#12; for PEM set ssl.certificate.location and ssl.key.location"
    ),
    "ssl.keystore.certificate.chain": PropertyRefusal(f"{_JAVA}set ssl.certificate.pem instead"),
    "ssl.keystore.key": PropertyRefusal(f"{_JAVA}set ssl.key.pem instead"),
    "ssl.protocol": PropertyRefusal(f"{_JAVA}OpenSSL agrees on the best version by itself, remove it"),
    "ssl.enabled.protocols": PropertyRefusal(f"{_JAVA}OpenSSL agrees on the best version by itself, remove it"),
    "ssl.endpoint.identification": PropertyRefusal("the name is ssl.endpoint.identification.algorithm"),
    **_all("key.deserializer value.deserializer key.serializer value.serializer", _BYTES),
    "max.poll.records": PropertyRefusal(f"{_JAVA}set delivery.max_buffered instead"),
    "fetch.max.wait.ms": PropertyRefusal(f"{_JAVA}set fetch.wait.max.ms instead"),
    "buffer.memory": PropertyRefusal(f"{_JAVA}set queue.buffering.max.kbytes instead"),
    "max.request.size": PropertyRefusal(f"{_JAVA}set message.max.bytes instead"),
    "receive.buffer.bytes": PropertyRefusal(f"{_JAVA}set socket.receive.buffer.bytes instead"),
    "send.buffer.bytes": PropertyRefusal(f"{_JAVA}set socket.send.buffer.bytes instead"),
    **_all(
        "max.block.ms default.api.timeout.ms interceptor.classes metric.reporters metrics.recording.level "
        "metrics.num.samples security.providers partitioner.class auto.include.jmx.reporter",
        _NO_NEED,
    ),
    "exclude.internal.topics": PropertyRefusal(f"{_JAVA}set topic.blacklist instead"),
}

REFUSED_UNDER_CONSUMER_PROTOCOL: Mapping[str, PropertyRefusal] = {
    "session.timeout.ms": PropertyRefusal(
        "under the consumer group protocol the brokers set it (group.consumer.session.timeout.ms)"
    ),
    "heartbeat.interval.ms": PropertyRefusal(
        "under the consumer group protocol the brokers set it (group.consumer.heartbeat.interval.ms)"
    ),
    "partition.assignment.strategy": PropertyRefusal(
        "under the consumer group protocol set group.remote.assignor instead"
    ),
    "group.protocol.type": PropertyRefusal("has no meaning under the consumer group protocol; remove it"),
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
            refusal = PropertyRefusal(f"contradicts kafka.group_protocol, which is {group_protocol}; remove it")
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
