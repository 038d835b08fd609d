"""The floor: the least a Python program costs that consumes, maps, keeps the order per user and commits what was sent.

It has no retries, no dead letters, no rebalances, no metrics and no validation: any answer but 202 ends it. Everything
the bridge costs above this is the price of its promises.
"""

from __future__ import annotations

import asyncio
import ssl
import threading
import time
from collections import deque
from typing import Any, cast
from urllib.parse import urlsplit

import httptools
import orjson
import uvloop
from confluent_kafka import Consumer, Message, TopicPartition

from bench.programs.settings import Settings

BUFFERED = 2000
BATCH = 500
Event = tuple[int, int, str, dict[str, Any]]
"""Partition, offset, user, decoded value."""
Raw = tuple[int, int, bytes, Any]
"""Partition, offset, value, headers."""


class Connection(asyncio.Protocol):
    """Carries one request at a time."""

    def __init__(self, floor: Floor) -> None:
        self.floor = floor
        self.event: Event
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.parser = httptools.HttpResponseParser(self)

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_message_complete(self) -> None:
        self.floor.answered(self, self.parser.get_status_code())


class Floor:
    """Everything but the thread that polls."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        url = urlsplit(settings.api_url)
        self.host, self.port, self.tls = url.hostname or "", url.port or 443, url.scheme == "https"
        self.head = (
            f"POST /v1/track HTTP/1.1\r\nHost: {url.netloc}\r\nAuthorization: Token {settings.api_key}\r\n"
            "X-API-Version: 2020-09-22\r\nContent-Type: application/json\r\nContent-Length: "
        ).encode()
        self.queues: dict[str, deque[Event]] = {}
        self.ready: deque[Event] = deque()
        self.idle: list[Connection] = []
        self.finished: dict[int, tuple[list[int], set[int]]] = {}
        self.positions: dict[int, int] = {}
        self.taken = 0
        self.done = 0

    def feed(self, batch: list[Raw]) -> None:
        """On the loop: decode, filter, queue by user, send what can go."""
        header, mapped = self.settings.type_header, self.settings.mapped_type
        wanted = mapped.encode()
        queues, ready = self.queues, self.ready
        for partition, offset, raw, headers in batch:
            if header is not None and not any(name == header and content == wanted for name, content in headers or ()):
                self.complete(partition, offset)
                continue
            value = orjson.loads(raw)
            if header is None and value.get("type") != mapped:
                self.complete(partition, offset)
                continue
            event = (partition, offset, value["data"]["user_id"], value)
            queue = queues.get(event[2])
            if queue is None:
                queues[event[2]] = deque((event,))
                ready.append(event)
            else:
                queue.append(event)
        idle = self.idle
        while idle and ready:
            self.send(idle.pop(), ready.popleft())

    def send(self, connection: Connection, event: Event) -> None:
        value = event[3]
        data = value["data"]
        body = orjson.dumps(
            {
                "user_id": data["user_id"],
                "event_name": "Order Completed",
                "metadata": {
                    "amount": data["amount"],
                    "currency": data["currency"],
                    "items": data["items"],
                    "plan": data["plan"],
                    "occurred_at": value["time"],
                    "event_id": value["id"],
                },
            }
        )
        connection.event = event
        connection.transport.write(b"%b%d\r\n\r\n%b" % (self.head, len(body), body))

    def answered(self, connection: Connection, status: int) -> None:
        if status != 202:
            raise SystemExit(f"answered {status}")
        partition, offset, user, _ = connection.event
        queue = self.queues[user]
        queue.popleft()
        if queue:
            self.ready.append(queue[0])
        else:
            del self.queues[user]
        self.complete(partition, offset)
        if self.ready:
            self.send(connection, self.ready.popleft())
        else:
            self.idle.append(connection)

    def complete(self, partition: int, offset: int) -> None:
        self.done += 1
        known = self.finished.get(partition)
        if known is None:
            known = self.finished[partition] = ([0], set())
        lowest, above = known
        if offset != lowest[0]:
            above.add(offset)
            return
        offset += 1
        while offset in above:
            above.discard(offset)
            offset += 1
        lowest[0] = self.positions[partition] = offset


def poll(floor: Floor, loop: asyncio.AbstractEventLoop) -> None:
    """The thread that owns the consumer, for ever."""
    topic = floor.settings.topic
    consumer: Consumer = Consumer(floor.settings.consumer())
    consumer.subscribe([topic])
    while True:
        messages: list[Message[Any, Any]] = consumer.consume(BATCH, 0.1)
        if messages:
            floor.taken += len(messages)
            batch: Any = [(m.partition(), m.offset(), m.value(), m.headers()) for m in messages]
            loop.call_soon_threadsafe(floor.feed, batch)
        while floor.taken - floor.done > BUFFERED:
            time.sleep(0.001)
        if floor.positions:
            positions, floor.positions = floor.positions, {}
            for partition, offset in positions.items():
                consumer.store_offsets(offsets=[TopicPartition(topic, partition, offset)])


async def main(settings: Settings) -> None:
    """Connect, then deliver until killed."""
    floor = Floor(settings)
    loop = asyncio.get_running_loop()
    tls = ssl.create_default_context(cafile=settings.ca_file) if floor.tls else None
    for _ in range(settings.in_flight):
        _, connection = await loop.create_connection(lambda: Connection(floor), floor.host, floor.port, ssl=tls)
        floor.idle.append(connection)
    threading.Thread(target=poll, args=(floor, loop), daemon=True).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main(Settings.read()))
