"""A replay as a job of the console: one at a time, watched, stopped on request, and remembered until the next."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from bridge.config import environment
from bridge.console.forms import PageRefusedError
from bridge.console.letters.desk import ConsoleLetters, PlannedReplay
from bridge.errors import BridgeError
from bridge.reprocess.replay.letters import LetterResult, ReplayOutcome
from bridge.reprocess.replay.plan import ReplayRules
from bridge.service import side_traffic
from bridge.text.printable import printable
from bridge.track.build import build_credentials
from bridge.track.credentials import KeyFileError

if TYPE_CHECKING:
    from bridge.reprocess.replay.replay import Replay

SENTENCES: Final = {
    LetterResult.REPLAYED: "replayed: the API accepted them",
    LetterResult.FAILED_AGAIN: "failed again, and stay open",
    LetterResult.ELSEWHERE: "settled meanwhile by somebody else",
    LetterResult.LEFT: "left as they were: replay them again to resume",
}


@dataclass(slots=True)
class ReplayJob:
    """One replay, running or over."""

    by: str
    why: str
    total: int
    began: float
    """Unix seconds."""
    done: int = 0
    ended: float | None = None
    outcome: ReplayOutcome | None = None
    problem: str = ""
    """Why it could not be done at all."""
    notes: deque[str] = field(default_factory=lambda: deque(maxlen=20))
    running: Replay | None = None
    is_stopping: bool = False

    @property
    def is_over(self) -> bool:
        """Whether nothing is sent any more."""
        return self.ended is not None


class ReplayJobs:
    """Of all visitors."""

    def __init__(self) -> None:
        self.last: ReplayJob | None = None
        self._task: asyncio.Task[None] | None = None

    def begin(
        self, desk: ConsoleLetters, made: PlannedReplay, rules: ReplayRules, share: float, by: str, why: str
    ) -> None:
        """Raises `PageRefusedError` where one runs already, or the key cannot be used. `share` of the budget."""
        if self.last is not None and not self.last.is_over:
            raise PageRefusedError(409, "A replay runs already: wait for its end, or stop it.")
        config = desk.config
        try:
            key = build_credentials(config.track)
        except (KeyFileError, ValueError) as unusable:
            raise PageRefusedError(
                409, f"The API key cannot be used, so nothing can be sent: {unusable}."
            ) from unusable
        job = ReplayJob(by, why, len(made.plan.sends), time.time())
        command = f"console ({by}): {why}"
        wish = side_traffic.Wish(rules, share * (config.delivery.rate_limit or 0.0), command)
        proxy = environment.proxy_for(config.track.endpoint, environment.variables())

        def progress(done: int) -> None:
            job.done = done

        def started(running: Replay) -> None:
            job.running = running
            if job.is_stopping:
                running.interrupt()

        setting = side_traffic.Setting(config, desk.mapping, key, proxy, desk.logger, progress, job.notes.append)

        async def run() -> None:
            try:
                job.outcome = await side_traffic.replay(
                    made.plan.sends, wish, setting, reader=made.reader, started=started
                )
                job.done = job.outcome.done
            except BridgeError as problem:
                job.problem = printable(str(problem))
            except Exception as defect:  # whoever watches must see an end
                job.problem = f"{type(defect).__name__}: a defect of the bridge; the console's log has more."
                desk.logger.exception("a replay failed")
            finally:
                job.ended, job.running = time.time(), None
                desk.stale()

        self.last = job
        self._task = asyncio.ensure_future(run())

    def stop(self) -> None:
        """End the running one after what is in flight."""
        job = self.last
        if job is None or job.is_over:
            return
        job.is_stopping = True
        if job.running is not None:
            job.running.interrupt()

    async def close(self) -> None:
        """The console ends: what was accepted is recorded, the rest stays open."""
        self.stop()
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)
