"""What all sections are, and the types that their fields are declared with: a parser from `scalars`, a JSON Schema.

Strict by construction: nothing here converts between kinds, except for text from outside the file. Where a parser makes
another value of a text, its writer is beside it, for `Section.as_written`.
"""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    SecretStr,
    SerializationInfo,
    SerializerFunctionWrapHandler,
    WithJsonSchema,
    WrapSerializer,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import core_schema

from bridge.config.keys import api_key, control_socket, endpoint, instance, scalars

AS_WRITTEN: Final = "as written"
"""The context of a dump in the words of a file. Every other dump has the values as they are: fingerprints that outlive
a process are made of those.
"""


class Section(BaseModel):
    """Frozen, and closed: an unknown key is a problem, never ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    kind: ClassVar[str] = ""
    """What `hints.LOCAL_HABITS` calls maps of this class, where that is not the key they are under."""

    def as_written(self) -> Mapping[str, Any]:
        """What was set, as a file may hold it: loaded, it is the same section. A secret is masked."""
        return self.model_dump(mode="json", exclude_unset=True, context=AS_WRITTEN)


REFERENCE = r"\$\{[^}]+\}"
"""A scalar that is replaced before it is parsed, and so may be where a number is wanted."""


def _pattern(*alternatives: str) -> dict[str, Any]:
    return {"type": "string", "pattern": f"^(?:{'|'.join((*alternatives, '.*' + REFERENCE + '.*'))})$"}


def _writer(text: Callable[[Any], str]) -> WrapSerializer:
    def write(value: Any, plain: SerializerFunctionWrapHandler, info: SerializationInfo) -> Any:
        return text(value) if info.context == AS_WRITTEN else plain(value)

    return WrapSerializer(write)


def _absent_if_empty(value: Any) -> Any:
    """`${VAR:-}` is how a file leaves a choice to the environment: nothing there means not given."""
    return None if isinstance(value, scalars.Substituted) and not value.strip() else value


def _file_path(value: Any) -> Path:
    return Path(scalars.name(value)).expanduser()


def _secret_key(value: Any) -> SecretStr:
    if not isinstance(value, str):
        raise ValueError("must be text; put the key in quotes")  # noqa: TRY004  # pydantic turns only ValueError into a problem
    return SecretStr(api_key.clean(value))


_HIDDEN = r'key|header:[^\s]+|(?:[^\W\d][\w-]*|"(?:[^"\\]|\\.)+")(?:\.(?:[^\W\d][\w-]*|"(?:[^"\\]|\\.)+"))*'


def _hidden(value: Any) -> str:
    found = scalars.name(value)
    if re.fullmatch(_HIDDEN, found) is None:
        raise ValueError(
            f"must be a path of the value such as data.email, key, or header:NAME, not {scalars.shown(value)}"
        )
    return found


def one_or_many(value: Any) -> Any:
    """One map stands for a list of one."""
    return [value] if isinstance(value, dict) else value


class OneOrMany:
    """Marks a list that one item may stand for, in the schema; a validator of the field makes the list."""

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        many = handler(schema)
        return {"anyOf": [many["items"], many]}


class OrTrue:
    """Marks an optional map that ``true`` may stand for, in the schema; a validator of the field makes the map."""

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"anyOf": [{"const": True}, *handler(schema)["anyOf"]]}


def preset(parse: Any, written: str, description: str, *examples: str) -> Any:
    """A field whose default is written as its owner would write it, in the schema too."""
    return Field(
        default=parse(written),
        description=description,
        examples=list(examples) or None,
        json_schema_extra={"default": written},
    )


Text = Annotated[str, BeforeValidator(scalars.text)]
Name = Annotated[str, BeforeValidator(scalars.name), WithJsonSchema({"type": "string", "minLength": 1})]
Hidden = Annotated[str, BeforeValidator(_hidden), WithJsonSchema({"type": "string", "minLength": 1})]
Whole = Annotated[int, BeforeValidator(scalars.whole_number)]
Number = Annotated[float, BeforeValidator(scalars.number)]
Flag = Annotated[bool, BeforeValidator(scalars.flag)]
Duration = Annotated[
    float, BeforeValidator(scalars.duration), _writer(scalars.duration_text), WithJsonSchema(_pattern(scalars.DURATION))
]
Wait = Annotated[
    float, BeforeValidator(scalars.wait), _writer(scalars.duration_text), WithJsonSchema(_pattern(scalars.DURATION))
]
Size = Annotated[int, BeforeValidator(scalars.size), _writer(scalars.size_text), WithJsonSchema(_pattern(scalars.SIZE))]
Rate = Annotated[
    float | None,
    BeforeValidator(scalars.rate),
    _writer(scalars.rate_text),
    WithJsonSchema(_pattern("unlimited", scalars.RATE)),
]
Share = Annotated[
    float, BeforeValidator(scalars.share), _writer(scalars.share_text), WithJsonSchema(_pattern(scalars.SHARE))
]
Instant = Annotated[
    float,
    BeforeValidator(scalars.instant),
    _writer(scalars.instant_text),
    WithJsonSchema(_pattern(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T.+")),
]
Listen = Annotated[
    scalars.Listen,
    BeforeValidator(scalars.listen),
    _writer(str),
    WithJsonSchema({"title": "Listen", **_pattern(r".*:[0-9]{1,5}")}),
]
ControlSocket = Annotated[
    str,
    BeforeValidator(control_socket.parse),
    WithJsonSchema({"anyOf": [_pattern("auto", "off", "/.*"), {"type": "boolean"}, {"type": "null"}]}),
]
StartFrom = Annotated[
    scalars.StartFrom,
    BeforeValidator(scalars.start_from),
    _writer(scalars.start_text),
    WithJsonSchema(_pattern("error", "earliest", "latest", scalars.DURATION, r"[0-9]{4}-.+")),
]
FilePath = Annotated[Path, BeforeValidator(_file_path), WithJsonSchema({"type": "string", "minLength": 1})]
Endpoint = Annotated[str, BeforeValidator(endpoint.normalise), WithJsonSchema({"type": "string", "minLength": 1})]
Instance = Annotated[str, BeforeValidator(instance.normalise), WithJsonSchema({"type": "string", "minLength": 1})]
ApiKey = Annotated[SecretStr, BeforeValidator(_secret_key), WithJsonSchema({"type": "string"})]

OptionalText = Annotated[Text | None, BeforeValidator(_absent_if_empty)]
OptionalDuration = Annotated[Duration | None, BeforeValidator(_absent_if_empty)]
OptionalFilePath = Annotated[FilePath | None, BeforeValidator(_absent_if_empty)]
OptionalApiKey = Annotated[ApiKey | None, BeforeValidator(_absent_if_empty)]
