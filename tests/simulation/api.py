"""The Track API, the connections to it, and the dead-letter topic: everything a process waits for an answer from."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import TYPE_CHECKING, cast

from bridge.model import TRACK, DeadLetter, Delivered, LetterReason, LetterRefused, Retry, Unauthorized, Verdict
from bridge.pipeline.offsets import TrackerState
from bridge.pipeline.work import AutomaticIdentify, Work
from bridge.track.classify import classify
from tests.simulation.agenda import EPOCH, Agenda
from tests.simulation.ledger import Event, Ledger, Violation
from tests.simulation.plan import TRACK_TIMEOUT
from tests.simulation.timeline import Timeline

if TYPE_CHECKING:
    from tests.simulation.process import Process, Tracker

ACCEPTED = Delivered()
CLOSED = Retry("connection", "closed by this side", ambiguous=True)
RESET = Retry("connection", "connection reset by peer", ambiguous=True)
STALE = Retry("connection", "connection reset by peer; it had carried others before", ambiguous=True, stale=True)
REFUSED = Retry("connection", "connection refused")
TIMED_OUT = Retry("timeout", "no answer in time", ambiguous=True)
UNWRITABLE = LetterRefused("broker transport failure")
TOO_LARGE = LetterRefused("the record does not fit", too_large=True)

FLAKY = (500, 502, 503, 504, 408, 425, 429, 301, 307, 407, 599)
"""Statuses that say "later"; every row of the failure table that does."""
OUTAGE_IS_SEEN = TRACK_TIMEOUT + 1.0
"""Seconds after which every answer is of the outage."""
MAY_HAVE_WORKED = frozenset({500, 502, 504, 408})


@dataclass(slots=True, eq=False)
class Flight:
    """One request."""

    event: Event
    process: Process
    tracker: Tracker
    key: int
    sent_at: float
    answered_at: float | None = None
    verdict: Verdict | None = None


class Api:
    """One destination for all processes. What is wrong with it at the moment are plain attributes."""

    def __init__(self, agenda: Agenda, ledger: Ledger, timeline: Timeline, rng: random.Random) -> None:
        self.valid = {1}
        """Generations of the key that it takes."""
        self.outage = self.down = self.address = False
        self.flaky = self.hanging = self.throttling = 0.0
        """Shares of the requests."""
        self.partly, self.share = 0, 0.0
        """A status, and the share of the requests that get it."""
        self.failing: dict[str, int] = {}
        """By user: the status that all their events get."""
        self.kinds: dict[str, int] = {}
        """By kind of request: the status that all of them get; 0: as usual."""
        self.slowness = 1.0
        self.clock = EPOCH
        """What its clock is ahead of the agenda."""
        self.nothing_works_since: float | None = None
        self._agenda = agenda
        self._ledger = ledger
        self._timeline = timeline
        self._rng = rng
        self._dates = random.Random(1)  # noqa: S311 - repeatable; of its own, so that histories stay as they were

    def serve(self, sink: Sink, work: Work, flight: Flight) -> None:
        """Decide what becomes of a request that was just sent."""
        if not (self.outage or self.down):
            self.nothing_works_since = None
        elif self.nothing_works_since is None:
            self.nothing_works_since = self._agenda.now
        rng = self._rng
        latency = rng.uniform(0.01, 0.08) * self.slowness
        if rng.random() < 0.02:
            latency *= 10.0
        status = self._status(flight, rng)
        if status == 202:
            if latency >= TRACK_TIMEOUT or (self.hanging and rng.random() < self.hanging):
                self._hang(sink, work, flight, rng)
                return
            self._agenda.after(latency * 0.7, None, self._take, flight)
            self._agenda.after(latency, flight.process, sink.answer, work, flight, ACCEPTED)
            return
        if status < 0:
            self._without_answer(sink, work, flight, latency)
            return
        if status in MAY_HAVE_WORKED and rng.random() < 0.3:
            self._agenda.after(latency * 0.7, None, self._take, flight)
        headers: list[tuple[bytes, bytes]] = []
        asks = status == 429 or (status == 503 and flight.event.user not in self.failing)
        if asks and rng.random() < 0.5:
            headers = self._asks_to_wait(rng.randrange(8))
        verdict = classify(TRACK, status, headers, b"", key=flight.key, now_wall=flight.process.wall())
        self._check_wait(headers, verdict)
        self._agenda.after(min(latency, TRACK_TIMEOUT), flight.process, sink.answer, work, flight, verdict)

    def _asks_to_wait(self, seconds: int) -> list[tuple[bytes, bytes]]:
        """In seconds, or as a date by its own clock, which may be hours off from the bridge's."""
        if self._dates.random() < 0.5:
            return [(b"retry-after", str(seconds).encode())]
        now = int(self._agenda.now + self.clock)
        until = format_datetime(datetime.fromtimestamp(now + seconds, UTC), usegmt=True).encode()
        sent = format_datetime(datetime.fromtimestamp(now, UTC), usegmt=True).encode()
        return [(b"date", sent), (b"retry-after", until), (b"x-seconds", str(seconds).encode())]

    def _check_wait(self, headers: list[tuple[bytes, bytes]], verdict: Verdict) -> None:
        """Whatever the clocks say, the wait that was asked for is the one that was heard."""
        asked = dict(headers).get(b"x-seconds")
        if asked is not None and isinstance(verdict, Retry) and verdict.after != float(asked):
            raise Violation(f"clock: asked to wait {asked.decode()} s, heard {verdict.after} s")

    def _status(self, flight: Flight, rng: random.Random) -> int:  # noqa: PLR0911 - one line for each trouble, in order
        event = flight.event
        if self.down:
            return -1 if rng.random() < 0.7 else -2
        if self.address:
            return rng.choice((404, 405))
        if self.outage:
            return rng.choice((500, 503, -2))
        if self.throttling and rng.random() < self.throttling:
            return 429
        if self.partly and rng.random() < self.share:
            return self.partly
        if self.flaky and rng.random() < self.flaky:
            return rng.choice((*FLAKY, -1, -2))
        if flight.key not in self.valid:
            return rng.choice((401, 403))
        if event.status:
            return event.status
        if self.kinds.get(event.kind):
            return self.kinds[event.kind]
        return self.failing.get(event.user or "", 202)

    def _without_answer(self, sink: Sink, work: Work, flight: Flight, latency: float) -> None:
        if self._rng.random() < 0.5:
            self._agenda.after(latency, flight.process, sink.answer, work, flight, REFUSED)
            return
        if not self.down and self._rng.random() < 0.5:
            self._agenda.after(latency * 0.7, None, self._take, flight)
        # Which of them had carried others is chance, and must not cost a number of the history's.
        verdict = STALE if int(latency * 1e6) % 2 else RESET
        self._agenda.after(latency, flight.process, sink.answer, work, flight, verdict)

    def _hang(self, sink: Sink, work: Work, flight: Flight, rng: random.Random) -> None:
        """The sink gives up; whether and when the event was taken nobody is told."""
        if rng.random() < 0.6:
            self._agenda.after(rng.uniform(0.1, TRACK_TIMEOUT * 1.5), None, self._take, flight)
        self._agenda.after(TRACK_TIMEOUT, flight.process, sink.answer, work, flight, TIMED_OUT)

    def _take(self, flight: Flight) -> None:
        if self._timeline.on:
            self._timeline.note("api", f"takes {flight.event} from {flight.process.name}")
        self._ledger.take(flight, self._agenda.now)


class Sink:
    """A process's connections."""

    def __init__(self, process: Process, api: Api) -> None:
        self.on_wire: dict[Work, Flight] = {}
        self._process = process
        self._api = api

    def send(self, work: Work, /) -> None:
        process = self._process
        world = process.world
        tracker = work.partition.tracker
        if isinstance(work, AutomaticIdentify):
            entry = world.entries[int(work.record.value or b"")]
            event = Event(-1, entry, work.output, work.who, 0, kind="identify", automatic=True)
        else:
            event = world.ledger.events[int(work.request.body)]
        if world.timeline.on:
            world.timeline.note(process.name, f"sends {event}")
        if work.key is not None and any(other.key == work.key for other in self.on_wire):
            raise Violation(f"order: {process.name} has two in flight of the lane {work.key!r}")
        if tracker.life is not TrackerState.LIVE:
            raise Violation(f"drain: {process.name} starts {event} of a partition that is {tracker.life.value}")
        if tracker.partition in world.ledger.held:
            raise Violation(f"hold: {process.name} sends {event} of a partition that an operator holds")
        if len(self.on_wire) >= world.plan.settings.max_in_flight:
            raise Violation(f"in flight: {process.name} has more than {world.plan.settings.max_in_flight} requests out")
        process.about_to_send(event)
        flight = self.on_wire[work] = Flight(event, process, tracker, process.credentials.generation, world.agenda.now)
        world.ledger.sent(flight, world.agenda.now)
        self._api.serve(self, work, flight)

    def abort(self, works: Iterable[Work], /) -> None:
        for work in works:
            self._process.after(0.0, self.answer, work, self.on_wire[work], CLOSED)

    def answer(self, work: Work, flight: Flight, verdict: Verdict) -> None:
        if self.on_wire.get(work) is not flight:
            return
        del self.on_wire[work]
        process, world = self._process, self._process.world
        flight.answered_at, flight.verdict = world.agenda.now, verdict
        process.outside_until[flight.tracker] = world.agenda.now
        if world.timeline.on:
            world.timeline.note(process.name, f"hears of {flight.event}: {_short(verdict)}")
        before = work.letter
        if flight.event.kind == "identify" and verdict is not ACCEPTED:
            world.ledger.refused(flight.event)
        process.dispatcher.answered(work, verdict)
        process.after(0.0, process.dispatcher.pump)
        if work.letter is not None and before is None:
            flight.event.given_up = True
        self._count_unauthorized(work, verdict)

    def _count_unauthorized(self, work: Work, verdict: Verdict) -> None:
        """One spell of a bad key costs `hold_after` letters of each process, and no more."""
        world, process = self._process.world, self._process
        hold_after = world.plan.settings.hold_after_unauthorized
        if not hold_after:
            return
        if not isinstance(verdict, (Unauthorized, Retry)):
            world.ledger.unauthorized[process] = 0
        elif isinstance(verdict, Unauthorized) and work.letter is not None:
            world.ledger.unauthorized[process] += 1
            if world.ledger.unauthorized[process] > hold_after:
                raise Violation(f"key: {process.name} gave up more than {hold_after} events for a bad key")


class Letters:
    """The dead-letter topic, through a process's producer."""

    def __init__(self, process: Process) -> None:
        self.pending: dict[Work, DeadLetter] = {}
        self._process = process

    def write(self, letter: DeadLetter, token: object, /) -> None:
        work, process, world = cast("Work", token), self._process, self._process.world
        if work in self.pending:
            raise Violation(f"letter: {work} is written twice at the same time")
        self.pending[work] = letter
        event, left = world.event_of(letter), world.left_with(letter)
        for each in left:
            each.given_up = True
        if world.timeline.on:
            world.timeline.note(process.name, f"writes a letter of {event}: {letter.reason}")
        if letter.reason is LetterReason.RETRIES_EXHAUSTED and world.api.nothing_works_since is not None:
            lasts = world.agenda.now - world.api.nothing_works_since
            if lasts > OUTAGE_IS_SEEN and event.user not in world.ledger.failed_once:
                raise Violation(f"burn: {process.name} gave up {event} {lasts:.1f} s into an outage")
        rng, latency = world.letters_rng, 0.01
        if world.letters_slow:
            latency = rng.uniform(0.1, 3.0)
        if event.entry.too_large:
            process.after(latency, self._receipt, work, TOO_LARGE)
        elif world.letters_refused:
            process.after(latency, self._receipt, work, UNWRITABLE)
        elif world.letters_lost_receipts and rng.random() < 0.5:
            world.agenda.after(latency, None, world.ledger.finish, *left)
            process.after(latency + 1.0, self._receipt, work, UNWRITABLE)
        else:
            world.agenda.after(latency * 0.9, None, world.ledger.finish, *left)
            process.after(latency, self._receipt, work, None)

    def _receipt(self, work: Work, refused: LetterRefused | None) -> None:
        letter = self.pending.pop(work)
        process, world = self._process, self._process.world
        process.outside_until[work.partition.tracker] = world.agenda.now
        if world.timeline.on:
            world.timeline.note(process.name, f"letter of {world.event_of(letter)}: {refused or 'acknowledged'}")
        process.dispatcher.letter_written(work, refused)


def _short(verdict: Verdict) -> str:
    if isinstance(verdict, Delivered):
        return "accepted"
    status = getattr(verdict, "status", None)
    after = getattr(verdict, "after", None)
    name = type(verdict).__name__.lower()
    return f"{name} {status or ''} {getattr(verdict, 'reason', '')}{f' after {after:g} s' if after is not None else ''}"


__all__ = ["Api", "Flight", "LetterReason", "Letters", "Sink"]
