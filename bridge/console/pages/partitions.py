"""All partitions of the configured topics: found by what they are asked for in the address, in any order."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from bridge.console.page import ConsolePage, Context, Query, show_live
from bridge.console.parts import ConsoleParts

if TYPE_CHECKING:
    from bridge.fleet.view import FleetPartition, FleetView

SHOWN: Final = 100
"""Rows of one page."""
_FIELDS: Final = ("q", "topic", "why", "sort", "order")
FLOWS: Final = frozenset({"sending", "idle"})
"""Reasons that are none: records go, or there are none."""


def live(_parts: ConsoleParts, view: FleetView, query: Query) -> Context:
    """The rows that are asked for, sorted."""
    sort = query.get("sort", "")
    sort = sort if sort in SORTS else "partition"
    found = [each for each in view.partitions if _is_wanted(each, query)]
    order = query.get("order") or ("asc" if sort in _UPWARDS else "desc")
    found = _sorted(found, sort, downwards=order == "desc")
    pages = max(1, math.ceil(len(found) / SHOWN))
    page = min(pages, max(1, _number(query.get("page"))))
    return {
        "partitions": found[(page - 1) * SHOWN : page * SHOWN],
        "found": len(found),
        "all": len(view.partitions),
        "number": page,
        "pages_of_it": pages,
        "query": {name: query.get(name, "") for name in _FIELDS},
        "topics": sorted({each.partition.topic for each in view.partitions} | {each.topic for each in view.topics}),
        "reasons": sorted({each.why for each in view.partitions}),
        "problems": [each for each in view.topics if each.problem is not None],
        "sort": sort,
        "order": order,
        "headings": [_heading(name, sort, order, query) for name in SORTS],
        "earlier": _address(query, page=str(page - 1)) if page > 1 else None,
        "later": _address(query, page=str(page + 1)) if page < pages else None,
        "flows": FLOWS,
    }


def _is_wanted(each: FleetPartition, query: Query) -> bool:
    topic, why, text = query.get("topic", ""), query.get("why", ""), query.get("q", "").strip().lower()
    if topic and each.partition.topic != topic:
        return False
    if why == "not moving":
        if each.why in FLOWS:
            return False
    elif why and each.why != why:
        return False
    return not text or any(
        text in field.lower() for field in (str(each.partition), each.owner or "", each.replica or "", each.why)
    )


def _sorted(found: Sequence[FleetPartition], sort: str, *, downwards: bool) -> list[FleetPartition]:
    """What is not known comes last, in either order."""
    key = SORTS[sort]
    known = [(value, each) for each in found if (value := key(each)) is not None]
    unknown = [each for each in found if key(each) is None]
    by_place = sorted(known, key=lambda pair: _place(pair[1]))
    return [each for _, each in sorted(by_place, key=lambda pair: pair[0], reverse=downwards)] + unknown


def _place(each: FleetPartition) -> tuple[str, int]:
    return each.partition.topic, each.partition.partition


SORTS: Final[Mapping[str, Callable[[FleetPartition], Any]]] = {
    "partition": _place,
    "owner": lambda each: each.owner,
    "lag": lambda each: each.lag,
    "why": lambda each: each.why,
    "since": lambda each: each.since,
    "until": lambda each: each.until if each.until is not None else each.next_try,
    "oldest": lambda each: each.oldest_at,
    "empty": lambda each: None if each.forecast is None else each.forecast.empty_at,
}
"""Columns, by the name in the address."""
_UPWARDS: Final = ("partition", "owner", "why", "since", "until", "oldest")
"""These begin with the least."""
_TITLES: Final = {"oldest": "oldest waits since", "empty": "all done about"}


def _heading(name: str, sort: str, order: str, query: Query) -> Context:
    is_sorted = name == sort
    first = "asc" if name in _UPWARDS else "desc"
    turned = ("desc" if order == "asc" else "asc") if is_sorted else first
    return {
        "title": _TITLES.get(name, name),
        "link": _address(query, sort=name, order=turned),
        "is_number": name == "lag",
        "sorted": {"asc": "ascending", "desc": "descending"}.get(order) if is_sorted else None,
    }


def _address(query: Query, **changed: str) -> str:
    kept = {name: value for name in _FIELDS if (value := query.get(name))}
    return f"/partitions?{urlencode({**kept, **changed})}"


def _number(text: str | None) -> int:
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 7 else 1


PAGE: Final = ConsolePage(
    "partitions", "Partitions", "/partitions", show_live, key="p", live=live, live_query=(*_FIELDS, "page")
)
