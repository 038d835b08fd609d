"""A route that makes an event: conditions, user, name, metadata, and the encoded request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from bridge.decode import exact_json, plain_text
from bridge.decode.failures import MappingError, invalid, unmappable
from bridge.errors import Signal
from bridge.mapping.expressions.generated import Metadata, Write
from bridge.mapping.expressions.readers import NOTHING, ValueReader
from bridge.mapping.expressions.scope import Scope
from bridge.mapping.metadata import WholeObject, compile_metadata
from bridge.mapping.routes.plan import RouteParts, RoutePlan, encode_exactly, identifier, unexpected
from bridge.mapping.settings import Settings
from bridge.model import TRACK, Failed, FilterReason, LetterReason, Outcome, Request


@dataclass(frozen=True, slots=True, eq=False)
class TrackParts(RouteParts):
    """What is written of an event."""

    event_name: str | ValueReader
    """A literal name, or what makes one."""
    allowed_event_names: frozenset[str]
    user_id: ValueReader | None
    metadata: tuple[tuple[str, ValueReader], ...]
    switched_off: frozenset[str]
    """Keys of the common metadata that this route does not have."""
    source: WholeObject | None

    def bind(self, settings: Settings) -> TrackPlan:
        """See `RouteParts`."""
        return TrackPlan(self, settings)


class TrackPlan(RoutePlan):
    """An event on one kind of topic."""

    __slots__ = (
        "_allowed",
        "_common",
        "_drops_without_user",
        "_event_name",
        "_limit",
        "_literal_name",
        "_parts",
        "_write_metadata",
    )

    def __init__(self, parts: TrackParts, settings: Settings) -> None:
        super().__init__(parts.head, settings, parts.user_id or settings.user_id)
        self._parts = parts
        self._drops_without_user = settings.on_no_user == "drop"
        self._literal_name = parts.event_name if isinstance(parts.event_name, str) else ""
        self._event_name = NOTHING if isinstance(parts.event_name, str) else parts.event_name
        self._allowed = parts.allowed_event_names
        self._common = _common(parts, settings)
        self._write_metadata: Write
        self._write_metadata, self.absent_keys = compile_metadata(
            self.route.name, parts.metadata, parts.source, self._common, stringify=settings.stringify
        )
        self._limit = settings.metadata_limit

    @property
    def readers(self) -> tuple[tuple[str, ValueReader], ...]:
        """See `RoutePlan`."""
        parts = self._parts
        name = [("event_name", parts.event_name)] if isinstance(parts.event_name, ValueReader) else []
        source = [] if parts.source is None else [("metadata_from", parts.source.reader)]
        keys = [(f"metadata.{key}", reader) for key, reader in self.keys.items()]
        return (("user_id", self.user_id), *name, *source, *keys)

    @property
    def keys(self) -> Mapping[str, ValueReader]:
        """See `RoutePlan`."""
        return dict((*self._parts.metadata, *self._common))

    def contents(self, document: Mapping[str, Any], /) -> Mapping[str, Any]:
        """See `RoutePlan`."""
        metadata: Mapping[str, Any] = document.get("metadata", {})
        return metadata

    def map(self, value: Any, scope: Scope, now: float) -> Outcome:  # noqa: C901, PLR0911 - a call costs what it saves
        """See `RoutePlan`. What every event goes through is written out here: a call would cost more."""
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
                user_id = identifier(reader, user_id, scope)
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
                body = encode_exactly(document)
            if len(body) > self._limit:
                _check_limit(metadata, self._limit)
            return Request(TRACK, user_id, event_name, body, self.route, left_out)
        except MappingError as failure:
            return Failed(failure.reason, failure.message, self.route, schema=failure.schema)
        except Signal:
            raise
        except Exception as error:  # noqa: BLE001  # whatever a record brings about is this record's own problem
            return Failed(LetterReason.UNMAPPABLE, unexpected(error), self.route)

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


def _common(parts: TrackParts, settings: Settings) -> tuple[tuple[str, ValueReader], ...]:
    own = {key for key, _ in parts.metadata}
    return tuple(
        (key, reader)
        for key, reader in settings.common_metadata.items()
        if isinstance(reader, ValueReader) and key not in own and key not in parts.switched_off
    )


def _check_limit(metadata: Metadata, limit: int) -> None:
    """Measured only when the whole body is beyond the limit, which is rare."""
    size = len(exact_json.dumps(metadata))
    if size > limit:
        raise invalid(f"the metadata has {size} bytes as JSON; metadata_limit is {limit}")
