"""What the pipeline counts: plain integers, added up on the hot path and exported at scrape."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from dataclasses import dataclass, field

from bridge.model import Filtered, FilterReason, LetterReason, Route

LATENCY_BOUNDS = (
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    2.5,
    5.0,
    10.0,
    30.0,
    60.0,
    300.0,
    900.0,
    3600.0,
    21600.0,
    86400.0,
)
"""Upper bounds in seconds, from a record's Kafka timestamp to its 202."""

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
    forced_drains: int = 0
    latency: list[int] = field(default_factory=lambda: [0] * (len(LATENCY_BOUNDS) + 1))
    latency_sum: float = 0.0

    @property
    def taking_room(self) -> tuple[int, int]:
        """Records and bytes that count toward the buffer's bounds.

        What waits for a person, or for a user whose events fail, must not starve the rest; the latter has a bound of
        its own for records, and a part of this one for bytes.
        """
        return self.buffered - self.stuck - self.behind, self.buffered_bytes - self.stuck_bytes

    @property
    def gap(self) -> int:
        """0, or the accounting is broken."""
        done = self.delivered + self.filtered + self.dead_lettered + self.already_done + self.released
        return self.consumed - done - self.buffered

    def route(self, route: Route) -> RouteTally:
        """The counters of one route."""
        return self.routes[route]

    def took(self, seconds: float) -> None:
        """An event was delivered this long after its record was written; a clock that is behind makes it 0."""
        seconds = max(seconds, 0.0)
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
