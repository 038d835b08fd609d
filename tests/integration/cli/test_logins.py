"""What `track-bridge check` says of logins that fail, and of listeners that are others than was meant."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.integration.cli.conftest import Ran
from tests.integration.conftest import KafkaFactory
from tests.support.kafka.client import OwnKafka
from tests.support.kafka.oauth import (
    MSK_TOKENS,
    SECRET,
    TokenEndpoint,
    broker_properties,
    client_properties,
    msk_properties,
)
from tests.support.kafka.settings import PASSWORDS
from tests.support.service import settings

NOT_HERS = "not-hers"
Checked = Callable[..., tuple[str, str]]


@pytest.fixture(scope="module")
def kafka() -> Iterator[OwnKafka]:
    with ExitStack() as stack:
        yield KafkaFactory(stack)(sasl=True, java=MSK_TOKENS, properties=msk_properties(60_000))


@pytest.fixture(scope="module")
def tokens_kafka() -> Iterator[OwnKafka]:
    """One that takes tokens that are JWTs."""
    with ExitStack() as stack:
        yield KafkaFactory(stack)(sasl=True, properties=broker_properties(60_000))


@pytest.fixture
def endpoint() -> Iterator[TokenEndpoint]:
    with closing(TokenEndpoint()) as served:
        yield served


@pytest.fixture
def checked(cli: Callable[..., Ran], tmp_path: Path) -> Checked:
    """The one problem of the area Kafka, and what to do about it."""

    def run(kafka: Mapping[str, Any]) -> tuple[str, str]:
        base = settings.base("127.0.0.1:1", "http://127.0.0.1:1", ["orders"])
        file = settings.write(tmp_path / "bridge.yaml", settings.layered(base, {"kafka": kafka}))
        ran = cli("check", "--json", "-c", str(file))
        assert ran.code == 3, ran
        [finding] = [each for each in json.loads(ran.out)["findings"] if each["area"] == "Kafka"]
        assert finding["level"] == "problem"
        return finding["what"], finding["to_do"]

    return run


def by_password(mechanism: str, password: str = NOT_HERS, protocol: str = "sasl_plaintext") -> dict[str, str]:
    return {
        "security.protocol": protocol,
        "sasl.mechanism": mechanism,
        "sasl.username": "alice",
        "sasl.password": password,
    }


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-512"])
def test_a_wrong_password(checked: Checked, kafka: OwnKafka, mechanism: str) -> None:
    what, to_do = checked({"bootstrap_servers": kafka.sasl_bootstrap, "properties": by_password(mechanism)})
    assert "refuse the login" in what
    assert "sasl.password" in to_do
    assert NOT_HERS not in what + to_do


def test_a_mechanism_that_the_listener_does_not_know(checked: Checked, kafka: OwnKafka) -> None:
    properties = by_password("SCRAM-SHA-1", PASSWORDS["alice"])
    _, to_do = checked({"bootstrap_servers": kafka.sasl_bootstrap, "properties": properties})
    assert "this listener does not know SCRAM-SHA-1: set sasl.mechanism to one of " in to_do
    assert "SCRAM-SHA-512" in to_do


def test_a_listener_that_asks_for_no_login(checked: Checked, kafka: OwnKafka) -> None:
    _, to_do = checked({"bootstrap_servers": kafka.bootstrap, "properties": by_password("PLAIN")})
    assert to_do.startswith("this listener asks for no login")
    assert to_do.endswith("set security.protocol: plaintext")


def test_a_listener_that_wants_a_login(checked: Checked, kafka: OwnKafka) -> None:
    what, to_do = checked({"bootstrap_servers": kafka.sasl_bootstrap})
    assert "connection closed by peer" in what
    assert to_do.startswith("this port may want TLS or a login")


def test_a_listener_without_tls(checked: Checked, kafka: OwnKafka) -> None:
    properties = by_password("PLAIN", protocol="sasl_ssl")
    _, to_do = checked({"bootstrap_servers": kafka.sasl_bootstrap, "properties": properties})
    assert to_do.startswith("this port speaks no TLS")


def test_a_secret_that_the_token_endpoint_refuses(checked: Checked, endpoint: TokenEndpoint, kafka: OwnKafka) -> None:
    properties = client_properties(endpoint.url, "not-the-secret")
    what, to_do = checked({"bootstrap_servers": kafka.sasl_bootstrap, "properties": properties})
    assert "invalid_client" in what
    assert "sasl.oauthbearer.client.secret" in to_do
    assert "not-the-secret" not in what + to_do


def test_a_token_endpoint_that_is_not_there(checked: Checked, kafka: OwnKafka) -> None:
    absent = TokenEndpoint()
    absent.close()
    what, to_do = checked({"bootstrap_servers": kafka.sasl_bootstrap, "properties": client_properties(absent.url)})
    assert what.startswith("No token for the login")
    assert "Failed to connect to 127.0.0.1" in what
    assert "sasl.oauthbearer.token.endpoint.url" in to_do


def test_a_token_that_has_ended_when_it_comes(checked: Checked, endpoint: TokenEndpoint, kafka: OwnKafka) -> None:
    endpoint.claims = {"exp": 1_000_000_000}
    properties = client_properties(endpoint.url)
    what, to_do = checked({"bootstrap_servers": kafka.sasl_bootstrap, "properties": properties})
    assert "unexpired token" in what
    assert "clock" in to_do
    assert SECRET not in what + to_do


def bearer(url: str, tmp_path: Path) -> dict[str, str]:
    key = ec.generate_private_key(ec.SECP256R1())
    file = tmp_path / "key.pem"
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    assertion = "sasl.oauthbearer.assertion"
    return {
        **{name: text for name, text in client_properties(url).items() if ".client." not in name},
        "sasl.oauthbearer.grant.type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
        f"{assertion}.algorithm": "ES256",
        f"{assertion}.private.key.pem_file": str(file),
        f"{assertion}.claim.iss": "track-bridge",
        f"{assertion}.claim.sub": "track-bridge",
        f"{assertion}.claim.aud": url,
    }


def managed_identity(url: str, _folder: Path) -> dict[str, str]:
    return {
        **{name: text for name, text in client_properties(url).items() if ".client." not in name},
        "sasl.oauthbearer.metadata.authentication.type": "azure_imds",
        "sasl.oauthbearer.config": "query=api-version=2018-02-01&resource=https://shop.servicebus.windows.net",
    }


@pytest.mark.parametrize("properties", [bearer, managed_identity])
def test_tokens_for_an_assertion_and_for_a_machine_let_in(
    cli: Callable[..., Ran],
    tokens_kafka: OwnKafka,
    endpoint: TokenEndpoint,
    tmp_path: Path,
    properties: Callable[[str, Path], dict[str, str]],
) -> None:
    base = settings.base(tokens_kafka.sasl_bootstrap, "http://127.0.0.1:1", ["orders"])
    logged_in = {"kafka": {"properties": properties(endpoint.url, tmp_path)}}
    file = settings.write(tmp_path / "bridge.yaml", settings.layered(base, logged_in))
    findings = json.loads(cli("check", "--json", "-c", str(file)).out)["findings"]
    [first, *_] = [each for each in findings if each["area"] == "Kafka"]
    assert (first["level"], first["what"]) == (
        "ok",
        f"1 broker at {tokens_kafka.sasl_bootstrap}, over sasl_plaintext.",
    )
    assert endpoint.given > 0
    [form, *_] = endpoint.requests
    if properties is bearer:
        assert form["assertion"].count(".") == 2
    else:
        assert form["Metadata"] == "true"


@pytest.mark.parametrize("access_key", ["AKIDDENIED", None])
def test_iam_that_the_brokers_refuse_and_iam_without_credentials(
    checked: Checked, kafka: OwnKafka, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, access_key: str | None
) -> None:
    profile = tmp_path / "credentials"
    if access_key is not None:
        profile.write_text(f"[default]\naws_access_key_id = {access_key}\naws_secret_access_key = MARKED-aws-41c7\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(profile))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:1")
    what, to_do = checked(
        {
            "bootstrap_servers": kafka.sasl_bootstrap,
            # A region for each: what one test found is the process's.
            "aws_iam": {"region": "eu-central-1" if access_key else "eu-central-2"},
            "properties": {"security.protocol": "sasl_plaintext"},
        }
    )
    assert "MARKED-aws" not in what + to_do
    if access_key is None:
        assert what.startswith("No login at Kafka: kafka.aws_iam: no AWS credentials found; asked: the environment")
    else:
        assert "Access denied" in what
        assert to_do.startswith("AWS does not answer: Could not connect to the endpoint URL")
        assert "kafka-cluster:Connect" in to_do
