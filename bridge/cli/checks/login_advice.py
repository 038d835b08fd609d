"""What to do about a connection that does not come about, from what client and brokers say of it. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from bridge.kafka.admin.obstacles import Obstacle


@dataclass(frozen=True, slots=True)
class LoginMeans:
    """How this configuration logs in."""

    security: str
    """``sasl_ssl`` and so on."""
    mechanism: str
    """In capitals; empty without a login."""
    is_iam: bool = False
    """By `kafka.aws_iam`."""


_ANY: Final[Mapping[Obstacle, str]] = {
    Obstacle.LOGIN: "check sasl.mechanism, sasl.username and sasl.password in kafka.properties (never the API key)",
    Obstacle.TOKEN: "check sasl.oauthbearer.token.endpoint.url, the name servers of this machine and firewalls",
    Obstacle.TLS: "check security.protocol and ssl.ca.location in kafka.properties, and that this is a TLS port",
    Obstacle.NAME: "check the host names in kafka.bootstrap_servers, and the name servers of this machine",
    Obstacle.CONNECTION: "check kafka.bootstrap_servers, that the brokers run, and that no firewall is in between",
}

_Rows = tuple[tuple[str, str], ...]

_IAM: Final[_Rows] = (
    (
        "Session too short",
        "the AWS credentials end within moments: see that whoever gives them renews them in time",
    ),
    (
        "Too many connects",
        "MSK takes only so many new IAM logins a second (4 on small brokers): start fewer replicas at once",
    ),
    (
        "Access denied",
        (
            "let the identity do kafka-cluster:Connect on the cluster (docs/kafka-logins.md has a policy); see that "
            "kafka.aws_iam.region is the cluster's and that this machine's clock is right"
        ),
    ),
)
_TOKENS: Final[_Rows] = (
    (
        "invalid_client|unauthorized_client",
        "check sasl.oauthbearer.client.id and sasl.oauthbearer.client.secret: who gives tokens does not take them",
    ),
    ("invalid_scope", "check sasl.oauthbearer.scope: who gives tokens does not know it"),
    (
        "invalid_grant",
        (
            "check the assertion (sasl.oauthbearer.assertion.*): its key, issuer, subject and audience, and this "
            "machine's clock"
        ),
    ),
    (
        "unexpired token",
        "the token had ended when it came: set this machine's clock, and that of who gives the tokens",
    ),
    (
        r'"(sub|\w+)" field',
        (
            "the answer holds no token that can be used: it must be a JWT with exp, and with the claim that "
            "sasl.oauthbearer.sub.claim.name names (sub)"
        ),
    ),
    ("certificate|SSL", "name the authority of the token endpoint in https.ca.location"),
    (
        "invalid_token",
        (
            "the brokers do not take the token: its issuer, audience (often set by sasl.oauthbearer.scope) and times "
            "must be those that the listener expects (sasl.oauthbearer.expected.issuer and .audience), the clocks right"
        ),
    ),
)
_TLS: Final[_Rows] = (
    (
        "PLAINTEXT broker listener",
        "this port speaks no TLS: name the TLS port, or set security.protocol to plaintext (sasl_plaintext)",
    ),
    ("wrong version number", "whatever listens at this port speaks no TLS: see that it is a TLS port of Kafka"),
)
_SUPPORTED: Final = re.compile(r"supported mechanisms: (?P<names>[A-Z0-9_,-]+)")


def advice(obstacle: Obstacle, message: str, means: LoginMeans) -> str:
    """What to do, as the end of a sentence without its full stop."""
    rows: _Rows = {
        Obstacle.LOGIN: (*(_IAM if means.is_iam else ()), *(_TOKENS if means.mechanism == "OAUTHBEARER" else ())),
        Obstacle.TLS: _TLS,
    }.get(obstacle, ())
    for words, what in rows:
        if re.search(words, message):
            return what
    return _handshake(message, means) or _silence(obstacle, message, means) or _ANY[obstacle]


def _handshake(message: str, means: LoginMeans) -> str | None:
    """Where the login is refused before it begins."""
    if "not valid in current SASL state" in message:
        without = {"sasl_ssl": "ssl", "sasl_plaintext": "plaintext"}.get(means.security, "plaintext")
        return f"this listener asks for no login: name the port of one that does, or set security.protocol: {without}"
    if "Unsupported SASL mechanism" not in message:
        return None
    found = _SUPPORTED.search(message)
    if means.is_iam:
        return "this listener takes no IAM: brokers of MSK take it at port 9098, from outside of their network at 9198"
    others = f"set sasl.mechanism to one of {found['names'].replace(',', ', ')}" if found else "ask for the mechanism"
    return f"this listener does not know {means.mechanism}: {others}, or name the port of another listener"


def _silence(obstacle: Obstacle, message: str, means: LoginMeans) -> str | None:
    """Where somebody answers, or hangs up, in a way that this client does not understand."""
    if obstacle is not Obstacle.CONNECTION:
        return None
    if "connection closed by peer" in message:
        wanted = "TLS or a login" if means.security == "plaintext" else "TLS" if "ssl" not in means.security else "none"
        if wanted != "none":
            return f"this port may want {wanted}: set security.protocol (sasl_ssl, most often), or name another port"
    if means.mechanism == "OAUTHBEARER" and not means.is_iam and "no answer" in message:
        return (
            "see that the token endpoint works (one that answers with an error is asked on without a word), that the "
            "brokers run, and that this is a port of Kafka"
        )
    return None
