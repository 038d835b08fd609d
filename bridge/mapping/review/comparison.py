"""What two mappings make of the same records: which requests appear, vanish and change, key by key. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import zip_longest
from typing import Any, Final

import orjson

from bridge.decode import exact_json
from bridge.mapping.mapper import CompiledMapping
from bridge.model import TRACK, Elements, Failed, Filtered, Forget, Outcome, Record, Request, SchemaNeeded

NOTHING: Final = "nothing"
NOT_READ: Final = "not read"
NO_ROUTE: Final = "(no route)"
EVENT: Final = "event"
DEAD_LETTER: Final = "dead letter"
FILTERED: Final = "filtered"
_ABSENT: Final = object()
_JSON_TYPES: Final = {"str": "string", "bool": "boolean", "dict": "object", "list": "array", "NoneType": "null"}
Turn = tuple[str, str]
"""What something was, and what it is."""
Shown = Callable[[bytes, Record], bytes]
"""A request's body as it may be shown."""


def label(outcome: Outcome) -> str:
    """``request``, ``request: identify``, ``filtered: when``, ``dead letter: unmappable``."""
    match outcome:
        case Request():
            return "request" if outcome.kind is TRACK else f"request: {outcome.kind.name}"
        case Filtered():
            return f"filtered: {outcome.reason}"
        case Forget(filtered=filtered):
            return f"filtered: {filtered.reason}"
        case Failed():
            return f"dead letter: {outcome.reason}"
        case SchemaNeeded(reference):
            return f"schema needed: {reference}"
        case Elements():
            return "elements"


@dataclass(slots=True)
class KeyDifference:
    """How often one key of a route's requests differs."""

    sample: str
    """Where the first record is of which it does."""
    added: int = 0
    removed: int = 0
    changed: int = 0
    retyped: int = 0
    """Of the changed ones, those whose value is of another type."""
    before: str | None = None
    """The sample's value as JSON, where values are shown and there was one."""
    after: str | None = None

    @property
    def count(self) -> int:
        """Of requests."""
        return self.added + self.removed + self.changed


@dataclass(slots=True)
class RouteDifference:
    """What differs in the requests of one route; of a request that vanished, the route that made it."""

    same: int = 0
    changed: int = 0
    appeared: int = 0
    vanished: int = 0
    users: set[str] = field(default_factory=set)
    """Of requests that are not the same."""
    keys: dict[str, KeyDifference] = field(default_factory=dict)
    turns: Counter[Turn] = field(default_factory=Counter)
    """What became something else: a request a dead letter, for one."""
    samples: dict[Turn, str] = field(default_factory=dict)
    """Where the first record of each turn is."""

    @property
    def is_changed(self) -> bool:
        """Whether anything is not the same."""
        return bool(self.changed or self.appeared or self.vanished or self.turns)


class MappingComparison:
    """Takes records one by one; holds counts, users, and one sample of each kind of difference."""

    def __init__(
        self,
        before: CompiledMapping,
        after: CompiledMapping,
        now: float,
        *,
        reads_before: Callable[[str], bool] = lambda _topic: True,
        reads_after: Callable[[str], bool] = lambda _topic: True,
        shown: Shown | None = None,
    ) -> None:
        """`now` in Unix seconds. `reads_…`: whether a topic is read at all. Without `shown` no value is kept."""
        self._before, self._after, self._now = before, after, now
        self._reads_before, self._reads_after = reads_before, reads_after
        self._shown = shown
        self.records = 0
        self.changed_records = 0
        self.routes: defaultdict[str, RouteDifference] = defaultdict(RouteDifference)
        self.fates: Counter[Turn] = Counter()
        """Of whole records: an event that is filtered now, for one."""

    @property
    def is_changed(self) -> bool:
        """Whether any record became something else."""
        return self.changed_records > 0

    def total(self, what: str) -> int:
        """Of all routes: ``same``, ``changed``, ``appeared`` or ``vanished``."""
        return sum(getattr(route, what) for route in self.routes.values())

    def add(self, record: Record) -> None:
        """One record more."""
        self.records += 1
        before = _outcomes(self._before, record, self._now) if self._reads_before(record.topic) else None
        after = _outcomes(self._after, record, self._now) if self._reads_after(record.topic) else None
        is_changed = False
        for element in sorted({*(before or ()), *(after or ())}):
            for one, other in _pairs((before or {}).get(element, ()), (after or {}).get(element, ())):
                were = NOT_READ if before is None else NOTHING
                are = NOT_READ if after is None else NOTHING
                is_changed |= self._pair(record, one, other, were, are)
        turn = _fate(before), _fate(after)
        if turn[0] != turn[1]:
            self.fates[turn] += 1
        self.changed_records += is_changed

    def _pair(self, record: Record, one: Outcome | None, other: Outcome | None, were: str, are: str) -> bool:
        """Whether they differ in what is sent, or in being a dead letter."""
        route = self.routes[_route(other) or _route(one) or NO_ROUTE]
        if isinstance(one, Request) and isinstance(other, Request) and one.kind is other.kind:
            if one.body == other.body:
                route.same += 1
                return False
            self._changed(route, record, one, other)
            return True
        turn = (were if one is None else label(one)), (are if other is None else label(other))
        sends = isinstance(one, Request), isinstance(other, Request)
        fails = isinstance(one, Failed | SchemaNeeded) or isinstance(other, Failed | SchemaNeeded)
        if not (any(sends) or (fails and turn[0] != turn[1])):
            return False
        if isinstance(one, Request):
            left = self.routes[one.route.name]
            left.vanished += 1
            left.users.add(one.user_id)
        if isinstance(other, Request):
            route.appeared += 1
            route.users.add(other.user_id)
        of = self.routes[one.route.name] if isinstance(one, Request) and not isinstance(other, Request) else route
        of.turns[turn] += 1
        of.samples.setdefault(turn, record.coordinates)
        return True

    def _changed(self, route: RouteDifference, record: Record, one: Request, other: Request) -> None:
        route.changed += 1
        route.users |= {one.user_id, other.user_id}
        before, after = _keys(one.body), _keys(other.body)
        shown: tuple[dict[str, Any], dict[str, Any]] | None = None
        for key in sorted(before.keys() | after.keys()):
            was, is_ = before.get(key, _ABSENT), after.get(key, _ABSENT)
            if was == is_ and type(was) is type(is_):
                continue
            found = route.keys.get(key)
            if found is None:
                found = route.keys[key] = KeyDifference(record.coordinates)
                if self._shown is not None:
                    shown = shown or (_keys(self._shown(one.body, record)), _keys(self._shown(other.body, record)))
                    found.before, found.after = _text(shown[0], key), _text(shown[1], key)
            if was is _ABSENT:
                found.added += 1
            elif is_ is _ABSENT:
                found.removed += 1
            else:
                found.changed += 1
                found.retyped += _type(was) != _type(is_)


def key_changes(before: bytes, after: bytes) -> Iterator[tuple[str, str]]:
    """Keys of two requests that differ, and how, without any value."""
    one, other = _keys(before), _keys(after)
    for key in sorted(one.keys() | other.keys()):
        was, is_ = one.get(key, _ABSENT), other.get(key, _ABSENT)
        if was is _ABSENT:
            yield key, "added"
        elif is_ is _ABSENT:
            yield key, "removed"
        elif _type(was) != _type(is_):
            yield key, f"{_type(was)} before, {_type(is_)} now"
        elif was != is_:
            yield key, "another value"


def _outcomes(mapping: CompiledMapping, record: Record, now: float) -> dict[int, Sequence[Outcome]]:
    """By element; of a record without elements all are under 0."""
    outcomes = mapping.map(record, now)
    elements = outcomes[0] if outcomes else None
    if not isinstance(elements, Elements):
        return {0: outcomes}
    return {element: elements.map(element, now) for element in range(elements.count)}


def _pairs(before: Sequence[Outcome], after: Sequence[Outcome]) -> Iterator[tuple[Outcome | None, Outcome | None]]:
    """Equal requests, whatever made them; then what the same route made; then what is left, in its order."""
    left, right = list(before), list(after)
    for is_pair in (_are_equal, _are_of_one_route):
        for one in list(left):
            found = next((other for other in right if is_pair(one, other)), None)
            if found is not None:
                left.remove(one)
                right.remove(found)
                yield one, found
    yield from zip_longest(left, right)


def _are_equal(one: Outcome, other: Outcome) -> bool:
    if not (isinstance(one, Request) and isinstance(other, Request)):
        return False
    return one.kind is other.kind and one.body == other.body


def _are_of_one_route(one: Outcome, other: Outcome) -> bool:
    route = _route(one)
    return route is not None and route == _route(other)


def _route(outcome: Outcome | None) -> str | None:
    return None if outcome is None or outcome.route is None else outcome.route.name


def _fate(outcomes: dict[int, Sequence[Outcome]] | None) -> str:
    if outcomes is None:
        return NOT_READ
    kinds = {type(each) for of_element in outcomes.values() for each in of_element}
    return EVENT if Request in kinds else DEAD_LETTER if kinds & {Failed, SchemaNeeded} else FILTERED


def _keys(body: bytes) -> dict[str, Any]:
    """By path: ``metadata.amount``. A body that is hidden whole is one value under no path."""
    try:
        document = exact_json.read(body)
    except orjson.JSONDecodeError:
        return {}
    found: dict[str, Any] = {}
    _flatten(document, "", found)
    return found


def _flatten(value: Any, path: str, found: dict[str, Any]) -> None:
    if isinstance(value, dict) and (value or not path):
        for key, inner in value.items():
            _flatten(inner, f"{path}.{key}" if path else str(key), found)
    else:
        found[path] = value


def _type(value: object) -> str:
    is_number = isinstance(value, int | float | Decimal) and not isinstance(value, bool)
    name = type(value).__name__
    return "number" if is_number else _JSON_TYPES.get(name, name)


def _text(values: dict[str, Any], key: str) -> str | None:
    return exact_json.text_of(values[key]) if key in values else None
