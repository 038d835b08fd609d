"""`kafka.aws_iam` at a real broker that takes tokens of the form and the times that Amazon MSK takes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from tests.integration.conftest import KafkaFactory
from tests.integration.service.conftest import Stage
from tests.support.aws import Aws, container_credentials
from tests.support.kafka.client import OwnKafka
from tests.support.kafka.oauth import MSK_TOKENS, msk_properties
from tests.support.service import events, ledger
from tests.support.service.scene import Scene
from tests.support.service.settings import SESSION
from tests.support.waiting import until

REAUTHENTICATE_MS = 2_000


@pytest.fixture(scope="module")
def kafka() -> Iterator[OwnKafka]:
    with ExitStack() as stack:
        yield KafkaFactory(stack)(sasl=True, java=MSK_TOKENS, properties=msk_properties(REAUTHENTICATE_MS))


@pytest.fixture
def profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the credentials are, and nothing else of AWS."""
    file = tmp_path / "credentials"
    for name, value in {
        "AWS_SHARED_CREDENTIALS_FILE": str(file),
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL_STS": "http://127.0.0.1:1",
    }.items():
        monkeypatch.setenv(name, value)
    return file


def write(profile: Path, access_key: str) -> None:
    profile.write_text(f"[default]\naws_access_key_id = {access_key}\naws_secret_access_key = MARKED-aws-41c7\n")


def over(kafka: OwnKafka) -> dict[str, Any]:
    return {
        "bootstrap_servers": kafka.sasl_bootstrap,
        "aws_iam": {"region": "eu-central-1"},
        "properties": {**SESSION, "security.protocol": "sasl_plaintext"},
    }


async def produce(scene: Scene, first: int, count: int) -> int:
    numbers = range(first, first + count)
    await scene.produce([(f"u-{n % 20}", events.order(f"u-{n % 20}", n)) for n in numbers])
    return first + count


async def test_all_clients_log_in_and_again_every_few_seconds_and_letters_are_written(
    kafka: OwnKafka, stage: Stage, profile: Path
) -> None:
    write(profile, "AKIDONE")
    scene = await stage(kafka, partitions=2, kafka=over(kafka))
    replica = await scene.replica()
    produced = 0
    for _ in range(6):
        produced = await produce(scene, produced, 40)
        await scene.until_delivered(produced, within=90)
    await scene.produce([("u-1", b"no event")])
    await scene.until_committed(produced + 1)
    assert replica.events("login_failed") == replica.events("kafka_lost") == []
    assert len(kafka.read(scene.letters)) == 1
    assert "MARKED-aws" not in replica.log_text()
    assert await replica.terminate() == 0
    assert ledger.overtaken(scene.api.ledger.accepted) == []


@pytest.mark.usefixtures("profile")
async def test_credentials_that_end_are_named_while_records_flow_and_forgotten_when_new_ones_come(
    kafka: OwnKafka, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(Aws()) as aws:
        aws.answer = lambda *_: container_credentials("AKIDPOD", 20.0)
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{aws.url}/v1/credentials")
        scene = await stage(kafka, partitions=2, kafka=over(kafka))
        replica = await scene.replica()
        produced = await produce(scene, 0, 40)
        await scene.until_delivered(produced)
        assert replica.events("login_failed") == []

        aws.answer = lambda *_: (500, "")
        await replica.until("status names the login", lambda now: now["kafka"]["login_problem"] is not None, within=90)
        status = await replica.status()
        assert status["kafka"]["login_problem"].startswith("kafka.aws_iam: no AWS credentials: ")
        assert "kafka_login" in {each["reason"] for each in status["needs_someone"]}
        produced = await produce(scene, produced, 40)

        aws.answer = lambda *_: container_credentials("AKIDPOD", 20.0)
        await replica.until("the login works", lambda now: now["kafka"]["login_problem"] is None, within=90)
        await scene.until_delivered(produced)
        await scene.until_committed(produced)
        await until("it is logged", lambda: bool(replica.events("login_back")))
        assert await replica.terminate() == 0
    assert ledger.overtaken(scene.api.ledger.accepted) == []
    assert kafka.read(scene.letters) == []


async def test_a_start_without_credentials_waits_with_its_pages_answering_and_delivers_once_there_are_some(
    kafka: OwnKafka, stage: Stage, profile: Path
) -> None:
    scene = await stage(kafka, partitions=2, kafka=over(kafka))
    produced = await produce(scene, 0, 40)
    replica = await scene.replica()
    await replica.until("status names the login", lambda now: now["kafka"]["login_problem"] is not None)
    assert (await replica.get("/livez")).status_code == 200
    assert (await replica.get("/readyz")).status_code == 503
    status = await replica.status()
    assert status["state"] == "waiting"
    assert "no AWS credentials found; asked: the environment (AWS_ACCESS_KEY_ID)" in status["sentence"]
    assert "kafka_login" in {each["reason"] for each in status["needs_someone"]}
    assert scene.api.ledger.requests == 0

    write(profile, "AKIDONE")
    await scene.until_delivered(produced)
    await scene.until_committed(produced)
    assert len(replica.events("login_failed")) == len(replica.events("login_back")) == 1
    assert await replica.terminate() == 0
    assert ledger.overtaken(scene.api.ledger.accepted) == []
