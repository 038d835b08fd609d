"""No text from outside is obeyed by a terminal, and JSON says the same with it spelled out."""

from __future__ import annotations

import json
import unicodedata

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.cli.frame import output
from bridge.text.printable import printable, printable_bytes, printable_json

DANGEROUS = [
    *map(chr, range(0x20)), *map(chr, range(0x7F, 0xA0)), "\u061c", "\u200e", "\u200f", "\u202a", "\u202b", "\u202c",
    "\u202d", "\u202e", "\u2066", "\u2067", "\u2068", "\u2069", "\u2028", "\u2029", "\ufeff", "\U000e0041", "\u200b",
]  # fmt: skip


@pytest.mark.parametrize("character", DANGEROUS, ids=[f"U+{ord(c):04X}" for c in DANGEROUS])
def test_what_a_terminal_might_obey_is_spelled_out(character: str) -> None:
    text = f"a{character}b"

    assert character not in printable(text)
    for encoded in (json.dumps({text: [text]}, ensure_ascii=False), orjson.dumps({text: [text]}).decode()):
        shown = printable_json(encoded)
        assert character not in shown
        assert json.loads(shown) == {text: [text]}
    assert character.encode() not in printable_bytes(orjson.dumps([text]))
    assert orjson.loads(printable_bytes(orjson.dumps([text]))) == [text]


@pytest.mark.parametrize("character", [c for c in DANGEROUS if c != "\n"], ids=lambda c: f"U+{ord(c):04X}")
def test_no_line_of_a_command_brings_one_to_the_terminal(capsys: pytest.CaptureFixture[str], character: str) -> None:
    output.line(f"a{character}b")
    output.lines([f"first\nsecond{character}"])
    output.document({character: [character]})

    shown = capsys.readouterr().out
    assert character not in shown
    assert len(shown.split("\n")) == 5


@given(st.recursive(st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_json_that_is_spelled_out_is_the_same_document(document: object) -> None:
    shown = printable_json(json.dumps(document, ensure_ascii=False, indent=1))

    assert json.loads(shown) == json.loads(json.dumps(document))
    assert not any(unicodedata.category(c) in {"Cc", "Cf", "Zl", "Zp", "Cs"} for c in shown if c != "\n")


def test_plain_text_of_any_script_is_left_as_it_is() -> None:
    for text in ("Zürich 東京 🎉", '{"a": "é"}'):
        assert printable(text) == printable_json(text) == text
        assert printable_bytes(text.encode()) == text.encode()
