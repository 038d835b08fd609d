"""Files that were looked at and are not sent yet: few, for a short time, each its visitor's own."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from bridge.config.sections import Config
from bridge.console.sending.upload import ReceivedFile
from bridge.inputs import records
from bridge.inputs.records import Form
from bridge.mapping.mapper import CompiledMapping
from bridge.reprocess.sending.file_sending import FileLine
from bridge.sending.job import SendJobs
from bridge.sending.preview import FilePreview, file_lines, preview

MOST_RECORDS: Final = 100_000
"""Of one file."""
MOST_UNPACKED: Final = 64_000_000
"""Bytes of a file that gzip made, once it is unpacked."""
MOST_WAITING: Final = 3
"""Files that are looked at and neither sent nor given up; one more drops the oldest."""
PATIENCE: Final = 15 * 60.0
"""Seconds for which one waits."""


@dataclass(frozen=True, slots=True)
class LookedAtFile:
    """What a visitor was shown, and may send."""

    name: str
    called: str
    """The file's name."""
    owner: str = field(repr=False)
    """The session's token: nobody else sends it."""
    until: float
    lines: Sequence[FileLine] = field(repr=False)
    found: FilePreview


class ConsoleFiles:
    """Of all visitors. `clock` counts seconds."""

    def __init__(
        self, config: Config, mapping: CompiledMapping, jobs: SendJobs, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.config = config
        self.jobs = jobs
        self._mapping = mapping
        self._clock = clock
        self._waiting: dict[str, LookedAtFile] = {}
        self._turn = asyncio.Lock()

    async def look(
        self, file: ReceivedFile, form: Form, topic: str | None, first: int | None, owner: str
    ) -> LookedAtFile:
        """Read and map it, in a thread, one file at a time. Raises `errors.Misuse` for what cannot be read."""
        async with self._turn:
            lines, found = await asyncio.to_thread(self._read, file, form, topic, first)
        self._forget()
        while len(self._waiting) >= MOST_WAITING:
            del self._waiting[next(iter(self._waiting))]
        name = secrets.token_urlsafe(18)
        looked = LookedAtFile(name, file.name, owner, self._clock() + PATIENCE, lines, found)
        self._waiting[name] = looked
        return looked

    def _read(
        self, file: ReceivedFile, form: Form, topic: str | None, first: int | None
    ) -> tuple[list[FileLine], FilePreview]:
        found = records.uploaded(file.name, file.content, form, topic, MOST_UNPACKED)
        lines = file_lines(found, file.name, first, option="From line", most=MOST_RECORDS)
        return lines, preview(self._mapping, lines, time.time())

    def waiting(self, name: str, owner: str) -> LookedAtFile | None:
        """The one of this name that `owner` was shown."""
        self._forget()
        found = self._waiting.get(name)
        return found if found is not None and found.owner == owner else None

    def give_up(self, name: str) -> None:
        """It is sent, or nobody wants it any more."""
        self._waiting.pop(name, None)

    def _forget(self) -> None:
        now = self._clock()
        self._waiting = {name: each for name, each in self._waiting.items() if each.until > now}
