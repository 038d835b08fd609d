"""What docs/kafka-logins.md tells people to write is right."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from bridge.cli import entry
from bridge.config import load
from bridge.kafka import client
from bridge.kafka.client_log import ClientLog
from bridge.kafka.login import msk_login
from tests.support.docs.snippets import PAGE, Snippet, snippets

LOGINS = PAGE.with_name("kafka-logins.md")
BLOCKS = snippets(LOGINS)
HERE = frozenset({"https.ca.location"})
"""Files that are on another machine."""


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A private key, which serves as any other secret as well."""
    key = ec.generate_private_key(ec.SECP256R1())
    path = tmp_path / "secret"
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return path


@pytest.fixture
def written(request: pytest.FixtureRequest, secret: Path, tmp_path: Path) -> Path:
    block: Snippet = request.param
    whole = block.configuration(secret)
    for name in HERE & whole["kafka"]["properties"].keys():
        whole["kafka"]["properties"][name] = str(secret)
    path = tmp_path / "bridge.yaml"
    path.write_text(yaml.safe_dump(whole), encoding="utf-8")
    return path


everywhere = pytest.mark.parametrize("written", BLOCKS, ids=lambda each: f"line-{each.line}", indirect=True)


def test_the_page_has_a_block_for_each_login() -> None:
    text = LOGINS.read_text(encoding="utf-8")
    assert len(BLOCKS) == text.count("```yaml") == 8


@everywhere
def test_every_block_loads(written: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = entry.run(["check", "--offline", "--json", "-c", str(written)])
    document = json.loads(capsys.readouterr().out)
    assert (code, document["problems"]) == (0, 0), document


@everywhere
def test_every_block_makes_the_clients_it_is_for(written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKID")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    msk_login._shared.cache_clear()
    config = load.read(written, {}).config
    assert config
    # Nobody is asked: brokers, endpoints, roles and metadata of the page are not there.
    given = {name: value for name, value in config.kafka.properties.items() if name not in HERE}
    if "sasl.oauthbearer.method" in given:
        given["sasl.oauthbearer.token.endpoint.url"] = "http://127.0.0.1:1"
    iam = config.kafka.aws_iam
    kafka = config.kafka.model_copy(
        update={
            "bootstrap_servers": "127.0.0.1:1",
            "aws_iam": iam and iam.model_copy(update={"role_arn": None}),
            "properties": {**given, "log_level": "0"},
        }
    )
    client.open_admin(client.admin_configuration(kafka), ClientLog(logging.getLogger("kafka")))
    msk_login._shared.cache_clear()
