"""Carries the schedule out: on the replicas, the emulated API and the embedded broker."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bridge.sandbox.broker import PRODUCE
from bridge.sandbox.broker_process import BrokerProcess
from bridge.sandbox.emulator import Emulator, Fault
from bridge.sandbox.emulator import FaultKind as Api
from bridge.selftest import bounds
from bridge.selftest.bounds import Crash
from bridge.selftest.replicas import Fleet
from bridge.selftest.schedule import TRACKS, FaultKind, Planned
from bridge.selftest.surroundings import LETTERS_BROKER

_DENIED: Final = 29
"""TOPIC_AUTHORIZATION_FAILED"""
_REFUSALS: Final = 6
"""How often a write is refused; each is followed by a pause of the writer."""
_AMBIGUOUS_STATUS: Final = 200
"""What a slow answer says, so that these can be told from the ordinary 202."""

SENTENCES: Final[Mapping[FaultKind, str]] = {
    FaultKind.KILL: "a replica is killed (kill -9) and started again",
    FaultKind.STOP: "a replica is stopped in order (SIGTERM) and started again",
    FaultKind.FREEZE: "a replica stands still for longer than its session (SIGSTOP, SIGCONT)",
    FaultKind.JOIN: "another replica joins, and leaves",
    FaultKind.BROKER_DOWN: "the brokers are down",
    FaultKind.OUTAGE: "the API answers 503",
    FaultKind.THROTTLE: "the API answers 429 with Retry-After",
    FaultKind.DROPS: "the API drops connections before it reads the request",
    FaultKind.HANGS: "the API takes requests and never answers",
    FaultKind.DRIPS: "the API accepts, and drips its answer beyond the timeout",
    FaultKind.RESETS: "the API accepts, and resets the connection",
    FaultKind.KEY_ROTATION: "the API refuses the key (401) until the key file has the new one",
    FaultKind.LETTERS_REFUSED: "dead letters are refused",
}

_API: Final[Mapping[FaultKind, Fault]] = {
    FaultKind.OUTAGE: Fault(kind=Api.STATUS, status=503),
    FaultKind.THROTTLE: Fault(kind=Api.STATUS, status=429, headers={"Retry-After": "1"}, probability=0.5),
    FaultKind.DROPS: Fault(kind=Api.DROP_BEFORE_READING, probability=0.3),
    FaultKind.HANGS: Fault(kind=Api.HANG, probability=0.3, count=40),
    FaultKind.DRIPS: Fault(kind=Api.DRIP, status=_AMBIGUOUS_STATUS, interval=0.1, probability=0.3, count=40),
    FaultKind.RESETS: Fault(kind=Api.DROP_AFTER_READING, accepts=True, probability=0.3),
}


@dataclass(frozen=True, slots=True)
class Happened:
    """One fault as it was. Monotonic seconds."""

    kind: FaultKind
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
        key_file: Path,
        replicas: int,
        uncommitted: float,
        session: float,
        tell: Callable[[str], None],
    ) -> None:
        """`always`: the API's faults that never end. `uncommitted`: seconds that a completed event may take until its
        position is committed.
        """
        self._fleet = fleet
        self._api = api
        self._broker = broker
        self._always = always
        self._key_file = key_file
        self._replicas = replicas
        self._uncommitted = uncommitted
        self._session = session
        self._tell = tell
        self._keys = 0
        self.happened: list[Happened] = []
        self._crashes: list[Crash] = []
        self._rebalances: list[Crash] = []
        """As crashes on the embedded broker, which takes no commit meanwhile."""
        self._acts: Mapping[FaultKind, Callable[[Planned], Awaitable[None]]] = {
            FaultKind.KILL: self._kill,
            FaultKind.STOP: self._stop,
            FaultKind.FREEZE: self._freeze,
            FaultKind.JOIN: self._join,
            FaultKind.BROKER_DOWN: self._broker_down,
            FaultKind.KEY_ROTATION: self._rotate_key,
            FaultKind.LETTERS_REFUSED: self._refuse_letters,
        }

    async def run(self, planned: Sequence[Planned]) -> None:
        """All of it, from now on; returns when the last one is over."""
        began = time.monotonic()
        self._behave()
        async with asyncio.TaskGroup() as tracks:
            for kinds in TRACKS:
                tracks.create_task(self._track([fault for fault in planned if fault.kind in kinds], began))

    def bound(self, arrivals: Sequence[float], *, max_in_flight: int) -> bounds.Bound:
        """The most duplicates that the promise allows after what happened; `arrivals` as for `bounds.bound`."""
        crashes = [*self._crashes, *(self._rebalances if self._broker is not None else ())]
        ambiguous = max(self._ambiguous, self._fleet.ambiguous)
        return bounds.bound(arrivals, crashes, max_in_flight=max_in_flight, ambiguous=ambiguous)

    @property
    def _ambiguous(self) -> int:
        """Requests that were accepted, and whose sender was not told."""
        answers = self._api.ledger.answers
        return answers[str(_AMBIGUOUS_STATUS)] + answers[Api.DROP_AFTER_READING]

    async def _track(self, planned: Sequence[Planned], began: float) -> None:
        for fault in planned:
            await asyncio.sleep(max(0.0, began + fault.at - time.monotonic()))
            self._tell(SENTENCES[fault.kind])
            at = time.monotonic()
            await self._acts.get(fault.kind, self._misbehave)(fault)
            self.happened.append(Happened(fault.kind, at, time.monotonic()))

    # --- replicas ------------------------------------------------------------------------------------

    async def _kill(self, fault: Planned) -> None:
        self._crashed()
        await self._fleet.kill(fault.replica)
        await asyncio.sleep(fault.seconds)
        self._fleet.start(fault.replica)

    async def _stop(self, fault: Planned) -> None:
        with self._rebalancing():
            await self._fleet.stop(fault.replica)
            await asyncio.sleep(fault.seconds)
            self._fleet.start(fault.replica)

    async def _freeze(self, fault: Planned) -> None:
        self._crashed()
        self._fleet.freeze(fault.replica)
        try:
            await asyncio.sleep(fault.seconds)
        finally:
            self._fleet.thaw(fault.replica)

    async def _join(self, fault: Planned) -> None:
        with self._rebalancing():
            self._fleet.start(self._replicas)
            await asyncio.sleep(fault.seconds)
            await self._fleet.stop(self._replicas)

    @contextmanager
    def _rebalancing(self) -> Iterator[None]:
        """Costs nothing on a real cluster: a replica that stops lets the rebalance end before it commits."""
        began = time.monotonic()
        yield
        self._rebalances.append(Crash(began - self._uncommitted, time.monotonic() + self._session, processes=0))

    def _crashed(self) -> None:
        now = time.monotonic()
        self._crashes.append(Crash(now - self._uncommitted, now))

    # --- brokers ---------------------------------------------------------------------------------------

    async def _broker_down(self, fault: Planned) -> None:
        began = time.monotonic()
        await self._order("down -1")
        try:
            await asyncio.sleep(fault.seconds)
        finally:
            await self._order("up -1")
        # Nothing can be committed meanwhile, and a session may end before it is heard of again.
        self._crashes.append(
            Crash(began - self._uncommitted, time.monotonic() + self._session, processes=self._fleet.running)
        )

    async def _refuse_letters(self, fault: Planned) -> None:
        await self._order(f"fail-at {LETTERS_BROKER} {PRODUCE} " + " ".join([str(_DENIED)] * _REFUSALS))
        await asyncio.sleep(fault.seconds)

    async def _order(self, line: str) -> None:
        if self._broker is not None:
            await asyncio.to_thread(self._broker.order, line)

    # --- the API -----------------------------------------------------------------------------------------

    async def _misbehave(self, fault: Planned) -> None:
        self._api.set_faults(*self._always, _API[fault.kind])
        try:
            await asyncio.sleep(fault.seconds)
        finally:
            self._behave()

    async def _rotate_key(self, fault: Planned) -> None:
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
