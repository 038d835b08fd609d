"""The requests of each kind, and what is known of users, for the `/status` document. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from bridge.holds import REASONS, Reason, shown
from bridge.ops.hold_reasons import closed_gate
from bridge.text.moments import iso

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bridge.ops.snapshot import ClosedGate, KindView, Snapshot

_OF_ONE_KIND: Final = frozenset({Reason.OUTAGE, Reason.RETRY_AFTER, Reason.RATE_LIMITED})
"""What each kind has of its own; every other gate keeps all of them."""


def kinds(snapshot: Snapshot) -> list[dict[str, Any]]:
    """One after the other, in the order of the table of kinds."""
    return [_kind(view, snapshot) for view in snapshot.kinds]


def _kind(view: KindView, snapshot: Snapshot) -> dict[str, Any]:
    tally, gate = snapshot.tally, next(_gates(view, snapshot), None)
    return {
        "kind": view.kind,
        "why": None if gate is None else shown(gate.gate).value,
        "since": None if gate is None else iso(gate.since),
        "until": None if gate is None or gate.until is None else iso(gate.until),
        "next_try": None if gate is None or gate.next_try is None else iso(gate.next_try),
        "detail": "" if gate is None else gate.sentence or REASONS[gate.gate].meaning,
        "started": tally.started_of(view.kind),
        "accepted": tally.accepted_of(view.kind),
        "retried": tally.retried[view.kind],
        "dead_lettered": tally.letters_of[view.kind],
        "in_flight": view.in_flight,
        "limit": view.limit,
        "share": view.share,
    }


def _gates(view: KindView, snapshot: Snapshot) -> Iterator[ClosedGate]:
    """The strictest first: what keeps everything, then what keeps this kind."""
    everything = closed_gate(snapshot)
    if everything is not None and everything.gate not in _OF_ONE_KIND:
        yield everything
    yield from view.gates


def users(snapshot: Snapshot) -> dict[str, Any]:
    """What the bridge found out of users before their events, since the process started; all 0 where it does not."""
    tally, awaiting = snapshot.tally.users, snapshot.awaiting
    return {
        "known": tally.known,
        "unknown": tally.unknown,
        "remembered": tally.remembered,
        "identified": tally.identified,
        "refused": tally.refused,
        "forgotten": tally.forgotten,
        "waiting_events": awaiting.events,
        "waiting_users": awaiting.users,
        "settling_events": awaiting.settling,
    }
