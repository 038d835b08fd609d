"""The whole group in one word and one sentence: the worst first, so that who reads nothing else is not misled. Pure."""

from __future__ import annotations

import enum
from typing import Final

from bridge.fleet.concerns import is_beside
from bridge.fleet.view import FleetView
from bridge.text.amounts import plural


class FleetState(enum.StrEnum):
    """The group in one word."""

    HELD = "held"
    """Something keeps records from going until somebody acts; other partitions may deliver."""
    WAITING = "waiting"
    """Something keeps records from going that ends by itself."""
    DELIVERING = "delivering"
    IDLE = "idle"
    UNKNOWN = "unknown"
    """Nobody says."""


LOSS_IS_NEAR: Final = 86_400.0
"""Seconds within which a loss that comes if nothing changes is shown as what needs someone."""
_GOING = frozenset({"delivering", "starting", "draining"})


def state(view: FleetView) -> FleetState:
    """By what holds most."""
    if any(each.needs_someone and not is_beside(each.reason) for each in view.concerns):
        return FleetState.HELD
    if any(not each.needs_someone and not is_beside(each.reason) for each in view.concerns):
        return FleetState.WAITING
    states = {each.state for each in view.replicas if each.document is not None}
    if not states:
        return FleetState.UNKNOWN
    return FleetState.DELIVERING if states & _GOING or states - {"idle"} else FleetState.IDLE


def sentence(view: FleetView) -> str:
    """How much needs someone, how much ends by itself, how many records wait."""
    needed = sum(each.needs_someone for each in view.concerns)
    ends = len(view.concerns) - needed
    needs = (
        f"{plural(needed, 'thing')} {'needs' if needed == 1 else 'need'} someone" if needed else "nothing needs someone"
    )
    parts = [needs]
    if ends:
        parts.append(f"{plural(ends, 'thing')} {'ends by itself' if ends == 1 else 'end by themselves'}")
    waiting = records(view)
    if waiting is not None and view.is_kafka_away:
        parts.append(f"{plural(waiting, 'record')} waited when Kafka was last heard")
    elif waiting is not None:
        verb = "waits" if waiting == 1 else "wait"
        parts.append(f"{plural(waiting, 'record')} {verb}" if waiting else "no record waits")
    return f"{', '.join(parts)}."


def lost(view: FleetView) -> str:
    """What is recorded as lost of the group, as a sentence."""
    losses = view.losses
    if losses is None or not losses.is_read:
        return "What is lost is not known."
    if losses.since is None:
        return "Nothing is recorded as lost."
    uncounted = f", and of {plural(losses.unknown, 'loss', 'losses')} nobody knows how many" if losses.unknown else ""
    return f"At most {plural(losses.at_most, 'record')} are lost{uncounted}."


def records(view: FleetView) -> int | None:
    """That wait in all partitions; None where one of them is not known, or none is."""
    waiting = [each.waiting for each in view.partitions]
    return sum(each for each in waiting if each is not None) if waiting and None not in waiting else None
