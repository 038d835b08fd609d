"""What keeps requests of users or companies while events go, in a sentence. Pure.

What keeps everything is told as that; see `hold_reasons`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from bridge.holds import Reason
from bridge.model import IDENTIFY, TRACK
from bridge.text.amounts import plural

if TYPE_CHECKING:
    from bridge.ops.snapshot import AwaitingUsers, ClosedGate, Snapshot

RATE_ACTION: Final = (
    "Nothing, if fewer wait over the day. A million users met for the first time take the budget of"
    " delivery.identify_rate_limit for about a day; have the limit raised and set it, if Userpilot allows more."
)


def kept_kinds(snapshot: Snapshot) -> Iterator[ClosedGate]:
    """The first gate of each kind but the events', where nothing at all keeps events by an outage."""
    if any(block.gate is Reason.OUTAGE for block in snapshot.blocks):
        return
    for view in snapshot.kinds:
        if view.kind != TRACK.name:
            yield from (gate for gate in view.gates[:1] if gate.gate is not Reason.RATE_LIMITED)


def rate_limited(snapshot: Snapshot, kind: str | None) -> ClosedGate | None:
    """That requests of this kind wait for nothing but their rate."""
    gates = (gate for view in snapshot.kinds if view.kind == kind for gate in view.gates)
    return next((gate for gate in gates if gate.gate is Reason.RATE_LIMITED), None)


def sentence(gate: ClosedGate, awaiting: AwaitingUsers) -> str:
    """That it is so, what goes on, and how much waits."""
    happened = "is down" if gate.gate is Reason.OUTAGE else "was asked to wait"
    if gate.kind != IDENTIFY.name:
        return f"{gate.kind} {happened}; users and events go on, but for what comes behind it in a record: {_why(gate)}"
    waiting = (
        f"{plural(awaiting.events, 'event')} of {plural(awaiting.users, 'user')}"
        f" {'waits' if awaiting.events == 1 else 'wait'}"
    )
    return f"{gate.kind} {happened}; known users go on; {waiting}: {_why(gate)}"


def _why(gate: ClosedGate) -> str:
    return gate.sentence if gate.sentence.endswith((".", "!", "?")) else f"{gate.sentence}."


def paced_sentence(kind: str | None) -> str:
    """Of requests of one kind that wait for their budget."""
    return f"{kind} requests wait for their rate budget (delivery.identify_rate_limit); known users go on."
