"""Carries out the schedule on the replicas, the emulated API and the embedded broker."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bridge.sandbox.broker import PRODUCE, BrokerProcess
from bridge.sandbox.emulator import Emulator, Fault, FaultKind
from bridge.selftest import bounds
from bridge.selftest.bounds import CrashLog
from bridge.selftest.replicas import Fleet
from bridge.selftest.schedule import TRACKS, Disturbance, DisturbanceKind
from bridge.selftest.surroundings import LETTERS_BROKER

_DENIED: Final = 29
"""TOPIC_AUTHORIZATION_FAILED"""
_REFUSALS: Final = 6
"""How often a write is refused; each is followed by a pause of the writer."""
_AMBIGUOUS_STATUS: Final = 200
"""What a slow answer says, so that these can be told from the ordinary 202."""

SENTENCES: Final[Mapping[DisturbanceKind, str]] = {
    DisturbanceKind.KILL: "a replica is killed (kill -9) and started again",
    DisturbanceKind.STOP: "a replica is stopped in order (SIGTERM) and started again",
    DisturbanceKind.FREEZE: "a replica is suspended for longer than its session (SIGSTOP, SIGCONT)",
    DisturbanceKind.JOIN: "another replica joins, and leaves",
    DisturbanceKind.BROKER_DOWN: "the brokers are down",
    DisturbanceKind.OUTAGE: "the API answers 503",
    DisturbanceKind.THROTTLE: "the API answers 429 with Retry-After",
    DisturbanceKind.DROPS: "the API drops connections before it reads the request",
    DisturbanceKind.HANGS: "the API takes requests and never answers",
    DisturbanceKind.DRIPS: "the API accepts, and drips its answer beyond the timeout",
    DisturbanceKind.RESETS: "the API accepts, and resets the connection",
    DisturbanceKind.KEY_ROTATION: "the API refuses the key (401) until the key file has the new one",
    DisturbanceKind.LETTERS_REFUSED: "dead letters are refused",
}

_API: Final[Mapping[DisturbanceKind, Fault]] = {
    DisturbanceKind.OUTAGE: Fault(kind=FaultKind.STATUS, status=503),
    DisturbanceKind.THROTTLE: Fault(kind=FaultKind.STATUS, status=429, headers={"Retry-After": "1"}, probability=0.5),
    DisturbanceKind.DROPS: Fault(kind=FaultKind.DROP_BEFORE_READING, probability=0.3),
    DisturbanceKind.HANGS: Fault(kind=FaultKind.HANG, probability=0.3, count=40),
    DisturbanceKind.DRIPS: Fault(
        kind=FaultKind.DRIP, status=_AMBIGUOUS_STATUS, interval=0.1, probability=0.3, count=40
    ),
    DisturbanceKind.RESETS: Fault(kind=FaultKind.DROP_AFTER_READING, accepts=True, probability=0.3),
}


@dataclass(frozen=True, slots=True)
class Happened:
    """One fault as it was. Monotonic seconds."""

    kind: DisturbanceKind
    began: float
    ended: float


class Faults:
    """One run's faults. Those of a track wait for each other, so a late one makes the next ones late."""

    def __init__(
        self,
        fleet: Fleet,
        api: Emulator,
        broker: BrokerProcess | None,
        *,
        always: Sequence[Fault],
        crashes: CrashLog,
        key_file: Path,
        replicas: int,
        tell: Callable[[str], None],
    ) -> None:
        """`always`: the API's faults that never end; `crashes` is told what happens."""
        self._fleet = fleet
        self._api = api
        self._broker = broker
        self._always = always
        self._crashes = crashes
        self._key_file = key_file
        self._replicas = replicas
        self._tell = tell
        self._keys = 0
        self.happened: list[Happened] = []
        self._acts: Mapping[DisturbanceKind, Callable[[Disturbance], Awaitable[None]]] = {
            DisturbanceKind.KILL: self._kill,
            DisturbanceKind.STOP: self._stop,
            DisturbanceKind.FREEZE: self._freeze,
            DisturbanceKind.JOIN: self._join,
            DisturbanceKind.BROKER_DOWN: self._broker_down,
            DisturbanceKind.KEY_ROTATION: self._rotate_key,
            DisturbanceKind.LETTERS_REFUSED: self._refuse_letters,
        }

    async def run(self, planned: Sequence[Disturbance]) -> None:
        """All of it, from now on; returns when the last one is over."""
        began = time.monotonic()
        self._behave()
        async with asyncio.TaskGroup() as tracks:
            for kinds in TRACKS:
                tracks.create_task(self._track([fault for fault in planned if fault.kind in kinds], began))

    def bound(self, arrivals: Sequence[float], *, max_in_flight: int) -> bounds.Bound:
        """The most duplicates that the promise allows after what happened; `arrivals` as for `bounds.bound`."""
        ambiguous = max(self._ambiguous, self._fleet.ambiguous)
        return bounds.bound(arrivals, self._crashes.crashes, max_in_flight=max_in_flight, ambiguous=ambiguous)

    @property
    def _ambiguous(self) -> int:
        """Requests that were accepted, and whose sender was not told."""
        answers = self._api.ledger.answers
        return answers[str(_AMBIGUOUS_STATUS)] + answers[FaultKind.DROP_AFTER_READING]

    async def _track(self, planned: Sequence[Disturbance], began: float) -> None:
        for fault in planned:
            await asyncio.sleep(max(0.0, began + fault.at - time.monotonic()))
            self._tell(SENTENCES[fault.kind])
            at = time.monotonic()
            await self._acts.get(fault.kind, self._misbehave)(fault)
            self.happened.append(Happened(fault.kind, at, time.monotonic()))

    # --- replicas ------------------------------------------------------------------------------------

    async def _kill(self, fault: Disturbance) -> None:
        self._crashes.crashed(time.monotonic())
        await self._fleet.kill(fault.replica)
        await asyncio.sleep(fault.seconds)
        self._fleet.start(fault.replica)

    async def _stop(self, fault: Disturbance) -> None:
        with self._rebalancing():
            await self._fleet.stop(fault.replica)
            await asyncio.sleep(fault.seconds)
            self._fleet.start(fault.replica)

    async def _freeze(self, fault: Disturbance) -> None:
        self._crashes.crashed(time.monotonic())
        self._fleet.freeze(fault.replica)
        try:
            await asyncio.sleep(fault.seconds)
        finally:
            self._fleet.thaw(fault.replica)

    async def _join(self, fault: Disturbance) -> None:
        with self._rebalancing():
            self._fleet.start(self._replicas)
            await asyncio.sleep(fault.seconds)
            await self._fleet.stop(self._replicas)

    @contextmanager
    def _rebalancing(self) -> Iterator[None]:
        began = time.monotonic()
        yield
        self._crashes.rebalanced(began, time.monotonic())

    # --- brokers ---------------------------------------------------------------------------------------

    async def _broker_down(self, fault: Disturbance) -> None:
        began = time.monotonic()
        await self._order("down -1")
        try:
            await asyncio.sleep(fault.seconds)
        finally:
            await self._order("up -1")
        self._crashes.brokers_were_down(began, time.monotonic(), self._fleet.running)

    async def _refuse_letters(self, fault: Disturbance) -> None:
        await self._order(f"fail-at {LETTERS_BROKER} {PRODUCE} " + " ".join([str(_DENIED)] * _REFUSALS))
        await asyncio.sleep(fault.seconds)

    async def _order(self, line: str) -> None:
        if self._broker is not None:
            await asyncio.to_thread(self._broker.order, line)

    # --- the API -----------------------------------------------------------------------------------------

    async def _misbehave(self, fault: Disturbance) -> None:
        self._api.set_faults(*self._always, _API[fault.kind])
        try:
            await asyncio.sleep(fault.seconds)
        finally:
            self._behave()

    async def _rotate_key(self, fault: Disturbance) -> None:
        self._keys += 1
        key = f"NX-selftest-key-{self._keys}"
        self._api.keys = frozenset([key])
        await asyncio.sleep(fault.seconds)
        # Replaced in one step, as a secret mounted by an orchestrator is.
        fresh = self._key_file.with_suffix(".new")
        fresh.write_text(f"{key}\n")
        fresh.replace(self._key_file)

    def _behave(self) -> None:
        self._api.set_faults(*self._always)
