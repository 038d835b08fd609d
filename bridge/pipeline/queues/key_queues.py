"""Key queues keep the order: of each user one event is outside, the others wait behind it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise

from bridge.pipeline.queues.failing import Failing
from bridge.pipeline.work import EventState, QueueKey, Work


class KeyQueues:
    """One queue per user, over all partitions, as linked lists: a lone event costs no queue of its own."""

    __slots__ = ("_heads", "failing")

    def __init__(self, failing: Failing) -> None:
        self._heads: dict[QueueKey, Work] = {}
        self.failing = failing

    def __len__(self) -> int:
        return len(self._heads)

    def __iter__(self) -> Iterator[Work]:
        """The heads."""
        return iter(self._heads.values())

    def failing_heads(self) -> Iterator[Work]:
        """The events that failed and are tried again; without an order each is one by itself."""
        for key in self.failing.lengths:
            head = key if isinstance(key, Work) else self._heads.get(key)
            if head is not None and head.mark is not None:
                yield head

    def push(self, work: Work) -> bool:
        """Queue behind the others of its queue; True when it is the head and may go."""
        key = work.key
        if key is None:
            return True
        head = self._heads.get(key)
        if head is None:
            self._heads[key] = work
            return True
        (head.tail or head).next = work
        head.tail = work
        if self.failing.lengths and head in self.failing:
            self.failing.push(work)
        return False

    def advance(self, head: Work) -> Work | None:
        """The head left its queue; returns the one that is head now, which may have to wait for a step before it.

        Steps that are left with a dead letter are passed over.
        """
        key = head.key
        if self.failing.lengths:
            self.failing.leave(head)
        if key is None:
            return None
        following = head.next
        if following is None:
            del self._heads[key]
            return None
        head.next = None
        following.tail = head.tail if head.tail is not following else None
        head.tail = None
        self._heads[key] = following
        step = following.step
        return following if step is None or not step.is_left else self._past(following)

    def _past(self, left: Work) -> Work | None:
        """The first from here on that is not left with a dead letter; a row of them may be thousands long."""
        head: Work | None = left
        while head is not None and head.step is not None and head.step.is_left:
            self.failing.leave(head)
            following = head.next
            if following is None:
                del self._heads[head.key]
            else:
                following.tail = head.tail if head.tail is not following else None
                self._heads[head.key] = following
            head.next = head.tail = head.key = None
            head = following
        return head

    def is_head(self, work: Work) -> bool:
        """Whether nothing of its key is before it."""
        return work.key is None or self._heads.get(work.key) is work

    def purge(self, goes: Callable[[Work], bool]) -> tuple[list[Work], list[Work]]:
        """Take out every event of which ``goes`` is true; returns (those taken out, new heads to make ready).

        A head that was taken out re-arms its queue: its successor would otherwise wait for an answer that never comes.
        """
        gone: list[Work] = []
        rearmed: list[Work] = []
        for key, old_head in list(self._heads.items()):
            kept: list[Work] = []
            work: Work | None = old_head
            while work is not None:
                (gone if goes(work) else kept).append(work)
                work = work.next
            if not kept:
                del self._heads[key]
                continue
            self._relink(key, kept)
            if kept[0] is not old_head:
                rearmed.append(kept[0])
        for work in gone:
            work.next = work.tail = None
            work.state = EventState.GONE
        return gone, rearmed

    def _relink(self, key: QueueKey, works: list[Work]) -> None:
        for work, following in pairwise(works):
            work.next = following
        works[-1].next = None
        works[0].tail = works[-1] if len(works) > 1 else None
        self._heads[key] = works[0]
