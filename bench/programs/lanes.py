"""What the two client-library peers have in common: consume, keep the order per user, send with N workers, commit."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from confluent_kafka import Consumer, TopicPartition

from bench.programs.settings import Settings

Send = Callable[[bytes], Awaitable[int]]
"""Sends a body, returns the status."""
BUFFERED = 2000


class Lanes:
    """The obvious program: one queue per user, a fixed number of worker tasks."""

    def __init__(self, settings: Settings, send: Send) -> None:
        self._settings = settings
        self._send = send
        self._queues: dict[str, deque[tuple[int, int, bytes]]] = {}
        self._ready: asyncio.Queue[str] = asyncio.Queue()
        self._open: dict[int, dict[int, None]] = {}
        self._next: dict[int, int] = {}
        self._count = 0

    async def run(self) -> None:
        """Until killed."""
        consumer: Consumer = Consumer(self._settings.consumer())
        consumer.subscribe([self._settings.topic])
        async with asyncio.TaskGroup() as group:
            for _ in range(self._settings.in_flight):
                group.create_task(self._work())
            while True:
                messages = await asyncio.to_thread(consumer.consume, 500, 0.1)
                for message in messages:
                    self._take(message)
                for partition, open_ in self._open.items():
                    position = next(iter(open_), self._next[partition])
                    consumer.store_offsets(offsets=[TopicPartition(self._settings.topic, partition, position)])
                while self._count > BUFFERED:  # noqa: ASYNC110 - as most would write it
                    await asyncio.sleep(0.001)

    def _take(self, message: Any) -> None:
        partition, offset = message.partition(), message.offset()
        value = orjson.loads(message.value())
        self._next[partition] = offset + 1
        open_ = self._open.setdefault(partition, {})
        if value["type"] != self._settings.mapped_type:
            return
        data = value["data"]
        metadata = {key: data[key] for key in ("amount", "currency", "items", "plan")}
        metadata |= {"occurred_at": value["time"], "event_id": value["id"]}
        user = data["user_id"]
        body = orjson.dumps({"user_id": user, "event_name": "Order Completed", "metadata": metadata})
        open_[offset] = None
        self._count += 1
        queue = self._queues.get(user)
        if queue is None:
            self._queues[user] = deque([(partition, offset, body)])
            self._ready.put_nowait(user)
        else:
            queue.append((partition, offset, body))

    async def _work(self) -> None:
        while True:
            user = await self._ready.get()
            queue = self._queues[user]
            partition, offset, body = queue[0]
            status = await self._send(body)
            if status != 202:
                raise SystemExit(f"answered {status}")
            queue.popleft()
            del self._open[partition][offset]
            self._count -= 1
            if queue:
                self._ready.put_nowait(user)
            else:
                del self._queues[user]
