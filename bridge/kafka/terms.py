"""On which terms this process is a member of its group: the protocol and the session, and what follows a refusal.

The brokers alone know what they take: an old one knows no consumer protocol, a new one may keep it switched off, and
may not let its members into a group where classic ones live. None of that can be asked for without joining, so it is
tried: the better terms first, the plainer ones where those are refused.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from bridge.config.topics.consumed_topics import CLASSIC_ONLY, STATIC_MEMBER, GroupProtocol, decided_protocol

if TYPE_CHECKING:
    from bridge.config.sections import Kafka

SESSION: Final = 10.0
"""Seconds of silence after which the group continues without a member, under the classic protocol. While a rebalance
waits for a dead member no commit of the others gets through, so what they complete meanwhile may be sent again. Above
every broker's usual least (6 s), and ten heartbeats."""
KAFKAS_SESSION: Final = 45.0
"""Seconds that Kafka's clients and brokers take where nobody says anything."""
KAFKAS_HEARTBEAT: Final = 5.0
"""Seconds between two heartbeats under the consumer protocol, likewise."""
LONGEST_TRUST: Final = 10.0
"""Seconds without an acknowledged commit after which nothing more is sent under the consumer protocol, however long its
session is. No rebalance delays commits there, so something is wrong, and all that completes may be sent again."""


class TermsRefusal(enum.Enum):
    """Which of the terms the brokers do not take."""

    PROTOCOL = "protocol"
    """They do not know the consumer protocol, or do not let this group use it."""
    SESSION = "session"
    """It is shorter than they allow."""
    PERMISSION = "permission"
    """None of them: this user may not use the group, and under the consumer protocol that ends the client."""


@dataclass(frozen=True, slots=True)
class Terms:
    """How to ask for membership."""

    protocol: GroupProtocol
    session: float | None
    """Seconds to ask for; None: what `kafka.properties` or the brokers say."""


def first(kafka: Kafka) -> Terms:
    """What to try first."""
    protocol = decided_protocol(kafka.group_protocol, kafka.topics, kafka.properties)
    return _terms(protocol or GroupProtocol.CONSUMER, kafka)


def of_a_reader(kafka: Kafka) -> Terms:
    """For a client that never joins: the brokers hear nothing of them."""
    protocol = decided_protocol(kafka.group_protocol, kafka.topics, kafka.properties)
    return Terms(protocol or GroupProtocol.CLASSIC, None)


def after(terms: Terms, refusal: TermsRefusal, kafka: Kafka) -> Terms | None:
    """What to try next; None where the configuration leaves no choice."""
    if refusal is TermsRefusal.PERMISSION:
        return terms
    if refusal is TermsRefusal.SESSION:
        return replace(terms, session=KAFKAS_SESSION) if terms.session == SESSION else None
    if decided_protocol(kafka.group_protocol, kafka.topics, kafka.properties) is not None:
        return None
    return _terms(GroupProtocol.CLASSIC, kafka) if terms.protocol is GroupProtocol.CONSUMER else None


def told(terms: Terms, refusal: TermsRefusal) -> str:
    """What the log says when these terms follow a refusal."""
    if refusal is TermsRefusal.PERMISSION:
        return "joining again"
    if refusal is TermsRefusal.SESSION:
        return (
            f"the brokers allow no session of {SESSION:g} s; joining with one of {terms.session or KAFKAS_SESSION:g} s"
        )
    return (
        "the brokers do not let this group use the consumer protocol (too old, switched off, or classic members live "
        "in it); joining under the classic one"
    )


def trust(terms: Terms, kafka: Kafka) -> float:
    """Seconds that an acknowledged commit proves the membership, as long as the brokers said nothing else.

    A commit renews the session of a classic member.
    """
    if terms.protocol is GroupProtocol.CONSUMER:
        return trust_of(KAFKAS_SESSION, KAFKAS_HEARTBEAT)
    if terms.session is not None:
        return terms.session
    given = kafka.properties.get("session.timeout.ms")
    return KAFKAS_SESSION if given is None else _as_the_client_reads(given) / 1000


def classic_session(kafka: Kafka) -> float:
    """Seconds of silence after which the group goes on without a classic member of this configuration."""
    return trust(_terms(GroupProtocol.CLASSIC, kafka), kafka)


def _as_the_client_reads(number: str) -> int:
    """As C does, up to what is no digit, octal and hexadecimal too, in 32 bits: ``10s`` is 10. A warning says so."""
    found = _NUMBER.match(number)
    if found is None:  # The client takes no such text.
        return 0
    digits = found[1]
    is_octal = digits.startswith("0") and digits.isdigit()
    return int(digits, 8 if is_octal else 0) & 0xFFFF_FFFF


_NUMBER: Final = re.compile(r"\s*\+?(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]{0,18})", re.ASCII)


def trust_of(session: float, heartbeat: float) -> float:
    """The same under the consumer protocol, with what the brokers say, in seconds.

    Only heartbeats renew the session there: when a commit is answered the last one may be an interval old, and another
    one may have been lost.
    """
    return min(LONGEST_TRUST, max(session - 2 * heartbeat, session / 3))


def _terms(protocol: GroupProtocol, kafka: Kafka) -> Terms:
    chosen = any(name in kafka.properties for name in (*CLASSIC_ONLY[:2], STATIC_MEMBER))
    # A static member is meant to be away for as long as its owner's restarts take.
    return Terms(protocol, None if protocol is GroupProtocol.CONSUMER or chosen else SESSION)
