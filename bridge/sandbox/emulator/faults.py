"""Scripted misbehaviour of the emulated API: what to do, to which requests, how often."""

from __future__ import annotations

import enum
import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from bridge.sandbox.emulator.contract import Body, Event
from bridge.sandbox.emulator.people import PostedUser


class FaultKind(enum.StrEnum):
    """What happens to a request instead of its ordinary answer."""

    ORDINARY = "ordinary"
    """The ordinary answer: with `delay`, a slow one."""
    STATUS = "status"
    """`status` with `headers` and `body`; without a body, the documented error body."""
    DROP_BEFORE_READING = "drop_before_reading"
    """The connection is reset at the first byte of the request."""
    DROP_AFTER_READING = "drop_after_reading"
    """The connection is reset when the request is complete."""
    RESET_AFTER_HEADERS = "reset_after_headers"
    """The head of an answer with `status`, then a reset."""
    TRUNCATE = "truncate"
    """An answer whose Content-Length promises more than comes before the connection is closed."""
    DRIP = "drip"
    """The answer with `status`, one byte each `interval` seconds."""
    HANG = "hang"
    """No answer, the connection stays open."""
    SURPLUS = "surplus"
    """The ordinary answer, and `interval` seconds later one with `status` that nobody asked for. The connection stays
    open, and what is sent on it from then on is read and comes to nothing: to this side it is answered already."""
    CLOSE = "close"
    """The ordinary answer, and the connection is closed behind it without a word about that."""
    RAW = "raw"
    """`body` as it stands, without a status line or anything else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One rule. Every condition that is set must hold; the first rule of a script that matches decides."""

    kind: FaultKind
    status: int = 503
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str | bytes | None = None
    close: bool = False
    """The connection is closed after the answer (`raw`, `status`)."""
    delay: float = 0.0
    """Seconds before anything of it happens, the request being read."""
    interval: float = 0.05
    """Seconds between two bytes of a drip, or before a surplus answer."""
    accepts: bool = False
    """The event counts as accepted although the sender cannot know: the source of duplicates."""

    count: int | None = None
    """For so many requests that match; None: for all."""
    skip: int = 0
    """After so many requests that match."""
    path: str | None = None
    """Of requests to this path, or below it: ``/v1/identify``. None: of every request. A connection that is dropped
    before anything is read has no path yet."""
    user_id: str | None = None
    event_name: str | None = None
    probability: float = 1.0
    start: float = 0.0
    """Seconds after the script was set."""
    end: float | None = None
    when: Callable[[Event | None], bool] | None = None
    """A further condition on track requests, and with None on what brings nothing that keeps a contract; only for
    scripts made in this process."""

    @classmethod
    def from_json(cls, document: object) -> Fault:
        """From the admin endpoint. Raises ValueError with a sentence."""
        if not isinstance(document, dict):
            raise ValueError("a fault must be an object")  # noqa: TRY004 - one kind of error for bad input
        known = {f.name for f in fields(cls)} - {"when"}
        if unknown := set(document) - known:
            raise ValueError(f"unknown field {min(unknown)}; known are {', '.join(sorted(known))}")
        values: dict[str, Any] = dict(document)
        try:
            values["kind"] = FaultKind(str(values.get("kind")))
        except ValueError:
            raise ValueError(f"kind must be one of {', '.join(FaultKind)}") from None
        return cls(**values)


class Script:
    """The faults in force, with their counters. Repeatable: the same seed and the same requests, the same faults."""

    def __init__(self, faults: Iterable[Fault] = (), *, seed: int = 0, now: float = 0.0) -> None:
        self._rules = [_ArmedFault(fault) for fault in faults]
        # Made-up misfortune, no secret.
        self._random = random.Random(seed)  # noqa: S311
        self._since = now

    def __bool__(self) -> bool:
        return bool(self._rules)

    @property
    def faults(self) -> tuple[Fault, ...]:
        """In their order."""
        return tuple(rule.fault for rule in self._rules)

    def over(self, now: float) -> tuple[bool, ...]:
        """Of each fault, whether it decides nothing any more: its time is past, or it came as often as it may."""
        return tuple(rule.is_over(now - self._since) for rule in self._rules)

    def before_reading(self, now: float) -> bool:
        """Whether the request whose first byte has come is to be dropped unread."""
        return self._choose(None, None, now, before_reading=True) is not None

    def choose(self, path: str, body: Body | None, now: float) -> Fault | None:
        """The fault for a request that is read; `body` is None where it keeps no contract."""
        return self._choose(path, body, now, before_reading=False)

    def _choose(self, path: str | None, body: Body | None, now: float, *, before_reading: bool) -> Fault | None:
        elapsed = now - self._since
        for rule in self._rules:
            if (rule.fault.kind is FaultKind.DROP_BEFORE_READING) is not before_reading:
                continue
            if rule.matches(path, body, elapsed, self._random):
                return rule.fault
        return None


class _ArmedFault:
    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self._seen = 0

    def is_over(self, elapsed: float) -> bool:
        fault = self.fault
        is_spent = fault.count is not None and self._seen >= fault.skip + fault.count
        return is_spent or (fault.end is not None and elapsed >= fault.end)

    def matches(self, path: str | None, body: Body | None, elapsed: float, chance: random.Random) -> bool:
        fault = self.fault
        if elapsed < fault.start or (fault.end is not None and elapsed >= fault.end):
            return False
        if not _concerns(fault, path, body):
            return False
        if fault.probability < 1.0 and chance.random() >= fault.probability:
            return False
        self._seen += 1
        past = self._seen - fault.skip
        return past > 0 and (fault.count is None or past <= fault.count)


def _concerns(fault: Fault, path: str | None, body: Body | None) -> bool:
    if fault.path is not None and not _is_below(fault.path, path):
        return False
    if fault.user_id is not None and _user_of(body) != fault.user_id:
        return False
    event = body if isinstance(body, Event) else None
    if fault.event_name is not None and (event is None or event.event_name != fault.event_name):
        return False
    return fault.when is None or ((event is not None or body is None) and fault.when(event))


def _is_below(folder: str, path: str | None) -> bool:
    return path is not None and (path == folder or path.startswith(f"{folder}/"))


def _user_of(body: Body | None) -> str | None:
    return body.user_id if isinstance(body, Event | PostedUser) else None
