"""A dead-letter producer with what stands around it, for tests."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from bridge.config.sections import Config, DeadLetterSettings
from bridge.kafka.letters.dead_letters import DeadLetterProducer
from bridge.model import DeadLetter, LetterReason, LetterRefused, Record
from tests.support.kafka.completing import settings
from tests.support.waiting import patience


class Receipts:
    """Keeps the receipts; `of` waits for as many as were asked for."""

    def __init__(self) -> None:
        self.received: dict[object, LetterRefused | None] = {}
        self._changed = asyncio.Event()

    def letter_written(self, token: object, refused: LetterRefused | None, /) -> None:
        assert token not in self.received, "a letter has one receipt"
        self.received[token] = refused
        self._changed.set()

    async def of(self, count: int) -> dict[object, LetterRefused | None]:
        async with patience(f"{count} letters have receipts", explain=lambda: str(self.received)):
            while len(self.received) < count:
                self._changed.clear()
                await self._changed.wait()
        return self.received


def letter(number: int, *, partition: int = 0, value: bytes | None = b"value", message: str = "why") -> DeadLetter:
    record = Record(
        "orders", partition, number, 1_700_000_000_000, b"key", value, [("trace", b"\x00\xff"), ("none", None)]
    )
    return DeadLetter(record, LetterReason.REJECTED, message, status=400)


def config(bootstrap: str, topic: str, **properties: str) -> Config:
    """A letter is given up after half a minute, unless `properties` say another time: a busy machine is no finding."""
    properties = {"message.timeout.ms": "30000", "request.timeout.ms": "30000", **properties}
    sections: Any = {
        "kafka": settings(bootstrap, "group", ["orders"]),
        "dead_letter": DeadLetterSettings.model_validate({"topic": topic, "properties": properties}),
    }
    return Config.model_construct(**sections)


@asynccontextmanager
async def writing(configuration: Config, receipts: Receipts) -> AsyncIterator[DeadLetterProducer[object]]:
    loop = asyncio.get_running_loop()
    producer: DeadLetterProducer[object] = DeadLetterProducer(
        configuration, receipts, loop=loop, logger=logging.getLogger("tests.letters")
    )
    producer.start()
    try:
        yield producer
    finally:
        async with patience("the producer stops"):
            await asyncio.wrap_future(producer.stop(2.0))
