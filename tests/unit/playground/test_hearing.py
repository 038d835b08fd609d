"""Of the bridge's log a newcomer sees what happened, in sentences, and nothing twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.playground.hearing import Ear, sentence


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            b'{"event":"dead_letter","topic":"shop.orders","partition":1,"offset":7,"reason":"unmappable","detail":"no\\nuser"}',
            r"Dead letter: shop.orders/1/7, unmappable: no\nuser",
        ),
        (b'{"event":"outage_ended","seconds":8.2}', "The API answers again, after 8 s."),
        (b'{"event":"configuration_refused","problems":["a","b"]}', "Refused, what ran runs on: a; b"),
        (b'{"event":"held","topic":"t","reason":"held_by_operator","message":"m"}', None),
        (b'{"event":"assigned"}', None),
        (b"Traceback", None),
        (b"[1]", None),
    ],
)
def test_what_is_worth_a_line(line: bytes, said: str | None) -> None:
    assert sentence(line) == said


def test_each_line_is_heard_once_it_is_whole(tmp_path: Path) -> None:
    log = tmp_path / "bridge.log"
    ear = Ear(log)
    assert list(ear.new()) == []
    log.write_bytes(b'{"event":"configuration_fixed"}\n{"event":"outage_en')
    assert list(ear.new()) == ["The file is right again."]
    with log.open("ab") as file:
        file.write(b'ded","seconds":1}\n')
    assert list(ear.new()) == ["The API answers again, after 1 s."]
    assert list(ear.new()) == []
