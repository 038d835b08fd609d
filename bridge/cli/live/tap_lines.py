"""One sample of ``/tap`` as lines for a person. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from bridge.text.amounts import plural
from bridge.text.printable import cut, printable

LONGEST: Final = 400
"""Characters of a value or a request; --json has all of it."""


def lines(sample: Mapping[str, Any]) -> Iterator[str]:
    """What it is and what became of it; below that what it holds; and how many are left out before it."""
    if sample.get("left_out"):
        yield f"... {plural(sample['left_out'], 'sample')} left out"
    telling = _TELLING.get(sample["sample"])
    if telling is None:
        yield _short(sample)
        return
    yield from telling(sample)


def _record(sample: Mapping[str, Any]) -> Iterator[str]:
    key = "" if sample["key"] is None else f" key {printable(sample['key'])}"
    yield f"{_begin(sample, 'in ')}{key}: {', '.join(map(_outcome, sample['outcomes']))}"
    if "value_bytes" in sample:
        yield f"    {plural(sample['value_bytes'], 'byte')}, too large to be shown"
    elif "value_base64" in sample:
        yield f"    base64 {_short(sample['value_base64'])}"
    elif sample["value"] is not None:
        yield f"    {_short(sample['value'])}"


def _outcome(outcome: Mapping[str, Any]) -> str:
    route = f" of {printable(outcome['route'])}" if outcome["route"] else ""
    reason = f" ({outcome['reason']})" if "reason" in outcome else ""
    user = f" user {printable(str(outcome['user']))}" if outcome.get("user") is not None else ""
    message = f": {printable(outcome['message'])}" if "message" in outcome else ""
    count = f" {outcome['count']}" if "count" in outcome else ""
    return f"{outcome['outcome']}{count}{reason}{route}{user}{message}"


def _request(sample: Mapping[str, Any]) -> Iterator[str]:
    said = [str(sample[name]) for name in ("status", "code", "reason") if sample[name] is not None]
    attempt = f", attempt {sample['attempt']}" if sample["attempt"] > 1 else ""
    yield (
        f"{_begin(sample, 'out')} {sample['kind']} of {printable(sample['route'])} user"
        f" {printable(str(sample['user']))}: {sample['outcome']} ({' '.join(map(printable, said))}) in"
        f" {sample['seconds'] * 1000:.0f} ms{attempt}"
    )
    if sample["request"] is None:
        yield f"    {plural(sample['request_bytes'], 'byte')}, too large to be shown"
    else:
        yield f"    {_short(sample['request'])}"


def _letter(sample: Mapping[str, Any]) -> Iterator[str]:
    route = f" of {printable(sample['route'])}" if sample["route"] else ""
    yield f"{_begin(sample, 'dlq')}{route}: {sample['reason']}: {printable(sample['message'])}"


_TELLING: Final = {"record": _record, "request": _request, "dead_letter": _letter}


def _begin(sample: Mapping[str, Any], way: str) -> str:
    """``12:00:01.123 in  shop.orders/3/1207``; the time is UTC's, as in the log."""
    element = f"#{sample['element']}" if "element" in sample else ""
    place = f"{printable(sample['topic'])}/{sample['partition']}/{sample['offset']}{element}"
    return f"{sample['at'][11:23]} {way} {place}"


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return cut(printable(text), LONGEST)
