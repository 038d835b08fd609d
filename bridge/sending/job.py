"""A file that is sent while somebody watches: one at a time, stopped on request, and told of until the next."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from bridge.config import environment
from bridge.errors import BridgeError, InvalidError
from bridge.reprocess.sending.file_sending import FileLine, SendTally
from bridge.reprocess.sending.traffic_log import cause_of
from bridge.sending.letters_end import letters_end
from bridge.service import side_traffic
from bridge.service.side_traffic import Setting
from bridge.text.printable import printable
from bridge.track.build import build_credentials
from bridge.track.credentials import KeyFileError

if TYPE_CHECKING:
    from bridge.config.sections import Config
    from bridge.mapping.mapper import CompiledMapping
    from bridge.model import DeadLetter
    from bridge.reprocess.sending.file_sending import Sending

MOST_REMEMBERED: Final = 1_000
"""Rejected lines that a job remembers by number and cause."""


class SendRefusedError(InvalidError):
    """Why a sending does not begin: a sentence."""


@dataclass(frozen=True, slots=True)
class RejectedLine:
    """One event that failed for good; nothing of what is in it."""

    number: int
    cause: str


@dataclass(frozen=True, slots=True)
class SendOrder:
    """What is to be sent, at whose word."""

    called: str
    """The file's name."""
    lines: Sequence[FileLine]
    rate: float
    """Requests per second; without meaning where the limit is lifted."""
    by: str
    why: str
    rejected: Callable[[FileLine, DeadLetter], None] = lambda _line, _letter: None
    """Keeps an event that failed for good, before it counts as through."""


@dataclass(slots=True)
class SendJob:
    """One sending, running or over."""

    called: str
    by: str
    why: str
    total: int
    """Records."""
    began: float
    """Unix seconds."""
    done: int = 0
    ended: float | None = None
    tally: SendTally | None = None
    """Once it is over; without the lines of the file."""
    left: int = 0
    next_line: int | None = None
    """The first line that is not through."""
    rejected: list[RejectedLine] = field(default_factory=list)
    """The first `MOST_REMEMBERED`."""
    problem: str = ""
    """Why it could not be done at all."""
    notes: deque[str] = field(default_factory=lambda: deque(maxlen=20))
    running: Sending | None = None
    is_stopping: bool = False

    @property
    def is_over(self) -> bool:
        """Whether nothing is sent any more."""
        return self.ended is not None


class SendsLines(Protocol):
    """See `side_traffic.send`."""

    async def __call__(
        self,
        lines: Sequence[FileLine],
        rate: float,
        setting: Setting,
        *,
        letters_end: Mapping[int, int],
        rejected: Callable[[FileLine, DeadLetter], None],
        started: Callable[[Sending], None],
    ) -> SendTally:
        """To its end."""
        ...


class SendJobs:
    """Of all who ask, on one loop."""

    def __init__(
        self,
        config: Config,
        mapping: CompiledMapping,
        logger: logging.Logger,
        send: SendsLines = side_traffic.send,
        ends: Callable[[Config, logging.Logger], Mapping[int, int]] = letters_end,
    ) -> None:
        """`ends` tells where the dead-letter topic ends; it may block, and raise `errors.BridgeError`."""
        self.config = config
        self.mapping = mapping
        self.last: SendJob | None = None
        self._logger = logger
        self._send = send
        self._ends = ends
        self._task: asyncio.Task[None] | None = None

    def begin(self, order: SendOrder, ended: Callable[[SendJob], None] = lambda _job: None) -> SendJob:
        """Raises `SendRefusedError` where one runs already, or the key cannot be used. `ended` hears of its end."""
        if self.last is not None and not self.last.is_over:
            raise SendRefusedError("A file is being sent already: wait for its end, or stop it.")
        track = self.config.track
        try:
            key = build_credentials(track)
        except (KeyFileError, ValueError) as unusable:
            raise SendRefusedError(f"The API key cannot be used, so nothing can be sent: {unusable}.") from unusable
        job = SendJob(order.called, order.by, order.why, len(order.lines), time.time())

        def progress(done: int) -> None:
            job.done = done

        proxy = environment.proxy_for(track.endpoint, environment.variables())
        setting = Setting(self.config, self.mapping, key, proxy, self._logger, progress, job.notes.append)
        self.last = job
        self._task = asyncio.ensure_future(self._run(job, order, setting, ended))
        return job

    async def _run(self, job: SendJob, order: SendOrder, setting: Setting, ended: Callable[[SendJob], None]) -> None:
        def started(running: Sending) -> None:
            job.running = running
            if job.is_stopping:
                running.interrupt()

        def rejected(line: FileLine, letter: DeadLetter) -> None:
            order.rejected(line, letter)
            if len(job.rejected) < MOST_REMEMBERED:
                job.rejected.append(RejectedLine(line.number, cause_of(letter)))

        try:
            ends = await asyncio.to_thread(self._ends, self.config, self._logger)
            tally = await self._send(
                order.lines, order.rate, setting, letters_end=ends, rejected=rejected, started=started
            )
            job.done, job.left, job.next_line = tally.done, tally.left, tally.next_line
            tally.lines = ()  # Nothing of the file is kept.
            job.tally = tally
        except BridgeError as problem:
            job.problem = printable(str(problem))
        except Exception as defect:  # whoever watches must see an end
            job.problem = f"{type(defect).__name__}: a defect of the bridge; the log has more."
            self._logger.exception("sending a file failed")
        finally:
            job.ended, job.running = time.time(), None
            ended(job)

    def stop(self) -> None:
        """End the running one after what is in flight."""
        job = self.last
        if job is None or job.is_over:
            return
        job.is_stopping = True
        if job.running is not None:
            job.running.interrupt()

    async def close(self) -> None:
        """Whoever asked ends: what is in flight gets its answer, the rest is not sent."""
        self.stop()
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)
