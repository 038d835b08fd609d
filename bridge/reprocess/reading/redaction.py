"""Hides personal values wherever records are shown: those at configured paths, or all of them.

What was at such a path is found again in the request the record became (`Secrets`). In doubt it is hidden.
"""

from __future__ import annotations

import base64
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import orjson

from bridge.config.mapping_section import MappingConfig, TopicOverrides
from bridge.decode import exact_json
from bridge.decode.failures import MappingError
from bridge.mapping.expressions.paths import Path, parse_path
from bridge.mapping.expressions.scalars import text_of
from bridge.model import Header

_DATA: Final = "data"
_ENCODED: Final = "data_base64"
_PAYLOAD: Final = "payload"
"""Of Kafka Connect's envelope."""
_ATTRIBUTE: Final = "ce_"
_KEY: Final = "key"
_HEADER: Final = "header:"


@dataclass(frozen=True, slots=True)
class Redaction:
    """What to hide."""

    paths: tuple[Path, ...] = ()
    key: bool = False
    headers: frozenset[str] = frozenset()
    all: bool = False

    @property
    def hides(self) -> bool:
        """Whether there is anything to hide."""
        return bool(self.all or self.paths or self.key or self.headers)

    def of_key(self, key: bytes | None) -> bytes | None:
        """The key as it may be shown."""
        return HIDDEN.encode() if key is not None and (self.all or self.key) else key

    def of_headers(self, headers: Iterable[Header]) -> tuple[Header, ...]:
        """The record's own headers as they may be shown; an attribute of a CloudEvent is a header in binary mode."""
        attributes = {f"{_ATTRIBUTE}{path[0]}" for path in self.paths}
        return tuple(
            (name, HIDDEN.encode() if value is not None and self._hides_header(name, attributes) else value)
            for name, value in headers
        )

    def of_value(self, value: bytes | None, headers: Iterable[Header] = ()) -> bytes | None:
        """The value as it may be shown. One that is no JSON cannot be searched, so nothing of it is shown."""
        if value is None or not (self.all or self.paths):
            return value
        try:
            document = exact_json.read(value)
            shown = _all_hidden(document) if self.all else _hidden(document, self._paths_in_value(headers))
            return exact_json.encoded(shown)
        except (orjson.JSONDecodeError, MappingError, RecursionError, TypeError):
            return HIDDEN.encode()

    def of_request(self, request: bytes, value: bytes | None, headers: Iterable[Header] = ()) -> bytes:
        """A request as it may be shown: without whatever was at the hidden paths of its record."""
        if not self.hides:
            return request
        try:
            document = exact_json.read(request)
        except (orjson.JSONDecodeError, MappingError):
            return HIDDEN.encode()
        secrets = self._secrets(value, tuple(headers))
        return exact_json.encoded(_all_hidden(document) if secrets is None else secrets.hidden(document))

    def of_user(self, user: str | None, value: bytes | None, headers: Iterable[Header] = ()) -> str | None:
        """A user as the mapping found it in a record of this value."""
        if user is None or not self.hides:
            return user
        secrets = self._secrets(value, tuple(headers))
        return HIDDEN if secrets is None else str(secrets.hidden(user))

    def of_message(self, message: str, value: bytes | None, headers: Iterable[Header] = ()) -> str:
        """What was answered about a record: an answer may repeat what it refuses."""
        if not self.paths or self.all:
            return message  # the bridge's own messages name places and types
        secrets = self._secrets(value, tuple(headers))
        return message if secrets is None else secrets.cut(message)

    def _hides_header(self, name: str, attributes: Container[str]) -> bool:
        return self.all or name in self.headers or name in attributes

    def _paths_in_value(self, headers: Iterable[Header]) -> tuple[Path, ...]:
        """The value of a binary CloudEvent is what the mapping calls ``data``."""
        if not any(name == f"{_ATTRIBUTE}specversion" for name, _ in headers):
            return self.paths
        return (*self.paths, *(path[1:] for path in self.paths if path[0] == _DATA))

    def _secrets(self, value: bytes | None, headers: tuple[Header, ...]) -> Secrets | None:
        """What must not be shown of a request; None where that cannot be told, so that nothing of it may be."""
        if self.all or self.key or self.headers:
            return None  # what a key or header became cannot be told from the request
        secrets = Secrets()
        try:
            document = exact_json.read(value or b"null")
            for path in self._paths_in_value(headers):
                secrets.collect(document, path)
        except (orjson.JSONDecodeError, MappingError, RecursionError):
            return None
        for name, content in headers:
            if content and any(name == f"{_ATTRIBUTE}{path[0]}" for path in self.paths):
                secrets.add(content.decode("utf-8", "replace"))
        return secrets if secrets.are_known else None


def redaction(configured: Iterable[str], *, everything: bool, within: Iterable[Path] = ((),)) -> Redaction:
    """From `dead_letter.redact`, whose grammar the configuration has checked, and ``--redact``.

    `within`: see `places`.
    """
    texts = [text for text in configured if text != _KEY and not text.startswith(_HEADER)]
    paths = [path for text in texts if (path := parse_path(text)) is not None]
    return Redaction(
        tuple(place + path for place in within for path in paths),
        _KEY in configured,
        frozenset(text.removeprefix(_HEADER) for text in configured if text.startswith(_HEADER)),
        everything,
    )


def places(mapping: MappingConfig) -> tuple[Path, ...]:
    """Where in a value may be what the mapping sees: in an envelope that it takes off, in elements that it looks at.

    Of all topics alike: in doubt it is hidden.
    """
    settings: list[MappingConfig | TopicOverrides] = [mapping, *mapping.per_topic.values()]
    found: list[Path] = [()]
    if any(each.unwrap not in {None, "none"} for each in settings):
        found.append((_PAYLOAD,))
    elements = {path for each in settings if each.each and (path := parse_path(each.each)) is not None}
    return tuple(found + [place + path for place in found for path in sorted(elements)])


def _all_hidden(value: Any) -> Any:
    """The shape with its names, without what it holds."""
    if isinstance(value, dict):
        return {name: _all_hidden(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_all_hidden(inner) for inner in value]
    return None if value is None else HIDDEN


def _hidden(value: Any, paths: Iterable[Path]) -> Any:
    for path in paths:
        value = _hide(value, path)
    return value


def _hide(value: Any, path: Path) -> Any:
    """Lists on the way are walked, and a text on it is hidden: it may hold the very thing (see `never_send`)."""
    if not path:
        return _all_hidden(value)
    if isinstance(value, list):
        return [_hide(inner, path) for inner in value]
    if isinstance(value, dict):
        if path[0] == _DATA and value.get(_ENCODED) is not None:
            value |= {_ENCODED: HIDDEN}  # the data of a CloudEvent once more
        return value | {path[0]: _hide(value[path[0]], path[1:])} if path[0] in value else value
    return HIDDEN if isinstance(value, str) and value else value


HIDDEN: Final = "***"
_TELLING: Final = 3
"""Characters from which on a text is looked for inside of others; shorter ones are in everything."""
_SHARED: Final = 5
"""Characters in a row that are taken for a part of a hidden text: `split` and `replace` leave as many of it."""
_COMPARED: Final = 20_000
"""Characters of a hidden text; of a longer one anything may be a part."""


class Secrets:
    """The texts to hide, and which types of values may have been made of them."""

    def __init__(self) -> None:
        self.are_known = True
        """False where a text on the way of a path may hold more of them: then anything may be one."""
        self._texts: set[str] = set()
        self._runs: set[str] = set()
        self._has_number = False
        self._has_boolean = False

    def collect(self, value: Any, path: Path) -> None:
        """Adds what is at a path of a decoded value, and all below it."""
        if isinstance(value, list):
            for inner in value:
                self.collect(inner, path)
        elif isinstance(value, dict):
            if path[:1] == (_DATA,) and value.get(_ENCODED) is not None:
                self.are_known = False  # it is in there
            for name, inner in value.items():
                if not path or name == path[0]:
                    self.collect(inner, path[1:])
        elif path:
            self.are_known = self.are_known and not (isinstance(value, str) and value)
        elif value is not None:
            self.add(value)

    def add(self, value: Any) -> None:
        """Adds one scalar."""
        self._has_boolean = self._has_boolean or isinstance(value, bool)
        if isinstance(value, str):
            self._add_text(value)
            inside = _of_base64(value)
            if inside is not None:
                self._has_number = True  # it may be a decimal of Connect
                self._add_text(inside)
        elif not isinstance(value, bool):
            self._has_number = True  # it may have been divided, added, or read as a time
            if isinstance(value, int | float | Decimal):
                self._texts.add(text_of(value))
        self._texts.discard("")

    def _add_text(self, text: str) -> None:
        folded = text.casefold()
        self._texts.add(folded)
        self._runs.update(_runs(folded[:_COMPARED]))
        self._has_number = self._has_number or _may_be_a_number(text)
        # What from_json() made of it may be any part of it.
        self.are_known = self.are_known and len(text) <= _COMPARED and not text.lstrip().startswith(("{", "[", '"'))

    def hidden(self, value: Any) -> Any:
        """A document of a request without them."""
        if isinstance(value, dict):
            return {name: self.hidden(inner) for name, inner in value.items()}
        if isinstance(value, list):
            return [self.hidden(inner) for inner in value]
        if value is None:
            return None
        if isinstance(value, bool):
            return HIDDEN if self._has_boolean else value
        if not isinstance(value, str):
            return HIDDEN if self._has_number or text_of(value) in self._texts else value
        return HIDDEN if self._is_telling(value) else value

    def cut(self, message: str) -> str:
        """A sentence without the sentence parts that are secrets."""
        return HIDDEN if any(len(each) >= _TELLING and each in message.casefold() for each in self._texts) else message

    def _is_telling(self, text: str) -> bool:
        """A template may have put it inside a longer text, and a function changed its case or taken a part of it."""
        folded = text.casefold()
        if folded in self._texts or any(_is_part(each, folded) or _is_part(folded, each) for each in self._texts):
            return True
        if not self._runs.isdisjoint(_runs(folded)):
            return True
        if self._has_boolean and folded in {"true", "false"}:
            return True
        return self._has_number and any(character.isdigit() for character in text)


def _is_part(part: str, whole: str) -> bool:
    return len(part) >= _TELLING and part in whole


def _runs(text: str) -> Iterator[str]:
    return (text[start : start + _SHARED] for start in range(len(text) - _SHARED + 1))


def _may_be_a_number(text: str) -> bool:
    """Whether a conversion may read a number or a time in it: it has more digits than letters."""
    digits = sum(character.isdigit() for character in text)
    return 2 * digits > sum(character.isalnum() for character in text)


def _of_base64(text: str) -> str | None:
    """The text inside, empty where it holds none; None for what is no base64."""
    try:
        raw = base64.b64decode(
            text + "=" * (-len(text) % 4), altchars=b"-_" if {"-", "_"} & set(text) else None, validate=True
        )
    except ValueError:
        return None
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return "" if len(text) % 4 == 0 else None
