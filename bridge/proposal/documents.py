"""The sampled records of a topic as expressions will see them, and how their bytes have to be read for that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bridge.config.mapping_section import KeyFormat, Layer, Unwrap, ValueFormat
from bridge.decode.protocol import FormatSettings
from bridge.model import Record
from bridge.text.amounts import plural


@dataclass(frozen=True, slots=True)
class TopicFormat:
    """Keys of the mapping that say how bytes are read."""

    decode: ValueFormat = "auto"
    layers: tuple[Layer, ...] = ()
    unwrap: Unwrap = "none"
    each: str | None = None
    key: KeyFormat = "text"
    descriptor_set: bytes | None = field(default=None, repr=False)
    message_type: str | None = None

    def settings(self) -> FormatSettings:
        """As decoders take them."""
        path = () if self.each in {None, "@"} else tuple((self.each or "").split("."))
        return FormatSettings(
            layers=self.layers,
            unwrap=self.unwrap,
            each=self.each,
            each_path=path,
            key=self.key,
            descriptor_set=self.descriptor_set,
            message_type=self.message_type,
        )


@dataclass(frozen=True, slots=True)
class SampledDocument:
    """One event: a record, or an element of one."""

    record: Record = field(repr=False)
    value: dict[str, Any] = field(repr=False)
    """As expressions see it."""
    headers: Mapping[str, str] = field(repr=False)
    """Those that are text."""
    key: Any = field(repr=False)
    """A text; an object where the key is one; None where there is none, or none that can be read."""
    outer: dict[str, Any] | None = field(default=None, repr=False)
    """What is around an element."""


@dataclass(frozen=True, slots=True)
class SampledTopic:
    """What was read of one topic."""

    name: str
    format: TopicFormat
    evidence: str
    """Why the format is believed to be this, in half a sentence."""
    documents: tuple[SampledDocument, ...]
    records: int
    """All of them, those that hold no event too."""
    tombstones: int = 0
    filtered: int = 0
    """Heartbeats and the like, which the decoder leaves out."""
    unreadable: Mapping[str, int] = field(default_factory=dict)
    """Why records cannot be read, each reason with how many."""
    missing_schemas: tuple[str, ...] = ()
    """References to schemas that are not known."""
    titles: tuple[str, ...] = ()
    """Names of the schemas that records were written with."""

    @property
    def without_event(self) -> str:
        """What is left out and no fault, as a sentence without its end; empty where there is nothing of the kind."""
        found = [(self.tombstones, "tombstone", "records without a value")] * bool(self.tombstones)
        found += [(self.filtered, "mark", "heartbeats and the like")] * bool(self.filtered)
        said = " and ".join(f"{plural(count, what)} ({meaning})" for count, what, meaning in found)
        return f"{said} {'is' if self.tombstones + self.filtered == 1 else 'are'} left out" if said else ""

    @property
    def lacks_schemas(self) -> bool:
        """Whether records are not read for the want of a schema."""
        return bool(self.missing_schemas) or any("schema" in why for why in self.unreadable)
