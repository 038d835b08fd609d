"""JSON that only the slow decoder takes, because of its numbers, is held to what the fast one takes."""

from __future__ import annotations

from decimal import Decimal

import pytest

from bridge.decode import exact_json
from bridge.decode.failures import MappingError

BEYOND_A_DOUBLE = b"12345678901234567890.123456789"


def test_a_number_beyond_a_double_is_kept_to_its_last_digit() -> None:
    assert exact_json.loads(b'{"a": ' + BEYOND_A_DOUBLE + b"}") == {"a": Decimal(BEYOND_A_DOUBLE.decode())}


@pytest.mark.parametrize("word", [b"NaN", b"Infinity", b"-Infinity"])
def test_what_is_no_number_of_json_is_refused_beside_one_too(word: bytes) -> None:
    with pytest.raises(MappingError, match="the value is not JSON"):
        exact_json.loads(b"[" + BEYOND_A_DOUBLE + b", " + word + b"]")


@pytest.mark.parametrize(
    ("beside", "why"),
    [
        (rb'"\ud800"', "the JSON has a string with a lone surrogate"),
        (b"[" * 100_000, "the JSON is nested deeper than can be decoded"),
        (b"\xff", "the value is not JSON"),
    ],
)
def test_what_cannot_be_decoded_is_refused_with_its_reason(beside: bytes, why: str) -> None:
    with pytest.raises(MappingError, match=why):
        exact_json.loads(b"[" + BEYOND_A_DOUBLE + b", " + beside + b"]")
