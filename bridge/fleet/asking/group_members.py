"""Asks the group's coordinator for the members, and only while that does no harm."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from typing import Protocol

from bridge.kafka.admin.group_description import GroupDescription
from bridge.kafka.admin.group_findings import STEADY
from bridge.kafka.admin.obstacles import NotConnectedError


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
    """

    def __init__(self, facts: MemberFacts, clock: Callable[[], float] = time.monotonic) -> None:
        self._facts = facts
        self._clock = clock
        self._unsteady_at = -math.inf

    async def members(self) -> GroupDescription | None:
        """None: not asked, or not answered."""
        now = self._clock()
        if not self._facts.is_steady:
            self._unsteady_at = now
            try:
                await asyncio.to_thread(self._facts.reach)
            except NotConnectedError:
                return None
        return await asyncio.to_thread(self._facts.group) if now - self._unsteady_at >= STEADY else None
