"""The tables of docs/configuration.md, made from schemas/bridge.schema.json so that the page cannot fall behind it.

``python -m scripts.configuration_page docs/configuration.md`` writes them; ``make docs`` does so too.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from bridge.config.keys import fields, scalars
from scripts.reference_tables import refreshed

SCHEMA = Path(__file__).parent.parent / "schemas" / "bridge.schema.json"
Schema = Mapping[str, Any]

SECTIONS = {
    "Kafka": "kafka",
    "AwsIam": "kafka.aws_iam",
    "SchemaRegistry": "schema_registry",
    "BasicAuth": "schema_registry.basic_auth",
    "RegistryOAuth": "schema_registry.oauth",
    "RegistryTls": "schema_registry.tls",
    "Track": "track",
    "Auth": "track.auth",
    "KnownUsers": "track.known_users",
    "Delivery": "delivery",
    "RetryPolicy": "delivery.retry",
    "DeadLetterSettings": "dead_letter",
    "Redrive": "dead_letter.redrive",
    "MappingConfig": "mapping",
    "ConsoleSettings": "console",
    "Observability": "observability",
    "ReloadSettings": "reload",
    "LintSettings": "lint",
}
"""The schema's definitions that stand in one place of the file, each of whose keys the environment can set."""

SHAPES = {
    "TopicOverrides": "settings of a topic",
    "RouteConfig": "route",
    "IdentifyConfig": "identified user",
    "CompanyConfig": "company",
    "PathValue": "value with a path",
    "TemplateValue": "value with a template",
    "LiteralValue": "literal value",
    "ExampleConfig": "example",
    "RecordExample": "record of an example",
    "ExpectedEvent": "expected event",
    "ExpectedIdentify": "expected identify",
    "IdentifiedUser": "identified user of an example",
    "ExpectedCompany": "expected company",
    "DescribedCompany": "company of an example",
    "ExpectedDeadLetter": "expected dead letter",
    "ExpectedDrop": "expected drop",
    "IgnoredFinding": "ignored finding",
}
"""Those that stand wherever such a thing may be written."""

VALUE = "expression or [value](#values)"
_VALUE_SHAPES = {"PathValue", "TemplateValue", "LiteralValue"}

PATTERNS = {
    scalars.DURATION: "[duration](#units)",
    scalars.SIZE: "[size](#units)",
    f"unlimited|{scalars.RATE}": "[rate](#units) or `unlimited`",
    scalars.SHARE: "[share](#units)",
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T.+": "ISO 8601 time with its zone",
    r".*:[0-9]{1,5}": "address and port",
    "auto|off|/.*": "`auto`, `off` or an absolute path",
    f"error|earliest|latest|{scalars.DURATION}|[0-9]{{4}}-.+": "`error`, `earliest`, `latest`, time or [age](#units)",
}
"""What each pattern of the schema means; a new one must be given words here."""

TYPES = {
    "string": "text",
    "number": "number",
    "integer": "whole number",
    "boolean": "boolean",
    "object": "map",
}


def page_blocks() -> dict[str, str]:
    """Each generated part of the page, by the name of its block."""
    schema: Schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    definitions = schema["$defs"]
    unnamed = set(definitions) - set(SECTIONS) - set(SHAPES)
    if unnamed:
        raise ValueError(f"scripts/configuration_page.py does not say where these stand in the file: {sorted(unnamed)}")
    sections = (_section(path, definitions[name], path) for name, path in SECTIONS.items())
    shapes = (_section(name.capitalize(), definitions[key]) for key, name in SHAPES.items())
    return {"sections": "\n".join(sections), "shapes": "\n".join(shapes)}


def variable(path: str) -> str:
    """The environment variable that goes over a key of the file."""
    return "BRIDGE_" + path.replace(".", "__").upper()


def _section(title: str, definition: Schema, path: str | None = None) -> str:
    """A heading, a sentence and a table; ``path`` is the section's place in the file, where it has one."""
    code = f"`{title}`" if path else title
    head = ["key", "what it may be", "default", "meaning", *(["environment variable"] if path else [])]
    rows = [
        _row(key, each, key in definition.get("required", ()), path) for key, each in definition["properties"].items()
    ]
    lines = [head, ["---"] * len(head), *rows]
    table = "".join("| " + " | ".join(cell.replace("|", r"\|") for cell in line) + " |\n" for line in lines)
    return f"### {code}\n\n{definition['description'].replace('``', '`')}\n\n{table}"


def _row(key: str, schema: Schema, required: bool, path: str | None) -> list[str]:  # noqa: FBT001  # what the schema says of the key
    named = [each["$ref"].rpartition("/")[2] for each in _flat([schema]) if "$ref" in each]
    if named and named[0] in SECTIONS:
        heading = SECTIONS[named[0]]
        meaning = f"{schema['description']} See there." if "anyOf" in schema or "oneOf" in schema else "See there."
        return [f"`{key}`", f"[section](#{_anchor(heading)})", "", meaning, *([""] if path else [])]
    meaning = schema["description"] + "".join(_examples(schema.get("examples", ())))
    default = "**required**" if required else _written(schema.get("default"))
    return [f"`{key}`", _kind(schema), default, meaning, *([f"`{variable(f'{path}.{key}')}`"] if path else [])]


def _examples(examples: Iterable[Any]) -> Iterator[str]:
    shown = [_written(each) for each in examples]
    if shown:
        yield f" Example{'s' if len(shown) > 1 else ''}: {', '.join(shown)}"


def _written(value: Any) -> str:
    """A value as it stands in the file, in one line."""
    if value is None:
        return "nothing"
    text = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=10_000, allow_unicode=True)
    text = text.removesuffix("...\n").strip()
    return f"`` {text} ``" if "`" in text else f"`{text}`"


def _kind(schema: Schema) -> str:
    """What a key may hold, in words."""
    match schema:
        case {"$ref": reference}:
            name = SHAPES[reference.rpartition("/")[2]]
            words = f"[{name}](#{_anchor(name)})"
        case {"anyOf": alternatives} | {"oneOf": alternatives}:
            words = _either(alternatives)
        case {"enum": choices}:
            words = _or([f"`{each}`" for each in choices])
        case {"const": only}:
            words = _written(only)
        case {"pattern": pattern}:
            words = PATTERNS[_without_reference(pattern)]
        case _:
            words = _of_type(schema)
    return words


def _of_type(schema: Schema) -> str:
    match schema:
        case {"type": "array", "items": items}:
            words = f"list of: {_kind(items)}"
        case {"type": "object", "additionalProperties": dict(inner)}:
            words = f"map of: {_kind(inner)}"
        case {"type": [*several]}:
            words = _or([TYPES[each] for each in several])
        case {"type": one}:
            words = TYPES[one] + (f", {schema['minimum']} or more" if "minimum" in schema else "")
        case _:
            words = "anything"
    return words


def _either(alternatives: Iterable[Schema]) -> str:
    """A choice, without what every key takes (a reference) and with the shapes of a value under one name."""
    found: list[str] = []
    for each in _flat(alternatives):
        if each.get("$ref", "").rpartition("/")[2] in _VALUE_SHAPES:
            found = [VALUE if words == "text" else words for words in found]
        else:
            found.append(_kind(each))
    return _or(found)


def _flat(alternatives: Iterable[Schema]) -> Iterator[Schema]:
    for each in alternatives:
        inner = each.get("anyOf") or each.get("oneOf")
        if inner:
            yield from _flat(inner)
        elif each.get("pattern") != fields.REFERENCE and each.get("type") != "null":
            yield each


def _without_reference(pattern: str) -> str:
    """``^(?:A|.*REFERENCE.*)$`` is A; see `bridge.config.keys.fields`."""
    return pattern.removeprefix("^(?:").removesuffix(f"|.*{fields.REFERENCE}.*)$")


def _or(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def _anchor(heading: str) -> str:
    """As GitHub makes it of a heading."""
    return "".join(each for each in heading.lower().replace(" ", "-") if each.isalnum() or each in "-_")


def main(path: Path) -> None:
    """Write the generated parts of the page at `path`."""
    path.write_text(refreshed(path.read_text(encoding="utf-8"), page_blocks()), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
