"""What an expression can see of one record besides its value: read when asked for, and at most once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final, Protocol

from bridge.decode import connect, exact_json, plain_text
from bridge.decode.exact_json import may_be_rounded
from bridge.decode.failures import found, unmappable
from bridge.decode.keys import KeyReader
from bridge.decode.protocol import EXACT, FAST, Decoder, DecodeSettings
from bridge.errors import Signal
from bridge.mapping.expressions import instants
from bridge.model import Record, last_header

_UNREAD: Final[Any] = object()


class InexactNumberError(Signal):
    """A number came up that the fast decoder may have rounded: decode this record again, exactly."""


class EnvelopeReader(Protocol):
    """What reads one field of the envelope: a `ValueReader`, which reads scopes in turn."""

    @property
    def text(self) -> str:
        """How messages name it."""

    @property
    def read(self) -> Callable[[Any, Scope], Any]:
        """Given the decoded value and the scope."""

    def text_of(self, value: Any, scope: Scope, label: str) -> str:
        """An identifier as text; raises `MappingError` for what is none."""


class ScopeSettings(Protocol):
    """What the settings of a topic say of each of its records."""

    @property
    def decoder(self) -> Decoder:
        """How values are read."""

    @property
    def unwraps(self) -> bool:
        """Whether headers are unwrapped as values are."""

    @property
    def key_reader(self) -> KeyReader:
        """How keys are read."""

    @property
    def occurred_at(self) -> EnvelopeReader:
        """Where an event says when it happened."""

    @property
    def event_id(self) -> EnvelopeReader:
        """What tells events apart."""

    @property
    def metadata_limit(self) -> int:
        """Bytes of the encoded metadata."""


class Scope:
    """One record on its way through one mapping. Not a dataclass: one is built for every event mapped."""

    __slots__ = (
        "_event_id",
        "_key",
        "_moment",
        "_time",
        "event_type",
        "exact",
        "lossless",
        "record",
        "room",
        "settings",
        "spread",
        "value",
    )

    outer: Any = None
    """What is around an element; a record of its own has nothing around it."""

    def __init__(
        self, record: Record, value: Any, settings: ScopeSettings, event_type: str = "", how: DecodeSettings = FAST
    ) -> None:
        self.record = record
        self.value = value
        self.settings = settings
        self.event_type = event_type
        """Empty until it is known."""
        self.exact = how.exact
        """No number is rounded, as far as is known; see `exact_json`."""
        self.lossless = how.exact
        """Nor is one 0 that was written otherwise."""
        self._time = self._event_id = self._key = _UNREAD
        self._moment: datetime | None = None
        self.spread = 0
        """Bytes of metadata that all fields flattened so far would have at least, were none of them left out."""
        self.room: object = None
        """Counts those that are there, from where they might be too many; whoever flattens them puts it here."""

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
        """`mapping.event_id`, else ``topic/partition/offset``, see `Record.identity`."""
        if self._event_id is _UNREAD:
            reader = self.settings.event_id
            value = reader.read(self.value, self)
            if value.__class__ is str and value:
                if not value.isprintable():
                    plain_text.check_identifier(value, f"event_id: {reader.text}")
            elif value is None or value.__class__ is str:
                value = self.record.identity
            else:
                value = reader.text_of(value, self, "event_id")
            self._event_id = value
        identifier: str = self._event_id
        return identifier

    def attribute(self, name: str) -> Any:
        """An attribute of a CloudEvent; None for a record that is none."""
        value = self.value
        if value.__class__ is dict and "specversion" in value and self.settings.decoder.knows_events:
            return value.get(name)
        return None

    # --- the record

    def header(self, name: str) -> str | None:
        """A header's text, see `last_header`."""
        content = last_header(self.record.headers, name)
        if self.settings.unwraps and content is not None:
            content = connect.plain_text(content)
        return None if content is None else plain_text.read(content, f"header:{name}")

    def key_text(self) -> str | None:
        """The key as text."""
        key = self.record.key
        return None if key is None else self.settings.key_reader.text(key, "key", self.record.headers)

    def key_value(self) -> Any:
        """The key, decoded as `mapping.key` says."""
        if self._key is _UNREAD:
            key = self.record.key
            read = self.settings.key_reader.value
            self._key = None if key is None else read(key, self.record.headers, exact=self.exact)
        return self._key

    def require_exact_numbers(self) -> bool:
        """For whoever uses a double: true, or `InexactNumberError` where a number in the record may be rounded.

        A tiny double may be a number that was cut to nothing: then `require_no_lost_numbers`, too.
        """
        raw = None if self.settings.decoder.is_exact else self.record.value
        if (raw and may_be_rounded(raw)) or (self._key is not _UNREAD and may_be_rounded(self.record.key or b"")):
            raise InexactNumberError
        self.exact = True  # a key that is not read yet will be read exactly
        return True

    def require_no_lost_numbers(self) -> None:
        """For whoever uses a double that may be 0 only because no double is so small, or any double whatever."""
        if not self.lossless:
            is_suspicious = exact_json.may_be_lost if self.exact else exact_json.may_be_inexact
            key = b"" if self._key is _UNREAD else self.record.key or b""
            value = b"" if self.settings.decoder.is_exact else self.record.value or b""
            if is_suspicious(value) or is_suspicious(key):
                raise InexactNumberError
            self.exact = self.lossless = True

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


class ElementRecord(Record):
    """One element of a record, as far as it has something of its own: which one it is."""

    element: int

    @property
    def identity(self) -> str:
        """See `Record.identity`."""
        return f"{self.coordinates}/{self.element}"


class ElementScope(Scope):
    """One element of a record. Its numbers are exact: whether they would be rounded was looked at for all of them."""

    __slots__ = ("outer",)

    def __init__(self, record: Record, value: Any, settings: ScopeSettings, outer: Any) -> None:
        super().__init__(record, value, settings, "", EXACT)
        self.outer = outer
