"""Charts as SVG, drawn here: a line over time, with the same numbers as words and as a table. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from bridge.text import moments
from bridge.text.amounts import span, thousands

_WIDTH, _HEIGHT = 360.0, 132.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 46.0, 8.0, 8.0, 20.0
_LINES: Final = 2
"""Of the grid, beside the lowest."""
_ROWS: Final = 12
_GAP: Final = 3.0
"""As many usual distances between two points mean that nobody looked between them."""
_ABBREVIATED: Final = ((1e9, "G"), (1e6, "M"), (1e3, "k"))

Point = tuple[float, float | None]
"""When, in Unix seconds, and how much; None: not known."""


@dataclass(frozen=True, slots=True)
class LineChart:
    """One chart, ready for a page."""

    title: str
    sentence: str
    """The same in words."""
    svg: Markup
    rows: tuple[tuple[str, str], ...]
    """The same as a table, the latest first."""


def line_chart(
    name: str, title: str, unit: str, points: Sequence[Point], *, usual: float, limit: float | None = None
) -> LineChart:
    """Of points in the order of time, at least one. `name` tells it from other charts of the page; `usual`: seconds
    from one point to the next; `limit` is drawn as a line of its own.
    """
    known = [value for _, value in points if value is not None]
    top = _ceiling(max([*known, limit or 0.0], default=0.0))
    sentence = _sentence(points, unit, limit)
    frame = _Frame(points[0][0], max(points[-1][0], points[0][0] + 1.0), top)
    parts = [
        Markup('<title id="{0}-t">{1}</title><desc id="{0}-d">{2}</desc>').format(name, title, sentence),
        *_grid(frame, top),
        *(_limit(frame, limit) if limit is not None else ()),
        *(_piece(frame, piece) for piece in _pieces(points, usual)),
    ]
    svg = Markup(
        '<svg class="chart" viewBox="0 0 {1} {2}" role="img" aria-labelledby="{0}-t {0}-d" '
        'preserveAspectRatio="xMidYMid meet">{3}</svg>'
    ).format(name, f"{_WIDTH:g}", f"{_HEIGHT:g}", Markup("").join(parts))
    return LineChart(title, sentence, svg, tuple(_table(points, unit)))


@dataclass(frozen=True, slots=True)
class _Frame:
    first: float
    last: float
    top: float

    def x(self, at: float) -> str:
        return f"{_LEFT + (at - self.first) / (self.last - self.first) * (_WIDTH - _LEFT - _RIGHT):.1f}"

    def y(self, value: float) -> str:
        return f"{_TOP + (1.0 - value / self.top) * (_HEIGHT - _TOP - _BOTTOM):.1f}"


def _grid(frame: _Frame, top: float) -> Iterator[Markup]:
    for number in range(_LINES + 1):
        value = top * number / _LINES
        yield Markup('<line class="grid" x1="{0}" x2="{1}" y1="{2}" y2="{2}"/>').format(
            f"{_LEFT:g}", f"{_WIDTH - _RIGHT:g}", frame.y(value)
        )
        yield Markup('<text x="{}" y="{}" dy="4" text-anchor="end">{}</text>').format(
            f"{_LEFT - 6:g}", frame.y(value), _short(value)
        )
    for at, anchor in ((frame.first, "start"), (frame.last, "end")):
        yield Markup('<text x="{}" y="{}" text-anchor="{}">{}</text>').format(
            frame.x(at), f"{_HEIGHT - 4:g}", anchor, _clock(at)
        )


def _limit(frame: _Frame, limit: float) -> Iterator[Markup]:
    yield Markup('<line class="limit" x1="{0}" x2="{1}" y1="{2}" y2="{2}"/>').format(
        f"{_LEFT:g}", f"{_WIDTH - _RIGHT:g}", frame.y(limit)
    )


def _pieces(points: Sequence[Point], usual: float) -> Iterator[list[tuple[float, float]]]:
    """What is drawn in one go: where nothing is known, or nobody looked, there is no line."""
    piece: list[tuple[float, float]] = []
    for at, value in points:
        if piece and (value is None or at - piece[-1][0] > _GAP * usual):
            yield piece
            piece = []
        if value is not None:
            piece.append((at, value))
    if piece:
        yield piece


def _piece(frame: _Frame, piece: Sequence[tuple[float, float]]) -> Markup:
    places = [f"{frame.x(at)},{frame.y(value)}" for at, value in piece]
    if len(places) == 1:
        x, y = places[0].split(",")
        return Markup('<circle class="line" cx="{}" cy="{}" r="2.5"/>').format(x, y)
    ground = frame.y(0.0)
    area = f"{frame.x(piece[0][0])},{ground} {' '.join(places)} {frame.x(piece[-1][0])},{ground}"
    return Markup('<polygon class="area" points="{}"/><polyline class="line" points="{}"/>').format(
        area, " ".join(places)
    )


def _ceiling(value: float) -> float:
    """The next of 2, 4, 10, 20, 40, 100, …: half of it can be read off, too."""
    if value <= 2.0:
        return 2.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1.0, 2.0, 4.0, 6.0, 8.0, 10.0) if value <= step * power * (1 + 1e-9))


def _short(value: float) -> str:
    """``1.2k``: as wide as there is room for."""
    for size, letter in _ABBREVIATED:
        if value >= size:
            return f"{value / size:.3g}{letter}"
    return f"{value:.3g}"


def _sentence(points: Sequence[Point], unit: str, limit: float | None) -> str:
    known = [(at, value) for at, value in points if value is not None]
    if not known:
        return f"Nothing is known of it in the last {span(points[-1][0] - points[0][0])}."
    values = [value for _, value in known]
    latest = f"{thousands(round(known[-1][1]))} {unit} at {_clock(known[-1][0])}"
    bounds = f"between {thousands(round(min(values)))} and {thousands(round(max(values)))}"
    may_be = f"; at most {thousands(round(limit))} may be" if limit is not None else ""
    return f"{latest}; {bounds} in the last {span(points[-1][0] - points[0][0])}{may_be}."


def _table(points: Sequence[Point], unit: str) -> Iterator[tuple[str, str]]:
    step = max(1, math.ceil(len(points) / _ROWS))
    for at, value in points[::-1][::step]:
        yield _clock(at), "not known" if value is None else f"{thousands(round(value))} {unit}"


def _clock(at: float) -> str:
    return (moments.iso(at, "minutes") or "")[11:16]
