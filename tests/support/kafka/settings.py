"""What every broker of the tests has in common, whether it runs in a container or from its jars."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.support.kafka.certificates import Certificate

PASSWORDS: Mapping[str, str] = MappingProxyType({"admin": "MARKED-admin-7c1e", "alice": "MARKED-alice-55aa"})
"""The users of the SASL listener, known to PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512 alike; admin is a super user.

Marked as `tests.support.service.marked` has it: looked for wherever they must not be."""

SASL_LISTENER = "AUTH"
"""Not SASL_*: Confluent's image wants a JAAS file for listeners of such a name."""
BEHIND_LISTENER = "BEHIND"
TLS_LISTENER = "SECURE"
"""The same users, over TLS."""


@dataclass(frozen=True, slots=True)
class BrokerSettings:
    """How many brokers, and what is special about them."""

    brokers: int = 1
    sasl: bool = False
    """Adds a SASL_PLAINTEXT listener, see `PASSWORDS`."""
    tls: Certificate | None = None
    """Adds a SASL_SSL listener for the same users, with this certificate; needs `sasl`."""
    acl: bool = False
    """Deny by default; clients of the plain listener and the user admin may do everything."""
    behind: int = 0
    """Adds a plain listener that tells its clients to come by this port of the machine: a proxy's."""
    java: tuple[str, ...] = ()
    """Sources beside this module that are compiled and put before the broker's jars; such brokers come from these."""
    properties: Mapping[str, str] = field(default_factory=dict)
    """Broker properties that win over all others."""

    def secured_listeners(self) -> dict[str, str]:
        """Names and protocols of the listeners beside the plain one."""
        listeners = {SASL_LISTENER: "SASL_PLAINTEXT"} if self.sasl else {}
        return listeners | ({TLS_LISTENER: "SASL_SSL"} if self.tls else {})

    def common_properties(self) -> dict[str, str]:
        """The properties that do not depend on where the broker runs."""
        replicas = str(min(self.brokers, 3))
        found = {
            "auto.create.topics.enable": "false",  # a topic that is missing must look missing
            "default.replication.factor": replicas,
            "group.initial.rebalance.delay.ms": "0",
            "offsets.topic.num.partitions": "3",
            "offsets.topic.replication.factor": replicas,
            "transaction.state.log.num.partitions": "3",
            "transaction.state.log.replication.factor": replicas,
            "transaction.state.log.min.isr": "1",
            "share.coordinator.state.topic.num.partitions": "3",
            "share.coordinator.state.topic.replication.factor": replicas,
            "share.coordinator.state.topic.min.isr": "1",
            # Tests choose short sessions: failover is then a matter of seconds, under both group protocols.
            "group.min.session.timeout.ms": "1000",
            "group.consumer.min.session.timeout.ms": "1000",
            "group.consumer.min.heartbeat.interval.ms": "200",
            # A killed broker may come back only when its old registration has expired: 9 s by default.
            "broker.session.timeout.ms": "3000",
            "broker.heartbeat.interval.ms": "500",
            "log.cleaner.dedupe.buffer.size": "16777216",
        }
        if self.sasl:
            found |= _sasl_properties(SASL_LISTENER)
        if self.tls:
            found |= _sasl_properties(TLS_LISTENER) | _tls_properties(self.tls)
        if self.acl:
            found["authorizer.class.name"] = "org.apache.kafka.metadata.authorizer.StandardAuthorizer"
            found["super.users"] = "User:ANONYMOUS;User:admin"
        return found | dict(self.properties)


def _tls_properties(certificate: Certificate) -> dict[str, str]:
    listener = f"listener.name.{TLS_LISTENER.lower()}"
    return {
        f"{listener}.ssl.keystore.type": "PEM",
        # One line: Java's properties files write a line's end like this.
        f"{listener}.ssl.keystore.certificate.chain": certificate.chain.replace("\n", "\\n"),
        f"{listener}.ssl.keystore.key": certificate.key.replace("\n", "\\n"),
        f"{listener}.ssl.client.auth": "none",
    }


def _sasl_properties(name: str) -> dict[str, str]:
    listener = f"listener.name.{name.lower()}"
    modules = "org.apache.kafka.common.security"
    users = " ".join(f'user_{name}="{password}"' for name, password in PASSWORDS.items())
    scram = f"{modules}.scram.ScramLoginModule required;"
    return {
        "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
        f"{listener}.plain.sasl.jaas.config": f"{modules}.plain.PlainLoginModule required {users};",
        f"{listener}.scram-sha-256.sasl.jaas.config": scram,
        f"{listener}.scram-sha-512.sasl.jaas.config": scram,
    }
