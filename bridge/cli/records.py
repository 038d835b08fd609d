"""Records from a file or from standard input, as `bridge map` and `bridge send` take them."""

from __future__ import annotations

import enum
import sys
import time
from codecs import BOM_UTF8
from collections.abc import Iterator
from pathlib import Path

import orjson

from bridge.cli.exits import Misuse
from bridge.model import Record

STDIN = "-"


class Form(enum.Enum):
    """What the input holds."""

    VALUES = "values"
    """One value per line, or a single JSON document over several lines, an array being one value per element. A value
    that is what `kcat -J` writes of a record is that record."""
    RECORDS = "records"
    """Whole records as JSON, one per line: topic, partition, offset, timestamp, key, value, headers."""
    RAW = "raw"
    """One value, byte for byte."""


def form_of(*, is_record: bool, is_raw: bool) -> Form:
    """From the options --record and --raw. Raises `Misuse` for both."""
    if is_record and is_raw:
        raise Misuse("--record and --raw exclude each other: a whole record is JSON, --raw is one value byte for byte.")
    return Form.RECORDS if is_record else Form.RAW if is_raw else Form.VALUES


def read(source: str, form: Form, topic: str | None = None) -> Iterator[Record]:
    """The records of a file, or of standard input for ``-``; values become records of `topic`, produced just now.

    Raises `Misuse` for what cannot be read, and for a line that is not a whole record where one was promised. A value
    that is not JSON is no mistake here: what the bridge makes of it is what somebody wants to see.
    """
    for _, _, record in numbered(source, form, topic):
        yield record


def numbered(source: str, form: Form, topic: str | None) -> Iterator[tuple[int, bytes, Record]]:
    """The same with the number of each record's line, from 1, and its text."""
    from bridge.cli import kcat
    from bridge.mapping.examples import TOPIC_OF_INPUT

    content = _content(source)
    given, topic = topic, topic or TOPIC_OF_INPUT
    if form is Form.RAW:
        yield 1, content, _of_value(topic, 0, content)
        return
    for place, (number, text) in enumerate(_documents(content)):
        if form is Form.VALUES:
            yield number, text, kcat.record(text, given) or _of_value(topic, place, text)
        else:
            yield number, text, _whole(text, f"{'standard input' if source == STDIN else source}, line {number}")


def _content(source: str) -> bytes:
    if source == STDIN:
        return sys.stdin.buffer.read()
    try:
        return Path(source).read_bytes()
    except OSError as error:
        raise Misuse(f"{source} cannot be read: {error.strerror}.") from error


def _documents(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Lines with their numbers; a document that spans all lines is one, an array of them as many as it has elements."""
    content = content.removeprefix(BOM_UTF8)  # Editors put it there; it is no part of JSON.
    try:
        orjson.loads(content)
    except orjson.JSONDecodeError:
        for number, text in enumerate(content.splitlines(), start=1):
            if text.strip():
                yield number, text
    else:
        yield from enumerate(_elements(content.strip()), start=1)


def _elements(document: bytes) -> list[bytes]:
    """Of an array, with all digits of their numbers; anything else is one."""
    from bridge.mapping import exact_json
    from bridge.mapping.failures import MappingError

    if not document.startswith(b"["):
        return [document]
    try:
        return [exact_json.encoded(element) for element in exact_json.read(document)]
    except MappingError:
        return [document]  # Too much of it, or a number that cannot be kept: the mapping says so.


def _of_value(topic: str, offset: int, value: bytes) -> Record:
    return Record(topic, 0, offset, round(time.time() * 1000), None, value, ())


def _whole(text: bytes, where: str) -> Record:
    from pydantic import ValidationError

    from bridge.config import translate
    from bridge.config.mapping_section import RecordExample
    from bridge.mapping import exact_json
    from bridge.mapping.examples import record_of
    from bridge.mapping.failures import MappingError

    try:
        return record_of(RecordExample.model_validate(exact_json.read(text)))
    except (orjson.JSONDecodeError, MappingError) as error:
        raise Misuse(f"{where}: is not JSON ({error}).") from error
    except ValidationError as error:
        known = ", ".join(RecordExample.model_fields)
        said = translate.sentences(error, unknown=f"is no part of a record, which has {known}")
        raise Misuse("\n".join(f"{where}: {sentence}." for sentence in said)) from error
    except ValueError as error:
        raise Misuse(f"{where}: {error}.") from error
