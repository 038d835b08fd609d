"""One program, one topic, one run: started, measured from its first request to its last, checked, stopped."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from bench import configuration
from bench.api import Api
from bench.broker import Broker
from bench.configuration import Setting
from bench.load import Load
from bench.peers import BRIDGE, Peer
from bench.processes import Program

STALLED = 60.0
"""Seconds without any progress after which a run has failed."""
WARM = 0.1
"""The part of the requests that belongs to the start: connections are opened, code is specialised."""


class RunFailedError(Exception):
    """A program lost, repeated or reordered events, or did not get through at all."""


@dataclass(frozen=True, slots=True)
class Run:
    """What one run showed."""

    peer: str
    events: int
    cpu: float
    """Seconds of processor time per event, past the start."""
    rate: float
    """Events per second, past the start."""
    stub_cpu: float
    """The stub's seconds per request."""
    start_cpu: float
    """Seconds of processor time until the first request."""
    start: float
    """Seconds from the start of the process to the first request."""
    rss: int
    """Bytes, at most."""
    report: dict[str, Any] = field(repr=False)

    @property
    def micros(self) -> float:
        """Microseconds of processor time per event."""
        return self.cpu * 1e6


@dataclass(frozen=True, slots=True)
class Bench:
    """What all runs of an invocation share."""

    broker: Broker
    folder: Path
    letters: str
    """An empty topic for dead letters; that none comes is part of each check."""

    def program(self, peer: Peer, topic: str, group: str, api: Api, setting: Setting) -> Program:
        """Start one program."""
        name = f"{peer.name.replace(' ', '-')}-{group}"
        config = self.folder / f"{name}.yaml"
        configuration.write(
            config,
            setting,
            bootstrap=self.broker.bootstrap,
            topic=topic,
            letters=self.letters,
            group=group,
            url=api.url,
            ca_file=api.ca_file,
        )
        environment = {
            "BOOTSTRAP": self.broker.bootstrap,
            "TOPIC": topic,
            "GROUP": group,
            "API_URL": api.url,
            "API_KEY": "NX-bench",
            "IN_FLIGHT": str(setting.in_flight),
            "MAPPED_TYPE": next(iter(configuration.PLAIN)),
            **({"CA_FILE": str(api.ca_file)} if api.ca_file else {}),
            **({"TYPE_HEADER": "type"} if setting.type_in_header else {}),
        }
        command = [*peer.command, *(("--config", str(config)) if peer is BRIDGE else ())]
        return Program(command, environment, self.folder / f"{name}.log", Path.cwd())

    def run(self, peer: Peer, load: Load, api: Api, setting: Setting = Setting()) -> Run:  # noqa: B008 - frozen
        """Deliver a load. Raises `RunFailedError` when anything is wrong with what arrived."""
        topic, group = self.broker.filled(load), f"bench-{uuid4().hex[:8]}"
        mark = max(2, int(load.requests * WARM))
        api.expect(load.requests, mark)
        began = time.time()
        program = self.program(peer, topic, group, api, setting)
        seen: dict[str, tuple[float, float, float]] = {}
        try:
            while "done" not in seen:
                told = api.next(STALLED)
                if not told or not program.running:
                    raise RunFailedError(f"{peer.name} stopped getting on:\n{program.tail()}\n{api.report()}")
                seen[told["did"]] = (told.get("at", 0.0), program.cpu(), api.cpu())
            rss = program.peak_rss()
            code = program.stop(30)
        finally:
            program.stop(0)
        report = api.report()
        self._check(peer, load, report, group, code, program)
        (first, first_cpu, _), (warm, warm_cpu, warm_stub), (done, done_cpu, done_stub) = (
            seen["first"], seen["mark"], seen["done"],
        )  # fmt: skip
        measured = load.events * (load.requests - mark) / load.requests
        return Run(
            peer.name,
            load.events,
            (done_cpu - warm_cpu) / measured,
            measured / (done - warm),
            (done_stub - warm_stub) / (load.requests - mark),
            first_cpu,
            first - began,
            rss,
            report,
        )

    def _check(self, peer: Peer, load: Load, report: dict[str, Any], group: str, code: int, program: Program) -> None:
        wrong = {name: report[name] for name in ("duplicates", "disorder", "together") if report[name]}
        lost = load.requests - report["distinct"]
        if lost:
            wrong["lost"] = lost
        if peer is BRIDGE:
            if code:
                wrong["exit"] = code
            elif load.mapped == 1.0 and (committed := self.broker.committed(group)) != load.events:
                wrong["committed"] = committed
        if wrong:
            raise RunFailedError(f"{peer.name}: {wrong} of {load.events} events\n{program.tail()}")
