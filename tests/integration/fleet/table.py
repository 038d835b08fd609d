"""What goes wrong in a group of three, how it is brought about, and what every view of the group must tell of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from bridge.holds import Reason
from bridge.sandbox.emulator import Event, Fault, FaultKind
from tests.integration.fleet.three import Three
from tests.integration.situations.drivers import NEXT_KEY, RETENTION, is_poison, renamed, retain, written_earlier
from tests.support.kafka.client import ANSWER_WITHIN, OwnKafka
from tests.support.kafka.transactions import Transactions, delete_before
from tests.support.service import events

NOTHING: Final = "[Nn]othing is recorded as lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupSituation:
    """One row. Sentences are regular expressions that are searched for."""

    title: str
    cause: Callable[[Three], Awaitable[None]]
    reason: str
    """By which all views tell it."""
    detail: str
    action: str
    needs_someone: bool = False
    has_since: bool = True
    has_time: bool = False
    """Until when, or when it is tried again."""
    lost: str = NOTHING
    """How many records are lost, as views tell it."""
    sections: Mapping[str, Any] = field(default_factory=dict)
    """Of the configuration."""
    properties: Mapping[str, str] | None = None
    own_kafka: bool = False
    """It is done to the broker itself."""

    @property
    def name(self) -> str:
        return self.cause.__name__


# --- the API ---------------------------------------------------------------------------------------------


async def bad_key(here: Three) -> None:
    here.api.keys = frozenset({NEXT_KEY})
    await here.orders(60)


async def api_unavailable(here: Three) -> None:
    here.api.set_faults(Fault(kind=FaultKind.STATUS, status=503))
    await here.orders(60)


async def throttled(here: Three) -> None:
    here.api.set_faults(Fault(kind=FaultKind.STATUS, status=429, headers={"retry-after": "60"}))
    await here.orders(60)


async def budget_too_small(here: Three) -> None:
    """More comes than the budget can take, for as long as anybody looks."""
    await here.orders(3000, users=600)


# --- records ---------------------------------------------------------------------------------------------


async def renamed_field(here: Three) -> None:
    await here.records((f"u-{n % 30}", renamed(f"u-{n % 30}", n)) for n in range(60, 1260))


async def poison(here: Three) -> None:
    here.api.set_faults(Fault(kind=FaultKind.STATUS, status=500, when=is_poison))
    await here.orders(30)


def is_of_one_user(event: Event | None) -> bool:
    return event is not None and event.user_id == "u-8"


async def one_stuck_user(here: Three) -> None:
    """Its events fail one after the other, and those of others in the same partition are accepted."""
    here.api.set_faults(Fault(kind=FaultKind.STATUS, status=503, when=is_of_one_user))
    await here.records(("u-8", events.order("u-8", n)) for n in range(60, 100))
    await here.orders(60)


async def dead_letter_topic_gone(here: Three) -> None:
    letters = here.scene.letters
    await asyncio.to_thread(here.kafka.admin.delete_topics([letters])[letters].result, ANSWER_WITHIN)
    for partition in range(6):
        await here.records([(None, b"this is no JSON")], partition=partition)
    await here.orders(60)


# --- Kafka -----------------------------------------------------------------------------------------------


async def kafka_down(here: Three) -> None:
    assert isinstance(here.kafka, OwnKafka)
    await asyncio.to_thread(here.kafka.stop)


async def topic_missing(here: Three) -> None:
    """All replicas are started anew with a topic that is not there."""
    missing = here.kafka.name("missing")
    for each in here.running:
        assert await each.terminate() == 0
    here.replicas.clear()
    await here.start(3, kafka={"topics": [here.topic, missing]})
    await here.look_anew()


async def hanging_transaction(here: Three) -> None:
    writer = await asyncio.to_thread(Transactions, here.kafka, here.topic)
    await asyncio.to_thread(writer.begin, [events.order("u-1", 60).decode()])
    await here.records([("u-2", events.order("u-2", 61))], partition=0)


async def replica_killed(here: Three) -> None:
    await here.running[0].kill()
    await here.orders(60)


async def mapping_rolled(here: Three) -> None:
    """One of the three has the next mapping already."""
    assert await here.running[0].terminate() == 0
    here.replicas.pop(0)
    route = {"event_name": "Order Done", "metadata": {"n": "data.n"}}
    await here.start(1, mapping={"events": {"order.completed": route}})
    await here.look_anew()
    await here.orders(60)


# --- loss ------------------------------------------------------------------------------------------------


async def retention_near(here: Three) -> None:
    await retain(here.kafka, here.topic, RETENTION)
    here.api.set_faults(Fault(kind=FaultKind.STATUS, status=503))
    values = {f"u-{n}": events.order(f"u-{n}", n) for n in range(60, 120)}
    await asyncio.to_thread(written_earlier, here.kafka, here.topic, values, RETENTION * 2 // 3)


async def records_lost(here: Three) -> None:
    """While no replica ran, half of what was written went."""
    for each in here.running:
        assert await each.terminate() == 0
    here.replicas.clear()
    await here.records([("u-1", events.order("u-1", n)) for n in range(60, 110)], partition=0)
    end = (await here.scene.positions())[0] + 50
    await asyncio.to_thread(delete_before, here.kafka, here.topic, end)
    await here.start(3)
    await here.look_anew()


ROUTED: Final = {"delivery": {"retry": {"initial_backoff": "500ms", "max_backoff": "2s", "max_attempts": 3}}}

SITUATIONS: Final = (
    GroupSituation(
        title="The API key is refused",
        cause=bad_key,
        reason=Reason.UNAUTHORIZED.value,
        needs_someone=True,
        detail="401 unauthorized: invalid API key",
        action="Put a valid key into the file of track.api_key_file",
        has_time=True,
    ),
    GroupSituation(
        title="The API answers 503",
        cause=api_unavailable,
        reason=Reason.OUTAGE.value,
        detail="the API answered 503",
        action="sending resumes by itself once it answers",
        has_time=True,
    ),
    GroupSituation(
        title="The API answers 429 and asks for 60 s",
        cause=throttled,
        reason=Reason.RETRY_AFTER.value,
        detail="429",
        action="sending resumes by itself at the time shown",
        has_time=True,
    ),
    GroupSituation(
        title="The budget is too small",
        cause=budget_too_small,
        sections={"delivery": {"rate_limit": "120/min"}},
        reason=Reason.RATE_LIMITED.value,
        detail="budget|rate",
        action="",
    ),
    GroupSituation(
        title="A producer renames the field that user_id is read from",
        cause=renamed_field,
        reason=Reason.DEAD_LETTER_HOLD.value,
        needs_someone=True,
        detail="100 records of .* in a row became dead letters",
        action="fix the mapping or the producer",
    ),
    GroupSituation(
        title="One event fails again and again",
        cause=poison,
        sections=ROUTED,
        reason=Reason.RETRY_AFTER.value,
        detail=r"waits for its next attempt after .* last: .* 500",
        action="sending resumes by itself at the time shown",
        has_time=True,
    ),
    GroupSituation(
        title="All events of one user fail",
        cause=one_stuck_user,
        reason=Reason.RETRY_AFTER.value,
        detail=r"waits for its next attempt after .* last: .* 503",
        action="sending resumes by itself at the time shown",
        has_time=True,
    ),
    GroupSituation(
        title="The dead-letter topic is gone",
        cause=dead_letter_topic_gone,
        reason=Reason.DEAD_LETTERS_UNWRITABLE.value,
        needs_someone=True,
        detail="dead-letter topic .* the topic does not exist: create it with `.*topics create",
        action="Check the dead-letter topic: that it exists",
        has_time=True,
    ),
    GroupSituation(
        title="Kafka is down",
        cause=kafka_down,
        own_kafka=True,
        reason=Reason.KAFKA_UNREACHABLE.value,
        detail="No Kafka broker answers: .*Connection refused",
        action="Check the brokers the detail names",
    ),
    GroupSituation(
        title="A topic of kafka.topics is missing",
        cause=topic_missing,
        reason=Reason.TOPIC_MISSING.value,
        needs_someone=True,
        detail="kafka.topics: topic .* does not exist on this cluster",
        action="A topic that appears is read without a restart",
    ),
    GroupSituation(
        title="A producer's transaction hangs",
        cause=hanging_transaction,
        reason=Reason.TRANSACTION_HANGING.value,
        needs_someone=True,
        detail="the last stable offset is .* a producer's transaction is open there",
        action="kafka-transactions find-hanging",
    ),
    GroupSituation(
        title="A replica is killed",
        cause=replica_killed,
        properties={"session.timeout.ms": "40000", "heartbeat.interval.ms": "1000"},
        reason="replica_silent",
        detail="127.0.0.1",
        action="If it was killed, the group gives its partitions to others when its session runs out",
    ),
    GroupSituation(
        title="A mapping rolls out",
        cause=mapping_rolled,
        reason="mappings_differ",
        detail="mapping",
        action="while a new version or configuration rolls out",
        has_since=False,
    ),
    GroupSituation(
        title="Retention is near",
        cause=retention_near,
        reason="retention_near",
        needs_someone=True,
        has_since=False,
        detail="Kafka keeps records of .* may be deleted before it is sent",
        action=r"Lengthen retention.ms of the topic first \(kafka-configs --alter\)",
    ),
    GroupSituation(
        title="Records were deleted before they were sent",
        cause=records_lost,
        reason=Reason.OUT_OF_RANGE.value,
        needs_someone=True,
        detail=r"below the log's start \d+: up to 50 events are gone unsent",
        action="bridge offsets set",
        lost="[Aa]t most 50 records",
    ),
)

BY_NAME: Final[Mapping[str, GroupSituation]] = {each.name: each for each in SITUATIONS}
