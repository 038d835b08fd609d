"""base64 and Kafka Connect's decimals. (`from_json` has its own file.)"""

from __future__ import annotations

import base64
from collections.abc import Callable
from decimal import Context, Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.decode.failures import QueryTypeError
from bridge.mapping.expressions import numbers
from bridge.mapping.expressions.expression import ExpressionError, compile_expression
from bridge.mapping.expressions.functions import inside
from bridge.mapping.expressions.queries import compile_query

if TYPE_CHECKING:
    from tests.unit.mapping.conftest import Bench


def encoded(unscaled: int) -> str:
    """As Connect writes it: `BigInteger.toByteArray`, the fewest bytes that hold the sign."""
    length = (unscaled if unscaled >= 0 else ~unscaled).bit_length() // 8 + 1
    return base64.b64encode(unscaled.to_bytes(length, signed=True)).decode()


def result(text: str, x: Any, y: Any = None) -> Any:
    return compile_query(text)({"x": x, "y": y})


@pytest.mark.parametrize(
    ("x", "expected"),
    [
        ("", ""),
        ("YQ==", "a"),
        ("YQ", "a"),
        ("eyJlbWFpbCI6ICJhIn0=", '{"email": "a"}'),
        ("w7_Dvg", "ÿþ"),
        ("w7/Dvg==", "ÿþ"),
    ],
)
def test_base64_of_either_alphabet_is_the_text_inside(x: str, expected: str) -> None:
    assert result("from_base64(x)", x) == expected


def test_json_inside_of_base64_is_read_in_two_steps() -> None:
    assert result("from_json(from_base64(x)).email", "eyJlbWFpbCI6ICJhIn0=") == "a"


@pytest.mark.parametrize("x", ["Y", "Y===", "Y Q==", "YQ==\n", "YQ=a", "é", "Y" * 5])
def test_what_is_not_base64_is_a_failure(x: str) -> None:
    with pytest.raises(QueryTypeError, match=r"^from_base64\(\) got a string that is not base64$"):
        result("from_base64(x)", x)


def test_bytes_that_are_no_text_are_a_failure_that_says_so() -> None:
    with pytest.raises(QueryTypeError, match=r"^from_base64\(\) got base64 of bytes that are not UTF-8 text$"):
        result("from_base64(x)", "//79")


@given(text=st.text(), url_safe=st.booleans(), padded=st.booleans())
def test_every_text_comes_back_from_its_base64(text: str, *, url_safe: bool, padded: bool) -> None:
    encode = base64.urlsafe_b64encode if url_safe else base64.b64encode
    written = encode(text.encode()).decode()

    assert result("from_base64(x)", written if padded else written.rstrip("=")) == text


@pytest.mark.parametrize(
    ("x", "scale", "expected"),
    [
        ("BOI=", 2, 12.5),
        ("BLA=", 2, 12),
        ("AA==", 4, 0),
        ("/w==", 2, -0.01),
        ("APoq", 0, 64042),
        ("AQ==", -3, 1000),
        (encoded(12345678901234567890123), 5, Decimal("123456789012345678.90123")),
        (encoded(10**30), 0, 10**30),
    ],
)
def test_a_decimal_of_connect_is_the_number_it_stands_for(x: str, scale: int, expected: Any) -> None:
    found = result("decimal(x, y)", x, scale)

    assert (found, type(found)) == (expected, type(expected))
    assert result("decimal(x)", {"scale": scale, "value": x}) == expected


@given(st.integers(-(10**40), 10**40), st.integers(-20, 40))
def test_a_decimal_is_exactly_what_was_encoded(unscaled: int, scale: int) -> None:
    exact = Decimal(unscaled).scaleb(-scale, Context(prec=200))

    found = result("decimal(x, y)", encoded(unscaled), scale)

    assert numbers.as_fraction(found) == Fraction(exact)


@pytest.mark.parametrize(
    ("text", "x", "y", "sentence"),
    [
        ("decimal(x)", "BOI=", None, "decimal() got a string without its scale; write decimal(x, `2`)"),
        ("decimal(x, y)", "BOI=", None, "decimal() got null as its scale; an integer up to 1000 is needed"),
        (
            "decimal(x, y)",
            "BOI=",
            1.5,
            "decimal() got a number with a fraction as its scale; an integer up to 1000 is needed",
        ),
        (
            "decimal(x, y)",
            "BOI=",
            1001,
            "decimal() got a number beyond 1000 as its scale; an integer up to 1000 is needed",
        ),
        ("decimal(x, y)", "12.50!", 2, "decimal() got a string that is not base64"),
        ("decimal(x, y)", "", 2, "decimal() got 0 bytes; 1 to 415 are needed"),
        ("decimal(x, y)", "A" * 4096, 2, "decimal() got 3072 bytes; 1 to 415 are needed"),
        ("decimal(x, y)", "AQ==", 400, "decimal() has a result outside the range of a double"),
        (
            "decimal(x)",
            12.5,
            None,
            "decimal() got a number; base64 text with its scale, or an object of scale and value",
        ),
        ("decimal(x)", None, None, "decimal() got null; base64 text with its scale"),
        ("decimal(x)", {"scale": 2}, None, "decimal() got null as its value; a string is needed"),
        ("decimal(x)", {"value": "BOI="}, None, "decimal() got null as its scale; an integer up to 1000 is needed"),
        ("decimal(x)", {"value": "BOI=", "scale": True}, None, "decimal() got a boolean as its scale; an integer"),
        ("decimal(x, y)", {"value": "BOI=", "scale": 2}, 2, "got an object, which has its scale, and a scale"),
    ],
)
def test_what_is_no_decimal_is_a_failure_that_says_what_it_is(text: str, x: Any, y: Any, sentence: str) -> None:
    with pytest.raises(QueryTypeError) as failure:
        result(text, x, y)
    assert sentence in str(failure.value)


def test_the_widest_decimal_has_as_many_digits_as_any_number_may_have() -> None:
    widest = 10**999

    assert result("decimal(x, y)", encoded(widest), 0) == widest
    assert len(base64.b64decode(encoded(widest))) <= inside.MOST_BYTES


def test_a_scale_that_is_written_out_wrongly_is_refused_before_a_record_comes() -> None:
    with pytest.raises(
        ExpressionError, match=r"calls decimal\(\), which got a string as its scale; an integer up to 1000 is needed"
    ):
        compile_expression("decimal(x, '2')", "m")


def test_a_decimal_may_be_whose_event_it_is(order: Callable[[str], Bench]) -> None:
    mapping = order("user_id: decimal(id)\nmetadata: {amount: 'decimal(amount, `2`)'}")

    request = mapping.request({"type": "order", "id": {"scale": 0, "value": "APoq"}, "amount": "BOI="})

    assert (request["user_id"], request["metadata"]) == ("64042", {"amount": 12.5})
