"""Charts: what is drawn, what is not drawn, and the same in words."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from bridge.console.charts import Point, line_chart
from tests.support.console.views import NOON


def drawn(points: list[Point], limit: float | None = None) -> ET.Element:
    return ET.fromstring(line_chart("c", "<Lag>", "records", points, usual=30.0, limit=limit).svg)  # noqa: S314 - our own


def lines(svg: ET.Element) -> list[list[tuple[float, float]]]:
    return [
        [(float(x), float(y)) for x, y in (place.split(",") for place in each.attrib["points"].split())]
        for each in svg.iter("polyline")
    ]


def test_more_is_higher_and_later_is_further_right() -> None:
    [line] = lines(drawn([(NOON, 0.0), (NOON + 30, 10.0), (NOON + 60, 5.0)]))
    assert [x for x, _ in line] == sorted(x for x, _ in line)
    (_, lowest), (_, highest), (_, middle) = line
    assert highest < middle < lowest


def test_where_nothing_is_known_or_nobody_looked_there_is_no_line() -> None:
    points: list[Point] = [(NOON + 30 * n, None if n == 3 else 1.0) for n in range(8)]
    assert [len(line) for line in lines(drawn(points))] == [3, 4]
    late = [(at + 1_000 if at > NOON + 120 else at, value) for at, value in points]
    assert [len(line) for line in lines(drawn(late))] == [3, 3]


def test_one_point_alone_is_a_dot() -> None:
    assert len(list(drawn([(NOON, 3.0)]).iter("circle"))) == 1


@pytest.mark.parametrize("top", [0.0, 1.0, 2.0, 7.0, 999.0, 1e6, 123_456_789.0, 1e18])
def test_all_of_it_is_within_the_picture(top: float) -> None:
    svg = drawn([(NOON, 0.0), (NOON + 30, top)], limit=top * 1.5)
    for line in lines(svg):
        assert all(0 <= x <= 360 and 0 <= y <= 132 for x, y in line)
    for each in svg.iter("line"):
        assert 0 <= float(each.attrib["y1"]) <= 132


def test_it_says_in_words_and_as_a_table_what_it_shows() -> None:
    points: list[Point] = [(NOON - 30.0 * (500 - n), float(n)) for n in range(501)]
    chart = line_chart("c", "Lag", "records", points, usual=30.0, limit=600.0)
    assert chart.sentence == ("500 records at 12:00; between 0 and 500 in the last 4 h 10 min; at most 600 may be.")
    assert chart.rows[0] == ("12:00", "500 records")
    assert 6 <= len(chart.rows) <= 12
    svg = ET.fromstring(chart.svg)  # noqa: S314 - our own
    assert svg.findtext("desc") == chart.sentence
    assert svg.attrib["aria-labelledby"] == "c-t c-d"


def test_nothing_known_is_said() -> None:
    chart = line_chart("c", "Lag", "records", [(NOON - 60, None), (NOON, None)], usual=30.0)
    assert chart.sentence == "Nothing is known of it in the last 1 min 0 s."
    assert chart.rows[0] == ("12:00", "not known")


def test_a_title_is_text() -> None:
    assert drawn([(NOON, 1.0)]).findtext("title") == "<Lag>"
