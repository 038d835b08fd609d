"""Records from a file, from standard input or from an upload, as `map` and `send` take them."""

from __future__ import annotations

import enum
import hashlib
import time
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, Final

import orjson
from pydantic import ValidationError

from bridge.config.events.example_section import RecordExample
from bridge.config.reading import translate
from bridge.decode import exact_json
from bridge.decode.failures import MappingError
from bridge.errors import Misuse
from bridge.inputs import concatenated, sources
from bridge.mapping.review.examples import TOPIC_OF_INPUT, record_of
from bridge.model import Header, Record

_DIGITS = 16
"""Of a hash in hexadecimal, as much as tells files apart."""


class Value(Record):
    """A value that never stood in Kafka, or of which nobody knows where it did."""

    own: str = ""
    """What tells it from all others: no topic has a colon in its name, so no record of Kafka is called like this."""

    @property
    def identity(self) -> str:
        """Its own; the place that it is given belongs to a real record."""
        return self.own or self.coordinates


class Form(enum.Enum):
    """What the input holds."""

    VALUES = "values"
    """One value per line, or a single JSON document over several lines, an array being one value per element; objects
    one after the other, as `jq` prints them, are one value each. A value that is what `kcat -J` writes of a record is
    that record."""
    RECORDS = "records"
    """Whole records as JSON, one per line: topic, partition, offset, timestamp, key, value, headers."""
    RAW = "raw"
    """One value, byte for byte."""


def form_of(*, is_record: bool, is_raw: bool) -> Form:
    """From the options --record and --raw. Raises `Misuse` for both."""
    if is_record and is_raw:
        raise Misuse("--record and --raw exclude each other: a whole record is JSON, --raw is one value byte for byte.")
    return Form.RECORDS if is_record else Form.RAW if is_raw else Form.VALUES


def options(form: Form, topic: str | None) -> tuple[str, ...]:
    """As they are typed: a command that is to read the same input as the same records needs them as well."""
    said = {Form.VALUES: (), Form.RECORDS: ("--record",), Form.RAW: ("--raw",)}[form]
    return said if topic is None else (*said, "--topic", topic)


def read(source: str, form: Form, topic: str | None = None) -> Iterator[Record]:
    """The records of a file, or of standard input for ``-``; values become records of `topic`, produced just now.

    Raises `Misuse` for what cannot be read, and for a line that is not a whole record where one was promised. A value
    that is not JSON is no mistake here: what the bridge makes of it is what somebody wants to see.
    """
    for _, _, record in numbered(source, form, topic):
        yield record


def numbered(source: str, form: Form, topic: str | None) -> Iterator[tuple[int, bytes, Record]]:
    """The same with the number of each record's line, from 1, and its text."""
    if form is Form.RAW:
        content = sources.content(source)
        yield 1, content, _of_value(topic or TOPIC_OF_INPUT, 0, content, _own(_hash_of(source), content, 1))
        return
    yield from _numbered(source, sources.chunks(source), _hash_of(source), form, topic)


def uploaded(
    name: str, content: bytes, form: Form, topic: str | None, most: int | None = None
) -> Iterator[tuple[int, bytes, Record]]:
    """The same of a file that somebody handed over as bytes, and called `name`: as if it were read here.

    `most`: bytes that it may unpack to.
    """
    whole = hashlib.sha256(content).hexdigest()[:_DIGITS]
    if form is Form.RAW:
        yield 1, content, _of_value(topic or TOPIC_OF_INPUT, 0, content, _own(whole, content, 1))
        return
    yield from _numbered(name, sources.chunks_of(name, content, most), whole, form, topic)


def _numbered(
    source: str, chunks: Iterator[bytes], whole: str | None, form: Form, given: str | None
) -> Iterator[tuple[int, bytes, Record]]:
    topic = given or TOPIC_OF_INPUT
    documents = ((number, text) for number, line in _documents(chunks) for text in concatenated.on_one_line(line))
    last, of_line = 0, 0
    for place, (number, text) in enumerate(documents):
        last, of_line = number, of_line + 1 if number == last else 0
        if form is Form.VALUES:
            own = _own(whole, text, number) + (f".{of_line}" if of_line else "")
            yield number, text, kcat_record(text, given) or _of_value(topic, place, text, own)
        else:
            found = _whole(text)
            if not isinstance(found, Record):
                # What comes on standard input may never end: what is wrong is said at once there.
                rest = () if source == sources.STDIN else documents
                raise sources.refusal(source, _refused(chain([(number, text)], rest)))
            yield number, text, found


def _refused(lines: Iterator[tuple[int, bytes]]) -> Iterator[tuple[int, str]]:
    """What is wrong with each that is no whole record."""
    for number, text in lines:
        found = _whole(text)
        if not isinstance(found, Record):
            yield from ((number, sentence) for sentence in found)


def _documents(chunks: Iterator[bytes]) -> Iterator[tuple[int, bytes]]:
    """Lines with their numbers; a document that spans all lines is one, an array of them as many as it has elements.

    Where the first of several lines is a document, all of them cannot be one: they are read one after the other.
    """
    head: list[bytes] = []
    for chunk in chunks:
        head.append(chunk)
        if chunk.strip() and any(each.strip() for each in head[:-1]):
            break
    filled = [each for each in head if each.strip()]
    if len(filled) > 1 and _is_document(filled[0]):
        yield from sources.lines(chain(head, chunks))
        return
    content = b"".join(chain(head, chunks))
    if _is_document(content):
        yield from enumerate(_elements(content.strip()), start=1)
    elif several := concatenated.over_lines(content):
        yield from several
    else:
        yield from sources.lines([content])


def _is_document(text: bytes) -> bool:
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True


def _elements(document: bytes) -> list[bytes]:
    """Of an array, with all digits of their numbers; anything else is one."""
    if not document.startswith(b"["):
        return [document]
    try:
        return [exact_json.encoded(element) for element in exact_json.read(document)]
    except MappingError:
        return [document]  # Too much of it, or a number that cannot be kept: the mapping says so.


def _hash_of(source: str) -> str | None:
    """Of the whole file. None for what may never end, or can be read once only."""
    path = Path(source)
    if source == sources.STDIN or not path.is_file():
        return None
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()[:_DIGITS]
    except OSError:
        return None  # Whoever reads the values says so.


def _own(whole: str | None, value: bytes, number: int) -> str:
    """The same whenever the same file is read; of what has no hash as a whole, whenever the same value is."""
    return f"file:{whole or hashlib.sha256(value).hexdigest()[:_DIGITS]}/{number}"


def _of_value(topic: str, offset: int, value: bytes, own: str) -> Record:
    record = Value(topic, 0, offset, round(time.time() * 1000), None, value, ())
    record.own = own
    return record


def _whole(text: bytes) -> Record | list[str]:
    """The record, or all that keeps the text from being one."""
    try:
        return record_of(RecordExample.model_validate(exact_json.read(text)))
    except (orjson.JSONDecodeError, MappingError) as error:
        return [f"is not JSON ({error})"]
    except ValidationError as error:
        known = ", ".join(RecordExample.model_fields)
        return list(translate.sentences(error, unknown=f"is no part of a record, which has {known}"))
    except ValueError as error:
        return [str(error)]


# --- as `kcat -J` writes them ------------------------------------------------------------------------

_ALWAYS: Final = frozenset({"topic", "partition", "offset", "payload"})
_EVER: Final = _ALWAYS | {"tstype", "ts", "broker", "headers", "key", "key_error", "payload_error"}


def kcat_record(text: bytes, topic: str | None) -> Record | None:
    """The record, of `topic` where one is given; None for what is anything else: an object with other members is an
    event of somebody's own.

    Shape: ``{"topic", "partition", "offset", "tstype", "ts", "broker", "headers", "key", "payload"}``, of which headers
    may be missing; these are one flat list of names and values; key and payload are text, null, or JSON with ``-s``.
    """
    if b'"payload"' not in text or b'"offset"' not in text:
        return None
    try:
        found = exact_json.read(text)  # With all digits, should the payload be JSON.
    except (ValueError, MappingError):
        return None
    if type(found) is not dict or not _ALWAYS <= found.keys() <= _EVER:
        return None
    name, partition, offset, stamp = found["topic"], found["partition"], found["offset"], found.get("ts")
    if type(name) is not str or type(partition) is not int or type(offset) is not int:
        return None
    known = stamp if type(stamp) is int and stamp >= 0 else None
    flat = found.get("headers")
    headers = _headers(flat) if type(flat) is list else ()
    return Record(topic or name, partition, offset, known, _bytes(found.get("key")), _bytes(found["payload"]), headers)


def _bytes(value: Any) -> bytes | None:
    if value is None:
        return None
    return value.encode() if isinstance(value, str) else exact_json.encoded(value)


def _headers(flat: Sequence[Any]) -> tuple[Header, ...]:
    return tuple((str(name), _bytes(value)) for name, value in zip(flat[::2], flat[1::2], strict=False))
