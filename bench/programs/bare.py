"""The shortest way from Kafka to the API: one thread that polls a record and writes a request. It keeps no promise.

Its latency is what brokers, client and kernel take, which is all that it shows: it hardly reads the answers.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import orjson
from confluent_kafka import Consumer

from bench.programs.settings import Settings


def main(settings: Settings) -> None:
    """Deliver until killed."""
    send = connect(settings)
    consumer: Consumer = Consumer(settings.consumer())
    consumer.subscribe([settings.topic])
    while True:
        message = consumer.poll(0.1)
        if message is not None and message.error() is None:
            send(orjson.loads(message.value() or b""))
            consumer.store_offsets(message)


def connect(settings: Settings) -> Callable[[Any], None]:
    """What sends the request of a decoded event, without waiting for its answer."""
    url = urlsplit(settings.api_url)
    connection = socket.create_connection((url.hostname, url.port))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    threading.Thread(target=_drop_answers, args=(connection,), daemon=True).start()
    return lambda value: connection.sendall(_request(value, url.netloc))


def _request(value: Any, host: str) -> bytes:
    metadata = {"event_id": value["id"], "occurred_at": value["time"]}
    request = {"user_id": value["data"]["user_id"], "event_name": "Order Completed", "metadata": metadata}
    body = orjson.dumps(request)
    return b"POST /v1/track HTTP/1.1\r\nHost: %b\r\nContent-Length: %d\r\n\r\n%b" % (host.encode(), len(body), body)


def _drop_answers(connection: socket.socket) -> None:
    while connection.recv(65_536):
        pass


if __name__ == "__main__":
    main(Settings.read())
