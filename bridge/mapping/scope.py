"""What an expression can see of one record besides its value: read when asked for, and at most once."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import orjson

from bridge.mapping import exact_json, instants
from bridge.mapping.failures import InexactNumberError, found, unmappable
from bridge.mapping.framing import unframed
from bridge.mapping.skim import last_of

if TYPE_CHECKING:
    from bridge.mapping.settings import Settings
    from bridge.model import Record

_UNREAD: Final[Any] = object()


class Scope:
    """One record on its way through one mapping. Not a dataclass: one is built for every event mapped."""

    __slots__ = ("_event_id", "_key", "_moment", "_time", "event_type", "exact", "record", "settings", "value")

    def __init__(
        self, record: Record, value: Any, settings: Settings, event_type: str = "", *, exact: bool = False
    ) -> None:
        self.record = record
        self.value = value
        self.settings = settings
        self.event_type = event_type
        """Empty until it is known."""
        self.exact = exact
        """All numbers are known to be as written; see `exact_json`."""
        self._time = self._event_id = self._key = _UNREAD
        self._moment: datetime | None = None

    # --- the envelope

    def occurred_at(self) -> str | None:
        """`mapping.occurred_at`, else the Kafka timestamp, as ISO 8601 UTC; None where there is neither."""
        time: str | None = self._time
        if time is _UNREAD:
            reader = self.settings.occurred_at
            value = reader.read(self.value, self)
            try:
                time, self._moment = instants.canonical(value) if value.__class__ is str else self._time_of(value)
            except instants.NotATimeError as problem:
                raise unmappable(f"occurred_at: {reader.text} {problem}") from None
            except TypeError:
                raise unmappable(f"occurred_at: {reader.text} is {found(value)}; a time is needed") from None
            self._time = time
        return time

    def occurred_seconds(self) -> float | None:
        """As `occurred_at`, in Unix seconds."""
        self.occurred_at()
        return None if self._moment is None else self._moment.timestamp()

    def _time_of(self, value: Any) -> tuple[str | None, datetime | None]:
        """Of anything but a text."""
        if value is None:
            value = self.timestamp()
        if value is None:
            return None, None
        moment = instants.parse(value, None)
        return instants.in_utc(moment), moment

    def event_id(self) -> str:
        """`mapping.event_id`, else ``topic/partition/offset``."""
        if self._event_id is _UNREAD:
            reader = self.settings.event_id
            value = reader.read(self.value, self)
            if value is None or value == "":
                value = self.record.coordinates
            elif value.__class__ is not str:
                value = reader.text_of(value, self, "event_id")
            self._event_id = value
        identifier: str = self._event_id
        return identifier

    def attribute(self, name: str) -> Any:
        """An attribute of a CloudEvent; None for a record that is none."""
        value = self.value
        if value.__class__ is dict and "specversion" in value and self.settings.decode != "json":
            return value.get(name)
        return None

    # --- the record

    def header(self, name: str) -> str | None:
        """A header's text, see `last_of`."""
        content = last_of(self.record.headers, name)
        try:
            return None if content is None else content.decode()
        except UnicodeDecodeError:
            raise unmappable(f"header:{name} is not UTF-8 text") from None

    def key_text(self) -> str | None:
        """The key as text."""
        key = self.record.key
        if key is None:
            return None
        try:
            return key.decode()
        except UnicodeDecodeError:
            raise unmappable("key is not UTF-8 text") from None

    def key_value(self) -> Any:
        """The key, decoded as JSON (behind schema-registry framing, too)."""
        if self._key is _UNREAD:
            key = self.record.key
            try:
                self._key = None if key is None else self._decode_key(unframed(key))
            except orjson.JSONDecodeError:
                raise unmappable("key is not JSON, which key:PATH needs") from None
        return self._key

    def _decode_key(self, key: bytes) -> Any:
        decoded = orjson.loads(key)
        return exact_json.loads(key) if self.exact and exact_json.may_have_large_integers(key) else decoded

    def require_exact_numbers(self) -> None:
        """For whoever computes with numbers. Raises `InexactNumberError` where one may have been rounded."""
        raw, key = self.record.value or b"", self.record.key or b""
        # The digits of a CloudEvent's encoded data do not stand in the record's bytes.
        is_encoded = b"data_base64" in raw or "data_base64" in (self.value or ())
        if is_encoded or exact_json.may_have_large_integers(raw) or exact_json.may_have_large_integers(key):
            raise InexactNumberError
        self.exact = True

    def timestamp(self) -> datetime | None:
        """The Kafka timestamp."""
        millis = self.record.timestamp_ms
        if millis is None:
            return None
        try:
            return instants.parse_number(millis, "ms")
        except instants.NotATimeError as problem:
            raise unmappable(
                f"timestamp {problem}; its producer counts in another unit, so take the time from the record itself "
                "(mapping.occurred_at)"
            ) from None
