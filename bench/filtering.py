"""Scenarios in which most records are filtered. One in ten thousand is mapped all the same: by it the run's progress is
seen, and that nothing gets lost among the others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from statistics import median

from bench.api import api
from bench.configuration import Setting
from bench.delivery import alternate
from bench.load import Load
from bench.peers import BRIDGE, FLOOR, LOOP
from bench.session import Session
from bench.table import Row, middle, ratio, spread

BARE = 1.9
"""Microseconds of a bare consume and orjson on the machine the targets were set on; they scale with this one's."""
RSS = 120e6
FILTERED = 2.0
"""Times the bare loop, at most."""


def by_value(session: Session) -> Iterator[Row]:
    """The type is in the value."""
    load, setting = Load(session.size(1_000_000), mapped=1e-4), Setting()
    with api(session.bench.folder) as stub:
        found = alternate(session.longer, [LOOP, BRIDGE], load, stub, setting)
    run, bare = middle(found[BRIDGE.name]), middle(found[LOOP.name])
    session.bare_cost = bare.micros
    times = ratio(found[BRIDGE.name], found[LOOP.name])
    yield Row(
        "filter, type in the value",
        f"{run.micros:.2f} µs, {times:.2f} x a bare consume + orjson loop ({bare.micros:.2f};"
        f" {spread(found[BRIDGE.name], found[LOOP.name])}); {run.rss / 1e6:.0f} MB",
        "≤ 2 x that loop, ≤ 120 MB",
        times <= FILTERED and run.rss <= RSS,
    )


def by_header(session: Session) -> Iterator[Row]:
    """The type is in a header, so no value is decoded."""
    load, setting = Load(session.size(1_000_000), mapped=1e-4, type_in_header=True), Setting(type_in_header=True)
    with api(session.bench.folder) as stub:
        found = alternate(session, [FLOOR, BRIDGE], load, stub, setting)
    run, bare = middle(found[BRIDGE.name]), middle(found[FLOOR.name])
    limit = 2.0 * max(1.0, (session.bare_cost or BARE) / BARE)
    yield Row(
        "filter, type in a header",
        f"{run.micros:.2f} µs where a bare consume is {bare.micros:.2f}; {run.rss / 1e6:.0f} MB",
        f"≤ 2 µs where consume + orjson is 1.9 (here {limit:.2f}), ≤ 120 MB",
        run.micros <= limit and run.rss <= RSS,
    )


def one_in_twenty(session: Session) -> Iterator[Row]:
    """5 % mapped, 95 % filtered: next to what delivering and filtering cost in the same minute."""
    deliver, nothing = Load(session.size(50_000)), Load(session.size(500_000), mapped=1e-4)
    load = replace(nothing, mapped=0.05)
    once, ratios, mine, expected = session.rounds(1), [], [], []
    with api(session.bench.folder) as stub:
        for _ in range(session.longer.repeat):
            one, other, both = (
                middle(alternate(once, [BRIDGE], each, stub, Setting())[BRIDGE.name]).micros
                for each in (deliver, nothing, load)
            )
            mine.append(both)
            expected.append(0.05 * one + 0.95 * other)
            ratios.append(both / expected[-1])
    times = median(ratios)
    yield Row(
        "5 % mapped, 95 % filtered",
        f"{median(mine):.2f} µs, {times:.2f} x the proportion ({median(expected):.2f};"
        f" {min(ratios):.2f} to {max(ratios):.2f})",
        "in proportion (± 15 %)",
        times <= 1.15,
    )
