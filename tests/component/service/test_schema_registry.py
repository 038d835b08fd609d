"""Avro behind a schema registry that has bad days: held and shown, nothing lost, in order, no letter for an outage."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.registry import known
from bridge.sandbox.broker import EmbeddedKafka
from bridge.sandbox.emulator import Emulator
from bridge.sandbox.emulator.faults import Fault, FaultKind
from bridge.service import redrive
from bridge.service.with_registry import late_schemas
from tests.component.service.conftest import Start
from tests.support.registry.framing import LATER, SCHEMA, order
from tests.support.registry.server import FakeRegistry, Reply
from tests.support.registry.tokens import CLIENT_ID, TokenEndpoint
from tests.support.service import events
from tests.support.service.embedded import PARTITIONS, Broker
from tests.support.service.in_process import Service
from tests.support.service.settings import LETTERS, RESTARTABLE

MAPPING = {
    "decode": "avro",
    "user_id": "user",
    "events": {"order.completed": {"event_name": "Order Completed", "metadata": {"n": "n"}}},
    "per_topic": {"other": {"decode": "json", "user_id": "data.user"}},
}
TOPICS = ("orders", "other")


@pytest.fixture
def registry() -> Iterator[FakeRegistry]:
    """It knows schema 7."""
    with FakeRegistry() as fake:
        fake.register("orders-value", SCHEMA, id=7)
        yield fake


def looked_up(registry: FakeRegistry) -> list[int]:
    """Ids that were asked for, in order."""
    return [int(path.partition("?")[0].rpartition("/")[2]) for path in registry.paths if "/schemas/ids/" in path]


@pytest.fixture
def broker() -> Iterator[Broker]:
    """With the topic in which a redrive writes what becomes of dead letters."""
    topics = {"orders": PARTITIONS, "other": PARTITIONS, LETTERS: PARTITIONS, f"{LETTERS}.resolutions": PARTITIONS}
    with EmbeddedKafka(topics, rebalance_delay=0.0, member_timeout=2.0) as embedded:
        yield Broker(embedded)


def produce(broker: Broker, numbers: range, *, schema: int = 7, users: int = 5) -> None:
    """Each user's orders in one partition, as a producer's key has them."""
    for user in range(users):
        mine = (order(schema, f"a-{user}", n) for n in numbers if n % users == user)
        broker.produce(mine, partition=user % PARTITIONS)


def section(registry: FakeRegistry, **more: object) -> dict[str, object]:
    return {"urls": [registry.url], "timeout": "1s", **more}


def held(service: Service) -> bool:
    return any(view.hold is not None for view in service.now().partitions)


def registry_state(service: Service) -> str | None:
    view = service.now().registry
    return None if view is None else view.state


def in_order(api: Emulator, users: str) -> bool:
    """Whether what each of these users did arrived in its order, each once."""
    came: defaultdict[str, list[int]] = defaultdict(list)
    for event in api.ledger.accepted:
        if event.user_id.startswith(users):
            came[event.user_id].append(int(str(event.metadata["n"])))
    return bool(came) and all(numbers == sorted(set(numbers)) for numbers in came.values())


async def test_a_registry_that_is_away_holds_what_needs_it_shows_why_and_costs_no_letter(
    broker: Broker, api: Emulator, start: Start, registry: FakeRegistry
) -> None:
    registry.down()
    produce(broker, range(400))
    service = await start(topics=TOPICS, mapping=MAPPING, schema_registry=section(registry), kafka=RESTARTABLE)
    await service.until("it is held", lambda: held(service))
    broker.produce(events.orders(300), topic="other")
    await service.until("the others flow", lambda: service.now().tally.delivered == 300)

    await service.until("the connection was refused", lambda: "refused" in str(service.now().partitions))
    status = await service.status()
    assert {row["why"] for row in status["partitions"] if row["topic"] == "orders"} == {"schema_registry"}
    (concern,) = (each for each in status["ends_by_itself"] if each["reason"] == "schema_registry")
    assert "id:7" in concern["details"][0]
    assert registry.url in concern["details"][0]
    assert concern["next_try"] is not None
    assert concern["since"] is not None
    assert sum(row["lag"] for row in status["partitions"] if row["topic"] == "orders") == 400
    assert all(row["oldest_open"]["age_s"] > 0 for row in status["partitions"] if row["topic"] == "orders")
    assert status["schema_registry"]["state"] == "trouble"
    assert status["schema_registry"]["waiting_for"] == ["id:7"]
    metrics = (await service.get("/metrics")).text
    assert re.search(r'track_bridge_partition_held\{[^}]*reason="schema_registry"[^}]*\} 1\.0', metrics)
    assert "track_bridge_awaited_schemas 1.0" in metrics
    assert (await service.get("/readyz")).status_code == 200
    assert service.now().tally.buffered == 0

    registry.up()
    await service.until("all is delivered", lambda: service.now().tally.delivered == 700, within=90)
    assert in_order(api, "a-")
    assert service.now().tally.letters == {}
    assert set(looked_up(registry)) == {7}
    asked = len(registry.asked)
    produce(broker, range(400, 600))
    await service.until("these too", lambda: service.now().tally.delivered == 900)
    assert len(registry.asked) == asked, "no request in steady state"
    await service.until("nothing is held", lambda: not held(service))
    await service.stop()
    assert len(service.lines.events("schema_registry_lost")) == 1
    assert len(service.lines.events("schema_registry_back")) == 1
    assert service.lines.events("held") == []
    assert broker.position() == 600


async def test_schemas_that_come_while_it_runs_are_looked_up_once_each(
    broker: Broker, api: Emulator, start: Start, registry: FakeRegistry
) -> None:
    service = await start(mapping=MAPPING, schema_registry=section(registry), kafka=RESTARTABLE)
    produce(broker, range(100))
    await service.until_done(100)
    registry.register("orders-value", LATER, id=8)
    mixed = (order(8, f"a-{n % 5}", n, coupon="x") if n % 3 else order(7, f"a-{n % 5}", n) for n in range(100, 400))
    broker.produce(mixed)
    await service.until_done(400)
    assert sorted(looked_up(registry)) == [7, 8]
    assert len(api.ledger.accepted) == 400


@pytest.mark.slow(reason="waits for a redrive", seconds=4)
async def test_an_unknown_schema_becomes_a_letter_that_names_it_and_is_sent_once_the_registry_knows_it(
    broker: Broker, api: Emulator, start: Start, registry: FakeRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(late_schemas, "FIRST_PAUSE", 0.5)
    monkeypatch.setattr(late_schemas, "LONGEST_PAUSE", 1.0)
    monkeypatch.setattr(known, "NEGATIVE_FOR", 3.0)
    monkeypatch.setattr(redrive, "PAUSE", 0.5)
    service = await start(
        mapping=MAPPING,
        schema_registry=section(registry, unknown_id_after="1s"),
        dead_letter={"redrive": {"reasons": ["unknown_schema"]}},
        kafka=RESTARTABLE,
    )
    broker.produce([order(7, "a-1", 1), order(9, "a-1", 2), order(7, "a-1", 3)], partition=0)
    await service.until("it is said", lambda: bool(service.lines.events("schema_awaited")))
    await service.until("it is a letter", lambda: service.now().tally.letters.total() == 1)
    await service.until("the rest went on", lambda: len(api.ledger.accepted) == 2)
    (letter,) = broker.letters()
    assert letter.header("reason") == "undecodable"
    assert letter.header("schema") == "id:9"
    assert "9" in letter.header("message")
    assert letter.value == order(9, "a-1", 2)
    assert not service.lines.events("schema_registry_lost")

    registry.register("late-value", SCHEMA, id=9)
    await service.until("it is sent", lambda: len(api.ledger.accepted) == 3, within=60)
    assert json.loads(api.ledger.accepted[-1].body)["metadata"]["n"] == 2


async def test_a_key_of_an_unknown_schema_becomes_a_letter_that_is_sent_once_the_registry_knows_it(
    broker: Broker, api: Emulator, start: Start, registry: FakeRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(late_schemas, "FIRST_PAUSE", 0.5)
    monkeypatch.setattr(late_schemas, "LONGEST_PAUSE", 1.0)
    monkeypatch.setattr(known, "NEGATIVE_FOR", 3.0)
    monkeypatch.setattr(redrive, "PAUSE", 0.5)
    service = await start(
        mapping={**MAPPING, "key": "avro", "user_id": "key:user"},
        schema_registry=section(registry, unknown_id_after="1s"),
        dead_letter={"redrive": {"reasons": ["unknown_schema"]}},
        kafka=RESTARTABLE,
    )
    key = order(9, "by-key", 0)
    broker.produce([order(7, "a-1", 2)], partition=0, key=key)
    await service.until("it is a letter", lambda: service.now().tally.letters.total() == 1)
    (letter,) = broker.letters()
    assert letter.key == key
    assert letter.header("reason") == "undecodable"
    assert letter.header("schema") == "id:9"
    assert api.ledger.accepted == []

    registry.register("orders-key", SCHEMA, id=9)
    await service.until("it is sent", lambda: len(api.ledger.accepted) == 1, within=60)
    assert api.ledger.accepted[0].user_id == "by-key"


@pytest.mark.slow(reason="starts several interpreters", seconds=5)
async def test_letters_of_a_refused_key_are_sent_by_a_process_that_has_not_seen_their_schema(
    broker: Broker, api: Emulator, start: Start, registry: FakeRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redrive, "PAUSE", 0.2)
    monkeypatch.setattr(late_schemas, "PATIENCE", 1.0)
    settings = section(registry)
    redriven = {"redrive": {"reasons": ["unauthorized"]}}
    api.set_faults(Fault(kind=FaultKind.STATUS, status=401, body="{}"))
    broker.produce([order(7, "a-1", 1)])
    service = await start(topics=TOPICS, mapping=MAPPING, schema_registry=settings, kafka=RESTARTABLE)
    await service.until("it is a letter", lambda: service.now().tally.letters.total() == 1)
    await service.stop()

    api.set_faults()
    registry.down()
    service = await start(
        topics=TOPICS, mapping=MAPPING, schema_registry=settings, dead_letter=redriven, kafka=RESTARTABLE
    )
    broker.produce(events.orders(1), topic="other")
    await service.until("the key works", lambda: len(api.ledger.accepted) == 1)
    await service.until("it is looked up in vain", lambda: registry_state(service) == "trouble")
    registry.up()
    await service.until("the letter is sent", lambda: len(api.ledger.accepted) == 2, within=60)
    assert json.loads(api.ledger.accepted[-1].body)["metadata"]["n"] == 1


async def test_a_bridge_that_starts_while_the_registry_is_away_uses_what_it_kept(
    broker: Broker, api: Emulator, start: Start, registry: FakeRegistry, tmp_path: Path
) -> None:
    settings = section(registry, cache_dir=str(tmp_path / "schemas"))
    produce(broker, range(20))
    service = await start(mapping=MAPPING, schema_registry=settings, kafka=RESTARTABLE)
    await service.until_done(20)
    await service.stop()
    registry.down()
    produce(broker, range(20, 60))
    service = await start(mapping=MAPPING, schema_registry=settings, kafka=RESTARTABLE)
    await service.until_done(40)
    assert service.now().registry is not None
    assert len(api.ledger.accepted) == 60
    assert in_order(api, "a-")


async def test_a_folder_that_cannot_keep_schemas_is_said_and_stops_nothing(
    broker: Broker, start: Start, registry: FakeRegistry, tmp_path: Path
) -> None:
    (tmp_path / "schemas").write_text("a file, and no folder")
    produce(broker, range(20))
    settings = section(registry, cache_dir=str(tmp_path / "schemas"))
    service = await start(mapping=MAPPING, schema_registry=settings, kafka=RESTARTABLE)
    await service.until_done(20)
    await service.until("it is said", lambda: bool(service.lines.events("schemas_not_kept")))
    assert str(tmp_path / "schemas") in service.lines.events("schemas_not_kept")[0]["detail"]


async def test_a_registry_that_refuses_the_login_needs_someone_and_ends_when_it_does_not_any_more(
    broker: Broker, start: Start, registry: FakeRegistry
) -> None:
    registry.always(Reply.of(401, {"error_code": 40101, "message": "Unauthorized"}))
    produce(broker, range(20))
    service = await start(mapping=MAPPING, schema_registry=section(registry), kafka=RESTARTABLE)
    await service.until("it is held", lambda: held(service))
    status = await service.status()
    assert status["state"] == "held"
    assert [each["reason"] for each in status["needs_someone"]] == ["schema_registry"]
    assert "401" in status["sentence"]
    registry.always(None)
    await service.until_done(20)
    assert service.now().tally.letters == {}


async def test_a_start_with_a_refused_client_secret_says_so_and_goes_on_once_the_file_holds_another(
    broker: Broker, start: Start, registry: FakeRegistry, tmp_path: Path
) -> None:
    (file := tmp_path / "secret").write_text("0ld")
    produce(broker, range(20))
    with TokenEndpoint() as endpoint:
        oauth = {"token_endpoint": f"{endpoint.url}/t", "client_id": CLIENT_ID, "client_secret_file": str(file)}
        service = await start(mapping=MAPPING, schema_registry=section(registry, oauth=oauth), kafka=RESTARTABLE)
        await service.until("it is held", lambda: held(service))
        await service.until("the secret was refused", lambda: "invalid_client" in str(service.now().partitions))
        status = await service.status()
        assert [each["reason"] for each in status["needs_someone"]] == ["schema_registry"]
        assert f"the token endpoint {endpoint.url}/t gives no token" in str(status["needs_someone"])
        assert "0ld" not in str(status)
        assert registry.asked == []
        file.write_text(endpoint.secret)
        await service.until_done(20)
    assert service.now().tally.letters == {}


async def test_a_stop_while_partitions_wait_ends_at_once_and_the_next_process_has_it_all(
    broker: Broker, api: Emulator, start: Start, registry: FakeRegistry
) -> None:
    registry.down()
    produce(broker, range(100))
    service = await start(mapping=MAPPING, schema_registry=section(registry), kafka=RESTARTABLE)
    await service.until("it is held", lambda: held(service))
    await service.stop()
    assert service.lines.events("stopped")[0]["seconds"] < 5
    assert broker.position() == 0
    registry.up()
    service = await start(mapping=MAPPING, schema_registry=section(registry), kafka=RESTARTABLE)
    await service.until_done(100)
    assert in_order(api, "a-")
    assert len(api.ledger.accepted) == 100


async def test_without_a_registry_such_a_record_is_a_letter_that_names_its_schema(broker: Broker, start: Start) -> None:
    broker.produce([order(42, "a-1", 1)])
    service = await start(mapping=MAPPING)
    await service.until("it is a letter", lambda: service.now().tally.letters.total() == 1)
    (letter,) = broker.letters()
    assert "42" in letter.header("message")
    assert "schema" not in {name.removeprefix("bridge.dead-letter.") for name in letter.headers}
