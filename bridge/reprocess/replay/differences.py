"""What would be sent now beside what was sent then."""

from __future__ import annotations

import difflib

import orjson

from bridge.decode import exact_json
from bridge.decode.failures import MappingError


def difference(before: bytes, after: bytes) -> list[str]:
    """Two JSON documents line by line, ``-`` what was, ``+`` what is; keys sorted, as their order means nothing."""
    lines = difflib.ndiff(_lines(before), _lines(after))
    return [line for line in lines if not line.startswith("?")]


def _lines(document: bytes) -> list[str]:
    try:
        pretty = exact_json.encoded(exact_json.read(document), orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS)
    except (orjson.JSONDecodeError, MappingError):
        pretty = document
    return pretty.decode("utf-8", "backslashreplace").split("\n")
