"""Hides personal values wherever records are shown: those at configured paths, or all of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import orjson

from bridge.mapping.paths import Path, parse_path
from bridge.model import Header

HIDDEN: Final = "***"
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
        """The record's own headers as they may be shown."""
        return tuple(
            (name, HIDDEN.encode() if value is not None and (self.all or name in self.headers) else value)
            for name, value in headers
        )

    def of_value(self, value: bytes | None) -> bytes | None:
        """The value as it may be shown. One that is no JSON cannot be searched, so nothing of it is shown."""
        if value is None or not (self.all or self.paths):
            return value
        try:
            document = orjson.loads(value)
        except orjson.JSONDecodeError:
            return HIDDEN.encode()
        return orjson.dumps(_all_hidden(document) if self.all else _hidden(document, self.paths))

    def of_request(self, request: bytes, value: bytes | None) -> bytes:
        """A request as it may be shown: without whatever was at the hidden paths of its record's value."""
        if not self.hides:
            return request
        try:
            document = orjson.loads(request)
            if self.all or self.key or self.headers:
                # What a key or header became cannot be told from the request, so all of it is hidden.
                return orjson.dumps(_all_hidden(document))
            secrets = _texts_at(orjson.loads(value or b"null"), self.paths)
        except orjson.JSONDecodeError:
            return HIDDEN.encode()
        return orjson.dumps(_without(document, secrets))

    def of_user(self, user: str | None, value: bytes | None) -> str | None:
        """A user as the mapping found it in a record of this value."""
        if user is None or not self.hides:
            return user
        shown: str = orjson.loads(self.of_request(orjson.dumps([user]), value))[0]
        return shown


def redaction(configured: Iterable[str], *, everything: bool) -> Redaction:
    """From `dead_letter.redact`, whose grammar the configuration has checked, and ``--redact``."""
    paths = [text for text in configured if text != _KEY and not text.startswith(_HEADER)]
    return Redaction(
        tuple(path for text in paths if (path := parse_path(text)) is not None),
        _KEY in configured,
        frozenset(text.removeprefix(_HEADER) for text in configured if text.startswith(_HEADER)),
        everything,
    )


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
    """Lists on the way are walked, as `never_send` does."""
    if not path:
        return _all_hidden(value)
    if isinstance(value, list):
        return [_hide(inner, path) for inner in value]
    if isinstance(value, dict) and path[0] in value:
        return value | {path[0]: _hide(value[path[0]], path[1:])}
    return value


def _texts_at(value: Any, paths: Iterable[Path]) -> frozenset[str]:
    found: set[str] = set()
    for path in paths:
        _collect(value, path, found)
    return frozenset(found)


def _collect(value: Any, path: Path, found: set[str]) -> None:
    if isinstance(value, list):
        for inner in value:
            _collect(inner, path, found)
    elif isinstance(value, dict):
        for name, inner in value.items():
            if not path or name == path[0]:
                _collect(inner, path[1:], found)
    elif not path and value is not None and value != "":
        found.add(str(value))


def _without(value: Any, secrets: frozenset[str]) -> Any:
    if isinstance(value, dict):
        return {name: _without(inner, secrets) for name, inner in value.items()}
    if isinstance(value, list):
        return [_without(inner, secrets) for inner in value]
    text = str(value)
    if isinstance(value, str):
        # A template may have put it inside a longer text; a text of one or two characters is in everything.
        return HIDDEN if text in secrets or any(len(each) > 2 and each in text for each in secrets) else value
    return HIDDEN if not isinstance(value, bool) and text in secrets else value
