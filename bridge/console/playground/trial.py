"""What an edited mapping makes of a record and of its examples. Pure but for the time; nothing is sent or kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import orjson
import yaml
from pydantic import ValidationError

from bridge.config import load
from bridge.config.events.example_section import RecordExample
from bridge.config.keys.problems import Problem
from bridge.config.mapping_section import MappingConfig
from bridge.decode import exact_json
from bridge.decode.failures import MappingError
from bridge.mapping.compile import compile_mapping
from bridge.mapping.mapper import CompiledMapping
from bridge.mapping.review.examples import check_examples, record_of, run_examples
from bridge.mapping.review.explain import Look, MappingExplanation, explain
from bridge.model import Record

_WHOLE = {"topic", "value", "value_base64"}
"""Keys of a whole record, as `mapping.examples` has them."""


@dataclass(frozen=True, slots=True)
class TriedExample:
    """One example of the mapping."""

    name: str
    differences: Sequence[str]
    """Empty where it passed."""


@dataclass(frozen=True, slots=True)
class MappingTrial:
    """What became of it."""

    problems: tuple[str, ...] = ()
    """Of the mapping, or of the record: then nothing was mapped."""
    explanations: tuple[MappingExplanation, ...] = ()
    """Of the record, or of each of its elements."""
    examples: tuple[TriedExample, ...] = ()


def text_of(mapping: MappingConfig, *, shows_values: bool = True) -> str:
    """As it may stand in a file; where values are not to be shown, without the examples, which have records."""
    whole = dict(mapping.as_written())
    if not shows_values and whole.pop("examples", None):
        left_out = "# Its examples are left out here: they hold records, see console.show_values.\n"
    else:
        left_out = ""
    written: str = yaml.safe_dump(whole, sort_keys=False, allow_unicode=True, width=110)
    return left_out + written


def tried(files: frozenset[str], text: str, record: str, topic: str, now: float) -> MappingTrial:
    """Never raises for what somebody can get wrong. `files`: those that may be read; ``now``: Unix seconds."""
    made = _compiled(files, text)
    if isinstance(made, MappingTrial):
        return made
    mapping, compiled = made
    results = run_examples(compiled, mapping.examples)
    examples = tuple(TriedExample(each.name, each.differences) for each in results)
    if not record.strip():
        return MappingTrial(examples=examples)
    try:
        given = _record(record, topic)
    except ValueError as problem:
        return MappingTrial((f"The record {problem}.",), examples=examples)
    explained = explain(compiled, given, now)
    return MappingTrial(explanations=explained.elements or (explained,), examples=examples)


def _compiled(files: frozenset[str], text: str) -> tuple[MappingConfig, CompiledMapping] | MappingTrial:
    loaded = load.read_mapping(text)
    mapping = loaded.mapping
    if mapping is None:
        return _wrong(loaded.problems)
    if other := files_of(mapping) - files:
        # A page must not be a way to find out which files there are.
        return MappingTrial((f"Only the descriptor sets that are configured are read here, not {min(other)}.",))
    compiled = compile_mapping(mapping)
    if not isinstance(compiled, CompiledMapping):
        return _wrong(compiled)
    wrong = check_examples(mapping.examples)
    return _wrong(wrong) if wrong else (mapping, compiled)


def _wrong(problems: Sequence[Problem]) -> MappingTrial:
    return MappingTrial(tuple(f"{each.where}: {each.message}" for each in problems))


def pretty(look: Look) -> str:
    """The request's document, indented."""
    if look.body is None:
        return ""
    return exact_json.encoded(exact_json.read(look.body), orjson.OPT_INDENT_2).decode()


def _record(text: str, topic: str) -> Record:
    """A whole record as examples have it, or a value of `topic`. Raises `ValueError` with the end of a sentence."""
    try:
        document = exact_json.read(text.encode())
    except (orjson.JSONDecodeError, MappingError):
        document = None
    if isinstance(document, dict) and "topic" in document and _WHOLE & set(document) - {"topic"}:
        try:
            return record_of(RecordExample.model_validate(document))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            raise ValueError(f"has something wrong at {where}: {first['msg'].lower()}") from error
    return Record(topic, 0, 0, None, None, text.strip().encode(), ())


def files_of(mapping: MappingConfig) -> frozenset[str]:
    """Descriptor sets that it names."""
    found = {mapping.descriptor_set_file, *(each.descriptor_set_file for each in mapping.per_topic.values())}
    return frozenset(str(each) for each in found if each is not None)


def shown_record(record: Record, text: bytes | None) -> str:
    """A record as this page takes it; `text`: its value as it may be shown."""
    document: dict[str, object] = {
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "timestamp": record.timestamp_ms,
        "headers": dict(_texts(record)),
    }
    if record.key is not None:
        document["key"] = record.key.decode("utf-8", "replace")
    try:
        document["value"] = None if text is None else exact_json.read(text)
    except (orjson.JSONDecodeError, MappingError):
        document["value"] = (text or b"").decode("utf-8", "replace")
    return exact_json.encoded(document, orjson.OPT_INDENT_2).decode()


def _texts(record: Record) -> Iterator[tuple[str, str]]:
    for name, value in record.headers:
        if value is not None:
            yield name, value.decode("utf-8", "replace")
