"""Which replays of dead letters take part in the budget now: those that renew what they declare."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, Protocol

from bridge.fleet.view import ReplayView
from bridge.formats.declarations import STALE, Declaration, decode
from bridge.kafka.admin.committed import ViewRefusedError
from bridge.model import TopicPartition

RENEWED_WITHIN: Final = 2.5
"""Seconds within which a replay that lives declares itself again."""


class ReplayFacts(Protocol):
    """What is asked of the cluster. `OSError`: no answer; `ViewRefusedError`: it says no."""

    async def metadata(self) -> Mapping[TopicPartition, str]:
        """What is committed for the group of the replays."""


class ReplayWatch:
    """A declaration outlives a replay that was killed: only one that changes is of a living one."""

    def __init__(
        self,
        facts: ReplayFacts,
        clock: Callable[[], float] = time.time,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`clock` gives Unix seconds."""
        self._facts = facts
        self._clock = clock
        self._pause = pause
        self._heard: dict[str, tuple[Declaration, float, bool]] = {}
        """By replay: what it declared last, since when that is known, and whether it was seen to change."""

    async def living(self) -> tuple[ReplayView, ...]:
        """Those that are at work. Where it is not known of one, it is looked at again after a moment."""
        await self._listen()
        if any(self._is_doubtful(*heard) for heard in self._heard.values()):
            await self._pause(RENEWED_WITHIN)
            await self._listen()
        now = self._clock()
        return tuple(
            _view(declared, since)
            for declared, since, is_renewed in sorted(self._heard.values(), key=lambda each: each[0].replay)
            if is_renewed and declared.rate > 0 and now - since <= STALE
        )

    def _is_doubtful(self, declared: Declaration, since: float, is_renewed: bool) -> bool:  # noqa: FBT001 - as heard
        return not is_renewed and declared.rate > 0 and self._clock() - since < RENEWED_WITHIN

    async def _listen(self) -> None:
        try:
            metadata = await self._facts.metadata()
        except (OSError, ViewRefusedError):
            return  # What was heard gets old by itself.
        now = self._clock()
        latest: dict[str, Declaration] = {}
        for text in metadata.values():
            found = decode(text)
            if found is not None and (found.replay not in latest or found.at > latest[found.replay].at):
                latest[found.replay] = found
        heard = {}
        for replay, found in latest.items():
            known = self._heard.get(replay)
            if known is None:
                heard[replay] = (found, now, False)
            else:
                heard[replay] = known if known[0].at == found.at else (found, now, True)
        self._heard = heard


def _view(declared: Declaration, since: float) -> ReplayView:
    kind = "a replay that a bridge runs by itself (dead_letter.redrive)" if declared.automatic else "a replay"
    return ReplayView(declared.replay, since, declared.rate, f"{kind} of dead letters")
