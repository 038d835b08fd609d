"""The bridge's own stages in one process, without Kafka and without sockets: what of an event's cost is our own code.

The yardstick is the floor's code on the same events, without sockets as well, so that ratios hold on any machine.
"""

from __future__ import annotations

import asyncio
import random
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import cycle
from types import FrameType
from typing import Any, TypeVar, cast

from bench import configuration, load
from bench.load import Load, Row
from bench.programs import floor
from bench.programs.settings import Settings
from bridge.config.mapping_section import MappingConfig
from bridge.kafka.consumer import batching
from bridge.kafka.consumer.thread.partition_state import PartitionState, PartitionTable
from bridge.mapping.compile import CompiledMapping, compile_mapping
from bridge.model import Header, Record, TopicPartition
from bridge.pipeline.dispatch.dispatcher import Dispatcher
from bridge.pipeline.offsets import OffsetTracker
from bridge.pipeline.settings import DeliverySettings
from bridge.pipeline.tracing import RecordListener
from bridge.pipeline.work import Work
from bridge.service.time import SystemClock
from bridge.track.connection import Connection
from bridge.track.credentials import FixedKey
from bridge.track.direct import DirectSink
from bridge.track.request import Endpoint

ACCEPTED = b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\nx-request-id: stub\r\n\r\n"
EVENTS = 5000
IN_FLIGHT = 100
BATCH = 500
ANSWERS_A_TURN = 10
"""Answers that the loop finds when it looks: many where the processor is the limit."""
PARTITIONS = 12
GROWN = 100_000
"""Events with which others are compared that are a tenth."""
FULL_BUFFER = 2000
"""Records accepted at once where 1,000 are to be in flight."""
T = TypeVar("T")
Stage = Callable[[], None]
"""Does its work for all its events."""


class Wire(asyncio.Transport):
    """Takes requests, and says which connections wait for an answer."""

    def __init__(self, busy: deque[Any]) -> None:
        super().__init__()
        self.protocol: Any = None
        self._busy = busy

    def write(self, _data: bytes | bytearray | memoryview) -> None:
        self._busy.append(self.protocol)

    def abort(self) -> None:
        self.protocol.connection_lost(None)


class Message:
    """A record as the client hands it over."""

    __slots__ = ("_headers", "_key", "_offset", "_partition", "_value")

    def __init__(self, partition: int, offset: int, row: Row) -> None:
        self._partition, self._offset = partition, offset
        self._key, self._value, self._headers = row

    def error(self) -> None:
        return None

    def topic(self) -> str:
        return "orders"

    def partition(self) -> int:
        return self._partition

    def offset(self) -> int:
        return self._offset

    def key(self) -> bytes:
        return self._key

    def value(self) -> bytes:
        return self._value

    def headers(self) -> Any:
        return self._headers or None

    def timestamp(self) -> tuple[int, int]:
        return 1, 1_767_323_045_000

    def leader_epoch(self) -> int:
        return 0


def batched(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """The items in groups of a size."""
    return (items[start : start + size] for start in range(0, len(items), size))


def messages(of: Load) -> list[Message]:
    """A load as it would be polled: spread over the partitions by user."""
    offsets = [0] * PARTITIONS
    found = []
    for row in load.rows(of):
        partition = hash_of(row[0]) % PARTITIONS
        found.append(Message(partition, offsets[partition], row))
        offsets[partition] += 1
    return found


def hash_of(key: bytes) -> int:
    """Any, but the same in every process."""
    return int.from_bytes(key, "big") % 2_147_483_647


def mapping(*, full: bool = False, type_in_header: bool = False) -> CompiledMapping:
    """As the scenarios configure it."""
    compiled = compile_mapping(
        MappingConfig.model_validate(
            {
                "user_id": "data.user_id",
                "event_type": "header:type" if type_in_header else "type",
                "events": configuration.FULL if full else configuration.PLAIN,
            }
        )
    )
    if not isinstance(compiled, CompiledMapping):
        raise TypeError(f"{compiled}")
    return compiled


def records(of: Load) -> list[Record]:
    """A load as the mapping sees it."""
    return [
        Record("orders", m.partition(), m.offset(), 1_767_323_045_000, m.key(), m.value(), m.headers() or ())
        for m in messages(of)
    ]


def map_stage(of: Load, compiled: CompiledMapping) -> Stage:
    """Records to outcomes."""
    given, now = records(of), time.time()

    def run() -> None:
        for record in given:
            compiled.map(record, now)

    return run


def sort_stage(of: Load) -> Stage:
    """Messages to records by partition."""
    given = [list(batch) for batch in batched(messages(of), BATCH)]
    table = PartitionTable()
    for number in range(PARTITIONS):
        entry = PartitionState(TopicPartition("orders", number))
        entry.tracker = OffsetTracker(entry.partition, 0)
        table.add(entry)

    def run() -> None:
        for batch in given:
            batching.sort(cast("Any", batch), table, batching.no_early_filter, sys.maxsize)

    return run


class _Outside:
    """Whatever else the dispatcher wants to be told; nothing of it happens here."""

    def at(self, when: float) -> None: ...

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *_arguments, **_named: None


def _by_partition(of: Load, size: int, headers: Sequence[tuple[Header, ...]]) -> list[dict[int, list[Record]]]:
    """The records of a load in batches, as the poll thread hands them over."""
    batches: list[dict[int, list[Record]]] = []
    given = [
        record._replace(headers=(*record.headers, *more))
        for record, more in zip(records(of), cycle(headers), strict=False)
    ]
    for batch in batched(given, size):
        by_partition: dict[int, list[Record]] = {}
        for record in batch:
            by_partition.setdefault(record.partition, []).append(record)
        batches.append(by_partition)
    return batches


def delivery_stage(
    of: Load,
    compiled: CompiledMapping,
    loop: asyncio.AbstractEventLoop,
    *,
    in_flight: int = IN_FLIGHT,
    batch_size: int = BATCH,
    listener: RecordListener | None = None,
    headers: Sequence[tuple[Header, ...]] = ((),),
) -> Stage:
    """Records accepted, mapped, sent and answered: mapping, pipeline and sink together.

    `headers`: what records carry beside their own, in turn.
    """
    batches = _by_partition(of, batch_size, headers)

    def run() -> None:
        busy: deque[Connection[Work]] = deque()
        sink: DirectSink[Work] = DirectSink(
            Endpoint.parse("http://127.0.0.1:1"), FixedKey("NX-bench"), timeout=10, max_in_flight=in_flight
        )
        outside: Any = _Outside()
        dispatcher = Dispatcher(
            DeliverySettings.model_construct(max_in_flight=in_flight, rate_limit=None),
            mapper=compiled,
            sink=sink,
            letters=outside,
            positions=outside,
            credentials=FixedKey("NX-bench"),
            event_log=outside,
            clock=SystemClock(),
            alarm=outside,
            rng=random.Random(1),  # noqa: S311 - jitter
        )
        if listener is not None:
            dispatcher.listeners.add(listener)
        loop.run_until_complete(sink.start(dispatcher))
        for _ in range(in_flight):
            wire = Wire(busy)
            wire.protocol = Connection(sink)
            wire.protocol.connection_made(wire)
        trackers = [OffsetTracker[Any](TopicPartition("orders", number), 0) for number in range(PARTITIONS)]
        dispatcher.heartbeat_answered(time.monotonic())
        dispatcher.assigned(trackers)
        for by_partition in batches:
            for partition, given in by_partition.items():
                dispatcher.accept(trackers[partition], given)
            while busy:
                for _ in range(min(ANSWERS_A_TURN, len(busy))):
                    busy.popleft().data_received(ACCEPTED)
                dispatcher.pump()
            dispatcher.positions()
        if dispatcher.tally.delivered != of.requests:
            raise RuntimeError(f"{dispatcher.tally.delivered} of {of.requests} were delivered")
        loop.run_until_complete(sink.close())

    return run


def floor_stage(of: Load) -> Stage:
    """The yardstick: decode, map, queue, write, parse, complete."""
    settings = Settings("", "orders", "", "http://127.0.0.1:1", None, IN_FLIGHT, "NX-bench", None, load.MAPPED)
    batches = [
        [(m.partition(), m.offset(), m.value(), m.headers()) for m in batch] for batch in batched(messages(of), BATCH)
    ]

    def run() -> None:
        busy: deque[floor.Connection] = deque()
        program = floor.Floor(settings)
        for _ in range(IN_FLIGHT):
            wire = Wire(busy)
            wire.protocol = floor.Connection(program)
            wire.protocol.connection_made(wire)
            program.idle.append(wire.protocol)
        for batch in batches:
            program.feed(batch)
            while busy:
                busy.popleft().data_received(ACCEPTED)
        if program.done != of.events:
            raise RuntimeError(f"{program.done} of {of.events} were done")

    return run


def stages(loop: asyncio.AbstractEventLoop, events: int = EVENTS) -> Mapping[str, Stage]:
    """All of them, each for so many events; the yardstick comes first."""
    plain = Load(events)
    return {
        "floor": floor_stage(plain),
        "deliver": delivery_stage(plain, mapping(), loop),
        "deliver 5 %": delivery_stage(Load(events, mapped=0.05), mapping(), loop),
        "deliver none": delivery_stage(Load(events, mapped=1 / events), mapping(), loop),
        "map plain": map_stage(plain, mapping()),
        "map full": map_stage(Load(events, full=True), mapping(full=True)),
        "filter by value": map_stage(Load(events, mapped=1 / events), mapping()),
        "filter by header": map_stage(
            Load(events, mapped=1 / events, type_in_header=True), mapping(type_in_header=True)
        ),
        "sort": sort_stage(plain),
    }


def growth(loop: asyncio.AbstractEventLoop) -> Mapping[str, float]:
    """What an event costs of our own code where there is more of everything, as a ratio to where there is not."""
    few = Load(GROWN // 10)
    once = delivery_stage(few, mapping(), loop, batch_size=FULL_BUFFER)
    larger = {
        "10 x the events": (GROWN, delivery_stage(replace(few, events=GROWN), mapping(), loop, batch_size=FULL_BUFFER)),
        "100 x the users": (
            few.events,
            delivery_stage(replace(few, users=100 * few.users), mapping(), loop, batch_size=FULL_BUFFER),
        ),
        "10 x in flight": (
            few.events,
            delivery_stage(few, mapping(), loop, in_flight=10 * IN_FLIGHT, batch_size=FULL_BUFFER),
        ),
    }
    found = {}
    for name, (events, stage) in larger.items():
        best = [float("inf"), float("inf")]
        for _ in range(6):
            best = [min(best[0], least(once, 1, few.events)), min(best[1], least(stage, 1, events))]
        found[name] = best[1] / best[0]
    return found


def least(stage: Stage, rounds: int, events: int = EVENTS) -> float:
    """Microseconds per event, of the quickest of some rounds: what disturbs can only add."""
    best = float("inf")
    for _ in range(rounds):
        began = time.process_time()
        stage()
        best = min(best, time.process_time() - began)
    return best / events * 1e6


def calls(stage: Stage) -> float:
    """Of Python functions per event, which are most of what our own code costs."""
    count = 0

    def on_event(_frame: FrameType, event: str, _argument: Any) -> None:
        nonlocal count
        count += event == "call"

    sys.setprofile(on_event)
    try:
        stage()
    finally:
        sys.setprofile(None)
    return count / EVENTS


def main() -> None:
    """Print the stages."""
    loop = asyncio.new_event_loop()
    found = stages(loop)
    best = dict.fromkeys(found, float("inf"))
    for _ in range(10):
        for name, stage in found.items():
            best[name] = min(best[name], least(stage, 2))
    for name, micros in best.items():
        print(f"{name:20} {micros:6.2f} µs  {micros / best['floor']:5.2f} x floor  {calls(found[name]):5.1f} calls")
    proportion = 0.05 * best["deliver"] + 0.95 * best["deliver none"]
    print(f"\n5 % mapped costs {best['deliver 5 %'] / proportion:.2f} x what 5 % of one and 95 % of the other come to")
    for name, times in growth(loop).items():
        print(f"{name}: an event costs {times:.2f} x what it costs otherwise")
    loop.close()


if __name__ == "__main__":
    main()
