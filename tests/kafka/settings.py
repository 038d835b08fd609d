"""What every broker of the tests has in common, whether it runs in a container or from its jars."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

PASSWORDS: Mapping[str, str] = MappingProxyType({"admin": "admin-secret", "alice": "alice-secret"})
"""The users of the SASL listener, known to PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512 alike; admin is a super user."""

SASL_LISTENER = "AUTH"
"""Not SASL_*: Confluent's image wants a JAAS file for listeners of such a name."""


@dataclass(frozen=True, slots=True)
class BrokerSettings:
    """How many brokers, and what is special about them."""

    brokers: int = 1
    sasl: bool = False
    """Adds a SASL_PLAINTEXT listener, see `PASSWORDS`."""
    acl: bool = False
    """Deny by default; clients of the plain listener and the user admin may do everything."""
    properties: Mapping[str, str] = field(default_factory=dict)
    """Broker properties that win over all others."""

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
            found |= _sasl_properties()
        if self.acl:
            found["authorizer.class.name"] = "org.apache.kafka.metadata.authorizer.StandardAuthorizer"
            found["super.users"] = "User:ANONYMOUS;User:admin"
        return found | dict(self.properties)


def _sasl_properties() -> dict[str, str]:
    listener = f"listener.name.{SASL_LISTENER.lower()}"
    modules = "org.apache.kafka.common.security"
    users = " ".join(f'user_{name}="{password}"' for name, password in PASSWORDS.items())
    scram = f"{modules}.scram.ScramLoginModule required;"
    return {
        "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
        f"{listener}.plain.sasl.jaas.config": f"{modules}.plain.PlainLoginModule required {users};",
        f"{listener}.scram-sha-256.sasl.jaas.config": scram,
        f"{listener}.scram-sha-512.sasl.jaas.config": scram,
    }
