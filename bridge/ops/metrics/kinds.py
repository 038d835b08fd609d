"""Requests by kind (track, identify, company), and what is known of users before their events."""

from __future__ import annotations

from collections.abc import Callable

from bridge.holds import KIND_GATES
from bridge.model import KINDS
from bridge.ops.metrics.declare import (
    DashboardRow,
    Metric,
    Over,
    Samples,
    Shown,
    counter,
    counters,
    gauge,
    gauges,
    unlimited,
)
from bridge.ops.snapshot import KindView, Snapshot


def _each(read: Callable[[Snapshot, str], float]) -> Callable[[Snapshot], Samples]:
    """One sample per kind, zero included."""
    return lambda snapshot: (((kind.name,), read(snapshot, kind.name)) for kind in KINDS)


def _views(read: Callable[[KindView], float]) -> Callable[[Snapshot], Samples]:
    def samples(snapshot: Snapshot) -> Samples:
        views = {view.kind: view for view in snapshot.kinds}
        for kind in KINDS:
            yield (kind.name,), read(views[kind.name]) if kind.name in views else 0

    return samples


def _blocked(snapshot: Snapshot) -> Samples:
    closed = {(view.kind, gate.gate) for view in snapshot.kinds for gate in view.gates}
    return (((kind.name, gate.value), (kind.name, gate) in closed) for kind in KINDS for gate in KIND_GATES)


def _lookups(snapshot: Snapshot) -> Samples:
    users = snapshot.tally.users
    return ((("known",), users.known), (("unknown",), users.unknown))


def _identifies(snapshot: Snapshot) -> Samples:
    users = snapshot.tally.users
    return ((("accepted",), users.identified), (("refused",), users.refused))


METRICS: tuple[Metric, ...] = (
    # --- requests by kind -----------------------------------------------------------------------------------------
    counters(
        "requests_started_total",
        "requests",
        "Requests started, by kind: track, identify, company.",
        ("kind",),
        _each(lambda s, kind: s.tally.started_of(kind)),
    ),
    counters(
        "requests_accepted_total",
        "requests",
        "Requests accepted, by kind; identifies of the bridge itself are among those of identify.",
        ("kind",),
        _each(lambda s, kind: s.tally.accepted_of(kind)),
    ),
    counters(
        "requests_retried_total",
        "attempts",
        "Attempts that will be repeated, by kind.",
        ("kind",),
        _each(lambda s, kind: s.tally.retried[kind]),
    ),
    counters(
        "kind_dead_letters_total",
        "dead letters",
        "Dead letters acknowledged by the dead-letter topic, by the kind of the request that failed.",
        ("kind",),
        _each(lambda s, kind: s.tally.letters_of[kind]),
    ),
    gauges(
        "requests_in_flight",
        "requests",
        "Requests on the wire, by kind.",
        ("kind",),
        _views(lambda view: view.in_flight),
    ),
    gauges(
        "kind_blocked",
        "0 or 1",
        "1 while this reason keeps requests of this kind; what keeps all of them, such as a refused key, is in"
        " track_bridge_blocked. Of identify and company it keeps nothing but what has to come after them.",
        ("kind", "reason"),
        _blocked,
        Over.MAX,
    ),
    counters(
        "kind_rate_limited_seconds_total",
        "seconds",
        "Time in which a request of this kind was ready to be sent and only the rate of its budget kept it.",
        ("kind",),
        _views(lambda view: view.limited_seconds),
    ),
    gauges(
        "kind_rate_share",
        "requests per second",
        "The part of its budget that this replica may use now, by kind; +Inf: unlimited. Identify and company have one"
        " between them, and all three with delivery.shared_rate_limit.",
        ("kind",),
        _views(lambda view: unlimited(view.share)),
    ),
    # --- users ----------------------------------------------------------------------------------------------------
    counters(
        "user_lookups_total",
        "events",
        "Events by whether their user was known when it was first their turn; unknown: an identify goes before it. Only"
        " with track.unknown_users: identify, or an identify_settle, is anybody looked up.",
        ("result",),
        _lookups,
    ),
    gauge(
        "remembered_users",
        "users",
        "Users that this replica remembers as identified; at most track.known_users.size.",
        lambda s: s.tally.users.remembered,
    ),
    counters(
        "automatic_identifies_total",
        "requests",
        "Identifies of the bridge itself, before a user's first event, by how they ended.",
        ("result",),
        _identifies,
    ),
    counter(
        "users_forgotten_total",
        "records",
        "Records that asked to forget a user: tombstones of a known user id, and routes with forget.",
        lambda s: s.tally.users.forgotten,
        shown=Shown(DashboardRow.USERS, "Records that forget a user", legend="forgotten"),
    ),
    gauge(
        "events_awaiting_identify",
        "events",
        "Events that wait for an identify of their user, the bridge's own or a record's.",
        lambda s: s.awaiting.events,
    ),
    gauge(
        "users_awaiting_identify",
        "users",
        "Users whose events wait for an identify.",
        lambda s: s.awaiting.users,
    ),
    gauge(
        "events_awaiting_settle",
        "events",
        "Events that wait for track.identify_settle after an identify of their user.",
        lambda s: s.awaiting.settling,
    ),
)
