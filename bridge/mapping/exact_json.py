"""JSON with numbers exactly as written: slow, and only for the records whose numbers the fast decoder would round.

orjson reads integers beyond 64 bits as doubles and refuses numbers beyond the range of a double; it writes neither.
"""

from __future__ import annotations

import json
from decimal import Decimal
from math import isfinite
from typing import Any, Final

from bridge.mapping.failures import undecodable

LARGEST_SAFE: Final = float(2**63)
"""A double at or beyond this may be an integer that was rounded; below it orjson keeps every integer exact."""

_DIGITS: Final = bytes(ord("0") if chr(code).isdigit() else ord(" ") for code in range(128)) + b" " * 128
_LONG_RUN: Final = b"0" * 19


def may_have_large_integers(raw: bytes) -> bool:
    """Whether there are 19 digits in a row anywhere: a fast test that never misses an integer of more than 63 bits."""
    return len(raw) >= len(_LONG_RUN) and _LONG_RUN in raw.translate(_DIGITS)


def loads(raw: bytes) -> Any:
    """Decodes JSON. A number that no double can hold becomes an infinite `Decimal`, for whoever maps it to refuse."""
    try:
        value = json.loads(raw, parse_int=_integer, parse_float=_decimal, parse_constant=_refuse)
        # Python's decoder takes lone surrogates, which are no characters and cannot be encoded again.
        json.dumps(value, ensure_ascii=False, default=str).encode()
    except RecursionError:
        raise undecodable("the JSON is nested deeper than can be decoded") from None
    except UnicodeEncodeError:
        raise undecodable("the JSON has a string with a lone surrogate") from None
    except ValueError:
        raise undecodable("the value is not JSON") from None
    return value


def dumps(document: Any) -> bytes:
    """Encodes JSON with integers of any size; raises ValueError for what JSON cannot hold."""
    return json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def _integer(text: str) -> int | Decimal:
    try:
        return int(text)
    except ValueError:  # more digits than Python converts by default (4300), a guard against quadratic time
        return _beyond(text)


def _decimal(text: str) -> float | Decimal:
    number = float(text)
    return number if isfinite(number) else _beyond(text)


def _beyond(text: str) -> Decimal:
    """Never the number itself: one of ten characters, 1e99999999, takes minutes and gigabytes to compute with."""
    return Decimal("-Infinity" if text.startswith("-") else "Infinity")


def _refuse(name: str) -> Any:
    raise ValueError(name)
