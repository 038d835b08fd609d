"""Numbers of accounts and cards are known by their check digits, so that an order's number is not taken for one."""

from __future__ import annotations

import pytest

from bridge.lint.personal import personal_form


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("DE89 3704 0044 0532 0130 00", "the number of a bank account"),
        ("GB82WEST12345698765432", "the number of a bank account"),
        ("DE89 3704 0044 0532 0130 01", None),
        ("GB82WEST12345698765423", None),
        ("4111 1111 1111 1111", "the number of a card"),
        ("5500-0055-5555-5559", "the number of a card"),
        ("4111 1111 1111 1112", None),
        ("4111111111111111", None),  # in one piece it may as well be an id
    ],
)
def test_a_number_is_personal_whose_check_digits_are_right(text: str, found: str | None) -> None:
    assert personal_form(text) == found
