"""Values replaced by harmless ones of the same form, none of which is in any sampled record."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime
from itertools import count
from typing import Any, Final

import orjson

from bridge.proposal.documents import SampledDocument
from bridge.proposal.looks import EMAIL, UUID, time_form

_FIRST: Final = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
_URL: Final = re.compile(r"[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE)
_IP: Final = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}")
_ISO: Final = re.compile(r"\d{4}-\d\d-\d\d([T ])\d\d:\d\d(:\d\d)?([.,]\d+)?(.*)", re.DOTALL)
_LOWER: Final = "example"
_UPPER: Final = "EXAMPLE"
_DIGITS: Final = "1234567890"
_LONGEST: Final = 40
_MOST: Final = 2_000_000
"""Values that are remembered."""


class Replacements:
    """The same value becomes the same, and nothing becomes what a record has."""

    def __init__(self, taken: frozenset[Any]) -> None:
        self._taken = taken
        self._given: dict[tuple[str, Any], Any] = {}

    def of(self, value: Any) -> Any:
        """Of a scalar; truth values and null stay."""
        if value is None or isinstance(value, bool):
            return value
        place = (value.__class__.__name__, value)
        if place not in self._given:
            used = set(map(str, self._given.values()))
            self._given[place] = next(
                each for each in _candidates(value) if str(each) not in self._taken and str(each) not in used
            )
        return self._given[place]


def taken_by(documents: Iterable[SampledDocument]) -> frozenset[Any]:
    """All scalars of these records, as texts."""
    found: set[str] = set()
    for document in documents:
        for each in (document.value, document.key, document.outer, dict(document.headers)):
            for scalar in _scalars(each):
                if len(found) >= _MOST:
                    return frozenset(found)
                found.add(str(scalar))
    return frozenset(found)


def _scalars(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from _scalars(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _scalars(inner)
    elif isinstance(value, str | int | float | Decimal) and not isinstance(value, bool):
        yield value
        if isinstance(value, str) and value[:1] in {"{", "["} and (inside := _inside(value)) is not None:
            yield from _scalars(inside)


def _inside(text: str) -> Any:
    try:
        found = orjson.loads(text)
    except (orjson.JSONDecodeError, UnicodeEncodeError):
        return None
    return found if isinstance(found, dict | list) else None


def _candidates(value: Any) -> Iterator[Any]:
    """Without end, each another one."""
    if isinstance(value, str):
        yield from _texts(value)
    elif time_form(value) in {"s", "ms", "us", "ns"}:
        unit = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[time_form(value) or "s"]
        yield from (round(moment.timestamp()) * unit for moment in _moments())
    elif isinstance(value, int):
        sign = -1 if value < 0 else 1
        start = int((_DIGITS * 4)[: min(18, max(1, len(str(abs(value)))))])
        yield from (sign * (start + step) for step in count())
    else:
        yield from (number + 0.5 if value >= 0 else -number - 0.5 for number in count(12))


def _texts(text: str) -> Iterator[str]:
    form = time_form(text)
    if UUID.fullmatch(text):
        yield from (f"00000000-0000-4000-8000-{number:012x}" for number in count(1))
    if form in {"s", "ms", "us", "ns"}:
        yield from (str(each) for each in _candidates(int(text)))
    if (parts := _ISO.fullmatch(text)) is not None and form in {"iso", "local"}:
        yield from (_as(parts, moment) for moment in _moments())
    if form == "iso":
        yield from (format_datetime(moment, usegmt=True) for moment in _moments())
    if EMAIL.fullmatch(text):
        yield from (f"person{number}@mail.example" for number in count(1))
    if _URL.fullmatch(text):
        scheme = text.partition(":")[0] if text.partition(":")[0] in {"http", "https"} else "https"
        yield from (f"{scheme}://site.example/page/{number}" for number in count(1))
    if _IP.fullmatch(text):
        yield from (
            f"192.0.2.{number}" if number < 255 else f"198.51.{number % 65536 // 256}.{number % 256}"
            for number in count(1)
        )
    for shift in count():
        made = "".join(_letter(character, place + shift) for place, character in enumerate(text[:_LONGEST]))
        yield made if shift < 10 else f"{made}-{shift}"


def _letter(character: str, place: int) -> str:
    if character.isdigit():
        return _DIGITS[place % 10]
    if character.isupper():
        return _UPPER[place % 7]
    if character.isalpha():
        return _LOWER[place % 7]
    return character if character in "-_.:/ +=@#" else "-"


def _moments() -> Iterator[datetime]:
    return (_FIRST + timedelta(seconds=number) for number in count())


def _as(parts: re.Match[str], moment: datetime) -> str:
    between, seconds, fraction, zone = parts.groups()
    clock = f"{moment:%H:%M:%S}" if seconds else f"{moment:%H:%M}"
    digits = "" if not fraction else fraction[0] + "0" * (len(fraction) - 1)
    return f"{moment:%Y-%m-%d}{between}{clock}{digits}{zone}"
