"""The examples of a mapping: records, and what must become of them."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from bridge.config.keys import fields, scalars
from bridge.config.keys.fields import Section


def _timestamp_ms(value: Any) -> int:
    """Milliseconds, from an integer or an ISO 8601 time."""
    if isinstance(value, str):
        return round(scalars.instant(value) * 1000)
    return scalars.whole_number(value)


class RecordExample(Section):
    """A record as Kafka would deliver it."""

    kind = "example"

    topic: fields.Name = Field(description="The record's topic.")
    partition: fields.Whole = Field(default=0, ge=0, description="The record's partition.")
    offset: fields.Whole = Field(default=0, ge=0, description="The record's offset.")
    timestamp: (
        Annotated[int, BeforeValidator(_timestamp_ms), WithJsonSchema({"type": ["integer", "string"]})] | None
    ) = Field(default=None, description="Milliseconds since 1970, or an ISO 8601 time.")
    key: Any = Field(default=None, description="Text as it is; anything else as JSON.")
    key_base64: fields.OptionalText = Field(default=None, description="The key's bytes, where they are no text.")
    value: Any = Field(default=None, description="Encoded as JSON; null, or left out, is a tombstone.")
    value_base64: fields.OptionalText = Field(default=None, description="The value's bytes, where they are not JSON.")
    headers: Mapping[str, fields.Text] = Field(default={}, description="Header texts by name.")

    @model_validator(mode="after")
    def _one_value(self) -> Self:
        if self.value is not None and self.value_base64 is not None:
            raise ValueError("has both value and value_base64; remove one")
        if self.key is not None and self.key_base64 is not None:
            raise ValueError("has both key and key_base64; remove one")
        return self


class ExpectedEvent(Section):
    """A request that must be made."""

    kind = "expectation"

    user_id: fields.Text = Field(description="The request's user_id.")
    event_name: fields.Text = Field(description="The request's event_name.")
    metadata: Mapping[str, Any] = Field(default={}, description="The request's whole metadata.")


class IdentifiedUser(Section):
    """The document of a request that identifies a user."""

    user_id: fields.Text = Field(description="The request's user_id.")
    metadata: Mapping[str, Any] = Field(default={}, description="The user's properties, all of them.")
    company: Mapping[str, Any] | None = Field(
        default=None, description="The user's company, with its id and all its properties; left out: there is none."
    )


class DescribedCompany(Section):
    """The document of a request that says what is known of a company."""

    company_id: fields.Text = Field(description="The request's company_id.")
    metadata: Mapping[str, Any] = Field(default={}, description="The company's properties, all of them.")


class ExpectedIdentify(Section):
    """A user that must be identified."""

    kind = "expectation"

    identify: IdentifiedUser = Field(description="The request.")


class ExpectedCompany(Section):
    """A company that must be described."""

    kind = "expectation"

    company: DescribedCompany = Field(description="The request.")


class ExpectedDeadLetter(Section):
    """A dead letter that must be written."""

    kind = "expectation"

    dead_letter: Literal["undecodable", "unmappable", "invalid", "expired"] = Field(description="Its reason.")


class ExpectedDrop(Section):
    """A record, or one of its routes, that must send nothing."""

    kind = "expectation"

    dropped: Literal[
        "tombstone", "unmapped", "rule", "when", "expired", "sampled_out", "topic", "bridge_record",
        "untyped", "no_user", "no_elements", "heartbeat", "transaction", "schema_change", "truncate", "forget",
    ] = Field(description="By which rule.")  # fmt: skip


_Expected = ExpectedEvent | ExpectedIdentify | ExpectedCompany | ExpectedDeadLetter | ExpectedDrop


def _expectation(value: Any) -> _Expected:
    match value:
        case {"dead_letter": _}:
            return ExpectedDeadLetter.model_validate(value)
        case {"dropped": _}:
            return ExpectedDrop.model_validate(value)
        case {"identify": _}:
            return ExpectedIdentify.model_validate(value)
        case {"company": _}:
            return ExpectedCompany.model_validate(value)
        case dict():
            return ExpectedEvent.model_validate(value)
        case _:
            raise ValueError(f"must be a map, not {scalars.shown(value)}")


Expectation = Annotated[_Expected, BeforeValidator(_expectation)]


class ExampleConfig(Section):
    """A record and what must become of it."""

    kind = "example"

    # An input may be null: which of the two was written is told by `model_fields_set`.

    name: fields.Name = Field(description="A sentence that says what the example shows.")
    input: Any = Field(default=None, description="A value alone, of a record of no particular topic.")
    record: RecordExample | None = Field(default=None, description="A whole record.")
    now: fields.Instant | None = Field(
        default=None, description="The clock while the example runs; required where max_age plays a part."
    )
    expect: Annotated[tuple[Expectation, ...], BeforeValidator(fields.one_or_many), fields.OneOrMany()] = Field(
        min_length=1, description="What becomes of it, one entry per route that looked at it, or a single entry."
    )

    @model_validator(mode="after")
    def _one_record(self) -> Self:
        if len({"input", "record"} & self.model_fields_set) != 1:
            raise ValueError("must have either input (a value alone) or record (a whole record)")
        return self
