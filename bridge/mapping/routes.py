"""One mapping rule, compiled: conditions, user, name, metadata, and the encoded request."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import orjson

from bridge.config.topics.topic_patterns import TopicPattern
from bridge.decode import exact_json, plain_text
from bridge.decode.failures import MappingError, invalid, unmappable
from bridge.errors import Signal
from bridge.mapping.expressions.generated import Metadata, Write
from bridge.mapping.expressions.readers import NOTHING, ValueReader
from bridge.mapping.expressions.scope import Scope
from bridge.mapping.expressions.values import Condition
from bridge.mapping.metadata import WholeObject, compile_metadata
from bridge.mapping.settings import Settings
from bridge.model import TRACK, Failed, Filtered, FilterReason, LetterReason, Outcome, Request, Route


@dataclass(frozen=True, slots=True)
class RouteTopics:
    """Which topics a route is for."""

    names: frozenset[str]
    patterns: tuple[TopicPattern, ...]

    def has(self, topic: str) -> bool:
        """By exact name, or by a pattern bound to the beginning of the name."""
        return topic in self.names or any(pattern.matches(topic) for pattern in self.patterns)


@dataclass(frozen=True, slots=True, eq=False)
class RouteParts:
    """A route as written, compiled; the settings of a topic are still to come."""

    route: Route
    event_name: str | ValueReader
    """A literal name, or what makes one."""
    allowed_event_names: frozenset[str]
    user_id: ValueReader | None
    when: Condition | None
    max_age: float | None
    """Seconds; None lifts that of the settings, where `has_max_age`."""
    has_max_age: bool
    sample: Callable[[str], bool] | None
    topics: RouteTopics | None
    metadata: tuple[tuple[str, ValueReader], ...]
    switched_off: frozenset[str]
    """Keys of the common metadata that this route does not have."""
    source: WholeObject | None

    def bind(self, settings: Settings) -> RoutePlan:
        """The route on topics with these settings."""
        return RoutePlan(self, settings, self._filtered())

    def _filtered(self) -> dict[FilterReason, Filtered]:
        reasons = (FilterReason.WHEN, FilterReason.EXPIRED, FilterReason.SAMPLED_OUT, FilterReason.NO_USER)
        return {reason: Filtered(reason, self.route) for reason in reasons}


class RoutePlan:
    """One route on one kind of topic: everything looked up beforehand, for this runs once per event."""

    __slots__ = (
        "_allowed",
        "_drops_without_user",
        "_event_name",
        "_filtered",
        "_limit",
        "_literal_name",
        "_on_expired",
        "_sample",
        "_when",
        "_write_metadata",
        "absent_keys",
        "common",
        "max_age",
        "parts",
        "route",
        "user_id",
    )

    def __init__(self, parts: RouteParts, settings: Settings, filtered: dict[FilterReason, Filtered]) -> None:
        self.parts = parts
        self.route = parts.route
        self._filtered = filtered
        self._when = parts.when
        self.max_age = parts.max_age if parts.has_max_age else settings.max_age
        self._on_expired: Literal["drop", "dead_letter"] = settings.on_expired
        self._drops_without_user = settings.on_no_user == "drop"
        self.user_id = parts.user_id or settings.user_id
        self._sample = parts.sample
        self._literal_name = parts.event_name if isinstance(parts.event_name, str) else ""
        self._event_name = NOTHING if isinstance(parts.event_name, str) else parts.event_name
        self._allowed = parts.allowed_event_names
        self.common = _common(parts, settings)
        """Metadata that the route has of `common_metadata`."""
        self._write_metadata: Write
        self._write_metadata, self.absent_keys = compile_metadata(
            self.route.name, parts.metadata, parts.source, self.common, stringify=settings.stringify
        )
        self._limit = settings.metadata_limit

    def map(self, value: Any, scope: Scope, now: float) -> Outcome:  # noqa: C901, PLR0911 - a call costs what it saves
        """What the record becomes by this route. Raises nothing but a `Signal`, which is of the whole record."""
        try:  # not in a function of its own, which would cost a call for every event
            when = self._when
            if when is not None and not when.holds(value, scope):
                return self._filtered[FilterReason.WHEN]
            if self.max_age is not None and self._is_expired(scope, now):
                return self._filtered[FilterReason.EXPIRED]
            reader = self.user_id
            user_id = reader.read(value, scope)
            # "" and what begins with a space are less than "!"; no other white space is printable.
            if user_id.__class__ is not str or user_id < "!" or not user_id.isprintable():
                if self._drops_without_user and (user_id is None or (user_id.__class__ is str and not user_id.strip())):
                    return self._filtered[FilterReason.NO_USER]
                user_id = _user_id(reader, user_id, scope)
            sample = self._sample
            if sample is not None and not sample(user_id):
                return self._filtered[FilterReason.SAMPLED_OUT]
            event_name = self._literal_name or self._named(value, scope)
            metadata: Metadata = {}
            left_out = self._write_metadata(metadata, value, scope)
            document: dict[str, Any] = {"user_id": user_id, "event_name": event_name}
            if metadata:
                document["metadata"] = metadata
            try:
                body = orjson.dumps(document)
            except TypeError:
                body = _encode_exactly(document)
            if len(body) > self._limit:
                _check_limit(metadata, self._limit)
            return Request(TRACK, user_id, event_name, body, self.route, left_out)
        except MappingError as failure:
            return Failed(failure.reason, failure.message, self.route, schema=failure.schema)
        except Signal:
            raise
        except Exception as error:  # noqa: BLE001  # whatever a record brings about is this record's own problem
            return Failed(LetterReason.UNMAPPABLE, unexpected(error), self.route)

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

    def _named(self, value: Any, scope: Scope) -> str:
        reader = self._event_name
        name = reader.read(value, scope)
        if not isinstance(name, str):
            raise unmappable(f"event_name: {reader.text} is {reader.found_no_text(name, value)}")
        if not name or name.isspace():
            raise unmappable(f"event_name: {reader.text} is an empty string; a name is needed")
        if not name.isprintable():
            plain_text.check_identifier(name, f"event_name: {reader.text}")
        if name not in self._allowed:
            raise unmappable(f"event_name: {reader.text} yields a name that is not in allowed_event_names")
        return name


def unexpected(error: Exception) -> str:
    """Names an exception of this program or a library without its text, which may hold a value."""
    if isinstance(error, RecursionError):
        return "the value is nested too deeply to be mapped"
    return f"mapping this record failed with {type(error).__name__}"


def _common(parts: RouteParts, settings: Settings) -> tuple[tuple[str, ValueReader], ...]:
    own = {key for key, _ in parts.metadata}
    return tuple(
        (key, reader)
        for key, reader in settings.common_metadata.items()
        if isinstance(reader, ValueReader) and key not in own and key not in parts.switched_off
    )


def _user_id(reader: ValueReader, value: Any, scope: Scope) -> str:
    """The id from anything but an ordinary text: an integer in digits, or a failure that says what is there."""
    if not isinstance(value, str):
        return reader.text_of(value, scope, "user_id")
    if not value or value.isspace():
        raise unmappable(f"user_id: {reader.text} is an empty string; a user id is needed")
    plain_text.check_identifier(value, f"user_id: {reader.text}")
    return value


def _encode_exactly(document: dict[str, Any]) -> bytes:
    """Numbers that orjson does not write, beyond 64 bits or a double; and what no encoder can write."""
    try:
        return exact_json.dumps(document)
    except UnicodeEncodeError:
        raise invalid("the request has a string with a lone surrogate, which is no character") from None


def _check_limit(metadata: Metadata, limit: int) -> None:
    """Measured only when the whole body is beyond the limit, which is rare."""
    size = len(exact_json.dumps(metadata))
    if size > limit:
        raise invalid(f"the metadata has {size} bytes as JSON; metadata_limit is {limit}")
