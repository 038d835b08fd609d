from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.config.keys import scalars
from bridge.config.keys.scalars import Listen, StartAge, StartPoint, StartTime, Substituted

Parser = Callable[[Any], Any]


def complaint(parse: Parser, value: Any) -> str:
    """What the parser says against a value; empty where it takes it."""
    try:
        parse(value)
    except ValueError as error:
        return str(error)
    return ""


@pytest.mark.parametrize(
    ("parse", "written", "value"),
    [
        (scalars.duration, "200ms", 0.2),
        (scalars.duration, "20s", 20.0),
        (scalars.duration, "1.5m", 90.0),
        (scalars.duration, "24h", 86400.0),
        (scalars.duration, "7d", 604800.0),
        (scalars.size, "512B", 512),
        (scalars.size, "10KB", 10_000),
        (scalars.size, "32MB", 32_000_000),
        (scalars.size, "1.5GB", 1_500_000_000),
        (scalars.size, "64KiB", 65_536),
        (scalars.size, "32MiB", 33_554_432),
        (scalars.rate, "600/min", 10.0),
        (scalars.rate, "10/s", 10.0),
        (scalars.rate, "36000/h", 10.0),
        (scalars.rate, "unlimited", None),
        (scalars.share, "100%", 1.0),
        (scalars.share, "12.5%", 0.125),
        (scalars.share, "0%", 0.0),
        (scalars.listen, "0.0.0.0:9464", Listen("0.0.0.0", 9464)),  # noqa: S104  # only parsed
        (scalars.listen, "[::]:9464", Listen("::", 9464)),
        (scalars.listen, ":9464", Listen("", 9464)),
        (scalars.listen, "localhost:0", Listen("localhost", 0)),
        (scalars.start_from, "error", StartPoint.ERROR),
        (scalars.start_from, "earliest", StartPoint.EARLIEST),
        (scalars.start_from, "latest", StartPoint.LATEST),
        (scalars.start_from, "24h", StartAge(86400.0)),
        (scalars.start_from, "2026-01-02T03:04:05Z", StartTime(1767323045000)),
        (scalars.start_from, "2026-01-02T05:04:05.5+02:00", StartTime(1767323045500)),
        (scalars.instant, "2026-01-02T03:04:05Z", 1767323045.0),
        (scalars.flag, True, True),
        (scalars.flag, Substituted("False"), False),
        (scalars.whole_number, -3, -3),
        (scalars.whole_number, Substituted("12"), 12),
        (scalars.number, 2.5, 2.5),
        (scalars.number, Substituted("2.5"), 2.5),
        (scalars.text, "", ""),
        (scalars.name, "x", "x"),
    ],
)
def test_a_text_stands_for_its_value(parse: Parser, written: Any, value: Any) -> None:
    found = parse(written)
    assert found == pytest.approx(value) if isinstance(value, float) else found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("parse", "written", "says"),
    [
        (scalars.duration, 20, "with its unit (ms, s, m, h or d), such as 20s; 20 has none"),
        (scalars.duration, "20", "'20' has none"),
        (scalars.duration, "20 parsecs", "not '20 parsecs'"),
        (scalars.duration, "20S", "not '20S'"),
        (scalars.duration, "0s", "above zero"),
        (scalars.duration, "-5s", "not '-5s'"),
        (scalars.duration, None, "not nothing"),
        (scalars.duration, True, "not true"),
        (scalars.duration, "٢s", "must be a duration"),
        (scalars.size, 1000, "1000 has none"),
        (scalars.size, "32mb", "such as 32MB"),
        (scalars.size, "0.1B", "above zero"),
        (scalars.rate, 600, "600 has none"),
        (scalars.rate, "600/day", "600/min, 10/s or 36000/h, or unlimited"),
        (scalars.rate, "0/min", "to lift the limit write unlimited"),
        (scalars.rate, None, "not nothing"),
        (scalars.share, 50, "50 has none"),
        (scalars.share, "101%", "from 0% to 100%"),
        (scalars.listen, 9464, "not 9464"),
        (scalars.listen, "0.0.0.0", ":9464"),  # noqa: S104  # only parsed
        (scalars.listen, "0.0.0.0:70000", "must be an address and a port"),
        (scalars.listen, "::1:9464", "must be an address and a port"),
        (scalars.start_from, "2026-01-02T03:04:05", "must say its zone"),
        (scalars.start_from, "2026-13-02T03:04:05Z", "ISO 8601"),
        (scalars.start_from, "beginning", "earliest, latest"),
        (scalars.start_from, True, "not true"),
        (scalars.flag, "yes", "must be true or false, not 'yes'"),
        (scalars.flag, "true", "must be true or false, not 'true'"),
        (scalars.flag, 1, "not 1"),
        (scalars.whole_number, "64", "the quotes make '64' a text"),
        (scalars.whole_number, 64.0, "not 64.0"),
        (scalars.whole_number, True, "not true"),
        (scalars.whole_number, Substituted("6.4"), "not the text given"),
        (scalars.number, math.nan, "finite"),
        (scalars.number, math.inf, "finite"),
        (scalars.number, "5", "not '5'"),
        (scalars.number, Substituted("nan"), "finite"),
        (scalars.text, 5, "must be text, not 5; put it in quotes"),
        (scalars.text, {}, "not a map"),
        (scalars.name, " ", "must not be empty"),
        (scalars.name, " x", "begin or end with white space"),
    ],
)
def test_what_a_text_cannot_mean_is_said_with_what_is_expected(parse: Parser, written: Any, says: str) -> None:
    assert says in complaint(parse, written)


PARSERS: list[Parser] = [
    scalars.duration, scalars.size, scalars.rate, scalars.share, scalars.listen, scalars.start_from, scalars.instant,
    scalars.flag, scalars.whole_number, scalars.number, scalars.name,
]  # fmt: skip


@pytest.mark.parametrize("parse", PARSERS)
@given(value=st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.lists(st.integers())))
def test_a_parser_gives_a_value_or_one_sentence(parse: Parser, value: Any) -> None:
    assert "\n" not in complaint(parse, value)


@pytest.mark.parametrize("parse", PARSERS)
def test_a_value_from_outside_the_file_is_never_repeated(parse: Parser) -> None:
    said = complaint(parse, Substituted(" s3cr3t "))
    assert said
    assert "s3cr3t" not in said


def test_a_long_value_is_cut() -> None:
    assert len(scalars.shown("x" * 10_000)) < 100


def test_a_listen_address_prints_as_it_is_written() -> None:
    assert [str(scalars.listen(each)) for each in ("[::]:1", ":1", "h:1")] == ["[::]:1", ":1", "h:1"]
