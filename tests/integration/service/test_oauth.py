"""Logins by tokens of an endpoint on loopback, at a broker that wants to see a new one every few seconds."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack, closing
from typing import Any

import pytest

from tests.integration.conftest import KafkaFactory
from tests.integration.service.conftest import Stage
from tests.support.kafka.client import OwnKafka
from tests.support.kafka.oauth import SECRET, TokenEndpoint, broker_properties, client_properties
from tests.support.service import events, ledger
from tests.support.service.scene import Scene
from tests.support.service.settings import SESSION
from tests.support.waiting import until

REAUTHENTICATE_MS = 2_000
LIFETIME = 10.0
"""Seconds of a token: the client asks for the next one after four fifths of them."""


@pytest.fixture(scope="module")
def kafka() -> Iterator[OwnKafka]:
    with ExitStack() as stack:
        yield KafkaFactory(stack)(sasl=True, properties=broker_properties(REAUTHENTICATE_MS))


@pytest.fixture
def endpoint() -> Iterator[TokenEndpoint]:
    with closing(TokenEndpoint(LIFETIME)) as served:
        yield served


def at(kafka: OwnKafka, url: str, secret: str = SECRET) -> dict[str, Any]:
    """Over the section `kafka`."""
    return {"bootstrap_servers": kafka.sasl_bootstrap, "properties": {**SESSION, **client_properties(url, secret)}}


async def produce(scene: Scene, first: int, count: int) -> int:
    numbers = range(first, first + count)
    await scene.produce([(f"u-{n % 20}", events.order(f"u-{n % 20}", n)) for n in numbers])
    return first + count


async def test_records_flow_through_many_logins_and_an_endpoint_that_is_gone_for_a_while(
    kafka: OwnKafka, endpoint: TokenEndpoint, stage: Stage
) -> None:
    scene = await stage(kafka, partitions=2, kafka=at(kafka, endpoint.url))
    replica = await scene.replica()
    produced = 0
    while endpoint.given < 15:
        produced = await produce(scene, produced, 20)
        await scene.until_delivered(produced)
        await asyncio.sleep(0.5)  # a login lasts so long: what is looked for is that nothing happens meanwhile
    assert replica.events("login_failed") == replica.events("kafka_lost") == []

    endpoint.close()
    await replica.until("status names the login", lambda now: now["kafka"]["login_problem"] is not None)
    status = await replica.status()
    assert "Failed to connect to 127.0.0.1" in status["kafka"]["login_problem"]
    assert "kafka_login" in {each["reason"] for each in status["needs_someone"]}
    await until("it is logged", lambda: bool(replica.events("login_failed")))
    [failed] = replica.events("login_failed")
    assert failed["detail"] == status["kafka"]["login_problem"]
    # Longer than the last token is good for: by now the broker has ended every connection.
    produced = await produce(scene, produced, 200)
    await replica.until("Kafka is lost", lambda now: not now["kafka"]["reachable"], within=60)

    with closing(TokenEndpoint(LIFETIME, endpoint.port)):
        await replica.until("the login works", lambda now: now["kafka"]["login_problem"] is None, within=60)
        await scene.until_delivered(produced)
        await scene.until_committed(produced)
        await until("it is logged", lambda: len(replica.events("login_back")) == 1)
        assert await replica.terminate() == 0
    assert ledger.overtaken(scene.api.ledger.accepted) == []
    assert kafka.read(scene.letters) == []
    assert SECRET not in replica.log_text()


async def test_a_start_waits_for_an_endpoint_that_is_not_there_yet(kafka: OwnKafka, stage: Stage) -> None:
    absent = TokenEndpoint(LIFETIME)
    absent.close()
    scene = await stage(kafka, partitions=2, kafka=at(kafka, absent.url))
    await produce(scene, 0, 20)
    replica = await scene.replica()
    await replica.until("it waits", lambda now: "Failed to connect" in now["kafka"]["detail"])
    await replica.until("status names the login", lambda now: now["kafka"]["login_problem"] is not None)
    assert "kafka_login" in {each["reason"] for each in (await replica.status())["needs_someone"]}
    with closing(TokenEndpoint(LIFETIME, absent.port)):
        await scene.until_delivered(20)
        await until("it is logged", lambda: len(replica.events("login_back")) == 1)
        assert len(replica.events("login_failed")) == 1
        assert await replica.terminate() == 0


async def test_a_secret_that_is_refused_ends_the_start_with_its_sentence(
    kafka: OwnKafka, endpoint: TokenEndpoint, stage: Stage
) -> None:
    scene = await stage(kafka, partitions=2, kafka=at(kafka, endpoint.url, "not-the-secret"))
    replica = await scene.replica()
    assert await replica.ended() == 3
    assert "invalid_client" in replica.log_text()
    assert "not-the-secret" not in replica.log_text()
