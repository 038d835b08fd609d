"""The playground's Track API: the emulated one, which also puts records that are posted to it into Kafka."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from typing import Any, Final
from urllib.parse import parse_qs, unquote

from bridge.commands import command
from bridge.emulator.fault_words import NamedFault
from bridge.emulator.front import EmulatorFront
from bridge.emulator.served import EmulatorSurroundings, ServedEmulator, plain
from bridge.errors import InvalidError
from bridge.playground import posted
from bridge.sandbox.emulator.connection import ReceivedRequest, ServerConnection
from bridge.sandbox.feed import put
from bridge.sandbox.sample import SampleRecord
from bridge.text.amounts import listed
from bridge.text.printable import cut, printable

RECORDS: Final = "/_records/"


class PlaygroundApi(ServedEmulator):
    """See `ServedEmulator`."""

    def __init__(
        self,
        around: EmulatorSurroundings,
        faults: Sequence[NamedFault],
        *,
        bootstrap: str,
        topics: Collection[str],
        **settings: Any,
    ) -> None:
        super().__init__(around, faults, **settings)
        self._bootstrap = bootstrap
        self._topics = topics
        self._reach = EmulatorFront(around.listen, around.remote_faults)
        self._putting: set[asyncio.Task[None]] = set()

    def request(self, connection: ServerConnection, request: ReceivedRequest) -> None:
        """See `Emulator.request`."""
        if not request.path.startswith(RECORDS):
            super().request(connection, request)
            return
        refusal = self._reach.refusal(request, connection.peer)
        topic = unquote(request.path.removeprefix(RECORDS))
        if refusal is not None:
            connection.answer(plain(refusal.status, refusal.sentence))
        elif request.method != "POST":
            connection.answer(plain(405, "POST a record here, its value or all of it: it goes into the topic."))
        elif topic not in self._topics:
            known = listed(sorted(self._topics))
            connection.answer(plain(404, f"There is no topic {cut(printable(topic), 80)} here; there are {known}."))
        else:
            key = parse_qs(request.query).get("key", [None])[0]
            try:
                record = posted.record(topic, request.body, None if key is None else key.encode())
            except InvalidError as wrong:
                connection.answer(plain(400, str(wrong)))
                return
            task = asyncio.ensure_future(self._put(connection, record))
            self._putting.add(task)
            task.add_done_callback(self._putting.discard)

    async def _put(self, connection: ServerConnection, record: SampleRecord) -> None:
        try:
            partition, offset = await asyncio.to_thread(put, self._bootstrap, record)
        except OSError as error:
            connection.answer(plain(503, f"Kafka did not take it: {error}."))
            return
        place = f"{record.topic}/{partition}/{offset}"
        connection.answer(plain(200, f"{place}; what becomes of it: {command('explain', place)}"))
