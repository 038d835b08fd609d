"""Faults as a person types them: ``503``, ``503:10%``, ``429:retry-after=60``, ``timeout:for=30s,user=u-1``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from bridge.config.keys import scalars
from bridge.sandbox.emulator.faults import Fault, FaultKind
from bridge.text.printable import cut, printable

KINDS: Final[Mapping[str, tuple[FaultKind, str]]] = {
    "timeout": (FaultKind.HANG, "no answer ever comes"),
    "reset": (FaultKind.DROP_AFTER_READING, "the connection is reset once the request is read"),
    "reset-unread": (FaultKind.DROP_BEFORE_READING, "the connection is reset before the request is read"),
    "cut-off": (FaultKind.TRUNCATE, "the answer ends before its end"),
    "drip": (FaultKind.DRIP, "a 503 comes a byte at a time"),
    "close": (FaultKind.CLOSE, "the ordinary answer, and the connection is closed behind it"),
    "slow": (FaultKind.ORDINARY, "the ordinary answer, later: slow:by=2s"),
}
"""What may go wrong beside a status, by its word: the emulator's kind, and what it does."""
MOST: Final = 20
"""Faults at a time."""
GRAMMAR: Final = (
    f"a status from 400 to 599 or one of {', '.join(KINDS)}, then after a colon any of 10%, for=30s, after=10s, "
    "times=5, by=200ms, retry-after=60, user=ID, event=NAME, path=/v1/identify, accepts, separated by commas"
)
_SHOWN: Final = 60
_SLOW: Final = 2.0


@dataclass(frozen=True, slots=True)
class NamedFault:
    """One fault, and the words for it."""

    text: str
    fault: Fault

    @property
    def meaning(self) -> str:
        """What it does, in a few words."""
        if self.fault.kind is FaultKind.STATUS:
            return f"answers {self.fault.status}"
        return next(what for kind, what in KINDS.values() if kind is self.fault.kind)


def read(text: str) -> NamedFault:
    """The fault that is meant. Raises ValueError with a sentence."""
    word, _, rest = text.strip().partition(":")
    values = _kind(word.strip())
    for part in filter(None, (each.strip() for each in rest.split(","))):
        values |= _condition(part, values)
    return NamedFault(text.strip(), Fault(**values))


def read_all(texts: Iterable[str]) -> tuple[NamedFault, ...]:
    """Of several, the first that fits a request decides. Raises ValueError."""
    found = tuple(read(text) for text in texts if text.strip())
    if len(found) > MOST:
        raise ValueError(f"{len(found)} faults are too many: at most {MOST} at a time.")
    return found


def _kind(word: str) -> dict[str, Any]:
    if word.isascii() and word.isdigit() and 400 <= int(word[:4]) <= 599:
        return {"kind": FaultKind.STATUS, "status": int(word)}
    if word not in KINDS:
        raise ValueError(f"{_said(word)} is no fault: it is {GRAMMAR}.")
    kind = KINDS[word][0]
    return {"kind": kind, "delay": _SLOW} if kind is FaultKind.ORDINARY else {"kind": kind}


def _condition(part: str, values: Mapping[str, Any]) -> dict[str, Any]:
    if part.endswith("%"):
        return {"probability": _value(part, part, scalars.share)}
    if part == "accepts":
        return {"accepts": True}
    name, equals, value = (each.strip() for each in part.partition("="))
    if not equals or name not in _CONDITIONS:
        raise ValueError(f"{_said(part)} is no condition of a fault: it is {GRAMMAR}.")
    key, parse = _CONDITIONS[name]
    read = _value(part, value, parse)
    if name == "for":
        read += values.get("start", 0.0)
    if name == "after" and "end" in values:
        return {"start": read, "end": values["end"] + read}
    return {key: read}


def _value(part: str, text: str, parse: Callable[[str], Any]) -> Any:
    try:
        return parse(text)
    except ValueError as problem:
        raise ValueError(f"{_said(part)}: it {problem}.") from None


def _times(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text[:9]) > 0):
        raise ValueError("must be a whole number above zero")
    return int(text[:9])


def _seconds(text: str) -> Mapping[str, str]:
    """Retry-After is a number of seconds, or a date that nobody types."""
    digits = text.removesuffix("s")
    if not (digits.isascii() and digits.isdigit()):
        raise ValueError("must be whole seconds such as 60")
    return {"Retry-After": digits}


def _text(text: str) -> str:
    if not text:
        raise ValueError("must not be empty")
    return text


_CONDITIONS: Final[Mapping[str, tuple[str, Callable[[str], Any]]]] = {
    "for": ("end", scalars.duration),
    "after": ("start", scalars.duration),
    "times": ("count", _times),
    "by": ("delay", scalars.duration),
    "retry-after": ("headers", _seconds),
    "user": ("user_id", _text),
    "event": ("event_name", _text),
    "path": ("path", _text),
}
"""Word, field of `Fault`, and how its value is read."""


def _said(text: str) -> str:
    return f"{cut(printable(text), _SHOWN)!r}"
