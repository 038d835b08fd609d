"""The configurations of the Kafka clients, and the clients made from them.

Each default below has a reason; `kafka.properties` goes over all of them. Properties that would break a promise are
refused where the configuration is read, so nothing here needs to fight them.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from confluent_kafka import Consumer, KafkaException, Producer, libversion
from confluent_kafka.admin import AdminClient

from bridge.aws.credentials import PATIENCE
from bridge.aws.failures import AwsLoginError
from bridge.config.topics.consumed_topics import GroupProtocol
from bridge.errors import Misuse
from bridge.kafka import commit_timing
from bridge.kafka import terms as group_terms
from bridge.kafka.careful_admin import CarefulAdmin
from bridge.kafka.login import msk_login

if TYPE_CHECKING:
    from confluent_kafka import KafkaError, TopicPartition

    from bridge.config.sections import DeadLetterSettings, Kafka
    from bridge.kafka.client_log import ClientLog
    from bridge.kafka.terms import Terms

OnCommit = Callable[["KafkaError | None", Sequence["TopicPartition"]], None]
Configuration = dict[str, Any]

LARGEST_LETTER: Final = 100_000_000
"""Bytes. The dead-letter topic's own limit decides; the client must not refuse earlier."""

_COMMON: Final[Configuration] = {
    "client.id": "track-bridge",
    # Cloud load balancers drop silent connections without a word.
    "socket.keepalive.enable": True,
    # A refused bootstrap is retried (and logged) every 50 ms otherwise.
    "reconnect.backoff.ms": 250,
}

_FETCHING: Final[Configuration] = {
    # The sink takes tens to thousands of records a second, the broker gives hundreds of thousands: a deep queue
    # only costs memory. These keep it to some megabytes and still saturate one core.
    "queued.min.messages": 1000,
    "queued.max.messages.kbytes": 4096,
    "fetch.message.max.bytes": 1 << 19,
    "fetch.max.bytes": 1 << 21,
    # Bounds what a batch of zstd becomes, too, and that is a guess which grows threefold: under the default of 100 MB
    # one of 40 MB may never be read. What is asked for is bounded by the two above.
    "receive.message.max.bytes": 1_000_000_000,
    # After a full queue the fetcher rests for a second otherwise.
    "fetch.queue.backoff.ms": 5,
}


_HEARTBEATS: Final = 10
"""In a session of our own choice: so short is the time until a member hears of a rebalance."""


OAUTH_CB: Final = "oauth_cb"
_NO_TOKEN: Final = "OAuth token not set within"  # noqa: S105 - no password
"""In what the client says that was made with a login of ours and got no token."""


class ClientRefusedError(Misuse):
    """The client library does not take the configuration; the text is one sentence for its owner."""


def library_version() -> str:
    """Of librdkafka, the library under the Kafka client."""
    version: str = libversion()[0]
    return version


def consumer_configuration(kafka: Kafka, terms: Terms | None = None) -> Configuration:
    """For the one consumer of this process; for clients that never join, `terms` mean nothing."""
    configuration = {
        **_COMMON,
        **msk_login.properties_of(kafka),
        **_FETCHING,
        "group.id": kafka.group_id,
        "isolation.level": "read_committed",
        # Stored positions go out with the next periodic commit, and with the last one on close.
        "enable.auto.commit": True,
        "auto.commit.interval.ms": max(1, round(commit_timing.commit_every(kafka.commit_interval) * 1000)),
        # The client would otherwise store each record's position when it hands the record over: loss on every crash.
        "enable.auto.offset.store": False,
        # Where to start is decided by `starts.start_policy`, never by the client.
        "auto.offset.reset": "error",
        # Five minutes otherwise, in which what is written to a new topic waits.
        "topic.metadata.refresh.interval.ms": round(kafka.refresh * 1000),
        # The position follows the consumer to the end of a partition, past what is no record: see `end_offsets`.
        "enable.partition.eof": True,
        **kafka.properties,
        **_whereto(kafka),
    }
    terms = terms or group_terms.of_a_reader(kafka)
    if terms.protocol is GroupProtocol.CONSUMER:
        # Sessions and assignments are the brokers' business; the client refuses every word about them.
        return configuration | {"group.protocol": terms.protocol.value}
    configuration.setdefault("partition.assignment.strategy", "cooperative-sticky")
    if terms.session is not None:
        milliseconds = round(terms.session * 1000)
        configuration |= {"session.timeout.ms": milliseconds, "heartbeat.interval.ms": milliseconds // _HEARTBEATS}
    return configuration


def is_incremental(configuration: Mapping[str, Any]) -> bool:
    """Whether partitions come and go one by one, or all are taken and assigned again (an eager assignor)."""
    if configuration.get("group.protocol", "classic") == "consumer":
        return True
    return "cooperative" in str(configuration.get("partition.assignment.strategy", ""))


def reads_committed_only(configuration: Mapping[str, Any]) -> bool:
    """Whether records of open and aborted transactions are left out."""
    return str(configuration.get("isolation.level", "")).lower() != "read_uncommitted"


def producer_configuration(kafka: Kafka, settings: DeadLetterSettings) -> Configuration:
    """For the dead-letter producer: acknowledged by all in-sync replicas, and given up before a drain is over."""
    patience_ms = max(1000, round(kafka.drain_timeout * 1000 * 0.75))
    return {
        **_COMMON,
        **msk_login.properties_of(kafka),
        "enable.idempotence": True,
        # With several requests on the wire the client takes the second's acknowledgement for the first's as well. On a
        # partition that was just made the brokers refuse the first and take the second: its letters would be lost.
        "max.in.flight": 1,
        "linger.ms": 5,
        "message.timeout.ms": patience_ms,
        "request.timeout.ms": min(30_000, patience_ms),
        # A topic made by looking for it has the broker's default partitions and retention: letters would be lost there.
        "allow.auto.create.topics": False,
        # A missing topic fails after this time, after 30 s by default.
        "topic.metadata.propagation.max.ms": 1000,
        "message.max.bytes": LARGEST_LETTER,
        # Must hold at least one letter of that size. What is really queued is bounded by `delivery.max_buffered_bytes`.
        "queue.buffering.max.kbytes": 2 * LARGEST_LETTER // 1000,
        **kafka.properties,
        **settings.properties,
        **_whereto(kafka),
    }


def admin_configuration(kafka: Kafka) -> Configuration:
    """For everything that asks about the cluster instead of reading from it."""
    return {**_COMMON, **msk_login.properties_of(kafka), **kafka.properties, **_whereto(kafka)}


def _whereto(kafka: Kafka) -> Configuration:
    """The brokers, and what logs in at them where the client library cannot by itself."""
    login = msk_login.login_of(kafka)
    return {"bootstrap.servers": kafka.bootstrap_servers, **({} if login is None else {OAUTH_CB: login.token})}


def security_of(kafka: Kafka) -> str:
    """How connections are secured: ``plaintext``, ``sasl_ssl`` and so on."""
    return str(admin_configuration(kafka).get("security.protocol", "plaintext")).strip().lower()


def mechanism_of(kafka: Kafka) -> str:
    """The SASL mechanism, in capitals; empty without a login."""
    configuration = admin_configuration(kafka)
    named = str(configuration.get("sasl.mechanism", configuration.get("sasl.mechanisms", ""))).strip().upper()
    return named if security_of(kafka).startswith("sasl") else ""


def open_consumer(configuration: Configuration, log: ClientLog, on_commit: OnCommit) -> Consumer:
    """A consumer that is not subscribed yet.

    `ClientRefusedError` for a property it does not take, `AwsLoginError` where a login of ours yields no token; so of
    all that open one.
    """
    with _opening(configuration):
        return Consumer({**configuration, "error_cb": log.error, "on_commit": on_commit}, logger=log)


def open_reader(kafka: Kafka, log: ClientLog) -> Consumer:
    """A consumer that asks for the group's committed offsets and never joins; as for `open_consumer`."""
    configuration = {**consumer_configuration(kafka), "enable.auto.commit": False}
    with _opening(configuration):
        return Consumer({**configuration, "error_cb": log.error}, logger=log)


def open_producer(configuration: Configuration, log: ClientLog) -> Producer:
    """A producer; it connects by itself. Raises as `open_consumer` does."""
    with _opening(configuration):
        return Producer({**configuration, "error_cb": log.error}, logger=log)


def open_admin(configuration: Configuration, log: ClientLog) -> AdminClient:
    """An admin client. Its log arrives only in `poll`, so whoever opens it must call that now and then."""
    with_callback: Configuration = {**configuration, "error_cb": log.error}
    with _opening(configuration):
        return CarefulAdmin(with_callback, logger=log)


def try_consumer(kafka: Kafka, log: ClientLog) -> None:
    """Make a consumer that knows no broker. `ClientRefusedError` where none can be made.

    That finds what properties are wrong together, and files that cannot be used. Logins that begin to talk to somebody
    as soon as there is a client (Kerberos, OAuth) are left for the first one that has brokers.
    """
    configuration = consumer_configuration(kafka)
    del configuration["bootstrap.servers"]
    if not _logs_in_by_itself(configuration):
        with _refusals_told():
            Consumer({**configuration, "enable.auto.commit": False, "error_cb": log.error}, logger=log).close()


def try_producer(kafka: Kafka, settings: DeadLetterSettings, log: ClientLog) -> None:
    """The same of the dead-letter producer."""
    configuration = producer_configuration(kafka, settings)
    del configuration["bootstrap.servers"]
    if not _logs_in_by_itself(configuration):
        with _refusals_told("kafka.properties and dead_letter.properties"):
            Producer({**configuration, "error_cb": log.error}, logger=log)


def _logs_in_by_itself(configuration: Mapping[str, Any]) -> bool:
    """Whether a client talks to somebody as soon as there is one, with or without brokers."""
    mechanism = str(configuration.get("sasl.mechanism", configuration.get("sasl.mechanisms", "GSSAPI"))).upper()
    is_login = str(configuration.get("security.protocol", "")).lower().startswith("sasl")
    return is_login and mechanism in {"GSSAPI", "OAUTHBEARER"}


@contextmanager
def _opening(configuration: Mapping[str, Any]) -> Generator[None]:
    """With a token made first: the client would wait ten seconds for one, and then not know why there is none."""
    token = configuration.get(OAUTH_CB)
    if token is not None:
        token(within=PATIENCE)
    try:
        with _refusals_told():
            yield
    except ClientRefusedError as refused:
        if token is None or _NO_TOKEN not in str(refused):
            raise
        # The credentials ended in between, which is no fault of the properties. Why, says who made no token.
        token(within=PATIENCE)
        raise AwsLoginError("kafka.aws_iam: a client got no token in time, and there is one by now") from refused


@contextmanager
def _refusals_told(where: str = "kafka.properties") -> Generator[None]:
    """What the client library does not take, as a sentence for whoever wrote it."""
    try:
        yield
    except (KafkaException, ValueError, TypeError) as refused:
        cause: Any = refused.args[0] if refused.args else refused
        text = cause.str() if isinstance(refused, KafkaException) else str(cause)
        raise ClientRefusedError(f"{where}: {text.removeprefix('Failed to create consumer: ')}") from refused
