"""Examples for the mapping: a record of each kind of event, less what no route reads, with all values replaced."""

from __future__ import annotations

import base64
import gzip
import json
import re
import zlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from bridge.config.keys.values import ValueSpec
from bridge.config.mapping_section import MappingConfig
from bridge.decode import exact_json
from bridge.decode.failures import MappingError
from bridge.decode.layers import undo
from bridge.decode.recognition import unframed
from bridge.mapping.compile import CompiledMapping
from bridge.mapping.expressions.readers import ValueSpecError
from bridge.mapping.expressions.values import compile_value
from bridge.model import Record, Request
from bridge.proposal.choices import ProposedTopic
from bridge.proposal.documents import SampledDocument
from bridge.proposal.file.harmless import Replacements, taken_by

_MOST: Final = 6
"""Examples of one topic."""
_TRIES: Final = 4
"""Records that an event's example is tried with."""
_KEPT: Final = frozenset({"specversion", "op", "connector", "datacontenttype"})
_CHANGE: Final = frozenset({"op", "ts_ms", "source"})
_PLACE: Final = frozenset(
    {"connector", "name", "db", "schema", "table", "collection", "ts_ms", "lsn", "txId", "server_id", "gtid", "file",
     "pos", "row", "change_lsn", "commit_lsn", "event_serial_no", "rs_id", "scn", "ssn"}
)  # fmt: skip
"""Of Debezium's source: what says which change it is."""
_EVENT: Final = frozenset({"specversion", "type", "source", "id", "datacontenttype"})
_OPENED: Final = re.compile(r'from_json\(((?:[^()"]|"(?:[^"\\]|\\.)*")+)\)')
_INSIDE: Final = "\0"
"""In a path: here is a text, and what follows is in the JSON that it holds."""
Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _ExampleParts:
    """What of a record an example needs."""

    paths: frozenset[Path]
    types: frozenset[Path]
    headers: Mapping[str, bool]
    """By name: whether its text is a type."""
    key: bool


def examples_of(proposed: ProposedTopic, config: MappingConfig, mapping: CompiledMapping) -> list[dict[str, Any]]:
    """As the file has them; fewer where values are in bytes that cannot be written anew (Avro, Protobuf, zstd)."""
    topic = proposed.topic
    if topic.format.decode in {"avro", "protobuf"} or "zstd" in topic.format.layers:
        return []
    found: dict[str, list[tuple[int, int, SampledDocument]]] = {}
    for number, document in enumerate(topic.documents):
        if len(document.record.value or b"") > 100_000:
            continue
        for request in _requests(mapping, document.record)[:1]:
            keys = len(orjson.loads(request.body).get("metadata", {}))
            found.setdefault(request.event_name, []).append((-keys, number, document))
    taken = taken_by(topic.documents)
    out = []
    for name in sorted(found, key=lambda each: (-len(found[each]), each))[:_MOST]:
        for _, _, document in sorted(found[name], key=lambda each: each[:2])[:_TRIES]:
            example = _example(name, document, proposed, config, mapping, taken)
            if example is not None:
                out.append(example)
                break
    return out


def _requests(mapping: CompiledMapping, record: Record) -> list[Request]:
    return [each for each in mapping.map_all(record, float("nan")) if isinstance(each, Request)]


def _example(
    name: str,
    document: SampledDocument,
    proposed: ProposedTopic,
    config: MappingConfig,
    mapping: CompiledMapping,
    taken: frozenset[Any],
) -> dict[str, Any] | None:
    try:
        made = _record(document, proposed, _wanted(proposed, config), Replacements(taken))
        from_example = _as_kafka_has_it(made)
    except (ValueError, MappingError, TypeError):
        return None
    requests = _requests(mapping, from_example)
    if not requests:
        return None
    expect = []
    for request in requests:
        body = exact_json.loads(request.body)
        expect.append({key: body[key] for key in ("user_id", "event_name", "metadata") if key in body})
    if len(requests) > 1:
        return None
    return {"name": f"{name}, of {proposed.topic.name}", "record": made, "expect": expect[0]}


def _wanted(proposed: ProposedTopic, config: MappingConfig) -> _ExampleParts:
    specs: list[tuple[Any, bool]] = [(proposed.event_type.spec, True)]
    specs += [(each.spec, False) for each in (proposed.user_id, proposed.occurred_at, proposed.event_id)]
    specs += [(key.spec, False) for route in proposed.routes for key in route.keys if key.why_not is None]
    paths: set[Path] = set()
    types: set[Path] = set()
    headers: dict[str, bool] = {"content-type": True}
    key = proposed.topic.format.unwrap == "debezium"
    for spec, is_type in specs:
        try:
            reader = compile_value(_parsed(_with_path(spec), config), "")
        except ValueSpecError:
            continue
        paths |= set(reader.paths)
        types |= {tuple(name for name in path if name != _INSIDE) for path in reader.paths} if is_type else set()
        text = spec if isinstance(spec, str) else str(spec.get("path", ""))
        if text.startswith("header:"):
            headers[text.removeprefix("header:")] = is_type
        key = key or text == "key" or text.startswith("key:")
    return _ExampleParts(frozenset(paths), frozenset(types), headers, key)


def _with_path(spec: Any) -> Any:
    """With the way into a text as one path: of ``from_json(a).b`` it is known then that only ``b`` is read of ``a``."""
    if isinstance(spec, dict):
        return {key: _with_path(inner) for key, inner in spec.items()}
    return _OPENED.sub(lambda call: f"{call[1]}.{json.dumps(_INSIDE)}", spec) if isinstance(spec, str) else spec


def _parsed(spec: Any, config: MappingConfig) -> ValueSpec:
    """As the configuration has it."""
    if isinstance(spec, str):
        return spec
    parsed: ValueSpec = type(config).model_validate({"event_type": spec, "events": {"x": {}}}).event_type
    return parsed


def _record(
    document: SampledDocument, proposed: ProposedTopic, wanted: _ExampleParts, new: Replacements
) -> dict[str, Any]:
    found, record = proposed.topic.format, document.record
    made: dict[str, Any] = {"topic": record.topic}
    if wanted.key and record.key is not None:
        if not isinstance(document.key, str):
            made["key"] = _replaced(document.key, (), new, frozenset())
        elif found.key == "text":
            made["key"] = new.of(document.key)
        else:
            raise ValueError("binary keys are not written anew")
    raw = undo(record.value or b"", found.layers) if found.layers else unframed(record.value or b"")
    value = _pruned(orjson.loads(raw), document, proposed, wanted, new)
    if not found.layers:
        made["value"] = value
    else:
        made["value_base64"] = base64.b64encode(_layered(value, found.layers)).decode()
    if headers := _headers(record, wanted, new):
        made["headers"] = headers  # last, as `fmt` has them
    return made


def _headers(record: Record, wanted: _ExampleParts, new: Replacements) -> dict[str, str]:
    out: dict[str, str] = {}
    for name, content in record.headers:
        if content is None or not (name in wanted.headers or name.startswith("ce_")):
            continue
        text = content.decode()
        is_kept = wanted.headers.get(name, False) or name in {"ce_specversion", "ce_datacontenttype"}
        is_type = name.startswith("ce_") and (name[3:],) in wanted.types
        quoted = len(text) > 1 and text[0] == text[-1] == '"'
        out[name] = text if is_kept or is_type else f'"{new.of(text[1:-1])}"' if quoted else str(new.of(text))
    return out


def _pruned(
    raw: Any, document: SampledDocument, proposed: ProposedTopic, wanted: _ExampleParts, new: Replacements
) -> Any:
    """The value without what nothing reads, and with other values."""
    found = proposed.topic.format
    if isinstance(raw, dict) and raw.keys() == {"schema", "payload"} and found.unwrap != "none":
        payload = raw["payload"]
        inside = orjson.loads(payload) if isinstance(payload, str) else payload
        kept = _pruned(inside, document, proposed, wanted, new)
        if isinstance(payload, str):
            return {"schema": None, "payload": json.dumps(kept)}
        return {"schema": _schema(raw["schema"], kept), "payload": kept}
    if found.each is not None or isinstance(raw, list):
        one = _object(document.value, wanted, new)
        if found.each in {None, "@"}:
            return [one]
        around = _replaced(_only(document.outer or {}, frozenset()), (), new, frozenset())
        return {**around, found.each: [one]}
    if document.value.keys() >= {"specversion", "data"} and "specversion" not in raw:
        inner = frozenset(path[1:] for path in wanted.paths if path[:1] == ("data",) and len(path) > 1)
        return _replaced(_only(raw, inner), ("data",), new, wanted.types)
    return _object(raw, wanted, new)


def _object(raw: dict[str, Any], wanted: _ExampleParts, new: Replacements) -> Any:
    paths = set(wanted.paths)
    if "op" in raw and ("after" in raw or "before" in raw):
        paths |= {(name,) for name in _CHANGE}
    if "specversion" in raw:
        paths |= {(name,) for name in _EVENT}
    kept = _only(raw, paths)
    if isinstance(kept.get("source"), dict) and "op" in kept:
        kept["source"] = {name: inner for name, inner in kept["source"].items() if name in _PLACE}
    return _replaced(kept, (), new, wanted.types)


def _only(value: Any, paths: Collection[Path]) -> dict[str, Any]:
    """What is at these paths, or below them."""
    out: dict[str, Any] = {}
    for name, inner in value.items() if isinstance(value, dict) else ():
        below = [path[1:] for path in paths if path[:1] == (name,)]
        if not below:
            continue
        within = [path[1:] for path in below if path[:1] == (_INSIDE,)]
        if within and isinstance(inner, str):
            out[name] = json.dumps(_only(orjson.loads(inner), within))
        elif () in below or not isinstance(inner, dict):
            out[name] = inner
        else:
            out[name] = _only(inner, below)
    return out


def _replaced(value: Any, at: Path, new: Replacements, types: Collection[Path]) -> Any:
    if isinstance(value, dict):
        return {name: _replaced(inner, (*at, name), new, types) for name, inner in value.items()}
    if isinstance(value, list):
        return [_replaced(inner, at, new, types) for inner in value[:2]]
    if at in types or (at and at[-1] in _KEPT):
        return value
    if isinstance(value, str) and value[:1] in {"{", "["}:
        try:
            inside = orjson.loads(value)
        except orjson.JSONDecodeError:
            return new.of(value)
        return json.dumps(_replaced(inside, at, new, types))
    return new.of(value)


def _schema(schema: Any, payload: Any) -> Any:
    """Connect's, for the fields that are left, and without defaults."""
    if not isinstance(schema, dict):
        return None
    kept = {name: inner for name, inner in schema.items() if name not in {"default", "doc", "fields"}}
    fields = schema.get("fields")
    if isinstance(fields, list) and isinstance(payload, dict):
        kept["fields"] = [
            _schema(each, payload[each["field"]])
            for each in fields
            if isinstance(each, dict) and each.get("field") in payload
        ]
    return kept


def _layered(value: Any, layers: Sequence[str]) -> bytes:
    content = orjson.dumps(value)
    for layer in reversed(layers):
        match layer:
            case "base64":
                content = base64.b64encode(content)
            case "gzip":
                content = gzip.compress(content, mtime=0)
            case "zlib":
                content = zlib.compress(content)
            case "json_text":
                content = json.dumps(content.decode()).encode()
            case _:
                raise ValueError(f"{layer} is not written")
    return content


def _as_kafka_has_it(made: Mapping[str, Any]) -> Record:
    key = made.get("key")
    value = base64.b64decode(made["value_base64"]) if "value_base64" in made else exact_json.dumps(made["value"])
    headers = tuple((name, text.encode()) for name, text in made.get("headers", {}).items())
    content = key.encode() if isinstance(key, str) else None if key is None else exact_json.dumps(key)
    return Record(made["topic"], 0, 0, None, content, value, headers)
