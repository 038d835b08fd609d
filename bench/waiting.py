"""Scenarios about time and memory: latency, a user that holds up nobody, a backlog under a limit, the start."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from statistics import median, quantiles
from uuid import uuid4

import orjson
from confluent_kafka import Producer

from bench import load as loads
from bench.api import Api, api
from bench.configuration import Setting
from bench.load import Load
from bench.peers import BARE, BRIDGE, Peer
from bench.processes import Program
from bench.runs import RunFailedError
from bench.session import Session
from bench.sockets import received_from
from bench.table import Row

WARMING = 400
"""Events that are not counted: a broker takes 10 ms more for the first entry of each partition's index, at 4 KiB."""


def latency(session: Session) -> Iterator[Row]:
    """100 events a second, from produce to 202."""
    with api(session.bench.folder) as stub:
        bare = _latencies(session, BARE, stub)
        mine = _latencies(session, BRIDGE, stub)
    (half, most), (bare_half, bare_most) = mine, bare
    yield Row(
        "latency at 100 events/s",
        f"p50 {half * 1e3:.1f} ms, p99 {most * 1e3:.1f} ms"
        f" (a bare poll and write {bare_half * 1e3:.1f}, {bare_most * 1e3:.1f})",
        "p50 ≤ 3 ms, p99 ≤ 10 ms",
        half <= 0.003 and most <= 0.010,
    )


def _latencies(session: Session, peer: Peer, stub: Api) -> tuple[float, float]:
    """Seconds: median and 99th percentile."""
    count = int(100 * session.seconds(20)) + WARMING
    topic, group = session.bench.broker.empty(12), f"bench-{uuid4().hex[:8]}"
    stub.expect(count, WARMING)
    program = session.bench.program(peer, topic, group, stub, Setting())
    sent: dict[int, float] = {}
    try:
        producer = Producer({"bootstrap.servers": session.bench.broker.bootstrap, "linger.ms": 0, "log_level": 0})
        rows = list(loads.rows(Load(count, users=500)))
        for number, (key, value, _) in enumerate(rows):
            if number == WARMING:
                _await(stub, "mark")
            began = time.time()
            sent[number] = began
            producer.produce(topic, value, key)
            producer.poll(0)
            time.sleep(max(0.0, began + 0.01 - time.time()))
        producer.flush(10)
        _await(stub, "done")
        code = program.stop(30)
    finally:
        program.stop(0)
    report = stub.report(times=True)
    if report["duplicates"] or report["disorder"] or report["distinct"] != len(rows) or (peer is BRIDGE and code):
        raise RunFailedError(f"{peer.name}: {report['distinct']} of {len(rows)}, exit {code}\n{program.tail()}")
    taken = [report["times"][str(number)] - at for number, at in sent.items() if number >= WARMING]
    return median(taken), quantiles(taken, n=100)[98]


def _await(stub: Api, what: str) -> float:
    while True:
        told = stub.next(60)
        if not told:
            raise RunFailedError(f"nothing came any more while waiting for {what}")
        if told["did"] == what:
            return float(told["at"])


def one_busy_user(session: Session) -> Iterator[Row]:
    """One user has half of the events and, at 20 ms each, needs far longer than all others together."""
    others = session.size(40_000)
    # The buffer holds the busy user's surplus: what is behind it in its partition could not be reached otherwise.
    setting = Setting(in_flight=64, buffered=others + 2000)
    with api(session.bench.folder, delay=0.02) as stub:
        ratios = []
        for _ in range(session.longer.repeat):
            alone = _others(session, stub, Load(others), setting)
            beside = _others(session, stub, Load(2 * others, hot=0.5), setting)
            session.say(f"others alone {alone:,.0f}/s, beside the busy user {beside:,.0f}/s")
            ratios.append(beside / alone)
    share = median(ratios)
    yield Row(
        "one user with 50 % of the events",
        f"the others at {share:.0%} of their rate without it",
        "≥ 95 %",
        share >= 0.95,
    )


def _others(session: Session, stub: Api, load: Load, setting: Setting) -> float:
    """The rate at which all users but the busy one are served; what is left of that one's is not waited for."""
    topic, group = session.bench.broker.filled(load), f"bench-{uuid4().hex[:8]}"
    wanted = sum(key != b"user-0" for key, _, _ in loads.rows(load))
    stub.expect(wanted, 2)
    program = session.bench.program(BRIDGE, topic, group, stub, setting)
    try:
        first = _await(stub, "first")
        _await(stub, "done")  # a report keeps the stub from answering, so none is asked for earlier
        while True:
            time.sleep(0.2)
            report = stub.report()
            if report["others"] >= wanted:
                break
            if not program.running:
                raise RunFailedError(program.tail())
        program.stop(30)
    finally:
        program.stop(0)
    if report["duplicates"] or report["disorder"] or report["together"]:
        raise RunFailedError(f"{report}")
    return wanted / (float(report["others_done"]) - first)


def backlog(session: Session) -> Iterator[Row]:
    """2 M records of 1 KB, and 600 requests a minute."""
    load = Load(session.size(2_000_000), padding=800)
    if not session.bench.broker.fitting(load):
        load = replace(load, events=3000)
    topic, group = session.bench.broker.filled(load), f"bench-{uuid4().hex[:8]}"
    lasting = session.seconds(120)
    with api(session.bench.folder) as stub:
        stub.expect(load.requests, 2)
        program = session.bench.program(BRIDGE, topic, group, stub, Setting(in_flight=64, rate="600/min"))
        try:
            _await(stub, "first")
            time.sleep(30 if session.scale == 1.0 else 5)  # the buffers and the prefetch fill once
            before, began = received_from(program.pid, session.bench.broker.bootstrap), time.time()
            time.sleep(lasting)
            after, took = received_from(program.pid, session.bench.broker.bootstrap), time.time() - began
            rss = program.peak_rss()
            program.stop(30)
        finally:
            program.stop(0)
        report = stub.report()
    session.bench.broker.forget(load)
    if report["duplicates"] or report["disorder"]:
        raise RunFailedError(f"{report}")
    needed = 10 * took * 1050
    extra = max(0.0, after - before - needed)
    an_hour = extra / took * 3600 / (2_000_000 * 1050)
    yield Row(
        f"backlog of {load.events / 1e6:.1f} M x 1 KB at 600/min",
        f"{rss / 1e6:.0f} MB; fetched again {an_hour:.2%} of 2 M an hour ({report['requests']} sent in {took:.0f} s)",
        "≤ 120 MB, ≤ 1 %",
        rss <= 120e6 and an_hour <= 0.01,
    )


def start(session: Session) -> Iterator[Row]:
    """From the process's start to the first request on a backlog, and the help text."""
    load = Load(session.size(20_000))
    taken, joins, used = [], [], []
    with api(session.bench.folder) as stub:
        for _ in range(session.repeat + 2):
            topic, group = session.bench.broker.filled(load), f"bench-{uuid4().hex[:8]}"
            stub.expect(load.requests, 2)
            began = time.time()
            program = session.bench.program(BRIDGE, topic, group, stub, Setting())
            try:
                first = _await(stub, "first")
                used.append(program.cpu())
                program.stop(30)
            finally:
                program.stop(0)
            joins.append(_join(program))
            taken.append(first - began)
    without = median(each - join for each, join in zip(taken, joins, strict=True))
    yield Row(
        "start to first request",
        f"{without:.2f} s + {median(joins):.2f} s group join",
        "≤ 1.5 s + group join",
        without <= 1.5,
    )
    yield Row("start to first request, processor time", f"{median(used):.2f} s", "≤ 0.5 s", median(used) <= 0.5)
    helps = []
    for _ in range(5):
        began = time.time()
        subprocess.run([sys.executable, "-m", "bridge", "--help"], check=True, capture_output=True)
        helps.append(time.time() - began)
    yield Row("track-bridge --help", f"{median(helps):.2f} s", "≤ 0.3 s", median(helps) <= 0.3)


def idle(session: Session) -> Iterator[Row]:
    """Nothing to do: twelve empty partitions under a limit that replicas would share."""
    seconds = session.seconds(60)
    with api(session.bench.folder) as stub:
        topic, group = session.bench.broker.empty(12), f"bench-{uuid4().hex[:8]}"
        program = session.bench.program(BRIDGE, topic, group, stub, Setting(rate="600/min"))
        try:
            time.sleep(15)  # The group is joined, and what is looked up once is looked up.
            before, began = program.cpu(), time.monotonic()
            time.sleep(seconds)
            share = (program.cpu() - before) / (time.monotonic() - began)
        finally:
            program.stop(30)
    yield Row("idle, 12 partitions, 600/min", f"{share:.2%} of a core", "≤ 0.5 %", share <= 0.005)


def _join(program: Program) -> float:
    """Seconds between the log's `started` and its first `assigned`."""
    times: dict[str, float] = {}
    for text in program.log.read_text(errors="replace").splitlines():
        if not text.startswith("{"):
            continue
        entry = orjson.loads(text)
        if entry.get("event") in {"started", "assigned"}:
            times.setdefault(entry["event"], _seconds(str(entry["timestamp"])))
    return max(0.0, times["assigned"] - times["started"])


def _seconds(stamp: str) -> float:
    found = re.search(r"(\d+):(\d+):([\d.]+)", stamp)
    if found is None:
        raise RunFailedError(f"the log has a line with the time {stamp!r}")
    return int(found[1]) * 3600 + int(found[2]) * 60 + float(found[3])
