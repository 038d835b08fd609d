"""Before a user's first event: an identify, where the bridge sends it itself; and the wait until one has settled.

An event that waits here is the head of its key queue and holds no permit. What is remembered of users only saves
requests: whatever is forgotten, every event comes after an accepted identify of its user.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from bridge.counts import Tally
from bridge.model import IDENTIFY, Record
from bridge.pipeline.offsets import TrackerState
from bridge.pipeline.ports import Credentials
from bridge.pipeline.queues.failing import Failing
from bridge.pipeline.queues.queues import Queues
from bridge.pipeline.settings import DeliverySettings
from bridge.pipeline.users import UserMemory
from bridge.pipeline.work import AutomaticIdentify, EventState, Work

_TOLD: Final = 10_000
"""Users whose refused identify is remembered to have been told of."""


class Identifies:
    """Asked for every event that is about to be sent, where the configuration has anything to say of users."""

    __slots__ = (
        "_cleared", "_credentials", "_failing", "_generation", "_is_down", "_key_since", "_known", "_pending",
        "_queues", "_sends", "_settle", "_tally", "_told", "is_needed",
    )  # fmt: skip

    def __init__(
        self,
        settings: DeliverySettings,
        queues: Queues,
        failing: Failing,
        tally: Tally,
        credentials: Credentials,
        is_down: Callable[[], bool],
    ) -> None:
        """`is_down`: whether no identify gets through at present."""
        self._is_down = is_down
        self._queues = queues
        self._failing = failing
        self._tally = tally
        self._credentials = credentials
        self._generation = credentials.generation
        self._key_since = float("-inf")
        """Monotonic time at which the key in force was first seen."""
        self._known = UserMemory(settings.known_users.size, settings.known_users.ttl)
        self._told: dict[int, None] = {}
        """Users by hash whose refused identify was told of, the oldest first."""
        self._pending: dict[str, AutomaticIdentify] = {}
        """By user: what is ready, on the wire or waits for its next attempt. One for each at a time."""
        self._cleared: dict[Work, float] = {}
        """Events whose identify was accepted, and when that has settled: however little is remembered, they go."""
        self._settle = settings.identify_settle
        self._sends = settings.unknown_users == "identify"
        self.is_needed = self._sends or self._settle > 0.0
        """Whether `admits` has to be asked."""

    # --- before an event --------------------------------------------------------------------------------

    def admits(self, work: Work, now: float) -> bool:
        """Whether this event may be sent now; else it waits, and comes back to the ready queue by itself."""
        user, known, tally = work.request.user_id, self._known, self._tally.users
        if self._credentials.generation != self._generation:
            self._key_changed(now)
        identified_at = known.identified_at(user, now)
        settled_at = self._cleared.get(work) if identified_at is None else identified_at + self._settle
        if settled_at is not None:
            if now < settled_at:
                self._queues.delay(work, settled_at)
                return False
            if self._cleared.pop(work, None) is None and not work.attempts:
                tally.known += 1
            return True
        if not self._sends or self._is_left_alone(work, now):
            return True
        if not work.due:  # else it asked before
            tally.unknown += 1
            work.due = now
        work.state = EventState.WAITING
        pending = self._pending.get(user)
        if pending is not None:
            pending.asked_by.append(work)
            if pending.mark is not None or self._is_down():
                self._failing.begin(work)
            return False
        body = json.dumps({"user_id": user}, ensure_ascii=False, separators=(",", ":")).encode()
        pending = self._pending[user] = AutomaticIdentify(work, body)
        self._queues.ready[IDENTIFY].push(pending)
        if self._is_down():
            self._failing.begin(work)
        return False

    def _is_left_alone(self, work: Work, now: float) -> bool:
        user = work.request.user_id
        return self._known.is_forgotten(user) or (work.partition.rest_follows and self._known.is_refused(user, now))

    def _key_changed(self, now: float) -> None:
        self._generation, self._key_since = self._credentials.generation, now
        self._known.forget_all()
        self._cleared.clear()
        self._tally.users.remembered = 0

    # --- what becomes of an identify --------------------------------------------------------------------

    def identified(self, identify: Work, now: float) -> bool:
        """It was accepted, whoever asked for it. False where that says nothing: it went with an earlier key."""
        self._told.pop(hash(identify.request.user_id), None)
        if not self.is_needed:
            return True
        if self._credentials.generation != self._generation:
            self._key_changed(now)
        if identify.last_at < self._key_since:
            return False
        user, record = identify.request.user_id, identify.record
        if not self._known.is_forgotten(user) or not (
            isinstance(identify, AutomaticIdentify)
            or self._known.is_forgotten_behind(user, (record.topic, record.partition, record.offset))
        ):
            self._known.identified(user, now)
            self._tally.users.remembered = len(self._known)
        return True

    def accepted(self, identify: AutomaticIdentify, now: float) -> None:
        """It was one of the bridge's own: the events that wait for it may go."""
        self._tally.users.identified += 1
        if self.identified(identify, now):
            for work in identify.asked_by:
                if self._is_ours(work):
                    self._cleared[work] = now + self._settle
        self._let_go(identify)

    def gives_up(self, identify: AutomaticIdentify) -> bool:
        """Whether one that failed is not sent again, because its user was forgotten meanwhile."""
        if not self._known.is_forgotten(identify.request.user_id):
            return False
        self._let_go(identify)
        return True

    def is_news(self, user: str) -> bool:
        """Whether the refusal of its identify is the first since one of this user was accepted, as far as is known."""
        key = hash(user)
        if key in self._told:
            return False
        self._told[key] = None
        if len(self._told) > _TOLD:
            del self._told[next(iter(self._told))]
        return True

    def refused(self, identify: AutomaticIdentify, now: float, *, the_key_is: bool) -> Work | None:
        """It failed for good, or `the_key_is`. Returns the event that becomes a dead letter for it; None: all are sent.

        Each says for itself, by its topic. Those that are not sent ask again, one after the other: each of them is a
        record whose owner wants to hear of it.
        """
        self._tally.users.refused += 1
        waiting = [work for work in identify.asked_by if self._is_ours(work)]
        if not the_key_is and any(work.partition.rest_follows for work in waiting):
            self._known.refused(identify.request.user_id, now)
        event = next((work for work in waiting if the_key_is or not work.partition.rest_follows), None)
        self._let_go(identify, [work for work in waiting if work is not event])
        if event is None:  # without any that waits, the next owner of their partition asks again, and decides
            return None
        event.attempts, event.counted, event.first_at, event.last_at = (
            identify.attempts, identify.counted, identify.first_at, identify.last_at,
        )  # fmt: skip
        return event

    def failed(self, identify: AutomaticIdentify) -> None:
        """An attempt failed. What waits for it is counted apart, as what waits behind an event that fails."""
        event = identify.asked_by[0]
        event.counted, event.mark, event.first_at = identify.counted, identify.mark, identify.first_at
        event.partition.dirty = True
        self.set_aside(identify)

    def set_aside(self, identify: AutomaticIdentify) -> None:
        """The events that wait for it are to take no room from others."""
        for work in identify.asked_by:
            if self._is_ours(work):
                self._failing.begin(work)

    def pending(self) -> Iterator[AutomaticIdentify]:
        """Those that have no answer for good."""
        return iter(self._pending.values())

    def review(self) -> None:
        """Partitions left, and identifies with them: what others wait for is asked for again."""
        for identify in [each for each in self._pending.values() if each.state is EventState.GONE]:
            self._let_go(identify)
        for work in [work for work in self._cleared if work.partition.tracker.life is not TrackerState.LIVE]:
            del self._cleared[work]

    def _let_go(self, identify: AutomaticIdentify, works: Sequence[Work] | None = None) -> None:
        """Its events, or these of them, are ready again; each is asked about again when its turn comes."""
        user = identify.request.user_id
        if self._pending.get(user) is identify:
            del self._pending[user]
        identify.state = EventState.GONE
        first = identify.asked_by[0]
        if self._is_ours(first):
            first.counted, first.mark, first.first_at = identify.before
        for work in identify.asked_by if works is None else works:
            if self._is_ours(work):
                self._queues.ready[work.request.kind].push(work)

    @staticmethod
    def _is_ours(work: Work) -> bool:
        """Whether it still waits for its identify, and its partition is not leaving."""
        return work.state is EventState.WAITING and work.partition.tracker.life is TrackerState.LIVE

    # --- who is to be left alone ------------------------------------------------------------------------

    def forget(self, user: str, record: Record) -> None:
        """The user is gone: nothing is sent for that, and no identify of the bridge's own comes again.

        An identify that the same partition asked for before that record, and that is accepted later, changes nothing.
        """
        self._tally.users.forgotten += 1
        self._known.forget(user, (record.topic, record.partition, record.offset))
        self._tally.users.remembered = len(self._known)
        pending = self._pending.get(user)
        if pending is not None and pending.state is not EventState.IN_FLIGHT:
            self._let_go(pending)
