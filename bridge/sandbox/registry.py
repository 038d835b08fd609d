"""A small schema registry inside this process: the part of Confluent's API that readers of records use.

``GET /schemas/ids/{id}`` and ``GET /subjects/{topic}-value/versions/latest``; anything else is a 404 as the real one
answers it, code and sentence included. Source: Confluent's API reference.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from types import TracebackType
from typing import Final, Self

import orjson

from bridge.accepting import stop_listening
from bridge.sandbox.emulator.connection import ReceivedRequest, ServerConnection
from bridge.sandbox.emulator.contract import reply

_IDS: Final = "/schemas/ids/"
_SUBJECTS: Final = "/subjects/"
_JSON: Final = {"content-type": "application/vnd.schemaregistry.v1+json"}


class EmbeddedRegistry:
    """An async context manager that listens on loopback while it is open, on the loop it was entered on."""

    def __init__(self, schemas: Mapping[str, str], ids: Mapping[str, int]) -> None:
        """Texts of Avro schemas and their ids, both by topic."""
        self._schemas = schemas
        self._ids = ids
        self._topics = {number: topic for topic, number in ids.items()}
        self.is_down = False
        """Set it: every request is answered with 503."""
        self.requests = 0
        """How many were answered."""
        self.asked = asyncio.Event()
        """Set by the first of them."""
        self.port = 0
        self._connections: set[ServerConnection] = set()
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        """What to set as one of ``schema_registry.urls``."""
        return f"http://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: ServerConnection(self), "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            await stop_listening(self._server)
            for connection in list(self._connections):
                connection.end()
            await self._server.wait_closed()
            await asyncio.sleep(0)  # transports tell of their end on a later turn of the loop

    # --- what a connection asks ----------------------------------------------------------------------

    def opened(self, connection: ServerConnection) -> None:
        """See `emulator.connection.Api`."""
        self._connections.add(connection)

    def closed(self, connection: ServerConnection) -> None:
        """See `emulator.connection.Api`."""
        self._connections.discard(connection)

    def first_bytes(self, _connection: ServerConnection) -> bool:
        """See `emulator.connection.Api`."""
        return True

    def ended(self, connection: ServerConnection) -> None:
        """See `emulator.connection.Api`."""

    def pipelined(self) -> None:
        """See `emulator.connection.Api`."""

    def unheard(self) -> None:
        """See `emulator.connection.Api`."""

    def request(self, connection: ServerConnection, request: ReceivedRequest) -> None:
        """Answer one request."""
        self.requests += 1
        self.asked.set()
        status, document = (503, _error(50003, "down")) if self.is_down else self._answer(request.path)
        connection.answer(reply(status, orjson.dumps(document), _JSON, f"registry-{self.requests}"))

    def _answer(self, path: str) -> tuple[int, object]:
        if path.startswith(_IDS):
            number = path.removeprefix(_IDS)
            topic = self._topics.get(int(number)) if number.isdecimal() else None
            return (
                (404, _error(40403, "Schema not found")) if topic is None else (200, {"schema": self._schemas[topic]})
            )
        if path.startswith(_SUBJECTS):
            subject = path.removeprefix(_SUBJECTS).removesuffix("/versions/latest")
            topic = subject.removesuffix("-value")
            if topic in self._ids and subject != topic:
                found = {"subject": subject, "version": 1, "id": self._ids[topic], "schema": self._schemas[topic]}
                return 200, found
            return 404, _error(40401, "Subject not found.")
        return 404, _error(404, "HTTP 404 Not Found")


def _error(code: int, message: str) -> dict[str, object]:
    return {"error_code": code, "message": message}
