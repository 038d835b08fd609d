"""Whatever is wrong is said in the project's own words, never in those of the libraries that found it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest
from pydantic import ValidationError

from bridge.config import load
from bridge.config.events.example_section import RecordExample
from bridge.config.keys.fields import Section
from bridge.config.keys.scalars import Substituted
from bridge.config.load import Loaded
from bridge.config.reading import shape, translate
from bridge.config.sections import SHAPE, Config
from bridge.errors import Misuse
from bridge.inputs import records

ERRORS_OF: Final[Mapping[str, tuple[str, ...]]] = {
    "any": (),
    "bool": ("bool_type", "bool_parsing"),
    "default": (),
    "definition-ref": (),
    "definitions": (),
    "dict": ("dict_type", "too_short"),
    "float": ("float_type", "float_parsing", "finite_number"),
    "function-after": ("value_error",),
    "function-before": ("value_error",),
    "function-plain": ("value_error",),
    "int": ("int_type", "int_parsing", "int_parsing_size", "int_from_float", "greater_than_equal"),
    "json-or-python": (),
    "lax-or-strict": (),
    "literal": ("literal_error",),
    "model": ("model_type", "model_attributes_type", "missing", "extra_forbidden", "invalid_key"),
    "model-field": (),
    "model-fields": (),
    "no-info": (),
    "nullable": (),
    "str": ("string_type", "string_unicode"),
    "tuple": ("tuple_type", "too_short", "too_long"),
    "union": (),
}
"""What each kind of schema can say, as `pydantic_core.core_schema` documents it: the schemas inside say their own.
A kind without an entry is a new one: find out what it says, and give `translate` a sentence for each."""

BEHIND_A_PARSER: Final = frozenset({
    "dataclass", "dataclass-args", "dataclass-field", "datetime", "enum", "is-instance", "decimal", "timedelta",
})  # fmt: skip
"""Only ever reached with a value that a parser of `scalars` has made, and so always of the right kind."""
CONSTRAINTS: Final[Mapping[str, str]] = {
    "ge": "greater_than_equal",
    "min_length": "too_short",
    "max_length": "too_long",
    "allow_inf_nan": "",
}
"""Those a schema may have, and what a value outside one is called."""
_OTHER_CONSTRAINTS: Final = frozenset({"gt", "lt", "le", "multiple_of", "pattern", "fail_fast"})
NOT_IN_THE_TABLE: Final = frozenset({"missing", "extra_forbidden"})


def _schemas(model: type[Section]) -> Iterator[dict[str, Any]]:
    """Every schema inside a model's, each once."""
    seen: set[int] = set()
    left: list[Any] = [model.__pydantic_core_schema__]
    while left:
        node = left.pop()
        if isinstance(node, dict) and id(node) not in seen:
            seen.add(id(node))
            if isinstance(node.get("type"), str):
                yield node
            left.extend(value for name, value in node.items() if name not in {"metadata", "default", "serialization"})
        elif isinstance(node, list | tuple):
            left.extend(node)


@pytest.mark.parametrize("model", [Config, RecordExample])
def test_every_error_that_the_models_can_produce_has_a_sentence(model: type[Section]) -> None:
    possible: set[str] = set()
    for schema in _schemas(model):
        kind = schema["type"]
        if kind in BEHIND_A_PARSER:
            continue
        assert kind in ERRORS_OF, f"the models have a new kind of schema: {kind}"
        assert not _OTHER_CONSTRAINTS & schema.keys(), f"a constraint without a sentence: {schema}"
        possible.update(ERRORS_OF[kind])
    assert possible - NOT_IN_THE_TABLE <= translate.SENTENCES.keys()


def test_every_sentence_reads_as_the_end_of_one_that_begins_with_the_key() -> None:
    for kind, say in translate.SENTENCES.items():
        sentence = say("given", {"error": "must be told", "expected": "'a' or 'b'", "ge": 1, "max_length": 8})
        assert re.match(r"(must|has) ", sentence), kind
        assert "input" not in sentence


# --- and with every value that is hostile, at every place that there is --------------------------------

_FOREIGN: Final = re.compile(
    r"\binputs? (should|are)|should (be|have|match)|valid (string|integer|number|dict)|pydantic|NoneType"
    r"|codec can't|invalid literal|could not convert|Exceeds the limit"
    r"|unhashable|too large to convert|has no attribute|not supported between",
    re.IGNORECASE,
)
"""Words of pydantic and of Python."""

HOSTILE: Final[tuple[Any, ...]] = (
    None, True, 0, -1, 10**30, 10**400, -(10**400), 1.5, float("inf"), float("nan"), "", " ", "a", "\ud800x", "\0",
    "1" * 5000, "9" * 400 + "s", "9" * 400 + "GB", "9" * 400 + "/min", "9" * 400 + "%", "9999-99-99T", "²", "٣:٣",
    "0001-01-01T00:00:00+23:59", [], {}, [None], [1], [[]], [{}], {"a": 1}, {1: 2}, {"value": []}, {"template": 1},
    {"path": "a", "type": "x"}, {"path": "a", "divide_by": float("nan")}, {"path": "a", "divide_by": 10**400},
    {"path": "a", "default": []}, {"value": 10**400}, {"value": float("inf")}, {"value": 1, "path": "a"},
    {"dead_letter": 1}, {"dropped": []}, {"event_name": 1}, {"name": "a"}, {"record": {}}, {"expect": []},
    Substituted("1" * 5000), Substituted("\ud800"), Substituted("1e999"), Substituted("nan"), Substituted("²"),
)  # fmt: skip


def _places(model: type[Section], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for key in model.model_fields:
        inner = shape.subsection(model, key)
        yield (*path, key)
        if inner is not None:
            yield from _places(inner, (*path, key))


_INSIDE: Final = (
    lambda value: value,
    lambda value: [value],
    lambda value: {"a": value},
    lambda value: {"a": {"event_name": value, "user_id": value, "topics": value, "metadata": value, "sample": value}},
    lambda value: {"a": [{"metadata": {"b": value}, "max_age": value, "when": value, "allowed_event_names": [value]}]},
    lambda value: [{"name": "a", "record": {"topic": value, "partition": value, "timestamp": value, "headers": value}}],
    lambda value: [{"name": value, "input": 1, "now": value, "expect": [{"user_id": value, "metadata": value}]}],
    lambda value: [{"name": "a", "input": 1, "expect": [{"dead_letter": value}, {"dropped": value}, value]}],
)
"""At a key, and in lists and maps under it."""


@pytest.mark.parametrize("path", list(_places(Config)), ids=".".join)
def test_no_value_at_any_key_is_refused_in_the_words_of_a_library(path: tuple[str, ...]) -> None:
    model = shape.subsection(Config, path[0])
    assert model is not None
    for inside in _INSIDE:
        for hostile in HOSTILE:
            value = inside(hostile)
            for key in reversed(path[1:]):
                value = {key: value}
            try:
                model.model_validate(value)
            except ValidationError as error:
                kinds = {each["type"] for each in error.errors(include_url=False)}
                assert kinds <= translate.SENTENCES.keys() | NOT_IN_THE_TABLE, (path, kinds)
                for found in translate.findings(error, path[0], value, SHAPE):
                    without_values = re.sub(r"'.*'|\".*\"", "", found.problem.message)
                    assert not _FOREIGN.search(without_values), found.problem


@pytest.mark.parametrize("key", list(RecordExample.model_fields))
def test_no_value_in_a_record_is_refused_in_the_words_of_a_library(tmp_path: Path, key: str) -> None:
    for hostile in HOSTILE:
        try:
            text = json.dumps({"topic": "a"} | {key: hostile})
        except (UnicodeEncodeError, TypeError):
            continue
        file = tmp_path / "records"
        file.write_text(text)
        assert not _FOREIGN.search(re.sub(r"'.*'|\".*\"", "", _refusal(file)))


def _refusal(file: Path) -> str:
    try:
        list(records.read(str(file), records.Form.RECORDS, None))
    except Misuse as refused:
        return str(refused)
    return ""


@pytest.mark.parametrize(
    "text", ["1" * 5000, "\ud800", "9" * 400 + "MB", "", "[", "{a: [}", "[1, {}]", "a: 1", "²", "1e999", "null"]
)
def test_no_override_is_refused_in_the_words_of_a_library(changed: Callable[..., Loaded], text: str) -> None:
    for place in _places(Config):
        loaded = changed(**{f"BRIDGE_{'__'.join(place).upper()}": text})
        for problem in loaded.problems:
            assert not _FOREIGN.search(problem.message), problem


def test_an_error_without_a_sentence_would_still_not_speak_of_inputs() -> None:
    assert translate.SENTENCES.get("no_such_error") is None
    assert translate._something_else(3, {}) == "must be something else than 3"


def test_a_size_beyond_all_bounds_is_a_problem_and_no_crash(changed: Callable[..., Loaded]) -> None:
    loaded = changed("topic: bridge.dlq", f"topic: bridge.dlq\ndelivery: {{max_buffered_bytes: {'9' * 400}GB}}")

    assert [each.message for each in loaded.problems] == ["must be a size with fewer digits, such as 32MB"]
    assert load.MAX_FILE_BYTES > 400
