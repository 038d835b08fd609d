"""How a topic's bytes have to be read, found by trying: each candidate is read by the bridge's own decoders."""

from __future__ import annotations

import base64
import binascii
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import orjson

from bridge.config.mapping_section import Layer, ValueFormat
from bridge.decode import connect, plain_text
from bridge.decode.decoders import DECODERS
from bridge.decode.elements import ElementList
from bridge.decode.failures import MappingError
from bridge.decode.keys import SchemaNeededError, key_reader
from bridge.decode.layers import undo
from bridge.decode.plain_json import MARK
from bridge.decode.protocol import EXACT, NO_SCHEMAS, Schema, Schemas
from bridge.decode.recognition import form_of_value, unframed
from bridge.decode.schema_ids import framed_value
from bridge.decode.steps import decode_of
from bridge.model import Filtered, Record, SchemaNeeded
from bridge.pipeline.letter_breaker import together
from bridge.proposal.documents import SampledDocument, SampledTopic, TopicFormat
from bridge.proposal.envelopes import list_of_events, unwrap_of
from bridge.text.amounts import thousands

_LOOKED_AT: Final = 300
"""Records that tell the form of a topic."""
_MOST_ELEMENTS: Final = 2_000
_DEEPEST: Final = 4
_COMPRESSED: Final[tuple[tuple[bytes, Layer], ...]] = (
    (b"\x1f\x8b", "gzip"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"x\x01", "zlib"),
    (b"x\x9c", "zlib"),
    (b"x\xda", "zlib"),
)
_BASE64: Final = re.compile(rb"[A-Za-z0-9+/_\s-]{8,}={0,2}\s*")
_MESSAGE: Final = re.compile(r"^\s*message\s+(\w+)", re.MULTILINE)
_BRACKETS: Final = (b"{", b"[")


def read_topic(
    name: str, records: Sequence[Record], schemas: Schemas = NO_SCHEMAS, protobuf: TopicFormat | None = None
) -> SampledTopic:
    """The topic as the bridge would read it. `protobuf` is the format that somebody gave a descriptor set for."""
    filled = [record for record in records if record.value is not None]
    looked_at = filled[:_LOOKED_AT]
    found, what, alike = (protobuf, "", looked_at) if protobuf else _format(looked_at, schemas)
    if protobuf is None and filled:
        found = _with_envelope(found, looked_at, schemas)
    evidence = _evidence(what, _readable(found, alike, schemas) or len(alike), len(looked_at))
    found = replace(found, key=_key_of(found, filled, schemas))
    topic = _decoded(name, found, evidence, records, schemas)
    each = list_of_events([document.value for document in topic.documents]) if found.each is None else None
    if each is not None:
        topic = _decoded(name, replace(found, each=each), evidence, records, schemas)
    return topic


# --- layers and decoder


def _format(records: Sequence[Record], schemas: Schemas) -> tuple[TopicFormat, str, Sequence[Record]]:
    """What most records are, in words, and these records."""
    forms = [_form(each, schemas) for each in records]
    if not forms:
        return TopicFormat(), "", ()
    best, _ = min(Counter(forms).items(), key=lambda item: (-item[1], item[0]))
    layers, decode, what = best
    layered = "".join(f" in {layer.replace('_', ' ')}" for layer in reversed(layers))
    alike = [record for record, form in zip(records, forms, strict=True) if form == best]
    return TopicFormat(decode=decode, layers=layers), f"{what}{layered}", alike


def _evidence(what: str, count: int, of: int) -> str:
    if not of:
        return "no record has a value"
    return f"{what} in {thousands(count)} of {thousands(of)} values looked at" if what else "as the descriptor set says"


def _readable(found: TopicFormat, records: Sequence[Record], schemas: Schemas) -> int:
    """What begins like a form may be cut off behind that."""
    decoder = DECODERS[found.decode]
    decode = decode_of(decoder, found.settings(), schemas)
    count = 0
    for record in records:
        try:
            decode(record, decoder.attributes(record.headers), EXACT)
            count += 1
        except MappingError:
            continue
    return count


def _form(record: Record, schemas: Schemas) -> tuple[tuple[Layer, ...], ValueFormat, str]:
    raw = (record.value or b"").removeprefix(MARK)
    if any(name == "ce_specversion" for name, _ in record.headers):
        return (), "auto", "CloudEvents with attributes in headers"
    layers: list[Layer] = []
    while len(layers) < _DEEPEST and (layer := _layer(raw)) is not None:
        try:
            raw = undo(raw, (layer,)).removeprefix(MARK)
        except MappingError:
            break
        layers.append(layer)
    decode, what = _decoder(record, raw, schemas)
    return tuple(layers), decode, what


def _layer(raw: bytes) -> Layer | None:
    """What is around a value and can be undone."""
    for signature, layer in _COMPRESSED:
        if raw.startswith(signature):
            return layer
    if raw.lstrip()[:1] == b'"':
        return "json_text" if _holds_more(raw) else None
    return "base64" if _is_worth(_base64(raw)) else None


def _holds_more(raw: bytes) -> bool:
    try:
        text = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return False
    inside = text.encode("utf-8", "replace") if isinstance(text, str) else b""
    return _is_worth(inside) or _is_worth(_base64(inside))


def _is_worth(content: bytes) -> bool:
    return content.lstrip()[:1] in _BRACKETS or any(content.startswith(sign) for sign, _ in _COMPRESSED)


def _base64(raw: bytes) -> bytes:
    beginning = raw[:4096]
    if not _BASE64.fullmatch(beginning):
        return b""
    letters = beginning.translate(bytes.maketrans(b"-_", b"+/"), delete=b" \t\r\n=")
    try:
        return base64.b64decode(letters[: len(letters) // 4 * 4], validate=True)
    except binascii.Error:
        return b""


def _decoder(record: Record, raw: bytes, schemas: Schemas) -> tuple[ValueFormat, str]:
    if raw.lstrip()[:1] in {*_BRACKETS, b'"'}:
        return "auto", "JSON"
    if unframed(raw) is not raw:
        return "auto", "JSON behind the framing of a schema registry"
    try:
        framed = framed_value(raw, record.headers)
    except MappingError:
        framed = None
    if framed is not None:
        schema = schemas.get(framed.reference)
        form = schema.form if isinstance(schema, Schema) else None
        guessed = form_of_value(raw, record.headers) or ""
        if form == "protobuf" or (form is None and "Protobuf" in guessed):
            return "protobuf", "Protobuf that names its schema"
        if form == "avro" or (form is None and "Avro" in guessed):
            return "avro", "Avro that names its schema"
    what = form_of_value(raw, record.headers)
    return "auto", f"{what or 'neither JSON nor anything that is recognised'}, which the bridge cannot read as it is,"


# --- envelopes and keys


def _with_envelope(found: TopicFormat, records: Sequence[Record], schemas: Schemas) -> TopicFormat:
    decode = decode_of(DECODERS[found.decode], replace(found.settings(), shown=True), schemas)
    values: list[Any] = []
    for record in records:
        try:
            values.append(decode(record, DECODERS[found.decode].attributes(record.headers), EXACT))
        except MappingError:
            continue
    if any(isinstance(value, ElementList) for value in values):
        return found  # a batch of CloudEvents, which is taken apart without any setting
    unwrap = unwrap_of(values, [record.headers for record in records])
    lists = sum(isinstance(value, list) and any(isinstance(each, dict) for each in value) for value in values)
    return replace(found, unwrap=unwrap, each="@" if lists * 2 > len(values) else None)


def _key_of(found: TopicFormat, records: Sequence[Record], schemas: Schemas) -> Any:
    """The plainest way that reads the keys; text where none does."""
    keys = [(record.key, record.headers) for record in records[:_LOOKED_AT] if record.key]
    sizes = {len(key) for key, _ in keys}
    by_size = {4: "int32", 8: "int64", 16: "uuid"}.get(min(sizes)) if len(sizes) == 1 else None
    for form in ("text", by_size, "auto"):
        if form is None or not keys:
            continue
        reader = key_reader(replace(found.settings(), key=form), schemas, DECODERS)  # type: ignore[arg-type] # see above
        if sum(_is_read(reader, key, headers) for key, headers in keys) >= 0.95 * len(keys):
            return form
    return "text"


def _is_read(reader: Any, key: bytes, headers: Any) -> bool:
    try:
        reader.text(key, "key", headers)
    except (MappingError, SchemaNeededError):
        return False
    return True


# --- all records


def _decoded(name: str, found: TopicFormat, evidence: str, records: Sequence[Record], schemas: Schemas) -> SampledTopic:
    decoder = DECODERS[found.decode]
    decode = decode_of(decoder, found.settings(), schemas)
    reader = key_reader(found.settings(), schemas, DECODERS)
    documents: list[SampledDocument] = []
    unreadable: Counter[str] = Counter()
    missing: set[str] = set()
    titles: set[str] = set()
    filtered = tombstones = 0
    for record in records:
        if record.value is None:
            tombstones += 1
            continue
        try:
            value = decode(record, decoder.attributes(record.headers), EXACT)
            titles |= _titles(found, record, schemas)
            match value:
                case SchemaNeeded(reference):
                    missing.add(reference)
                case Filtered():
                    filtered += 1
                case None:
                    tombstones += 1
                case ElementList():
                    documents += _elements(value, record, found, reader)
                case _:
                    documents.append(_document(value, record, found, reader))
        except MappingError as failure:
            unreadable[failure.message] += 1
            if failure.schema is not None:
                missing.add(failure.schema)
    return SampledTopic(
        name, found, evidence, tuple(documents[: _MOST_ELEMENTS + len(records)]), len(records), tombstones, filtered,
        together(unreadable), tuple(sorted(missing)), tuple(sorted(titles)),
    )  # fmt: skip


def _elements(value: ElementList, record: Record, found: TopicFormat, reader: Any) -> list[SampledDocument]:
    out = []
    for item in value.items[:100]:
        try:
            element = value.read(item)
        except MappingError:
            continue
        if element is not None:
            around = value.outer if isinstance(value.outer, dict) else None
            out.append(replace(_document(element, record, found, reader), outer=around))
    return out


def _document(value: dict[str, Any], record: Record, found: TopicFormat, reader: Any) -> SampledDocument:
    return SampledDocument(record, value, _headers(record, found), _key(record, reader))


def _headers(record: Record, found: TopicFormat) -> Mapping[str, str]:
    texts: dict[str, str] = {}
    for name, content in record.headers:
        inside = connect.plain_text(content) if found.unwrap != "none" and content is not None else content
        text = None if inside is None else plain_text.text_of(inside)
        if text is not None:
            texts[name] = text
    return texts


def _key(record: Record, reader: Any) -> Any:
    if record.key is None:
        return None
    try:
        if record.key.lstrip()[:1] == b"{":
            value = reader.value(record.key, record.headers, exact=False)
            if isinstance(value, dict):
                return value
        return reader.text(record.key, "key", record.headers)
    except (MappingError, SchemaNeededError):
        pass
    try:
        value = reader.value(record.key, record.headers, exact=False)
    except (MappingError, SchemaNeededError):
        return None
    return value if isinstance(value, dict) else None


def _titles(found: TopicFormat, record: Record, schemas: Schemas) -> set[str]:
    """The name of the schema that a record was written with."""
    if found.decode not in {"avro", "protobuf"} or found.layers or record.value is None:
        return set()
    framed = framed_value(record.value, record.headers)
    schema = None if framed is None else schemas.get(framed.reference)
    if not isinstance(schema, Schema):
        return set()
    if schema.form == "protobuf":
        return set(_MESSAGE.findall(schema.text)[:1])
    try:
        document = orjson.loads(schema.text)
    except orjson.JSONDecodeError:
        return set()
    name = document.get("name") if isinstance(document, dict) else None
    return {name.rpartition(".")[2]} if isinstance(name, str) else set()
