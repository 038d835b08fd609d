"""What the keys of a Kafka login must fulfil together: of the properties, and of `kafka.aws_iam` beside them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from bridge.config.keys import endpoint
from bridge.config.keys.problems import Problem

_REGION: Final = re.compile(r"[a-z]{2}(-[a-z]+)+-\d+", re.ASCII)
_ROLE: Final = re.compile(r"arn:aws[a-z0-9-]*:iam::\d{12}:role/\S+", re.ASCII)
_MSK: Final = re.compile(r"\.kafka(?:-serverless)?\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(?:\.cn)?$", re.ASCII)
_OTHER_PORTS: Final[Mapping[str, str]] = {
    "9092": "plaintext",
    "9094": "TLS without a login",
    "9096": "SCRAM",
    "9194": "TLS without a login",
    "9196": "SCRAM",
}
"""Of MSK's listeners, from inside and from outside of its network."""
_OWN_LOGIN: Final = ("sasl.username", "sasl.password", "sasl.oauthbearer.")
_UNSECURED: Final = "enable.sasl.oauthbearer.unsecure.jwt"
_PLUGINS: Final = "plugin.library.paths"
_TOKEN_GIVERS: Final = ("sasl.oauthbearer.method", _UNSECURED, _PLUGINS)
_MECHANISMS: Final = ("sasl.mechanism", "sasl.mechanisms")


def sasl(section: str, properties: Mapping[str, str]) -> Iterator[Problem]:
    """Of a login that librdkafka makes by itself."""
    protocol = properties.get("security.protocol", "plaintext").strip().lower()
    where = f"{section}.properties.security.protocol"
    if protocol not in {"plaintext", "ssl", "sasl_plaintext", "sasl_ssl"}:
        yield Problem(where, "must be plaintext, ssl, sasl_plaintext or sasl_ssl")
    named = [name for name in _MECHANISMS if name in properties]
    if protocol.startswith("sasl") and not named:
        yield Problem(
            where,
            "needs sasl.mechanism beside it (PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER); without it the "
            "client takes Kerberos, which its packages leave out",
        )
    if named and not protocol.startswith("sasl"):
        yield Problem(
            f"{section}.properties.sasl.mechanism",
            f"has no effect, because security.protocol is {protocol}; set security.protocol: sasl_ssl",
        )
    if protocol.startswith("sasl") and "OAUTHBEARER" in {properties[name].strip().upper() for name in named}:
        yield from _tokens(section, properties)


def _tokens(section: str, properties: Mapping[str, str]) -> Iterator[Problem]:
    """Where they come from: a client that nobody gives any waits for one for ever."""
    given = {name: properties.get(name, "").strip().lower() for name in _TOKEN_GIVERS}
    if not (given["sasl.oauthbearer.method"] == "oidc" or given[_UNSECURED] == "true" or given[_PLUGINS]):
        yield Problem(
            f"{section}.properties.sasl.mechanism",
            "OAUTHBEARER needs sasl.oauthbearer.method: oidc and a token endpoint beside it; for Amazon MSK set "
            "kafka.aws_iam: {region: …} instead, and remove all sasl.* properties",
        )
    if properties.get("sasl.oauthbearer.metadata.authentication.type", "").strip().lower() == "aws_iam":
        yield Problem(
            f"{section}.properties.sasl.oauthbearer.metadata.authentication.type",
            "aws_iam is a login of Confluent Cloud that needs packages which the bridge does not have; for Amazon MSK "
            "set kafka.aws_iam: {region: …} and remove all sasl.* properties",
        )


def aws_iam(region: str, role_arn: str | None, servers: str) -> Iterator[Problem]:
    """Of the section itself; `servers` as ``host:port,…``."""
    if _REGION.fullmatch(region) is None:
        yield Problem("kafka.aws_iam.region", "must be the region of the cluster, such as eu-central-1")
    if role_arn is not None and _ROLE.fullmatch(role_arn) is None:
        yield Problem(
            "kafka.aws_iam.role_arn", "must be the ARN of a role, such as arn:aws:iam::123456789012:role/bridge"
        )
    for server in servers.split(","):
        host, _, port = server.strip().rpartition(":")
        found = _MSK.search(host.lower())
        if found is None:
            continue
        if found["region"] != region:
            yield Problem(
                "kafka.aws_iam.region",
                f"is {region}, and the brokers of kafka.bootstrap_servers are in {found['region']}: they take no token "
                "that is signed for another region",
            )
            return
        if port in _OTHER_PORTS:
            yield Problem(
                "kafka.bootstrap_servers",
                f"port {port} of MSK is for {_OTHER_PORTS[port]}; brokers take IAM at 9098, from outside at 9198",
            )
            return


def beside_aws_iam(section: str, properties: Mapping[str, str], servers: str) -> Iterator[Problem]:
    """`kafka.aws_iam` is the whole login, of the dead-letter producer as well."""
    protocol = properties.get("security.protocol", "sasl_ssl").strip().lower()
    if protocol != "sasl_ssl" and not (protocol == "sasl_plaintext" and _are_loopback(servers)):
        yield Problem(
            f"{section}.properties.security.protocol",
            "must be sasl_ssl beside kafka.aws_iam, which sets it: remove it (over anything else the token, which is a "
            "login for a quarter of an hour, goes in clear)",
        )
    for name in properties:
        if name in _MECHANISMS and properties[name].strip().upper() == "OAUTHBEARER":
            continue
        if name in _MECHANISMS or name.startswith(_OWN_LOGIN):
            yield Problem(f"{section}.properties.{name}", "contradicts kafka.aws_iam, which is the login; remove it")


def _are_loopback(servers: str) -> bool:
    return all(endpoint.is_loopback(f"//{server.strip()}") for server in servers.split(","))
