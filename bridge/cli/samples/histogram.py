"""What many records become: counted by outcome and route, with what an owner would want to know before going live."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

from bridge.mapping.review.comparison import label
from bridge.model import COMPANY, TRACK, Failed, Filtered, FilterReason, Outcome, Record, Request
from bridge.pipeline.letter_breaker import together
from bridge.text.amounts import plural, thousands
from bridge.text.printable import printable
from bridge.text.tables import table

_TYPES_SHOWN = 20
_MESSAGES_SHOWN = 10
_USERS_SHOWN = 5


class Histogram:
    """Takes records with their outcomes; holds one record per kind of outcome and the users' partitions."""

    def __init__(self) -> None:
        self.records = 0
        self.requests = 0
        self.dead_letters = 0
        self.left_out = 0
        self._outcomes: Counter[tuple[str, str]] = Counter()
        self._unmapped: Counter[str] = Counter()
        self._messages: Counter[str] = Counter()
        self._names: Counter[str] = Counter()
        self._partitions: defaultdict[str, defaultdict[str, set[int]]] = defaultdict(lambda: defaultdict(set))
        self._samples: dict[tuple[str, str], Record] = {}

    def add(self, record: Record, outcomes: tuple[Outcome, ...]) -> None:
        """Count one record."""
        self.records += 1
        for outcome in outcomes:
            kind = (label(outcome), outcome.route.name if outcome.route is not None else "")
            self._outcomes[kind] += 1
            self._samples.setdefault(kind, record)
            match outcome:
                case Request():
                    self.requests += 1
                    self.left_out += outcome.left_out
                    if outcome.kind is TRACK:
                        self._names[outcome.event_name] += 1
                    if outcome.kind is not COMPANY:
                        self._partitions[outcome.user_id][record.topic].add(record.partition)
                case Filtered(reason=FilterReason.UNMAPPED):
                    self._unmapped[outcome.event_type or ""] += 1
                case Failed():
                    self.dead_letters += 1
                    self._messages[outcome.message] += 1
                case _:
                    pass

    @property
    def scattered(self) -> list[str]:
        """Users whose records are on several partitions of one topic, so that two replicas may send them at once."""
        return sorted(
            user
            for user, topics in self._partitions.items()
            if any(len(partitions) > 1 for partitions in topics.values())
        )

    @property
    def samples(self) -> Sequence[Record]:
        """The first record of each kind of outcome, each record once."""
        return list({record.coordinates: record for record in self._samples.values()}.values())

    def lines(self) -> list[str]:
        """For a person."""
        if not self.records:
            return ["No records: there is nothing to map."]
        out = [f"{plural(self.records, 'record')} would make {plural(self.requests, 'request')}.", ""]
        rows = [("outcome", "route", "count")]
        rows += [(label, route or "-", thousands(count)) for (label, route), count in self._sorted()]
        out += [f"  {line}" for line in table(rows, right=(2,))]
        out += _section("Event names", self._names, _TYPES_SHOWN)
        out += _section("Types no rule names", self._unmapped, _TYPES_SHOWN)
        out += _section("Why dead letters", Counter(together(self._messages)), _MESSAGES_SHOWN)
        if self.left_out:
            out += ["", f"Left out: {plural(self.left_out, 'metadata value')} without a flat form (lists of objects)."]
        return [printable(line) for line in out]

    def users(self) -> list[str]:
        """What breaks the order of users; nothing, where nothing was seen that does."""
        scattered = self.scattered
        if not scattered:
            return []
        shown = ", ".join(scattered[:_USERS_SHOWN]) + (", …" if len(scattered) > _USERS_SHOWN else "")
        sentence = (
            f"{plural(len(scattered), 'user')} of {thousands(len(self._partitions))} on several partitions of one "
            f"topic ({shown}): where these have different replicas, the user's order breaks. Key the topic by the user."
        )
        return ["", printable(sentence)]

    def document(self) -> dict[str, Any]:
        """For a script."""
        return {
            "records": self.records,
            "requests": self.requests,
            "dead_letters": self.dead_letters,
            "left_out": self.left_out,
            "outcomes": [
                {"outcome": label, "route": route or None, "count": count} for (label, route), count in self._sorted()
            ],
            "event_names": dict(self._names.most_common()),
            "unmapped_types": dict(self._unmapped.most_common()),
            "dead_letter_messages": dict(self._messages.most_common()),
            "users": len(self._partitions),
            "users_on_several_partitions": self.scattered,
        }

    def _sorted(self) -> list[tuple[tuple[str, str], int]]:
        """Requests first, then by count."""

        def place(item: tuple[tuple[str, str], int]) -> tuple[bool, int, tuple[str, str]]:
            (label, _), count = item
            return not label.startswith("request"), -count, item[0]

        return sorted(self._outcomes.items(), key=place)


def _section(title: str, counts: Counter[str], shown: int) -> list[str]:
    if not counts:
        return []
    rows = [(name or "(none)", thousands(count)) for name, count in counts.most_common(shown)]
    more = [f"  and {thousands(len(counts) - shown)} more"] if len(counts) > shown else []
    return ["", title, *(f"  {line}" for line in table(rows, right=(1,))), *more]
