"""Scenarios in which most records are filtered. One in ten thousand is mapped all the same: by it the run's progress is
seen, and that nothing gets lost among the others."""

from __future__ import annotations

from collections.abc import Iterator

from bench.api import api
from bench.configuration import Setting
from bench.delivery import alternate
from bench.load import Load
from bench.peers import BRIDGE, FLOOR
from bench.session import Session
from bench.table import Row, middle

BARE = 1.9
"""Microseconds of a bare consume and orjson on the machine the targets were set on; they scale with this one's."""
RSS = 120e6


def by_value(session: Session) -> Iterator[Row]:
    """The type is in the value."""
    load, setting = Load(session.size(1_000_000), mapped=1e-4), Setting()
    with api(session.bench.folder) as stub:
        found = alternate(session, [FLOOR, BRIDGE], load, stub, setting)
    run, bare = middle(found[BRIDGE.name]), middle(found[FLOOR.name])
    session.filter_cost = run.micros
    session.bare_cost = bare.micros
    limit = 3.5 * max(1.0, bare.micros / BARE)
    yield Row(
        "filter, type in the value",
        f"{run.micros:.2f} µs where consume + orjson is {bare.micros:.2f}; {run.rss / 1e6:.0f} MB",
        f"≤ 3.5 µs where that is 1.9 (here {limit:.2f}), ≤ 120 MB",
        run.micros <= limit and run.rss <= RSS,
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
    """5 % mapped, 95 % filtered."""
    load, setting = Load(session.size(500_000), mapped=0.05), Setting()
    with api(session.bench.folder) as stub:
        run = middle(alternate(session, [BRIDGE], load, stub, setting)[BRIDGE.name])
    if session.deliver_cost is None or session.filter_cost is None:
        yield Row("5 % mapped", f"{run.micros:.2f} µs", "needs deliver and filter in the same invocation", True)
        return
    expected = 0.05 * session.deliver_cost + 0.95 * session.filter_cost
    yield Row(
        "5 % mapped, 95 % filtered",
        f"{run.micros:.2f} µs; in proportion {expected:.2f}",
        "in proportion (± 15 %)",
        run.micros <= 1.15 * expected,
    )
