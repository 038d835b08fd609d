"""Asks librdkafka itself which properties it has and which values it takes: no client, no thread, no connection.

A configuration that ends with a name nobody has is refused by it, before anything is created: so each property is set
beside that name, and what is complained of first tells whether the property was taken.
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from confluent_kafka import KafkaException, Producer, cimpl

from bridge.config.kafka_properties import REFUSED, is_secret
from bridge.config.reading.hints import nearest
from bridge.text.printable import cut

_NOBODYS: Final = "nobody has a property of this name"
_UNKNOWN: Final = "No such configuration property"
_PLAIN: Final = re.compile(r"-?(0|[1-9]\d{0,8})", re.ASCII)
_INTEGER: Final = re.compile(r"\s*[+-]?(0[xX][0-9a-fA-F]+|0|[1-9]\d*)\s*", re.ASCII)
_BEGINS_AS_NUMBER: Final = re.compile(r"\s*[+-]?\d", re.ASCII)
_SHOWN: Final = 40
"""Characters of a value that are repeated."""

_FILES: Final = frozenset(
    {
        "ssl.ca.location",
        "ssl.certificate.location",
        "ssl.key.location",
        "ssl.keystore.location",
        "ssl.crl.location",
        "https.ca.location",
    }
)
_PROBE: Final = "probe"
"""In place of an authority's file: look for the system's."""
_PLUGINS: Final = "plugin.library.paths"
"""Code that librdkafka loads. It may add properties, which nobody knows before, and it need not be on this machine."""

_MECHANISMS: Final = ("PLAIN", "SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER", "GSSAPI")
"""librdkafka takes any text here, and finds only at the first client that it has no such mechanism."""


@dataclass(frozen=True, slots=True)
class ClientProperty:
    """One row of librdkafka's own table of properties."""

    values: tuple[str, ...] = ()
    """Of an enumeration or a flag."""
    bounds: tuple[str, str] | None = None
    is_integer: bool = False


def problems(properties: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Name and sentence of each property that no client can be made with.

    Where plugins are loaded, they and names that may be theirs are left for the first client.
    """
    for name, value in properties.items():
        if name == _PLUGINS:
            continue
        complaint = _complaint(name, value) or _mechanism(name, value, properties)
        if complaint is not None and not (_PLUGINS in properties and complaint.startswith(_UNKNOWN)):
            yield name, sentence(name, value, complaint, table())


def warnings(properties: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Name and sentence of each number that is taken, but as another one: ``10s`` as 10."""
    for name, value in properties.items():
        if _PLAIN.fullmatch(value) or not _BEGINS_AS_NUMBER.match(value):
            continue  # The table need not be asked for.
        known = table().get(name)
        if known is None or not known.is_integer or known.bounds is None or _complaint(name, value) is not None:
            continue
        if not _is_within(value, *map(int, known.bounds)):
            yield name, f"librdkafka does not read {_quoted(name, value)} as it is written: {_numbers(known)}"


def without_files(properties: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """All properties of a client without those that name files, where one of these cannot be used here; why, by name.

    Only files that such a client opens count: without TLS, librdkafka never looks at those of TLS.
    """
    problems: dict[str, str] = {}
    left = dict(properties)
    plugins = None if _PLUGINS not in properties else _complaint(_PLUGINS, properties[_PLUGINS])
    if plugins is not None:
        problems[_PLUGINS] = f"{properties[_PLUGINS]} cannot be loaded: {' '.join(plugins.split())}"
        own = (name for name, value in properties.items() if (_complaint(name, value) or "").startswith(_UNKNOWN))
        left = {name: properties[name] for name in properties.keys() - {_PLUGINS, *own}}
    files = {name: why for name in sorted(_opened(properties)) if (why := _unreadable(properties[name])) is not None}
    if files:
        left = {name: value for name, value in left.items() if name not in _FILES}
    return left, {**problems, **files}


def _opened(properties: Mapping[str, str]) -> set[str]:
    """Of the properties that name files, those that a client with all of them reads."""
    is_tls = properties.get("security.protocol", "").strip().lower() in {"ssl", "sasl_ssl"}
    return {name for name in _FILES & properties.keys() if is_tls or not name.startswith("ssl.")}


def _unreadable(file: str) -> str | None:
    """Why; None of a file, or a folder of them, that can be read."""
    try:
        if file != _PROBE and not Path(file).is_dir():
            Path(file).open("rb").close()
    except (OSError, ValueError) as error:
        return f"{file} cannot be read: {getattr(error, 'strerror', None) or error}"
    return None


def sentence(name: str, value: str, complaint: str, known: Mapping[str, ClientProperty]) -> str:
    """What is wrong and what to write instead; `complaint` is librdkafka's, `known` its table (empty: not known)."""
    if complaint.startswith(_UNKNOWN):
        close = nearest(name, known)
        refused = REFUSED.get(close[0]) if close else None
        if refused is not None and refused.unless is None:
            return f"librdkafka has no property of this name; for {close[0]}: {refused.reason}"
        return f"librdkafka has no property of this name; {f'did you mean {close[0]}?' if close else 'remove it'}"
    row = known.get(name, ClientProperty())
    values = _MECHANISMS if name in {"sasl.mechanism", "sasl.mechanisms"} else row.values
    if value.strip().upper() == "AWS_MSK_IAM":
        return "AWS_MSK_IAM is a name of Java clients; set kafka.aws_iam: {region: …} and remove all sasl.* properties"
    if values:
        close = nearest(value.lower(), [each.lower() for each in values])
        hint = "".join(f"; did you mean {each}?" for each in values if close and each.lower() == close[0])
        return f"must be {', '.join(values[:-1])} or {values[-1]}, not {_quoted(name, value)}{hint}"
    if row.bounds is not None:
        return f"{_numbers(row)}, not {_quoted(name, value)}"
    detail = "" if is_secret(name) else f": {' '.join(complaint.split())}"
    return f"librdkafka does not take this value{detail}"


def table() -> Mapping[str, ClientProperty]:
    """All properties of the librdkafka in use, aliases included; empty where it does not tell."""
    global _table  # noqa: PLW0603 - the library does not change while the process lives
    if _table is None:
        try:
            _table = parse(_printed())
        except (OSError, AttributeError, ValueError):  # another build: without the table only the advice is missing
            _table = {}
    return _table


_table: Mapping[str, ClientProperty] | None = None


def parse(text: str) -> dict[str, ClientProperty]:
    """From what librdkafka prints: ``name | C/P | range | default | importance | description *Type: integer*``."""
    rows: dict[str, ClientProperty] = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.split("|", 5)]
        if len(cells) < 6 or cells[0] in rows or not re.fullmatch(r"[a-z][a-z0-9_.]*", cells[0]):
            continue
        bounds = re.fullmatch(r"(-?[\d.]+) \.\. (-?[\d.]+)", cells[2])
        values = tuple(each.strip() for each in cells[2].split(",")) if cells[2] and not bounds else ()
        is_integer = cells[5].endswith("*Type: integer*")
        rows[cells[0]] = ClientProperty(values, (bounds[1], bounds[2]) if bounds else None, is_integer)
    return rows


def _complaint(name: str, value: str) -> str | None:
    """What librdkafka says; None where it takes the property."""
    configuration: dict[str, Any] = {name: value, _NOBODYS: ""}
    try:
        Producer(configuration)
    except KafkaException as refused:
        said: str = refused.args[0].str()
        return None if _NOBODYS in said else said
    except (ValueError, TypeError, AttributeError) as refused:
        return str(refused)
    return None


def _mechanism(name: str, value: str, properties: Mapping[str, str]) -> str | None:
    """Only where a login is asked for: without one the mechanism means nothing."""
    if name not in {"sasl.mechanism", "sasl.mechanisms"} or value.strip().upper() in _MECHANISMS:
        return None
    return "no such mechanism" if properties.get("security.protocol", "").lower().startswith("sasl") else None


def _is_within(value: str, low: int, high: int) -> bool:
    """Whether the text is a whole number of these."""
    try:
        return _INTEGER.fullmatch(value) is not None and low <= int(value, 0) <= high
    except ValueError:  # Python reads no more than some thousand digits.
        return False


def _numbers(known: ClientProperty) -> str:
    assert known.bounds is not None  # noqa: S101 - asked by both callers
    kind = "a whole number" if known.is_integer else "a number"
    return f"must be {kind} from {known.bounds[0]} to {known.bounds[1]}"


def _quoted(name: str, value: str) -> str:
    if is_secret(name):
        return "what it is"
    return repr(cut(value, _SHOWN + 1))


def _printed() -> str:
    """The table as text. The library prints it only to a C stream, so it gets one in memory."""
    client, libc = ctypes.CDLL(cimpl.__file__), ctypes.CDLL(None)
    show, opened, close, free = client.rd_kafka_conf_properties_show, libc.open_memstream, libc.fclose, libc.free
    opened.restype, show.restype = ctypes.c_void_p, None
    for function in (show, close, free):
        function.argtypes = [ctypes.c_void_p]
    buffer, size = ctypes.c_void_p(), ctypes.c_size_t()
    stream = opened(ctypes.byref(buffer), ctypes.byref(size))
    if not stream:
        raise OSError
    try:
        show(stream)
    finally:
        close(stream)
    text = ctypes.string_at(buffer, size.value).decode("utf-8", "replace")
    free(buffer)
    return text
