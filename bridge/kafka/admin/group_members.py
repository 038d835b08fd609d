"""Asks the group's coordinator for the members, and only while that does no harm."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from typing import Final, Protocol

from bridge.errors import BridgeError
from bridge.kafka.admin.group_description import GroupDescription
from bridge.kafka.admin.group_findings import STEADY
from bridge.text import moments

_NO_ANSWER: Final = (
    "The group's members are not known: its coordinator did not answer in time, or this user may not DESCRIBE the"
    " group. It is asked again by itself."
)


class MemberFacts(Protocol):
    """As `Inspection`."""

    @property
    def is_steady(self) -> bool:
        """Whether no connection has failed since it was last reached."""

    def reach(self) -> None:
        """Waits for an answer of any broker, and listens for errors anew. Raises `NotConnectedError`."""

    def group(self) -> GroupDescription | None:
        """The question."""


class GroupMembers:
    """librdkafka up to 2.16 aborts the process where a coordinator goes away under a question about a group: see
    `Inspection.is_steady`. So after an error of any connection it is not asked for `STEADY` seconds.

    And a client that saw the coordinator go may never find it again: after errors, or a question without an answer, a
    new one asks.
    """

    def __init__(
        self, facts: MemberFacts, anew: Callable[[], MemberFacts], clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`anew` opens another client, as `facts` is; it may raise `BridgeError`."""
        self._facts = facts
        self._anew = anew
        self._clock = clock
        self._unsteady_at = -math.inf
        self._opened_at = -math.inf
        self._is_doubted = False
        self.problem: str | None = None
        """Why the last question has no answer: a sentence."""

    async def members(self) -> GroupDescription | None:
        """None: not asked, or not answered; `problem` says why."""
        now = self._clock()
        try:
            if not self._facts.is_steady:
                self._unsteady_at, self._is_doubted = now, True
            if self._is_doubted and now - self._opened_at >= STEADY:
                self._opened_at, self._is_doubted = now, False
                self._facts = await asyncio.to_thread(self._anew)
            if now == self._unsteady_at:
                await asyncio.to_thread(self._facts.reach)
        except BridgeError as error:
            self.problem = f"The group's members are not known: {error}."
            return None
        if now - self._unsteady_at < STEADY:
            at = time.time() + STEADY - (now - self._unsteady_at)
            self.problem = (
                "The group's members are not known: connections to Kafka failed lately, and they are asked for once"
                f" connections held for {STEADY:g} s, not before {moments.iso(at, 'seconds')}."
            )
            return None
        found = await asyncio.to_thread(self._facts.group)
        self._is_doubted = self._is_doubted or found is None
        self.problem = None if found is not None else _NO_ANSWER
        return found
