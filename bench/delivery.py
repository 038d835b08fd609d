"""Scenarios in which every event is delivered: what one costs, next to the floor in the same minute."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from bench.api import Api, api
from bench.configuration import Setting
from bench.load import Load
from bench.peers import BRIDGE, FLOOR, Peer, libraries
from bench.runs import Run
from bench.session import Session
from bench.table import Row, line, middle, ratio, spread


def alternate(session: Session, peers: Sequence[Peer], load: Load, stub: Api, setting: Setting) -> dict[str, list[Run]]:
    """Run the programs in turn, several times."""
    found: dict[str, list[Run]] = {peer.name: [] for peer in peers}
    for _ in range(session.repeat):
        for peer in peers:
            mine = load if peer.share == 1.0 else replace(load, events=max(1000, int(load.events * peer.share)))
            run = session.bench.run(peer, mine, stub, setting)
            found[peer.name].append(run)
            session.say(line(run))
    return found


def deliver(session: Session) -> Iterator[Row]:
    """100,000 events, the API answers at once."""
    load, setting = Load(session.size(100_000)), Setting()
    with api(session.bench.folder) as stub:
        found = alternate(session.longer, [FLOOR, BRIDGE, *session.peers], load, stub, setting)
        for name, runs in alternate(session.rounds(1), libraries(), load, stub, setting).items():
            found[name] = runs
    base = middle(found[FLOOR.name])
    times = ratio(found[BRIDGE.name], found[FLOOR.name])
    between = spread(found[BRIDGE.name], found[FLOOR.name])
    run = middle(found[BRIDGE.name])
    yield Row(
        "deliver",
        f"{run.micros:.1f} µs, {times:.2f} x floor ({base.micros:.1f}; {between})",
        "≤ 1.25 x floor",
        times <= 1.25,
    )
    for peer in (*session.peers, *libraries()):
        other = middle(found[peer.name])
        yield Row(
            f"deliver, {peer.name}", f"{other.micros:.1f} µs, {other.cpu / base.cpu:.2f} x floor", "to compare", True
        )


def tls(session: Session) -> Iterator[Row]:
    """The same over TLS 1.3."""
    with api(session.bench.folder, tls=True) as stub:
        found = alternate(session.longer, [FLOOR, BRIDGE], Load(session.size(100_000)), stub, Setting())
    times = ratio(found[BRIDGE.name], found[FLOOR.name])
    between = spread(found[BRIDGE.name], found[FLOOR.name])
    run, base = middle(found[BRIDGE.name]), middle(found[FLOOR.name])
    yield Row(
        "deliver, TLS 1.3",
        f"{run.micros:.1f} µs, {times:.2f} x floor ({base.micros:.1f}; {between})",
        "≤ 1.2 x floor",
        times <= 1.2,
    )


def slow_api(session: Session) -> Iterator[Row]:
    """The API takes 20 ms, and 1,000 requests may be in flight."""
    setting = Setting(in_flight=1000)
    load = Load(session.size(100_000), users=20_000)
    with api(session.bench.folder, delay=0.02) as stub:
        found = alternate(session.longer, [FLOOR, BRIDGE], load, stub, setting)
    run, base = middle(found[BRIDGE.name]), middle(found[FLOOR.name])
    times, share = ratio(found[BRIDGE.name], found[FLOOR.name]), run.rate / (1000 / 0.02)
    yield Row(
        "API at 20 ms, 1,000 in flight",
        f"{run.rate:,.0f}/s = {share:.0%} of 50,000/s; {run.micros:.1f} µs, {times:.2f} x floor ({base.micros:.1f})",
        "≥ 90 %, or ≤ 1.3 x floor",
        share >= 0.9 or times <= 1.3,
    )


def full_mapping(session: Session) -> Iterator[Row]:
    """Twenty fields, JMESPath in three, flattening, a template, a condition."""
    plain, full = Load(session.size(50_000)), Load(session.size(50_000), full=True)
    with api(session.bench.folder) as stub:
        one, other = [], []
        for _ in range(session.longer.repeat):
            one += alternate(session.rounds(1), [BRIDGE], plain, stub, Setting())[BRIDGE.name]
            other += alternate(session.rounds(1), [BRIDGE], full, stub, Setting(full=True))[BRIDGE.name]
    times = ratio(other, one)
    measured = f"{middle(other).micros:.1f} µs, {times:.2f} x plain ({middle(one).micros:.1f}; {spread(other, one)})"
    yield Row("full mapping", measured, "≤ 2 x plain", times <= 2)


def partitions(session: Session) -> Iterator[Row]:
    """300 partitions and 12."""
    yield _flat(session, "300 partitions", Load(session.size(50_000)), Load(session.size(50_000), partitions=300))


def growth(session: Session) -> Iterator[Row]:
    """More events, more users, more in flight: the cost of one must not grow."""
    few = Load(session.size(40_000))
    yield _flat(session, "10 x the events", few, replace(few, events=10 * few.events))
    yield _flat(session, "100 x the users", few, replace(few, users=100 * few.users))
    yield _flat(session, "10 x in flight", few, few, Setting(in_flight=1000))


def _flat(session: Session, name: str, small: Load, large: Load, setting: Setting = Setting()) -> Row:  # noqa: B008
    """Flat by itself, or next to the floor in the same rounds: what grows in the kernel is nobody's doing here."""
    once = session.rounds(1)
    costs: dict[str, tuple[list[Run], list[Run]]] = {peer.name: ([], []) for peer in (FLOOR, BRIDGE)}
    with api(session.bench.folder) as stub:
        for _ in range(session.repeat):
            for peer in (FLOOR, BRIDGE):
                costs[peer.name][0].extend(alternate(once, [peer], small, stub, Setting())[peer.name])
                costs[peer.name][1].extend(alternate(once, [peer], large, stub, setting)[peer.name])
    session.bench.broker.forget(large)
    times = ratio(costs[BRIDGE.name][1], costs[BRIDGE.name][0])
    floor = ratio(costs[FLOOR.name][1], costs[FLOOR.name][0])
    return Row(
        name,
        f"{middle(costs[BRIDGE.name][1]).micros:.1f} µs, {times:.2f} x (the floor grows {floor:.2f} x)",
        "≤ 1.1 x, or ≤ 1.1 x as much as the floor",
        min(times, times / floor) <= 1.1,
    )
