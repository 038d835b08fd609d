"""The one grammar of values, as written: an expression, or a map that says what else is meant.

Which shape a value has is decided before pydantic's union sees it: the union alone would report the problems of all
shapes, and a discriminator would put the shape's name into the paths of the problems.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BeforeValidator,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    WithJsonSchema,
    model_validator,
)

from bridge.config.keys import fields, scalars
from bridge.config.keys.fields import Section


def _scalar(value: Any) -> str | int | float | bool:
    match value:
        case bool():
            return value
        case str():
            return str(value)
        case int() | float():
            return scalars.number(value)
        case _:
            raise ValueError(f"must be a text, a number, true or false, not {scalars.shown(value)}")


Scalar = Annotated[
    StrictStr | StrictInt | StrictFloat | StrictBool,
    BeforeValidator(_scalar),
    WithJsonSchema({"type": ["string", "number", "boolean"]}),
]


class LiteralValue(Section):
    """The same for every record: ``{value: web}``."""

    kind = "value"

    value: Scalar = Field(description="A text, a number, true or false, sent as it is.")


class TemplateValue(Section):
    """Text with expressions in braces: ``{template: "Account {data.action}"}``."""

    kind = "value"

    template: fields.Name = Field(description="Text in which {expression} is replaced by its value.")


def _mark(given: Any) -> Any:
    if given not in (",", "."):
        raise ValueError(f"must be ',' or '.', not {scalars.shown(given)}")
    return given


class PathValue(Section):
    """An expression with what is to be done to its result: ``{path: created_ms, type: datetime, unit: ms}``."""

    kind = "value"

    path: fields.Name = Field(description="An expression, as a plain text value would be.")
    type: Literal["string", "integer", "number", "boolean", "datetime"] | None = Field(
        default=None, description="The type the result is converted to; a result it cannot become is a dead letter."
    )
    unit: Literal["s", "ms", "us", "ns", "d"] | None = Field(
        default=None, description="With type datetime: what a number counts since 1970; d are days."
    )
    format: fields.Text | None = Field(
        default=None, description="With type datetime: how a text has its time, as in '%d.%m.%Y %H:%M'."
    )
    zone: fields.Name | None = Field(
        default=None, description="With type datetime: the zone of times that state none, such as Europe/Berlin."
    )
    decimal: Annotated[Literal[",", "."], BeforeValidator(_mark)] | None = Field(
        default=None,
        description="With type number or integer: what is before the decimals of a number in a text, as in 1.234,56.",
    )
    divide_by: fields.Number | None = Field(
        default=None, description="A number the result is divided by, such as 100 for cents."
    )
    join: fields.Text | None = Field(default=None, description="What is put between the items of a list.")
    default: Scalar | None = Field(default=None, description="The value where the expression finds nothing.")
    required: fields.Flag = Field(
        default=False, description="Finding nothing is a dead letter, instead of leaving the key out."
    )

    @model_validator(mode="after")
    def _keys_agree(self) -> Self:
        self._keys_of_times_agree()
        if self.divide_by == 0:
            raise ValueError("divide_by must not be 0")
        if self.divide_by is not None and self.type not in {None, "number", "integer", "datetime"}:
            raise ValueError(f"divide_by needs a number, but type is {self.type}; remove one of the two")
        if self.decimal is not None and self.type not in {"number", "integer"}:
            raise ValueError("decimal says how a number is written in a text; add type: number or remove decimal")
        if self.required and self.default is not None:
            raise ValueError("a default means the value is never missing; remove required or default")
        return self

    def _keys_of_times_agree(self) -> None:
        if self.type != "datetime":
            for key, given in (("unit", self.unit), ("format", self.format), ("zone", self.zone)):
                if given is not None:
                    says = {"unit": "what a time counts", "format": "how a text has its time"}.get(
                        key, "where a time is"
                    )
                    raise ValueError(f"{key} says {says}; add type: datetime or remove {key}")
            return
        if self.unit is not None and (self.format is not None or self.zone is not None):
            other = "format" if self.format is not None else "zone"
            raise ValueError(
                f"unit is for numbers, which count since 1970 in UTC, and {other} for texts; remove one of the two"
            )
        if self.divide_by is not None and self.unit is None:
            raise ValueError("divide_by with type: datetime needs unit, which says what the quotient counts; add unit")


ValueSpec = str | LiteralValue | TemplateValue | PathValue

_SHAPES: Mapping[str, type[LiteralValue | TemplateValue | PathValue]] = {
    "value": LiteralValue,
    "template": TemplateValue,
    "path": PathValue,
}
"""By the one key that only this shape has."""


def _value(given: Any) -> ValueSpec:
    """The problems are those of the one shape that was meant, at the keys as written."""
    match given:
        case str():
            return scalars.name(given)
        case LiteralValue() | TemplateValue() | PathValue():
            return given
        case dict():
            named = [key for key in _SHAPES if key in given]
            if len(named) == 1:
                return _SHAPES[named[0]].model_validate(given)
            if named:
                raise ValueError(f"must have one of value, template and path, not {' and '.join(named)} together")
            raise ValueError("must have one of the keys value (a literal), template or path (an expression)")
        case bool() | int() | float():
            raise ValueError(
                f"must be an expression; for the literal {scalars.shown(given)} write {{value: {scalars.shown(given)}}}"
            )
        case _:
            raise ValueError(f"must be an expression or a map with value, template or path, not {scalars.shown(given)}")


def _value_or_off(given: Any) -> ValueSpec | Literal[False]:
    return False if given is False else _value(given)


_Shapes = fields.Name | LiteralValue | TemplateValue | PathValue
Value = Annotated[_Shapes, BeforeValidator(_value)]
"""A `ValueSpec`."""
ValueOrOff = Annotated[_Shapes | Literal[False], BeforeValidator(_value_or_off)]
"""A `ValueSpec`, or false: this key is not added."""
