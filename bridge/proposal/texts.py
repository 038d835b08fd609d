"""Texts that hold a JSON object, as outbox tables and log shippers write them: what is in them, in which records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson

from bridge.decode.failures import MappingError
from bridge.mapping.expressions.functions import inside
from bridge.proposal.documents import SampledDocument

NEARLY_ALL: Final = 0.95
"""Of the documents that have such a text: with fewer, to open it would make dead letters of too many."""
_LONGEST: Final = 65_536
"""Characters of a text that is opened."""


def objects_in(names: Sequence[str], documents: Sequence[SampledDocument]) -> Mapping[int, dict[str, Any]] | None:
    """What the texts at this path hold, by the number of the document; None where not nearly all hold an object.

    Read as ``from_json()`` reads them, so that what is found here is found by the bridge too.
    """
    texts = {
        number: text for number, document in enumerate(documents) if (text := _at(names, document.value)) is not None
    }
    most_others = (1 - NEARLY_ALL) * len(texts)
    others = sum(not _begins(text) for text in texts.values())
    found: dict[int, dict[str, Any]] = {}
    for number, text in texts.items():
        if others > most_others:
            return None
        if _begins(text):
            opened = _object(text)
            if opened is None:
                others += 1
            else:
                found[number] = opened
    return found if found and others <= most_others else None


def _at(names: Sequence[str], value: Any) -> Any:
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _begins(text: Any) -> bool:
    return isinstance(text, str) and text[:1] == "{" and len(text) <= _LONGEST


def _object(text: str) -> dict[str, Any] | None:
    try:
        value = inside.decoded(text)
    except (orjson.JSONDecodeError, UnicodeEncodeError, MappingError):
        return None
    return value if isinstance(value, dict) else None
