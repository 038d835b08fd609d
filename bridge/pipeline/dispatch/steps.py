"""The steps of one record: each goes once the one before it was accepted, whatever the key queues keep in order."""

from __future__ import annotations

from collections.abc import Callable

from bridge.model import TRACK, Failed, RequestKind
from bridge.pipeline.dispatch.identifies import Identifies
from bridge.pipeline.offsets import TrackerState
from bridge.pipeline.queues.failing import Failing
from bridge.pipeline.queues.queues import Queues
from bridge.pipeline.work import AutomaticIdentify, EventState, RecordStep, Work


class StepOrder:
    """What happens when a step was accepted, or is not waited for any more."""

    __slots__ = ("_fail", "_failing", "_identifies", "_queues")

    def __init__(
        self, queues: Queues, failing: Failing, identifies: Identifies, fail: Callable[[Work, Failed], None]
    ) -> None:
        """`fail` makes a dead letter of an event that cannot become a request."""
        self._queues = queues
        self._failing = failing
        self._identifies = identifies
        self._fail = fail

    def accepted(self, step: RecordStep) -> None:
        """The one behind it may go."""
        following, step.then = step.then, None
        if following is not None and following.step is not None:
            self._go(following, following.step)

    def go_on_without(self, step: RecordStep) -> None:
        """It becomes a dead letter, and what is behind it is sent nevertheless."""
        self.accepted(step)

    def _go(self, work: Work, step: RecordStep) -> None:
        step.waits = False
        if work.state is not EventState.WAITING:
            return
        if work.partition.tracker.life is not TrackerState.LIVE:
            work.state = EventState.GONE  # its partition's next owner begins the record anew
        elif step.failed is not None:
            self._fail(work, step.failed)
        elif self._queues.keys.is_head(work):
            self._queues.ready[work.request.kind].push(work)

    # --- while only some kinds get through --------------------------------------------------------------

    def set_aside(self, kind: RequestKind) -> None:
        """Requests of this kind do not get through from now on: what waits for them is to take no room from others."""
        if kind is TRACK:
            return
        for head in [*self._queues.keys, *self._queues.ready[kind]]:
            if head.request.kind is kind and not isinstance(head, AutomaticIdentify):
                self._failing.begin(head)
        for identify in self._identifies.pending():
            if identify.request.kind is kind:
                self._identifies.set_aside(identify)
