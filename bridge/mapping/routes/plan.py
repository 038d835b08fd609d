"""What all kinds of routes have: a route as written, compiled, and its plan for the topics with the same settings."""

from __future__ import annotations

import abc
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import orjson

from bridge.config.topics.topic_patterns import TopicPattern
from bridge.decode import exact_json, plain_text
from bridge.decode.failures import MappingError, invalid, unmappable
from bridge.errors import Signal
from bridge.mapping.absent_keys import AbsentKeys
from bridge.mapping.expressions.readers import ValueReader
from bridge.mapping.expressions.scope import Scope
from bridge.mapping.expressions.values import Condition
from bridge.mapping.settings import Settings
from bridge.model import TRACK, Failed, Filtered, FilterReason, LetterReason, Outcome, RequestKind, Route


@dataclass(frozen=True, slots=True)
class RouteTopics:
    """Which topics a route is for."""

    names: frozenset[str]
    patterns: tuple[TopicPattern, ...]

    def has(self, topic: str) -> bool:
        """By exact name, or by a pattern bound to the beginning of the name."""
        return topic in self.names or any(pattern.matches(topic) for pattern in self.patterns)


@dataclass(frozen=True, slots=True)
class RouteHead:
    """What may be written for a route of any kind, compiled."""

    route: Route
    when: Condition | None
    max_age: float | None
    """Seconds; None lifts that of the settings, where `has_max_age`."""
    has_max_age: bool
    sample: Callable[[str], bool] | None
    topics: RouteTopics | None


@dataclass(frozen=True, slots=True, eq=False)
class RouteParts(abc.ABC):
    """A route as written, compiled; the settings of a topic are still to come."""

    head: RouteHead

    @property
    def is_step(self) -> bool:
        """Whether what comes behind it waits until it was accepted, and it for what is before it."""
        return False

    @abc.abstractmethod
    def bind(self, settings: Settings) -> RoutePlan:
        """The route on topics with these settings."""


class RoutePlan(abc.ABC):
    """One route on one kind of topic: everything looked up beforehand, for this runs once per event."""

    __slots__ = ("_filtered", "_on_expired", "_sample", "_when", "absent_keys", "head", "max_age", "route", "user_id")

    def __init__(self, head: RouteHead, settings: Settings, user_id: ValueReader) -> None:
        self.head = head
        self.route = head.route
        self._filtered = {reason: Filtered(reason, head.route) for reason in _REASONS}
        self._when = head.when
        self.max_age = head.max_age if head.has_max_age else settings.max_age
        self._on_expired: Literal["drop", "dead_letter"] = settings.on_expired
        self._sample = head.sample
        self.user_id = user_id
        """Whose it is: reads the user, or the company where the route is of a company alone."""
        self.absent_keys = AbsentKeys(())

    @abc.abstractmethod
    def map(self, value: Any, scope: Scope, now: float) -> Outcome:
        """What the record becomes by this route. Raises nothing but a `Signal`, which is of the whole record."""

    @property
    @abc.abstractmethod
    def readers(self) -> tuple[tuple[str, ValueReader], ...]:
        """All that it reads besides `when`, each with its key in the file."""

    @property
    @abc.abstractmethod
    def keys(self) -> Mapping[str, ValueReader]:
        """What is named one by one in its requests, by the name `contents` has it under."""

    @abc.abstractmethod
    def contents(self, document: Mapping[str, Any], /) -> Mapping[str, Any]:
        """What a request of this route holds besides its ids, from its document."""

    def _is_expired(self, scope: Scope, now: float) -> bool:
        """Whether the event is too old; raises where that is a dead letter, or where it has no time at all."""
        limit = self.max_age
        occurred = scope.occurred_seconds()
        if occurred is None:
            raise unmappable("max_age: the record has neither occurred_at nor a Kafka timestamp, so it has no age")
        if limit is None or not now - occurred > limit:  # a clock that is not a number decides nothing
            return False
        if self._on_expired == "dead_letter":
            message = f"occurred {now - occurred:.0f} s ago, and max_age is {limit:.0f} s"
            raise MappingError(LetterReason.EXPIRED, message)
        return True


_REASONS = (FilterReason.WHEN, FilterReason.EXPIRED, FilterReason.SAMPLED_OUT, FilterReason.NO_USER)


class ProfilePlan(RoutePlan):
    """Of a route that makes no event. There are fewer of these than of events: what is common is a call here."""

    __slots__ = ()

    kind: ClassVar[RequestKind] = TRACK
    """Of the request that a record cannot become where this fails."""

    def map(self, value: Any, scope: Scope, now: float) -> Outcome:
        """See `RoutePlan`."""
        try:
            when = self._when
            if when is not None and not when.holds(value, scope):
                return self._filtered[FilterReason.WHEN]
            if self.max_age is not None and self._is_expired(scope, now):
                return self._filtered[FilterReason.EXPIRED]
            subject = self._subject(value, scope)
            if isinstance(subject, Filtered):
                return subject
            if self._sample is not None and not self._sample(subject):
                return self._filtered[FilterReason.SAMPLED_OUT]
            return self._outcome(subject, value, scope)
        except Signal:
            raise
        except Exception as error:  # noqa: BLE001  # whatever a record brings about is this record's own problem
            return failed(error, self.route, self.kind)

    @abc.abstractmethod
    def _subject(self, value: Any, scope: Scope) -> str | Filtered:
        """The id of the user or company."""

    @abc.abstractmethod
    def _outcome(self, subject: str, value: Any, scope: Scope, /) -> Outcome:
        """What is sent of it. May raise."""


def failed(error: Exception, route: Route, kind: RequestKind = TRACK) -> Failed:
    """What a record becomes of which a route cannot make anything."""
    if isinstance(error, MappingError):
        return Failed(error.reason, error.message, route, schema=error.schema, kind=kind.name)
    return Failed(LetterReason.UNMAPPABLE, unexpected(error), route, kind=kind.name)


def unexpected(error: Exception) -> str:
    """Names an exception of this program or a library without its text, which may hold a value."""
    if isinstance(error, RecursionError):
        return "the value is nested too deeply to be mapped"
    return f"mapping this record failed with {type(error).__name__}"


def identifier(reader: ValueReader, value: Any, scope: Scope, label: str = "user_id", what: str = "a user id") -> str:
    """The id from anything but an ordinary text: an integer in digits, or a failure that says what is there."""
    if not isinstance(value, str):
        return reader.text_of(value, scope, label)
    if not value or value.isspace():
        raise unmappable(f"{label}: {reader.text} is an empty string; {what} is needed")
    plain_text.check_identifier(value, f"{label}: {reader.text}")
    return value


def names_nobody(user_id: Any) -> bool:
    """Whether what was found is no user, rather than something wrong in place of one."""
    return user_id is None or (user_id.__class__ is str and not user_id.strip())


def encoded(document: dict[str, Any]) -> bytes:
    """The body of a request."""
    try:
        return orjson.dumps(document)
    except TypeError:
        return encode_exactly(document)


def encode_exactly(document: dict[str, Any]) -> bytes:
    """Numbers that orjson does not write, beyond 64 bits or a double; and what no encoder can write."""
    try:
        return exact_json.dumps(document)
    except UnicodeEncodeError:
        raise invalid("the request has a string with a lone surrogate, which is no character") from None
