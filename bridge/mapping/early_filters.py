"""How filtered records are told before they are records: for the poll thread, which makes none of these.

What is filtered by its type is decoded for nothing, and as a record it costs more than its bytes. Each filter learns
from the mapping which contents of a header, or which beginnings of a value, it has filtered; both are views that grow
while another thread reads them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple, Protocol

from bridge.decode.exact_json import LARGE
from bridge.decode.protocol import Leading
from bridge.decode.schema_ids import CONFLUENT, VALUE_HEADERS
from bridge.model import UNREADABLE_HEADERS, Header, Outcomes

TRIES: Final = 1_000
"""Filtered records in a row that teach nothing new, after which no more are looked at."""
MOST: Final = 5_000
"""Beginnings that are kept: they come from the records."""
LONGEST: Final = 300
"""Bytes of such a beginning."""
_BRACE: Final = ord("}")
_BACKSLASH: Final = ord("\\")
_LINE_BREAK: Final = ord("\n")


class EarlyFilter(Protocol):
    """Of one topic."""

    def outcomes_of(self, headers: Sequence[Header] | None, value: bytes) -> Outcomes | None:
        """What the mapping would make of this record; None where only the mapping can tell."""


class HeaderFilter(NamedTuple):
    """By the content of one header."""

    header: str
    filtered: Mapping[bytes | None, Outcomes]
    """By the header's content."""

    def outcomes_of(self, headers: Sequence[Header] | None, _value: bytes) -> Outcomes | None:
        """See `EarlyFilter`. Of several headers with one name the last counts."""
        wanted = self.header
        for name, content in reversed(headers or ()):
            if name == wanted:
                return self.filtered.get(content)
        return None


class LeadingTypeFilter:
    r"""By a type that is the first member of a JSON object: ``{"type":"audit.viewed", …``.

    The rest is not decoded. It is looked through for what could make it another type: a second member of that name,
    also as ``"t\u0079pe"``, of which JSON has the last one count.
    """

    __slots__ = ("_beginning", "_in_headers", "_name", "filtered", "tries")

    def __init__(self, name: str, *, in_headers: bool) -> None:
        """`in_headers`: where headers describe an event, the type is there and not here."""
        self.filtered: dict[bytes, Outcomes] = {}
        """By the record's first bytes, up to the quote that ends the type."""
        self.tries = TRIES
        """How many more records are looked at in vain."""
        self._in_headers = in_headers
        self._name = f'"{name}"'.encode()
        self._beginning = re.compile(rb'\s*\{\s*%b\s*:\s*"([^"\\\x00-\x1f]*)(?=",)' % re.escape(self._name))

    def learn(self, raw: bytes, event_type: str, outcomes: Outcomes) -> None:
        """The record was decoded, has this type, and was filtered for it."""
        self.tries -= 1
        found = self._beginning.match(raw)
        if found is None or found[1] != event_type.encode() or found[0] in self.filtered:
            return
        if len(self.filtered) >= MOST or len(found[0]) > LONGEST:
            return
        self.filtered[found[0]] = outcomes
        self.tries = TRIES

    def outcomes_of(self, headers: Sequence[Header] | None, value: bytes) -> Outcomes | None:
        """See `EarlyFilter`."""
        beginning, _, rest = value.partition(b'",')
        outcomes = self.filtered.get(beginning)
        if outcomes is None or value[-1] != _BRACE or len(value) >= LARGE:
            return None
        # A number is found sooner than bytes: nothing is called for it.
        if _BACKSLASH in rest or rest.find(self._name) >= 0:
            return None
        if _LINE_BREAK in rest and rest.find(b"\n{") >= 0:
            return None  # several documents, one per line, are a failure and no record of this type
        return None if headers and self._may_be_event(headers) else outcomes

    def _may_be_event(self, headers: Sequence[Header]) -> bool:
        if headers is UNREADABLE_HEADERS:
            return True
        return self._in_headers and any(name.startswith("ce_") or name.lower() == "content-type" for name, _ in headers)


class LeadingBytesFilter:
    """By a type that is the first field of a binary value, behind what says which schema it has.

    All values that begin with these bytes have this type, whatever follows.
    """

    __slots__ = ("_places", "filtered", "tries")

    def __init__(self) -> None:
        self.tries = TRIES
        """How many more records are looked at in vain."""
        self.filtered: dict[bytes, Outcomes] = {}
        """By the record's first bytes, up to where the type ends."""
        self._places: dict[bytes, Leading] = {}
        """Where the type is, by the bytes that say which schema."""

    def learn(self, raw: bytes, place: Leading, outcomes: Outcomes) -> None:
        """The record has its type there, and was filtered for it."""
        beginning = raw[: place.end(raw)]
        if beginning in self.filtered:
            return
        if len(self.filtered) >= MOST or len(beginning) > LONGEST or len(self._places) >= MOST:
            return
        self.tries = TRIES
        self.filtered[beginning] = outcomes
        self._places[raw[: place.framing]] = place

    def outcomes_of(self, headers: Sequence[Header] | None, value: bytes) -> Outcomes | None:
        """See `EarlyFilter`."""
        place = self._places.get(value[:CONFLUENT])
        if place is None or (headers and _may_name_schema(headers)):
            return None
        _, at, is_text = place
        if at >= len(value):
            return None
        return self.filtered.get(value[: at + 1 + (value[at] >> 1 if is_text else 0)])


def _may_name_schema(headers: Sequence[Header]) -> bool:
    return headers is UNREADABLE_HEADERS or any(name in VALUE_HEADERS for name, _ in headers)
