"""Dead-letter headers: whatever is known about a letter, its headers keep their schema and the original's stay."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import jsonschema

from bridge.formats.letter_headers import CONNECT, LONGEST_MESSAGE, OWN, Detail, build
from bridge.formats.letters import parse
from bridge.model import KINDS, DeadLetter, FailedStep, Header, LetterReason, Record, Route
from tests.fuzz.choices import Choices

_SCHEMA: Final = Path(__file__).parents[2] / "schemas" / "dead-letter-headers.schema.json"
_VALIDATOR: Final = jsonschema.Draft202012Validator(json.loads(_SCHEMA.read_text()))


def check_letter(letter: DeadLetter, group: str = "group") -> None:
    """Its headers, and those of the letter that it becomes when it comes back and fails again."""
    headers = build(letter, group)
    _check_headers(headers, letter.record.headers)
    again = build(DeadLetter(letter.record._replace(headers=headers), letter.reason, letter.message), group)
    _check_headers(again, letter.record.headers)
    assert len(again) <= len(headers)
    read = parse(Record("letters", 0, 1, None, letter.record.key, letter.record.value, headers))
    assert (read.kind, read.step) == (letter.kind, letter.step)
    sizes = [_size(build(letter, group, detail)) for detail in Detail]
    assert sizes == sorted(sizes, reverse=True)


def _check_headers(headers: list[Header], original: object) -> None:
    ours = [(name, value) for name, value in headers if name.startswith((OWN, CONNECT))]
    assert len({name for name, _ in ours}) == len(ours), "a header was appended to its predecessor"
    document = {name: (value or b"").decode() for name, value in ours}
    for error in _VALIDATOR.iter_errors(document):
        raise AssertionError(error.message)
    assert len(document[OWN + "message"].encode()) <= LONGEST_MESSAGE
    theirs = [header for header in headers if not header[0].startswith((OWN, CONNECT))]
    assert isinstance(original, list | tuple)
    assert theirs == [header for header in original if not header[0].startswith((OWN, CONNECT))]


def _size(headers: list[Header]) -> int:
    return sum(len(name) + len(value or b"") for name, value in headers)


_NAMES: Final = ("x", "", f"{OWN}replays", f"{OWN}message", f"{OWN}version", f"{CONNECT}topic", f"{OWN}unknown", "é")


def fuzz(data: bytes) -> None:
    """A letter, its message last."""
    choices = Choices(data)
    headers: list[Header] = [
        (choices.one_of(_NAMES), choices.one_of((None, choices.block()))) for _ in range(choices.number(6))
    ]
    times = [int.from_bytes(choices.take(8), "big", signed=True) for _ in range(3)]
    status = choices.one_of((None, 100 + choices.number(900)))
    name, code = _text(choices.block()), _text(choices.block())
    of = 1 + choices.number(5)
    step = FailedStep(choices.number(of), of, choices.one_of((False, True)), choices.one_of((False, True)))
    check_letter(
        DeadLetter(
            Record("shop.orders", 3, 17, times[0], b"key", b"value", headers),
            choices.one_of(tuple(LetterReason)),
            _text(choices.rest()),
            route=Route(name, "0123456789ab", "Event") if name else None,
            status=status,
            error_code=code,
            first_attempt_ms=times[1],
            last_attempt_ms=times[2],
            kind=choices.one_of(KINDS).name,
            step=choices.one_of((None, step)),
        )
    )


def _text(data: bytes) -> str:
    """Any text that Python can hold, lone surrogates too."""
    return data.decode("utf-8", "surrogateescape")
