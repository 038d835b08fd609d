"""The bare loop: consume in batches, decode, look at the type. What a filtered record costs at least in Python.

It keeps no offsets, no order and no promise. The few events it is to deliver go out on a socket whose answers nobody
looks at: by them the run is timed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
from confluent_kafka import Consumer, Message

from bench.programs import bare
from bench.programs.settings import Settings

BATCH = 500


def main(settings: Settings) -> None:
    """Deliver until killed."""
    send = bare.connect(settings)
    consumer: Consumer = Consumer(settings.consumer())
    consumer.subscribe([settings.topic])
    loads: Callable[[Any], Any] = orjson.loads
    wanted = settings.mapped_type
    while True:
        messages: list[Message[Any, Any]] = consumer.consume(BATCH, 0.1)
        for message in messages:
            value = loads(message.value())
            if value.get("type") == wanted:
                send(value)


if __name__ == "__main__":
    main(Settings.read())
