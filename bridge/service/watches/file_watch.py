"""Looks now and then at the files that somebody else renews: the API key and the certificates."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from typing import Final

from bridge.config import certificates
from bridge.config.certificates import Named
from bridge.ops.snapshot import Certificate
from bridge.service.watches.tasks import end
from bridge.track.credentials import ApiKey

EVERY: Final = 60.0
"""Seconds between two looks."""


class FileWatch:
    """One task on the loop; the files are read on a thread, for they may lie on a disk that hangs."""

    def __init__(self, named: Sequence[Named], credentials: ApiKey) -> None:
        """Reads the certificates once: what the clients, which are made at the same time, go by until they end."""
        self._named = named
        self._credentials = credentials
        self._used = list(self._read("used"))
        self._in_files: list[Certificate] = []
        self._task: asyncio.Task[None] | None = None

    @property
    def certificates(self) -> Sequence[Certificate]:
        """Those in use and those in the files now."""
        return [*self._used, *self._in_files]

    def start(self) -> None:
        """Look again and again."""
        self._task = asyncio.create_task(self._run(), name="file-watch")

    async def stop(self) -> None:
        """Look no more; a disk that hangs is not waited for."""
        await end(self._task)

    async def look(self) -> None:
        """Read all of them now."""
        self._in_files = await asyncio.to_thread(self._look)

    async def _run(self) -> None:
        while True:
            await self.look()
            await asyncio.sleep(EVERY)

    def _look(self) -> list[Certificate]:
        self._credentials.look()
        return list(self._read("file"))

    def _read(self, source: str) -> Iterator[Certificate]:
        """A file that cannot be read, or holds no certificate, is left out: whoever needs it says more about it."""
        for each in self._named:
            if each.path is None and source == "file":
                continue
            pem = _text(each)
            end = certificates.end_of(pem, are_authorities=each.are_authorities, now=time.time())
            if end is not None:
                yield Certificate(each.certificate, source, end)


def _text(named: Named) -> str:
    if named.path is None:
        return named.text
    try:
        with named.path.open("rb") as file:
            return file.read(certificates.LARGEST).decode("ascii", "replace")
    except OSError:
        return ""
