"""The one grammar of values, as written: an expression, or a map that says what else is meant.

A union is decided by a discriminator, so that the problems of a value are those of the one shape it was meant to have.
The tags begin with a NUL, which no key of a file contains, and are taken out of the paths shown.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import (
    BeforeValidator,
    Discriminator,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    Tag,
    WithJsonSchema,
    model_validator,
)

from bridge.config.keys import fields, scalars
from bridge.config.keys.section import Section

_SHAPES = ("value", "template", "path")


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

    value: Scalar = Field(description="A text, a number, true or false, sent as it stands.")


class TemplateValue(Section):
    """Text with expressions in braces: ``{template: "Account {data.action}"}``."""

    template: fields.Name = Field(description="Text in which {expression} is replaced by its value.")


class PathValue(Section):
    """An expression with what is to be done to its result: ``{path: created_ms, type: datetime, unit: ms}``."""

    path: fields.Name = Field(description="An expression, as a plain text value would be.")
    type: Literal["string", "integer", "number", "boolean", "datetime"] | None = Field(
        default=None, description="The type the result is converted to; a result it cannot become is a dead letter."
    )
    unit: Literal["s", "ms", "us"] | None = Field(
        default=None, description="With type datetime: what a number counts since 1970."
    )
    divide_by: fields.Number | None = Field(
        default=None, description="A number the result is divided by, such as 100 for cents."
    )
    join: fields.Text | None = Field(default=None, description="What stands between the items of a list.")
    default: Scalar | None = Field(default=None, description="The value where the expression finds nothing.")
    required: fields.Flag = Field(
        default=False, description="Finding nothing is a dead letter, instead of leaving the key out."
    )

    @model_validator(mode="after")
    def _keys_agree(self) -> Self:
        if self.unit is not None and self.type != "datetime":
            raise ValueError("unit says what a time counts; add type: datetime or remove unit")
        if self.divide_by == 0:
            raise ValueError("divide_by must not be 0")
        if self.divide_by is not None and self.type not in {None, "number", "integer"}:
            raise ValueError(f"divide_by needs a number, but type is {self.type}; remove one of the two")
        if self.required and self.default is not None:
            raise ValueError("a default means the value is never missing; remove required or default")
        return self


ValueSpec = str | LiteralValue | TemplateValue | PathValue


def _shape(value: Any) -> Any:
    """Says what a value may be, where it is none of the shapes."""
    match value:
        case str() | LiteralValue() | TemplateValue() | PathValue():
            return scalars.name(value) if isinstance(value, str) else value
        case dict():
            given = [key for key in _SHAPES if key in value]
            if len(given) == 1:
                return value
            if given:
                raise ValueError(f"must have one of value, template and path, not {' and '.join(given)} together")
            raise ValueError("must have one of the keys value (a literal), template or path (an expression)")
        case bool() | int() | float():
            raise ValueError(
                f"must be an expression; for the literal {scalars.shown(value)} write {{value: {scalars.shown(value)}}}"
            )
        case _:
            raise ValueError(f"must be an expression or a map with value, template or path, not {scalars.shown(value)}")


def _shape_or_off(value: Any) -> Any:
    return value if value is False else _shape(value)


def _tag(value: Any) -> str:
    match value:
        case False:
            return "\0off"
        case str():
            return "\0text"
        case LiteralValue():
            return "\0value"
        case TemplateValue():
            return "\0template"
        case PathValue():
            return "\0path"
        case _:
            return next((f"\0{key}" for key in _SHAPES if key in value), "\0path")


_Text = Annotated[fields.Name, Tag("\0text")]
_Literal = Annotated[LiteralValue, Tag("\0value")]
_Template = Annotated[TemplateValue, Tag("\0template")]
_Path = Annotated[PathValue, Tag("\0path")]

Value = Annotated[_Text | _Literal | _Template | _Path, Discriminator(_tag), BeforeValidator(_shape)]
"""A `ValueSpec`."""
ValueOrOff = Annotated[
    _Text | _Literal | _Template | _Path | Annotated[Literal[False], Tag("\0off")],
    Discriminator(_tag),
    BeforeValidator(_shape_or_off),
]
"""A `ValueSpec`, or false: this key is not added."""
