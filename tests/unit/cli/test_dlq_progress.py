"""What a long work says of itself where nobody watches, and lists that fit a terminal where somebody does."""

from __future__ import annotations

import os
import shutil
import sys

import pytest

from bridge.cli.frame import output
from bridge.cli.frame.progress import EVERY, Lines, shown
from bridge.text import tables


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_lines_come_at_intervals_with_the_pace_since_the_first_and_the_time_left() -> None:
    said: list[str] = []
    clock = Clock()
    lines = Lines("Sending", 1000, said.append, clock)
    clock.now += 60  # Until there is room for it, nothing is sent.
    for done in range(1, 251):
        lines.report(done)
        clock.now += 0.125
    assert said[0] == "Sending: 1 of 1,000"
    assert said[1] == "Sending: 81 of 1,000 (8.1/s, 1 min 53 s left)"
    assert len(said) == 1 + int(250 * 0.125 / EVERY)


def test_where_no_terminal_is_nothing_is_drawn(capsys: pytest.CaptureFixture[str]) -> None:
    with shown("Sending", 3, before="Making room") as report:
        for done in range(1, 4):
            report(done)
    assert capsys.readouterr() == ("", "")


def test_a_list_is_as_wide_as_the_terminal_and_whole_where_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [["id", "reason", "origin"], ["0:1", "org.apache.kafka.connect.DataException", "shop.orders.completed/0/17"]]
    assert output.fitted(rows) == rows
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setattr(shutil, "get_terminal_size", lambda: os.terminal_size((44, 20)))
    lines = tables.table(output.fitted(rows))
    assert max(map(len, lines)) == 44
    assert lines[1].startswith("0:1  org.apac…")
    assert lines[1].endswith("/0/17")
