"""JSON with numbers exactly as written: slow, and only for the records whose numbers the fast decoder would round.

orjson reads a number with a fraction as the nearest double, and integers beyond 64 bits too. A double holds every
number of 15 digits; one that it does not hold is a `Decimal` here, and what nothing can hold is `Unusable`.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal
from itertools import islice
from json.encoder import encode_basestring
from math import isfinite
from typing import Any, Final

import orjson

from bridge.decode.failures import Unusable, undecodable, unsendable

DIGITS_HELD: Final = 15
"""Any decimal number of so many digits is told from all others by the double nearest to it (DBL_DIG of IEEE 754)."""
TINY: Final = 1e-290
"""A double below this may be a number that no double is small enough for, or that has lost digits."""


# --- which records need it

_SHAPES: Final = dict.fromkeys("0123456789.", "0") | dict.fromkeys("eE", "e") | {"-": "-"}
_SHAPE: Final = "".join(_SHAPES.get(chr(code), " ") for code in range(256)).encode()
"""Turns each byte into what matters of it in a number: every digit and point is a 0, every other byte a space."""
_LONG: Final = b"0" * (DIGITS_HELD + 1)
"""16 digits, or 15 and a point: no shorter number is rounded, but for one with a tiny exponent."""
_EVERY_FOURTH: Final = b"0" * ((DIGITS_HELD + 1) // 4)
"""What is left of these where only every fourth byte is looked at, wherever one begins."""
_TINY_NUMBER: Final = re.compile(rb"(?:^|[\s:\[,])-?\d[\d.]*[eE]-0*[1-9]\d\d")
_LONG_NUMBER: Final = re.compile(rb"(?:^|[\s:\[,])(-?\d[\d.]{15,}(?:[eE][+-]?\d+)?)(?![\w.])")
_LOOKED_AT: Final = 64
"""Long numbers that are looked at one by one; a record with more of them is decoded exactly, whatever they are."""
_LARGEST_DIGITS: Final = 18
"""An integer of so many digits has less than 64 bits."""


def may_be_rounded(raw: bytes) -> bool:
    """Whether there is a number that the fast decoder does not keep: a fast test that never misses one."""
    # Not `in`, which costs three times as much with bytes: this is done for nearly every event with a price.
    if not raw[::4].translate(_SHAPE).partition(_EVERY_FOURTH)[1]:
        return False
    return _has_rounded(raw) if raw.translate(_SHAPE).partition(_LONG)[1] else False


def may_be_lost(raw: bytes) -> bool:
    """Whether there is a number between 0 and the smallest of all doubles, which reads as 0."""
    return bool(raw.translate(_SHAPE).partition(b"e-000")[1]) and _TINY_NUMBER.search(raw) is not None


def may_be_inexact(raw: bytes) -> bool:
    """Both in one."""
    shape = raw.translate(_SHAPE)
    return (bool(shape.partition(_LONG)[1]) and _has_rounded(raw)) or (
        bool(shape.partition(b"e-000")[1]) and _TINY_NUMBER.search(raw) is not None
    )


def _has_rounded(raw: bytes) -> bool:
    found = [match[1].decode() for match in islice(_LONG_NUMBER.finditer(raw), _LOOKED_AT)]
    return len(found) == _LOOKED_AT or any(map(_is_rounded, found))


def _is_rounded(text: str) -> bool:
    if text.lstrip("-").isdigit():
        return len(text) > _LARGEST_DIGITS
    try:
        return not isinstance(fraction(text), float)
    except ValueError:
        return False  # 1.2.3 is inside of a text


# --- reading

MOST_DIGITS: Final = 1_000
"""Reading and writing an integer takes a time that grows with the square of its digits."""
MOST_LONG_NUMBERS: Final = 10_000
"""In one record: each takes a microsecond."""
MOST_STRUCTURE: Final = 100_000
"""Arrays in one record, objects counted twice: in memory each takes many times the two bytes it is written with."""

_BYTES_OF_ONE: Final = 10
"""A record of more than a megabyte may have more of them, in proportion."""
LARGE: Final = 2 * MOST_STRUCTURE
"""Bytes below which no record has so many, so that they need not be counted."""
_NEITHER: Final = bytes(code for code in range(256) if chr(code) not in '"[{')
_BEYOND_DOUBLE: Final = "number is infinity"
"""orjson refuses a number such as 1e400, which is JSON; the slow decoder keeps it for whoever maps it."""


def decode(raw: bytes, *, exact: bool) -> Any:
    """Decodes JSON; the fast decoder alone says what is JSON, so that a text is the same to both ways of decoding.

    Raises `orjson.JSONDecodeError`, and `MappingError` for what only the exact decoder refuses.
    """
    if len(raw) >= LARGE:
        _check_structure(raw)
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        if not error.msg.startswith(_BEYOND_DOUBLE):
            raise
        return loads(raw)
    if exact:
        del value  # never both of them in memory
        return loads(raw)
    return value


def read(raw: bytes) -> Any:
    """Decodes JSON for whoever shows or edits it, with all digits. What it returns can be `encoded`.

    Raises `orjson.JSONDecodeError`, `MappingError`.
    """
    value = decode(raw, exact=may_be_inexact(raw))
    encoded(value)  # fails for a number that cannot be kept
    return value


def loads(raw: bytes) -> Any:
    """Decodes JSON that the fast decoder takes, or would take but for a number beyond a double."""
    left = MOST_LONG_NUMBERS

    def number(text: str) -> float | Decimal | Unusable:
        nonlocal left
        if len(text) <= DIGITS_HELD + 1 and "e" not in text and "E" not in text:
            return float(text)
        left -= 1
        if left < 0:
            raise undecodable(f"the value has more than {MOST_LONG_NUMBERS} numbers of more than {DIGITS_HELD} digits")
        return fraction(text)

    try:
        text = raw.decode()
        value = json.loads(text, parse_int=_integer, parse_float=number, parse_constant=_refuse)
        if "\\u" in text:
            # Python's decoder takes lone surrogates, which are no characters and cannot be encoded again.
            json.dumps(value, ensure_ascii=False, default=str).encode()
    except RecursionError:
        raise undecodable("the JSON is nested deeper than can be decoded") from None
    except UnicodeEncodeError:
        raise undecodable("the JSON has a string with a lone surrogate") from None
    except ValueError:
        raise undecodable("the value is not JSON") from None
    return value


def _integer(text: str) -> int | Unusable:
    return int(text) if len(text) <= MOST_DIGITS else TOO_LONG


def _refuse(name: str) -> Any:
    raise ValueError(name)


def _check_structure(raw: bytes) -> None:
    """Refuses what takes far more memory than bytes: a megabyte of ``[]`` is a third of a million arrays."""
    most = max(MOST_STRUCTURE, len(raw) // _BYTES_OF_ONE)
    if _structure(raw) > most and _structure(_outside_of_texts(raw)) > most:
        raise undecodable(f"the JSON has more than {most} arrays, an object counted as two")


def _outside_of_texts(raw: bytes) -> bytes:
    quotes_and_brackets = raw.replace(b"\\\\", b"").replace(b'\\"', b"").translate(None, _NEITHER)
    return b"".join(quotes_and_brackets.split(b'"')[::2])


def _structure(raw: bytes) -> int:
    return raw.count(b"[") + 2 * raw.count(b"{")


# --- writing


def dumps(document: Any) -> bytes:
    """Encodes JSON with numbers of any size; raises ValueError for what JSON cannot hold, `MappingError`."""
    return text_of(document).encode()


def text_of(document: Any) -> str:
    """As `dumps`; may hold lone surrogates."""
    try:
        return json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except TypeError:
        return _written(document)


def _written(value: Any) -> str:
    """With the one type that Python's encoder does not know."""
    match value:
        case dict():
            return (
                "{" + ",".join([f"{encode_basestring(name)}:{_written(inner)}" for name, inner in value.items()]) + "}"
            )
        case list():
            return "[" + ",".join(map(_written, value)) + "]"
        case Decimal():
            return str(value)
        case Unusable():
            raise value.why()
        case str():
            return encode_basestring(value)
        case _:
            return json.dumps(value, allow_nan=False)


def encoded(document: Any, option: int = 0) -> bytes:
    """As `orjson.dumps`, with its options and in its spelling, for what `read` returned; raises `MappingError`."""
    try:
        return orjson.dumps(document, option=option)
    except TypeError:
        return orjson.dumps(_with_fragments(document), option=option)


def _with_fragments(value: Any) -> Any:
    match value:
        case dict():
            return {name: _with_fragments(inner) for name, inner in value.items()}
        case list() | tuple():
            return [_with_fragments(inner) for inner in value]
        case bool():
            return value
        case int() | Decimal():
            return orjson.Fragment(str(value))
        case Unusable():
            raise value.why()
        case _:
            return value


# --- numbers


def fraction(text: str) -> float | Decimal | Unusable:
    """A number with a fraction or an exponent: the double that holds it, the digits where none does.

    Raises ValueError for what is no number.
    """
    if len(text) > MOST_DIGITS:
        return TOO_LONG
    number = float(text)
    if not isfinite(number):
        return BEYOND
    if number == 0.0:
        return BEYOND if text.lower().partition("e")[0].strip("+-0.") else number
    return held(Decimal(text), number)


def held(exact: Decimal, number: float) -> float | Decimal:
    """The double where it is written with the digits of `exact`, else these."""
    return number if Decimal(repr(number)) == exact else exact


BEYOND: Final = unsendable("a number outside the range of a double", "a number is outside the range of a double")
"""Never the number itself: one of ten characters, 1e99999999, takes minutes and gigabytes to compute with."""
TOO_LONG: Final = unsendable(
    f"a number of more than {MOST_DIGITS} digits", f"a number has more than {MOST_DIGITS} digits"
)
