"""Sends the lines of a file nowhere, as far as a test lets it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import cast

from bridge.model import DeadLetter, LetterReason
from bridge.reprocess.sending.file_sending import FileLine, LineFate, Sending, SendTally
from bridge.service.side_traffic import Setting


class SenderInMemory:
    """A `SendsLines`: the first line is rejected, the others are accepted one by one."""

    def __init__(self) -> None:
        self.sent: list[FileLine] = []
        self.rates: list[float] = []
        self.goes_on = asyncio.Event()
        """Beyond the second line."""
        self.tally = SendTally(())

    def interrupt(self) -> None:
        """As the sending has it."""
        self.tally.interrupted = True
        self.goes_on.set()

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
        """See `side_traffic.send`."""
        assert letters_end == {0: 0}
        self.rates.append(rate)
        self.tally = SendTally(lines)
        started(cast("Sending", self))
        for place, line in enumerate(lines):
            if place == 2:
                await self.goes_on.wait()
            if self.tally.interrupted:
                break
            self.sent.append(line)
            if place == 0:
                rejected(line, DeadLetter(line.record, LetterReason.REJECTED, "the API said no", status=422))
            self.tally.settle(place, line, LineFate.ACCEPTED if place else LineFate.REJECTED)
            setting.progress(self.tally.done)
        return self.tally
