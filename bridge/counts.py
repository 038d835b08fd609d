"""What the program counts: plain numbers in plain objects, each raised where it happens and by one thread alone.

The observer takes a copy of each whole, by `taken`, so that a metric shows what is counted here without being named in
between.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any, TypeVar

from bridge.formats.losses import Lost
from bridge.model import TRACK, Filtered, FilterReason, LetterReason, Route, TopicPartition

_Counts = TypeVar("_Counts", bound=Any)


def taken(counts: _Counts) -> _Counts:
    """What was counted until now; what is counted on does not change it."""
    return replace(counts, **{each.name: _own(getattr(counts, each.name)) for each in fields(counts)})


def _own(value: Any) -> Any:
    own = copy(value)
    if isinstance(own, dict):
        own.update((key, copy(each)) for key, each in own.items() if is_dataclass(each))
    return own


LATENCY_BOUNDS = (
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0, 21600.0, 86400.0,
)  # fmt: skip
"""Upper bounds in seconds, from a record's Kafka timestamp to its 202."""


@dataclass(frozen=True, slots=True)
class Exemplar:
    """One observation of a histogram that is traced, where that is on."""

    trace_id: str
    span_id: str
    seconds: float
    at: float
    """Unix seconds."""


OTHER_TYPES = "(others)"
_TYPES_KEPT = 1000


@dataclass(slots=True)
class RouteTally:
    """Events (not records) of one route; one record may make several."""

    delivered: int = 0
    filtered: int = 0
    dead_lettered: int = 0

    @property
    def matched(self) -> int:
        """Events this route looked at and finished."""
        return self.delivered + self.filtered + self.dead_lettered

    def add(self, other: RouteTally) -> None:
        """What was counted of a route of the same name."""
        self.delivered += other.delivered
        self.filtered += other.filtered
        self.dead_lettered += other.dead_lettered


@dataclass(slots=True)
class UserTally:
    """What was found out of users before their events, where the bridge identifies them or waits for that to settle."""

    known: int = 0
    """Events whose user was known when it was first their turn."""
    unknown: int = 0
    """Events whose user was not, each of which waits for an identify of its user. Each event is counted once."""
    identified: int = 0
    """Identifies of the bridge itself that were accepted."""
    refused: int = 0
    """Those that failed for good."""
    forgotten: int = 0
    """Records that asked to forget a user."""
    remembered: int = 0
    """Users that are known now."""


@dataclass(slots=True)
class Tally:
    """What the loop counts, since the process started. Of the records, at every moment::

    consumed == delivered + filtered + dead_lettered + already_done + released + buffered
    """

    consumed: int = 0
    delivered: int = 0
    filtered: int = 0
    dead_lettered: int = 0
    already_done: int = 0
    """Completed by an earlier assignment, as the committed map said."""
    released: int = 0
    """Given up open, for the partition's next owner."""
    buffered: int = 0
    """Open: waiting, in flight or on the way to the dead-letter topic."""
    buffered_bytes: int = 0
    elements: int = 0
    """Open events of records that hold many records: each takes the room of one."""
    elements_aside: int = 0
    """Of these, those that are counted in `stuck` or `behind`."""
    stuck: int = 0
    """Of those that are open: records of a held topic or partition. Nothing more is taken from these, so what may
    be buffered on top of the others' bound is what was buffered when the hold began."""
    stuck_bytes: int = 0
    behind: int = 0
    """Of those that are open: records that fail, or wait behind one of their user that does. See `failing`."""
    behind_bytes: int = 0
    filtered_records: dict[Filtered, int] = field(default_factory=dict)
    """By rule and reason; a record with several routes, all of which filter it, is counted under the first."""
    routes: defaultdict[Route, RouteTally] = field(default_factory=lambda: defaultdict(RouteTally))
    letters: Counter[LetterReason] = field(default_factory=Counter)
    """Dead letters acknowledged."""
    letter_failures: int = 0
    requests: int = 0
    retries: Counter[str] = field(default_factory=Counter)
    """Attempts to be repeated, by `bridge.model.Retry.reason`."""
    ambiguous: int = 0
    """Requests whose answer never came and which are sent again: the upper bound of duplicates from that cause."""
    left_out: int = 0
    """Metadata values without a flat form (lists of objects)."""
    unmapped_letters: Counter[str] = field(default_factory=Counter)
    """Records that are dead letters only because no route names their type, by type; a bounded number of types."""
    users: UserTally = field(default_factory=UserTally)
    started: Counter[str] = field(default_factory=Counter)
    """Of `requests` those that were no track requests, by kind."""
    accepted: Counter[str] = field(default_factory=Counter)
    """Requests accepted that were no track requests, by kind."""
    retried: Counter[str] = field(default_factory=Counter)
    """Attempts to be repeated, by kind."""
    letters_of: Counter[str] = field(default_factory=Counter)
    """Dead letters acknowledged, by the kind of the request that failed."""
    forced_drains: int = 0
    latency: list[int] = field(default_factory=lambda: [0] * (len(LATENCY_BOUNDS) + 1))
    latency_sum: float = 0.0
    latency_exemplars: dict[int, Exemplar] = field(default_factory=dict)
    """By bucket; empty where nothing is traced."""

    @property
    def taking_room(self) -> tuple[int, int]:
        """Records and bytes that count toward the buffer's bounds.

        What waits for a person, or for a user whose events fail, must not starve the rest; the latter has a bound of
        its own for records, and a part of this one for bytes.
        """
        return self.buffered + self.elements - self.stuck - self.behind, self.buffered_bytes - self.stuck_bytes

    @property
    def gap(self) -> int:
        """0, or the accounting is broken."""
        done = self.delivered + self.filtered + self.dead_lettered + self.already_done + self.released
        return self.consumed - done - self.buffered

    def started_of(self, kind: str) -> int:
        """Requests started of one kind. Nothing is counted apart for the one that events go by."""
        return self.started[kind] if kind != TRACK.name else self.requests - self.started.total()

    def accepted_of(self, kind: str) -> int:
        """Requests accepted of one kind: each is one of its route, but for the identifies of the bridge itself."""
        if kind != TRACK.name:
            return self.accepted[kind]
        others = self.accepted.total() - self.users.identified
        return sum(route.delivered for route in self.routes.values()) - others

    def gather(self) -> None:
        """Another mapping works, with routes and rules of its own. What was counted before is kept under one of each
        name, and of types without a rule under as many as one mapping tells apart: what grows with the number of
        mappings are names of routes, and no sum changes.
        """
        routes, self.routes = self.routes, defaultdict(RouteTally)
        by_name: dict[str, Route] = {}
        for route, counted in routes.items():
            self.routes[by_name.setdefault(route.name, route)].add(counted)
        self.filtered_records = _gathered(self.filtered_records)

    def route(self, route: Route) -> RouteTally:
        """The counters of one route."""
        return self.routes[route]

    def took(self, seconds: float) -> None:
        """A track event was delivered this long after its record was written; a clock that is behind makes it 0."""
        if seconds < 0.0:  # noqa: PLR1730 - a call for each event
            seconds = 0.0
        self.latency[bisect_left(LATENCY_BOUNDS, seconds)] += 1
        self.latency_sum += seconds

    def filtered_by_reason(self) -> Counter[FilterReason]:
        """Filtered records."""
        reasons: Counter[FilterReason] = Counter()
        for outcome, count in self.filtered_records.items():
            reasons[outcome.reason] += count
        return reasons

    @property
    def unmapped(self) -> int:
        """Records whose type no route names, filtered or dead-lettered for it."""
        return self.filtered_by_reason()[FilterReason.UNMAPPED] + self.unmapped_letters.total()

    def unmapped_letter(self, event_type: str) -> None:
        """A record is a dead letter only for its type."""
        known = event_type in self.unmapped_letters or len(self.unmapped_letters) < _TYPES_KEPT
        self.unmapped_letters[event_type if known else OTHER_TYPES] += 1

    def unmapped_types(self, most: int) -> list[tuple[str, int]]:
        """The most frequent event types that no route names."""
        types: Counter[str] = Counter(self.unmapped_letters)
        for outcome, count in self.filtered_records.items():
            if outcome.reason is FilterReason.UNMAPPED:
                types[outcome.event_type or OTHER_TYPES] += count
        return types.most_common(most)


def _gathered(counts: Mapping[Filtered, int]) -> dict[Filtered, int]:
    """Under one for each reason, route and type; of the types the most frequent, and one for all others."""
    alike: dict[tuple[FilterReason, str | None, str | None], Filtered] = {}
    found: dict[Filtered, int] = {}
    types = set[str]()
    for each, count in sorted(counts.items(), key=lambda item: -item[1]):
        filtered, event_type = each, each.event_type
        if event_type is not None and event_type not in types:
            if len(types) < _TYPES_KEPT:
                types.add(event_type)
            else:
                filtered, event_type = Filtered(each.reason, each.route), None
        key = (filtered.reason, None if filtered.route is None else filtered.route.name, event_type)
        known = alike.setdefault(key, filtered)
        found[known] = found.get(known, 0) + count
    return found


DURATION_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper bounds of the request duration histogram, in seconds; one more bucket holds what took longer."""

_CERTIFICATE_KNOWN_FOR = 86_400.0
"""Seconds, without a connection that could show another one."""


@dataclass(slots=True)
class SinkStats:
    """Counters of one sink, since it was made."""

    by_status: dict[int, int] = field(default_factory=dict)
    """Requests answered, by status code."""
    by_failure: dict[str, int] = field(default_factory=dict)
    """Requests without a status: ``timeout | connection | aborted``."""
    duration_buckets: list[int] = field(default_factory=lambda: [0] * (len(DURATION_BOUNDS) + 1))
    """Answered requests by duration, not cumulative, see `DURATION_BOUNDS`."""
    duration_sum: float = 0.0
    duration_exemplars: dict[int, Exemplar] = field(default_factory=dict)
    """By bucket; empty where nothing is traced."""
    connections: int = 0
    """Open now."""
    connections_opened: int = 0
    connections_closed: dict[str, int] = field(default_factory=dict)
    """By reason: ``idle | closed_by_server | server_asked | timeout | aborted | unexpected_data | unreadable |
    too_large | broken | shutdown``; ``readable``: something waited to be read before the next request;
    ``one_request``: the destination's connections carry one request each for a while; ``max_age``; ``address``:
    another address of the name is tried."""
    last_error: str | None = None
    """The last failure without a status, as a sentence."""
    _certificate: tuple[float, float] | None = None
    """When the one that the server showed last ends (Unix time), and when that was (monotonic)."""

    def answered(self, status: int, seconds: float) -> None:
        """One request got an answer with this status, this long after it was handed over."""
        by_status = self.by_status
        by_status[status] = by_status.get(status, 0) + 1
        self.duration_buckets[bisect_left(DURATION_BOUNDS, seconds)] += 1
        self.duration_sum += seconds

    def failed(self, kind: str, sentence: str) -> None:
        """One request ended without a status."""
        self.by_failure[kind] = self.by_failure.get(kind, 0) + 1
        self.last_error = sentence

    def showed_certificate(self, ends: float | None, now: float) -> None:
        """A new connection's server showed one that ends then (Unix time); None without TLS. `now`: monotonic."""
        self._certificate = None if ends is None else (ends, now)

    def server_certificate_ends(self, now: float) -> float | None:
        """Unix time; None where no server has shown a certificate, or none for so long that it may have been renewed.

        A replica without events makes no connections: what it saw months ago would raise a false alarm.
        """
        if self._certificate is None:
            return None
        ends, shown = self._certificate
        return ends if self.connections or now - shown < _CERTIFICATE_KNOWN_FOR else None

    def opened(self) -> None:
        """A connection is there."""
        self.connections += 1
        self.connections_opened += 1

    def closed(self, reason: str) -> None:
        """A connection is gone."""
        self.connections -= 1
        self.connections_closed[reason] = self.connections_closed.get(reason, 0) + 1


@dataclass(slots=True)
class SourceCounts:
    """What the poll thread counts, since the process started."""

    last_poll: float = 0.0
    """Monotonic time at which the thread was last seen alive; fresh also while it waits for a drain."""
    records: int = 0
    """Handed over to the event loop."""
    dropped_records: int = 0
    """Came from the client's queue after their partition was gone; the next owner reads them."""
    commits: int = 0
    committed_at: float | None = None
    """Monotonic time at which a commit was last acknowledged."""
    commit_errors: Counter[str] = field(default_factory=Counter)
    """By `CommitTrouble`."""
    refused_positions: int = 0
    """Positions that came for a partition no longer assigned, here or in the client."""
    assignments: int = 0
    """Rounds of the group that gave partitions (or none) to this member."""
    revocations: int = 0
    losses: int = 0
    """Rounds in which partitions were lost without being asked for."""
    forced_drains: int = 0
    """Drains that did not finish in time: what was in flight is sent again by the next owner."""
    pauses: int = 0
    """Times that everything was paused because no slot came free for a second."""
    possibly_lost: int = 0
    """Offsets between positions and the starts of their logs, where retention was faster: at most so many are lost."""
    lost: Mapping[tuple[TopicPartition, str, int], Lost] = field(default_factory=dict)
    """The same by partition, topic id and first offset, also where nobody knows how many; replaced whole."""
    poll_interval_exceeded: int = 0
