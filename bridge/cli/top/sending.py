"""A file sent from ``track-bridge top``: looked at, confirmed, and sent in the background while the screen goes on."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bridge.cli.sending.send_file import Rejected
from bridge.inputs import records
from bridge.inputs.records import Form
from bridge.reprocess.sending.file_sending import FileLine, LineFate
from bridge.sending.job import SendJob, SendJobs, SendOrder, SendRefusedError
from bridge.sending.other_mapping import difference
from bridge.sending.preview import FilePreview, file_lines, preview, seconds
from bridge.service.side_traffic import SHARE
from bridge.text.amounts import plural, span, thousands

if TYPE_CHECKING:
    from bridge.config.sections import Config
    from bridge.fleet.view import FleetView
    from bridge.mapping.mapper import CompiledMapping

_MOST_SHOWN: Final = 4
"""Events and reasons that are told before it is sent."""


@dataclass(frozen=True, slots=True)
class _Looked:
    path: Path
    lines: Sequence[FileLine]


class TopFiles:
    """Belongs to one event loop. `changed` is called when there is something new to show."""

    def __init__(
        self, config: Config, mapping: CompiledMapping, logger: logging.Logger, jobs: SendJobs | None = None
    ) -> None:
        self.changed: Callable[[], None] = lambda: None
        self._config = config
        self._mapping = mapping
        self._jobs = SendJobs(config, mapping, logger) if jobs is None else jobs
        self._looked: _Looked | None = None
        self._rejected: Rejected | None = None

    @property
    def is_sending(self) -> bool:
        """Whether one is under way."""
        job = self._jobs.last
        return job is not None and not job.is_over

    @property
    def line(self) -> str:
        """How far it is, or how the last one ended; empty: nothing was sent from here."""
        job = self._jobs.last
        return "" if job is None else _said(job, self._rejected)

    async def look(self, path: str, view: FleetView) -> tuple[list[str], bool]:
        """What the file comes to, and whether it can be sent. Raises `errors.BridgeError`."""
        self._looked = None
        differs = difference(view, self._config, "this command")
        if differs:
            return [f"{differs}: give both the same file, and start this again. Nothing can be sent."], False
        self._looked, found = await asyncio.to_thread(self._read, path)
        return self._told(found), bool(found.requests)

    def _read(self, path: str) -> tuple[_Looked, FilePreview]:
        file = Path(path.strip()).expanduser()
        lines = file_lines(records.numbered(str(file), Form.VALUES, None), str(file), None)
        Rejected(file, resumes=False)  # Refuses where the work of an earlier sending is not done yet.
        return _Looked(file, lines), preview(self._mapping, lines, time.time())

    def _told(self, found: FilePreview) -> list[str]:
        parts = [f"{plural(found.requests, 'request')} of {plural(found.users, 'user')}"]
        parts += [f"{thousands(found.left_out)} left out by a rule"] * bool(found.left_out)
        parts += [f"{thousands(found.failures)} cannot become a request"] * bool(found.failures)
        told = [f"{plural(found.records, 'record')}: {', '.join(parts)}."]
        told += [f"  {thousands(number)} {name}" for name, number in found.events.most_common(_MOST_SHOWN)]
        told += [f"  and {plural(len(found.events) - _MOST_SHOWN, 'other event')}"] * (len(found.events) > _MOST_SHOWN)
        for why, each in list(found.refused.items())[:_MOST_SHOWN]:
            lines = f"{', '.join(map(str, each.lines))}{', …' if each.count > len(each.lines) else ''}"
            told.append(f"  {thousands(each.count)} refused, line {lines}: {why}")
        time_ = seconds(found, self._config.delivery, SHARE)
        takes = "" if time_ is None else f", about {span(max(1.0, time_))} with {SHARE:.0%} of the budget"
        return [*told, f"To {self._config.track.endpoint}{takes}. What is accepted cannot be taken back."]

    def begin(self, by: str, why: str) -> list[str]:
        """Send what was looked at last. Raises `errors.BridgeError`."""
        looked, self._looked = self._looked, None
        if looked is None:
            return ["It was not looked at. Nothing was sent."]
        rejected = Rejected(looked.path, resumes=False)
        rate = SHARE * (self._config.delivery.rate_limit or 0.0)
        order = SendOrder(str(looked.path), looked.lines, rate, by, why, rejected.add)

        def ended(_job: SendJob) -> None:
            rejected.close()
            self.changed()

        try:
            self._jobs.begin(order, ended)
        except SendRefusedError as refused:
            return [str(refused)]
        self._rejected = rejected
        begun = "It is being sent: the head of the screen says how far it is, u stops it."
        return [begun, "It begins after about five seconds, when all running bridges know of it."]

    def stop(self) -> list[str]:
        """After what is in flight."""
        self._jobs.stop()
        return ["It stops after what is in flight."]

    async def close(self) -> None:
        """The program ends, and with it what is sent."""
        await self._jobs.close()


def _said(job: SendJob, rejected: Rejected | None) -> str:
    at = f"{job.called}: {thousands(job.done)} of {plural(job.total, 'record')}"
    if not job.is_over:
        note = f" {job.notes[-1]}" if job.notes else ""
        return f"{'Stopping' if job.is_stopping else 'Sending'} {at}.{note}"
    tally = job.tally
    if tally is None:
        return f"Not sent, {job.called}: {job.problem}"
    counts = [(tally.fates[LineFate.ACCEPTED], "accepted"), (tally.fates[LineFate.REJECTED], "rejected")]
    counts.append((job.left, "not sent"))
    parts = ", ".join(f"{thousands(count)} {said}" for count, said in counts if count)
    kept = f" What failed, and why: {rejected.path}." if rejected is not None and rejected.count else ""
    why = f" Stopped: {tally.stopped}." if tally.stopped else ""
    more = "" if job.next_line is None else f" Every line before {job.next_line} is through."
    return f"Sent {at} ({parts}).{why}{more}{kept} Why: {job.why}"
