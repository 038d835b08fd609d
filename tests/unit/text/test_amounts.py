from __future__ import annotations

import pytest

from bridge.text.amounts import per_minute, per_second, plural, span, thousands


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (59, "59 s"),
        (61, "1 min 1 s"),
        (3600, "1 h 0 min"),
        (86_399, "23 h 59 min"),
        (108_000, "1 d 6 h"),
        (120_000, "1 d 9 h"),
        (1e6, "11 d 13 h"),
    ],
)
def test_durations_are_told_in_their_two_largest_units(seconds: float, text: str) -> None:
    assert span(seconds) == text


def test_a_count_has_its_thousands_apart_and_every_digit() -> None:
    assert thousands(1_200) == "1,200"
    assert thousands(2**63 - 1) == "9,223,372,036,854,775,807", "an offset is no double"
    assert thousands(1_199.6) == "1,200"


def test_one_thing_is_one_and_others_are_several() -> None:
    assert plural(1, "record") == "1 record"
    assert plural(0, "record") == "0 records"
    assert plural(1_200, "match", "matches") == "1,200 matches"


def test_a_limit_is_told_by_the_minute_and_a_pace_by_the_second() -> None:
    assert per_minute(10.0) == "600/min"
    assert per_second(1_250.54) == "1,250.5/s"
