"""Letters as lines of a file, for a correction by hand, and back.

``value`` and ``key`` hold the raw bytes in base64, byte for byte; ``json`` repeats a value that is JSON, to be read and
to be edited: where the two differ, that counts, and otherwise the bytes come back as they were. An
undecodable value has no ``json``; there the base64 is edited. ``decoded`` is what the mapping reads of a value that is
no JSON (Avro, Protobuf, layers), to be read and not to be edited: nothing is made of it again.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

import orjson

from bridge.decode import exact_json
from bridge.decode.failures import MappingError
from bridge.errors import InvalidError
from bridge.formats import resolutions
from bridge.mapping.mapper import CompiledMapping
from bridge.model import FailedStep, Header
from bridge.reprocess.reading import contents
from bridge.reprocess.reading.redaction import Redaction
from bridge.reprocess.reading.selection import LetterEntry

VERSION: Final = 1


class TransferError(InvalidError):
    """A line that cannot be taken; reads as the end of a sentence that begins with where it is."""


class ImportLine(NamedTuple):
    """One line of an import, understood."""

    id: str
    record_sha256: str
    key: bytes | None
    value: bytes | None
    headers: object
    """As they stand in the line: they cannot be corrected, and whoever tries is told."""


def export(entry: LetterEntry, hidden: Redaction, mapping: CompiledMapping) -> dict[str, Any]:
    """One letter with all that is in it. What is hidden makes it unfit for an import, and it says so."""
    letter, standing = entry
    change = standing.changed
    key, value = (letter.key, letter.value) if change is None else (change.key, change.value)
    legible = contents.legible(mapping, letter.record(), value)
    shown_key, shown_text = hidden.of_key(key), hidden.of_value(legible.text, letter.headers)
    shown_value = value if shown_text == legible.text else shown_text
    return {
        "version": VERSION,
        "id": str(letter.place),
        "record_sha256": resolutions.record_sha256(letter),
        "origin": None if letter.origin is None else letter.origin._asdict(),
        "output": None if letter.is_whole_record else letter.output,
        "element": letter.element,
        "state": standing.state.value,
        "reason": letter.reason,
        "message": hidden.of_message(letter.message, legible.text, letter.headers),
        "status": letter.status,
        "error_code": letter.error_code,
        "kind": letter.request_kind,
        "step": _step(letter.step),
        "route": letter.route,
        "headers": _headers(hidden.of_headers(letter.headers)),
        "key": _base64(shown_key),
        "value": _base64(shown_value),
        "json": None if legible.is_decoded else _json(shown_value),
        "decoded": _json(shown_text) if legible.is_decoded else None,
        "redacted": shown_key != key or shown_value != value or hidden.of_headers(letter.headers) != letter.headers,
    }


def _step(step: FailedStep | None) -> dict[str, Any] | None:
    if step is None:
        return None
    rest = "sent" if step.rest_sent else "open"
    return {"number": step.number + 1, "of": step.of, "rest": rest, "automatic": step.automatic}


def parse(text: bytes) -> ImportLine:
    """One line. Raises `TransferError`."""
    try:
        document = exact_json.read(text)
    except (orjson.JSONDecodeError, MappingError) as error:
        raise TransferError(f"is not JSON ({error})") from error
    if not isinstance(document, dict) or document.get("version") != VERSION:
        raise TransferError("is not a line of an export")
    if document.get("redacted"):
        raise TransferError("was exported with values hidden, which would replace the real ones; see --unredacted")
    try:
        name, digest = document["id"], document["record_sha256"]
        key, value = _bytes(document["key"]), _bytes(document["value"])
    except KeyError as missing:
        raise TransferError(f"lacks {missing}") from missing
    except (binascii.Error, ValueError, AttributeError, TypeError) as error:
        raise TransferError("has a key or a value that is not base64") from error
    if not isinstance(name, str) or not isinstance(digest, str):
        raise TransferError("has an id or a record_sha256 that is no text")
    return ImportLine(name, digest, key, _edited(document.get("json"), value), document.get("headers"))


def merged(entry: LetterEntry, line: ImportLine) -> tuple[bytes | None, bytes | None] | None:
    """Key and value that the line asks for; None where they are what is there. Raises `TransferError`."""
    letter, standing = entry
    if resolutions.record_sha256(letter) != line.record_sha256:
        raise TransferError(f"is not of the dead letter at {letter.place}")
    if line.headers != _headers(letter.headers):
        raise TransferError("has other headers than its dead letter: only key and value can be corrected")
    change = standing.changed
    now = (letter.key, letter.value) if change is None else (change.key, change.value)
    return None if (line.key, line.value) == now else (line.key, line.value)


def _edited(document: Any, value: bytes | None) -> bytes | None:
    """The JSON where it was edited, else the bytes: an unedited value comes back byte for byte."""
    if document is None or document == _json(value):
        return value
    return exact_json.encoded(document)


def _json(value: bytes | None) -> Any:
    if value is None:
        return None
    try:
        return exact_json.read(value)
    except (orjson.JSONDecodeError, MappingError):
        return None


def _headers(headers: Iterable[Header]) -> list[list[str | None]]:
    return [[name, _base64(content)] for name, content in headers]


def _base64(content: bytes | None) -> str | None:
    return None if content is None else base64.b64encode(content).decode("ascii")


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else base64.b64decode(text.encode("ascii"), validate=True)
