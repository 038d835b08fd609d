"""The messages are those of librdkafka 2.16, Kafka 4.4, and of MSK as its users report them."""

from __future__ import annotations

import pytest

from bridge.cli.checks.login_advice import LoginMeans, advice
from bridge.kafka.admin.obstacles import Obstacle

PLAIN = LoginMeans("sasl_ssl", "PLAIN")
OAUTH = LoginMeans("sasl_ssl", "OAUTHBEARER")
IAM = LoginMeans("sasl_ssl", "OAUTHBEARER", is_iam=True)
NONE = LoginMeans("plaintext", "")
UNSUPPORTED = "SASL … mechanism handshake failed: Broker: Unsupported SASL mechanism: broker's supported mechanisms:"
TOKEN = "Failed to acquire SASL OAUTHBEARER token: "

SAID = [
    (Obstacle.LOGIN, PLAIN, "SASL authentication error: Authentication failed: Invalid username or password",
     "sasl.password"),
    (Obstacle.LOGIN, PLAIN, f"{UNSUPPORTED} PLAIN,SCRAM-SHA-512", "set sasl.mechanism to one of PLAIN, SCRAM-SHA-512"),
    (Obstacle.LOGIN, PLAIN, "SASL PLAIN mechanism handshake failed: Broker: Request not valid in current SASL state: …",
     "set security.protocol: ssl"),
    (Obstacle.LOGIN, OAUTH, TOKEN + '{"error": "invalid_client"}', "sasl.oauthbearer.client.secret"),
    (Obstacle.LOGIN, OAUTH, TOKEN + '{"error": "invalid_scope"}', "sasl.oauthbearer.scope"),
    (Obstacle.LOGIN, OAUTH, TOKEN + '{"error": "invalid_grant"}', "sasl.oauthbearer.assertion"),
    (Obstacle.LOGIN, OAUTH, TOKEN + "Must supply an unexpired token: now=2ms, exp=1ms", "clock"),
    (Obstacle.LOGIN, OAUTH, TOKEN + 'Expected JSON JWT response with valid "sub" field (non-empty value required)',
     "sasl.oauthbearer.sub.claim.name"),
    (Obstacle.LOGIN, OAUTH, 'SASL authentication error: {"status":"invalid_token"}',
     "sasl.oauthbearer.expected.issuer"),
    (Obstacle.TOKEN, OAUTH, TOKEN + "Failed to connect to 127.0.0.1:1 after 0 ms: Could not connect to server",
     "sasl.oauthbearer.token.endpoint.url"),
    (Obstacle.CONNECTION, OAUTH, "no answer in time", "the token endpoint works"),
    (Obstacle.LOGIN, IAM, "SASL authentication error: [cc8333d3-37a9]: Access denied", "kafka-cluster:Connect"),
    (Obstacle.LOGIN, IAM, "SASL authentication error: [fe6e184c]: Session too short", "end within moments"),
    (Obstacle.LOGIN, IAM, "SASL authentication error: [fe6e184c]: Too many connects", "fewer replicas"),
    (Obstacle.LOGIN, IAM, f"{UNSUPPORTED} SCRAM-SHA-512", "at port 9098"),
    (Obstacle.TLS, PLAIN, "SSL handshake failed: Disconnected: …: connecting to a PLAINTEXT broker listener?",
     "speaks no TLS"),
    (Obstacle.TLS, PLAIN, "SSL handshake failed: …:SSL routines::wrong version number", "a TLS port of Kafka"),
    (Obstacle.TLS, PLAIN, "SSL handshake failed: certificate verify failed", "ssl.ca.location"),
    (Obstacle.CONNECTION, NONE, "kafka-1:9092: Disconnected: connection closed by peer: receive 0 after POLLIN",
     "may want TLS or a login"),
    (Obstacle.CONNECTION, NONE, "Connect to ipv4#127.0.0.1:1 failed: Connection refused", "that the brokers run"),
    (Obstacle.NAME, NONE, "Failed to resolve 'kafka-9:9092'", "name servers"),
]  # fmt: skip


@pytest.mark.parametrize(("obstacle", "means", "message", "says"), SAID, ids=lambda each: str(each)[:40])
def test_what_is_said_has_its_advice(obstacle: Obstacle, means: LoginMeans, message: str, says: str) -> None:
    told = advice(obstacle, message, means)
    assert says in told
    assert not told.endswith(".")


@pytest.mark.parametrize("obstacle", Obstacle)
@pytest.mark.parametrize("means", [PLAIN, OAUTH, IAM, NONE], ids=["plain", "oauth", "iam", "none"])
def test_there_is_always_something_to_do(obstacle: Obstacle, means: LoginMeans) -> None:
    assert advice(obstacle, "something new", means)
