from __future__ import annotations

import base64
import json
from collections.abc import Callable
from urllib.parse import quote

import pytest

from bridge.ops.log.logger import MASK, Redactor

KEY = 'up-1/"key"+ä'


class Shy:
    def __str__(self) -> str:
        return f"Shy({KEY})"


class Broken:
    def __str__(self) -> str:
        raise RuntimeError("no text")


@pytest.mark.parametrize(
    "value",
    [
        f"Token {KEY}",
        {"headers": {"authorization": f"Token {KEY}"}},
        [["deep", (f"{KEY}!",)]],
        {KEY: 1},
        f"raw {KEY}".encode(),
        ValueError(f"bad key {KEY}"),
        {KEY},
        Shy(),
        f"url?key={quote(KEY, safe='')}",
        json.dumps({"key": KEY}),
        repr({"key": KEY}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_secret_is_cut_wherever_it_stands(value: object) -> None:
    shown = json.dumps(Redactor([KEY]).value(value), ensure_ascii=False)

    assert MASK in shown
    for spelling in (KEY, quote(KEY, safe=""), json.dumps(KEY)[1:-1]):
        assert spelling not in shown


def test_a_secret_that_contains_another_is_cut_whole() -> None:
    assert Redactor(["abc", "abcdef"]).text("abcdef abc") == f"{MASK} {MASK}"


def test_a_key_that_rotated_in_is_cut_and_the_old_one_still_is() -> None:
    redactor = Redactor(["old-key"])
    redactor.add("new-key")

    assert redactor.text("old-key new-key") == f"{MASK} {MASK}"


def test_without_secrets_nothing_is_cut() -> None:
    assert Redactor(["", ""]).value({"a": ["b", 1, None, True, 2.5]}) == {"a": ["b", 1, None, True, 2.5]}


def test_numbers_keep_their_type() -> None:
    assert Redactor(["1"]).value([1, 1.5, True, None]) == [1, 1.5, True, None]


def test_something_that_cannot_be_shown_is_named_by_its_type() -> None:
    assert Redactor([KEY]).value(Broken()) == "<Broken>"


def test_the_redactor_itself_shows_nothing() -> None:
    assert "up-1" not in repr(Redactor([KEY]))


@pytest.mark.parametrize("before", ["", "u", "up", "user:"])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_a_secret_in_base64_is_cut_wherever_it_begins(before: str, encode: Callable[[bytes], bytes]) -> None:
    shown = Redactor([KEY]).text(f"Basic {encode(f'{before}{KEY}:x'.encode()).decode()} failed")

    middle = encode(bytes(len(before) % 3) + KEY.encode()).decode()[4:14]
    assert MASK in shown
    assert middle not in shown
    assert KEY.encode().hex() not in Redactor([KEY]).text(KEY.encode().hex())
