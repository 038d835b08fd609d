"""The mapping section: what is written there, parsed but not compiled. Expressions are still text here."""

from collections.abc import Mapping
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field

from bridge.config.events.example_section import ExampleConfig
from bridge.config.events.route_section import Rule
from bridge.config.keys import fields, scalars
from bridge.config.keys.fields import Section
from bridge.config.keys.values import Value, ValueOrOff, ValueSpec

ValueFormat = Literal["auto", "json", "cloudevents", "avro", "protobuf"]
"""How values may be read, each by a decoder of `bridge.decode.decoders`. The one list: all others are built from it."""
Layer = Literal["base64", "gzip", "zlib", "zstd", "json_text"]
MOST_LAYERS: Final = 8
"""More than anybody puts around a value. Each may make megabytes of a few bytes, or as many once more."""
Layers = Annotated[tuple[Layer, ...], Field(max_length=MOST_LAYERS)]
Unwrap = Literal["none", "connect", "debezium"]
KeyFormat = Literal["text", "json", "int32", "int64", "uuid", "avro", "protobuf", "auto"]
Unwanted = Literal["drop", "dead_letter"]
RestOfRecord = Literal["dead_letter", "send"]

_COMMON_METADATA: Mapping[str, ValueSpec | Literal[False]] = {
    "occurred_at": "envelope:occurred_at",
    "event_id": "envelope:event_id",
}


class TopicOverrides(Section):
    """Settings of `mapping` for some topics; what is left out stays as it is there."""

    # What was left out differs from a null that lifts a setting: `model_fields_set` tells them apart.

    decode: ValueFormat | None = Field(default=None, description="As mapping.decode.")
    layers: Layers | None = Field(default=None, description="Instead of mapping.layers.")
    unwrap: Unwrap | None = Field(default=None, description="As mapping.unwrap.")
    logical_types: fields.Flag | None = Field(default=None, description="As mapping.logical_types.")
    descriptor_set_file: fields.OptionalFilePath = Field(default=None, description="As mapping.descriptor_set_file.")
    message_type: fields.OptionalText = Field(default=None, description="As mapping.message_type.")
    key: KeyFormat | None = Field(default=None, description="As mapping.key.")
    each: fields.OptionalText = Field(default=None, description="As mapping.each.")
    event_type: Value | None = Field(default=None, description="As mapping.event_type.")
    user_id: Value | None = Field(default=None, description="As mapping.user_id.")
    occurred_at: Value | None = Field(default=None, description="As mapping.occurred_at.")
    event_id: Value | None = Field(default=None, description="As mapping.event_id.")
    when: fields.OptionalText = Field(default=None, description="As mapping.when; null lifts it.")
    max_age: fields.OptionalDuration = Field(default=None, description="As mapping.max_age; null lifts it.")
    on_unmapped: Unwanted | None = Field(default=None, description="As mapping.on_unmapped.")
    on_expired: Unwanted | None = Field(default=None, description="As mapping.on_expired.")
    on_untyped: Unwanted | None = Field(default=None, description="As mapping.on_untyped.")
    on_no_user: Unwanted | None = Field(default=None, description="As mapping.on_no_user.")
    on_identify_rejected: RestOfRecord | None = Field(default=None, description="As mapping.on_identify_rejected.")
    stringify: fields.Flag | None = Field(default=None, description="As mapping.stringify.")
    metadata_limit: fields.Size | None = Field(default=None, description="As mapping.metadata_limit.")
    never_send: tuple[fields.Name, ...] | None = Field(default=None, description="Added to mapping.never_send.")
    common_metadata: Mapping[str, ValueOrOff] | None = Field(
        default=None, description="Added to mapping.common_metadata; false leaves a key out."
    )


# --- the section -------------------------------------------------------------------------------------


def _with_defaults(given: Mapping[str, ValueSpec | Literal[False]]) -> Mapping[str, ValueSpec | Literal[False]]:
    return {**_COMMON_METADATA, **given}


class MappingConfig(Section):
    """Which records become which events."""

    decode: ValueFormat = Field(
        default="auto", description="How values are read; auto tells CloudEvents from plain JSON."
    )
    layers: Layers = Field(
        default=(),
        description="What is undone before decoding, outermost first, at most eight: base64, gzip, zlib, zstd, or "
        "json_text, a JSON text that holds JSON. A byte order mark is always taken off.",
        examples=[["base64", "gzip"]],
    )
    unwrap: Unwrap = Field(
        default="none",
        description="What is taken off the decoded value: connect, the envelope of schema and payload; debezium, that "
        "too, and a change is read as one: its id, time and operation, no heartbeats, no transaction marks.",
    )
    logical_types: fields.Flag = Field(
        default=True,
        description="Show Avro, Connect and Debezium types as what they mean; false: as they are stored.",
    )
    descriptor_set_file: fields.OptionalFilePath = Field(
        default=None,
        description="File with a serialized FileDescriptorSet (protoc --descriptor_set_out --include_imports), for "
        "Protobuf without a registry. A relative path begins at this file's folder.",
        examples=["/etc/bridge/orders.desc"],
    )
    message_type: fields.OptionalText = Field(
        default=None,
        description="The full name of the Protobuf message in the values, where nothing in the records says it.",
        examples=["shop.v1.OrderPlaced"],
    )
    key: KeyFormat = Field(
        default="text",
        description="How key and key:PATH read the record's key. text refuses what is no text; key:PATH reads JSON.",
    )
    each: fields.OptionalText = Field(
        default=None,
        description="A path to a list, or @ where the value itself is one: each element is a record of its own, and "
        "outer:PATH looks around it.",
        examples=["records"],
    )
    event_type: Value = Field(
        default="type", description="Where a record says its type.", examples=["header:ce_type", "topic"]
    )
    user_id: Value = Field(
        default="data.user_id", description="Where a record names its user.", examples=["data.customer.id", "key"]
    )
    occurred_at: Value = Field(
        default="time",
        description="When it happened; else the Kafka timestamp.",
        examples=[{"path": "created_ms", "type": "datetime", "unit": "ms"}],
    )
    event_id: Value = Field(
        default="id", description="What tells events apart; else topic/partition/offset.", examples=["header:ce_id"]
    )
    when: fields.OptionalText = Field(
        default=None, description="A condition that all routes share.", examples=["data.internal == `false`"]
    )
    max_age: fields.OptionalDuration = Field(
        default=None,
        description="The greatest age, by occurred_at, at which an event is still sent.",
        examples=["7d"],
    )
    on_unmapped: Unwanted = Field(default="drop", description="What becomes of records whose type has no rule.")
    on_expired: Unwanted = Field(default="drop", description="What becomes of events older than max_age.")
    on_untyped: Unwanted = Field(default="dead_letter", description="What becomes of records without a type.")
    on_no_user: Unwanted = Field(default="dead_letter", description="What becomes of events without a user.")
    on_identify_rejected: RestOfRecord = Field(
        default="dead_letter",
        description="What becomes of the rest of a record whose identify the API refuses: it stays with the dead "
        "letter, or is sent.",
    )
    stringify: fields.Flag = Field(default=False, description="Send every metadata value as a string.")
    metadata_limit: fields.Size = fields.preset(
        scalars.size, "10KB", "The largest metadata of one event, as JSON; beyond it the event is a dead letter."
    )
    never_send: tuple[fields.Name, ...] = Field(
        default=(),
        description="Paths of the value that reach no request, whatever a route says.",
        examples=[["data.email", "data.address"]],
    )
    common_metadata: Annotated[Mapping[str, ValueOrOff], AfterValidator(_with_defaults)] = Field(
        default=_COMMON_METADATA,
        description="Metadata of every event, unless its route has the key. Added to the two defaults; "
        "false leaves one out.",
        examples=[{"source": "topic", "event_id": False}],
    )
    per_topic: Mapping[str, TopicOverrides] = Field(
        default={},
        description="Other settings for some topics, by name or ^pattern; the exact name wins.",
        examples=[{r"^billing\..*": {"event_type": "topic", "user_id": "key"}}],
    )
    events: Mapping[str, Rule] = Field(
        min_length=1,
        description="Rules by type or glob. An exact type wins, then the longest text before the first wildcard.",
        examples=[{"order.completed": {"event_name": "Order Completed"}, "audit.*": "drop"}],
    )
    examples: tuple[ExampleConfig, ...] = Field(default=(), description="Records and what must become of them.")
