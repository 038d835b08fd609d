"""Functions that read what is inside of a text: JSON, base64, a decimal as Kafka Connect writes it."""

from __future__ import annotations

import base64
import binascii
from fractions import Fraction
from functools import lru_cache
from typing import Any, Final

import orjson

from bridge.decode import exact_json
from bridge.decode.failures import MappingError, QueryTypeError
from bridge.mapping.expressions import numbers
from bridge.mapping.expressions.functions.arguments import Argument, takes, text
from bridge.mapping.expressions.functions.withheld import Withheld

MOST_BYTES: Final = 415
"""Of a decimal: all numbers of up to a thousand digits fit, as many as any other number may have."""
MOST_SCALE: Final = 1_000
"""Places behind the point, or zeros before it where it is negative."""

_USUAL_SCALE: Final = 22
"""Powers of ten up to here are doubles."""
_URL_SAFE: Final = str.maketrans("-_", "+/")


def _not_a_scale(scale: Any) -> str | None:
    whole = numbers.whole(scale)
    if whole is None:
        return "a number with a fraction"
    return None if -MOST_SCALE <= whole <= MOST_SCALE else f"a number beyond {MOST_SCALE}"


_TEXT: Final = Argument("a string", frozenset({str, Withheld}))
_SCALE: Final = Argument(f"an integer up to {MOST_SCALE}", numbers.NUMBERS, "scale", _not_a_scale, is_optional=True)
_UNSCALED: Final = Argument("base64 text with its scale, or an object of scale and value,", frozenset({str, dict}))


@lru_cache(maxsize=1)
def decoded(json_text: str) -> Any:
    """JSON inside a text, its numbers as written. The last one is kept: most mappings read several keys of one text.

    Nothing changes a value that an expression found, so that all of them may share it.
    """
    return _decode(json_text)


def _decode(json_text: str) -> Any:
    raw = json_text.encode()
    return exact_json.decode(raw, exact=exact_json.may_be_inexact(raw))


class InnerFunctions:
    """One method each, in the form in which the library looks for them."""

    @takes(_TEXT)
    def _func_from_json(self, given: str | Withheld) -> Any:
        try:
            return given.opened(_decode) if isinstance(given, Withheld) else decoded(given)
        except orjson.JSONDecodeError:
            raise QueryTypeError("from_json() got a string that is not JSON") from None
        except MappingError as refused:
            raise QueryTypeError(f"from_json() cannot read its string: {refused.message}") from None

    @takes(_TEXT)
    def _func_from_base64(self, given: str | Withheld) -> str | Withheld:
        """A text in UTF-8, of either alphabet, its padding there or not."""
        try:
            if isinstance(given, Withheld):
                return given.as_text(_bytes_of(given.text, "from_base64").decode())
            return _bytes_of(given, "from_base64").decode()
        except UnicodeDecodeError:
            raise QueryTypeError("from_base64() got base64 of bytes that are not UTF-8 text") from None

    @takes(_UNSCALED, _SCALE)
    def _func_decimal(self, given: Any, *scales: Any) -> Any:
        """The number of which Connect writes the unscaled integer (big-endian, two's complement) as base64."""
        if given.__class__ is dict:
            if scales:
                raise QueryTypeError("decimal() got an object, which has its scale, and a scale; one of them is needed")
            given, scales = given.get("value"), (given.get("scale"),)
            for argument, part in ((text("value"), given), (_SCALE, scales[0])):
                problem = argument.problem(part)
                if problem is not None:
                    raise QueryTypeError(f"decimal() {problem}")
        elif not scales:
            raise QueryTypeError("decimal() got a string without its scale; write decimal(x, `2`)")
        return _scaled(_bytes_of(given, "decimal"), int(scales[0]))


def _scaled(unscaled: bytes, scale: int) -> Any:
    if not 0 < len(unscaled) <= MOST_BYTES:
        raise QueryTypeError(f"decimal() got {len(unscaled)} bytes; 1 to {MOST_BYTES} are needed")
    digits = int.from_bytes(unscaled, signed=True)
    if 0 <= scale <= _USUAL_SCALE and -numbers.EXACT_QUOTIENT < digits < numbers.EXACT_QUOTIENT:
        divisor = 10**scale
        whole, rest = divmod(digits, divisor)
        return digits / divisor if rest else whole
    try:
        return numbers.quotient(Fraction(digits) / Fraction(10) ** scale)
    except OverflowError:
        raise QueryTypeError("decimal() has a result outside the range of a double") from None


def _bytes_of(given: str, name: str) -> bytes:
    try:
        plain = given.translate(_URL_SAFE).rstrip("=")
        return base64.b64decode(f"{plain}{'=' * (-len(plain) % 4)}", validate=True)
    except (ValueError, binascii.Error):
        raise QueryTypeError(f"{name}() got a string that is not base64") from None
