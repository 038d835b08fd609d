"""Everything of one history, and what its faults do."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from bridge.formats import commit_mark, offset_map, operator_hold
from bridge.formats.operator_hold import OperatorHold
from bridge.kafka.consumer.assignment.holding import Move, OperatorOutcome
from bridge.kafka.consumer.thread.consumption import Tracker
from bridge.model import (
    KINDS,
    DeadLetter,
    Failed,
    Filtered,
    FilterReason,
    LetterReason,
    Outcome,
    Position,
    Record,
    Request,
    Route,
    Steps,
    TopicPartition,
)  # fmt: skip
from tests.simulation.agenda import EPOCH, Agenda
from tests.simulation.api import Api
from tests.simulation.client import PollThread
from tests.simulation.group import Group
from tests.simulation.ledger import End, Entry, Event, Ledger, Log, Violation
from tests.simulation.plan import TRACK_TIMEOUT, Copied, Fault, Plan, Produced
from tests.simulation.process import Process
from tests.simulation.registry import Registry
from tests.simulation.timeline import Timeline

ROUTE = Route("simulated", "000000000000", "Simulated")
KINDS_BY_NAME = {kind.name: kind for kind in KINDS}
FILTERED = Filtered(FilterReason.RULE, ROUTE)
BEGAN = 1000.0
SETTLES = 25.0
"""Seconds until everybody has its partitions, and its share of the rate, after whatever went wrong."""
FAILED = Failed(LetterReason.UNMAPPABLE, "no such field", ROUTE)


CALM: Final = 10.0
"""Seconds without trouble in which a position surely follows what was done."""


class World:
    def __init__(self, plan: Plan, *, tell: bool) -> None:
        self.plan = plan
        self.agenda = Agenda()
        self.timeline = Timeline(self.agenda, on=tell)
        self.ledger = Ledger(plan.settings, plan.commit_interval, rest_follows=plan.rest_follows)
        self.group_rng, self.timers_rng, self.letters_rng, api_rng = (
            random.Random(plan.seed * 10 + n) for n in range(4)  # noqa: S311 - repeatable on purpose
        )  # fmt: skip
        self.group = Group(self.agenda, self.ledger, self.timeline, self.group_rng, classic=plan.classic)
        self.api = Api(self.agenda, self.ledger, self.timeline, api_rng)
        self.registry = Registry(self, dict(plan.late_schemas))
        self.key_file = 1
        self.letters_refused = self.letters_slow = self.letters_lost_receipts = False
        self.most_behind = 0
        """Records that a process counted as waiting behind a failing one, at any time."""
        self.entries: list[Entry] = []
        self.processes: list[Process] = []
        self._generations = dict.fromkeys(dict(plan.topics), 0)
        for topic, partitions in plan.topics:
            self.group.create(topic, partitions)
        for copied in plan.copied:
            self._copy(copied)
        for _ in range(plan.processes):
            self.start()
        for produced in plan.records:
            self.agenda.after(produced.at, None, self._produce, produced)
        for fault in plan.faults:
            self.agenda.after(fault.at, None, self._begin, fault)
        self.agenda.after(plan.mended_at, None, self._mend)
        self._others = [fault for fault in plan.faults if fault.kind not in ("poison", "crowd")]

    @property
    def elapsed(self) -> float:
        """Seconds from the beginning."""
        return self.agenda.now - BEGAN

    @property
    def living(self) -> list[Process]:
        return [process for process in self.processes if not process.dead]

    def start(self) -> None:
        process = Process(self, len(self.processes))
        self.processes.append(process)
        if self.group.away:
            process.cut_off()
            self._wait_for_brokers(process)
        if self.timeline.on:
            self.timeline.note(process.name, "starts")

    def is_calm(self, since: float) -> bool:
        """Whether nothing is wrong since then but with some users' events, nor was shortly before."""
        begin, end = since - BEGAN - SETTLES, self.agenda.now - BEGAN
        others = (fault.at <= end and fault.at + fault.seconds >= begin for fault in self._others)
        return begin > 0.0 and not any(others)

    def _wait_for_brokers(self, process: Process) -> None:
        if self.group.away:
            self._later(0.5, partial(self._wait_for_brokers, process))
        else:
            process.reconnect()

    def event_of(self, letter: DeadLetter) -> Event:
        entry = self.entries[int(letter.record.value or b"")]
        return entry.events[letter.output]

    def left_with(self, letter: DeadLetter) -> list[Event]:
        """The event that failed, and the steps behind it that are left with its letter."""
        event, step = self.event_of(letter), letter.step
        behind = 1 if step is None or step.rest_sent else step.of - step.number
        return event.entry.events[event.output : event.output + behind]

    # --- records --------------------------------------------------------------------------------------

    def _produce(self, produced: Produced) -> None:
        partitions = self.group.partitions(produced.topic)
        if not partitions:
            return
        log = self.group.logs[partitions[produced.pick % len(partitions)]]
        self._append(log, produced)
        log.end += abs(produced.behind)
        if produced.behind > 0:
            log.markers.append(log.end - 1)
        self._wake_owner(log)

    def _append(self, log: Log, produced: Produced) -> Entry:
        number = len(self.entries)
        offset = log.end + produced.gap
        words = re.split("[+>]", produced.value.removesuffix("L").removeprefix("["))
        key = words[0].partition("*")[0].encode()
        record = Record(*log.partition, offset, int(EPOCH * 1000), key, str(number).encode(), ())
        schema = f"id:{produced.schema}" if produced.schema else ""
        entry = Entry(log, offset, record, too_large=produced.value.endswith("L"), schema=schema)
        entry.outcomes = tuple(self._outcome(entry, output, word) for output, word in enumerate(words))
        if ">" in produced.value:
            entry.outcomes = Steps(entry.outcomes)
            for output, event in enumerate(entry.events):
                event.before = entry.events[:output]
        entry.has_elements = produced.value.startswith("[")
        self.entries.append(entry)
        log.entries.append(entry)
        log.offsets.append(offset)
        log.end = offset + 1
        if self.timeline.on:
            self.timeline.note("producer", f"{record.coordinates} = {produced.value}")
        return entry

    def _wake_owner(self, log: Log) -> None:
        owner = self.group.owner.get(log.partition)
        if owner is not None:
            owner.process.thread.wake(self.timers_rng.random() * 0.02)

    def _outcome(self, entry: Entry, output: int, word: str) -> Outcome:
        number = len(self.ledger.events)
        text, _, status = word.partition("*")
        name, _, kind = text.partition("~")
        user = f"company:{name}" if kind == "company" else name
        event = Event(number, entry, output, None if word in "-!" else user, int(status or 0), kind=kind or "track")
        self.ledger.events.append(event)
        entry.events.append(event)
        if word == "-":
            event.done = event.filtered = True
            return FILTERED
        entry.open += 1
        if word == "!":
            return FAILED
        return Request(KINDS_BY_NAME[event.kind], user, "Simulated", str(number).encode(), ROUTE)

    def _copy(self, copied: Copied) -> None:
        """What tools leave behind that move positions: the old map, at another place."""
        partition = TopicPartition(copied.topic, 0)
        log = self.group.logs[partition]
        text = offset_map.encode(
            copied.offset + (copied.kind == "base"),
            [1, 3, 1, 20],
            leader_epoch=1 if copied.kind == "epoch" else 0,
            topic_id="another" if copied.kind == "topic" else log.topic_id,
            demand=offset_map.Demand(0, 0),
            head=offset_map.Head(),
            max_length=1000,
        )
        if copied.kind == "checksum":
            text = text[:-2] + "AA"
        self.group.committed[partition] = Position(copied.offset, text, 0)
        log.first = log.end = copied.offset
        log.loses = True

    # --- faults ---------------------------------------------------------------------------------------

    def _begin(self, fault: Fault) -> None:
        if self.timeline.on:
            self.timeline.note(
                "FAULT", f"{fault.kind} for {fault.seconds} s, target {fault.target}, share {fault.share}"
            )
        getattr(self, f"_{fault.kind}")(fault)

    def _later(self, seconds: float, call: Callable[[], None]) -> None:
        self.agenda.after(seconds, None, call)

    def _victim(self, fault: Fault) -> Process | None:
        able = [process for process in self.living if not (process.frozen or process.cut or process.stopping)]
        return able[fault.target % len(able)] if able else None

    def _trouble(self, seconds: float) -> None:
        now = self.agenda.now
        self.ledger.troubled.append((now, now + seconds))

    def _flag(self, holder: object, name: str, fault: Fault) -> None:
        setattr(holder, name, True)
        self._later(fault.seconds, partial(setattr, holder, name, False))

    def _kill(self, fault: Fault) -> None:
        if (process := self._victim(fault)) is not None:
            process.kill()
            self._later(fault.seconds, self.start)

    def _stop(self, fault: Fault) -> None:
        if (process := self._victim(fault)) is not None:
            process.stop()
            self._later(fault.seconds, self.start)

    def _join(self, fault: Fault) -> None:
        del fault
        if len(self.living) < 5:
            self.start()

    def _leave(self, fault: Fault) -> None:
        if len(self.living) > 1 and (process := self._victim(fault)) is not None:
            process.stop()

    def _freeze(self, fault: Fault) -> None:
        process = self._victim(fault)
        if process is None:
            return
        process.freeze()
        self._trouble(fault.seconds + 2.0)

        def thaw() -> None:
            if self.timeline.on:
                self.timeline.note(process.name, "goes on")
            process.thaw(fault.seconds)

        self._later(fault.seconds, thaw)

    def _blink(self, fault: Fault) -> None:
        self._freeze(Fault(fault.at, fault.kind, min(fault.seconds, 1.9), fault.target))

    def _unheard(self, seconds: float) -> None:
        """Who was put out of the group a moment ago does not hear of it meanwhile."""
        if self.agenda.now < self.ledger.kicked_until:
            self.ledger.kicked_until = self.agenda.now + seconds + 2.0

    def _cut(self, fault: Fault) -> None:
        if (process := self._victim(fault)) is not None:
            self._unheard(fault.seconds)
            process.cut_off()
            self._trouble(fault.seconds + 7.0)
            self._later(fault.seconds, process.reconnect)

    def _brokers_away(self, fault: Fault) -> None:
        """All of them. The coordinator that comes back begins every session anew."""
        self.group.away = True
        self._unheard(fault.seconds)
        self._trouble(fault.seconds + 7.0)
        struck = [process for process in self.living if not process.cut]
        for process in struck:
            process.cut_off()

        def back() -> None:
            self.group.away = False
            self.group.load()
            for process in struck:
                process.reconnect()

        self._later(fault.seconds, back)

    def _clock(self, fault: Fault) -> None:
        if (process := self._victim(fault)) is not None:
            process.wall_offset += 3600.0 if fault.target % 2 else -3600.0

    def _api_clock(self, fault: Fault) -> None:
        self.api.clock += 7200.0 if fault.target % 2 else -7200.0

    def _shuffle(self, fault: Fault) -> None:
        del fault
        self.group.shuffle()

    def _kick(self, fault: Fault) -> None:
        process = self._victim(fault)
        member = process.thread.client.member if process else None
        if process is not None and member is not None:
            self.group.leave(member)
            self.ledger.kicked_until = self.agenda.now + 1.5 + fault.seconds / 4
            self._trouble(2.0)
            process.hear_of_eviction()

    def _refuse_commits(self, fault: Fault) -> None:
        self._trouble(fault.seconds + 2.0)
        self._flag(self.group, "refusing", fault)

    def _lose_commits(self, fault: Fault) -> None:
        self._trouble(fault.seconds + 7.0)
        self._flag(self.group, "losing", fault)

    def _slow_commits(self, fault: Fault) -> None:
        self._trouble(fault.seconds + 4.0)
        self.group.latency = 3.0
        self._later(fault.seconds, partial(setattr, self.group, "latency", 0.0))

    def _unreadable(self, fault: Fault) -> None:
        self._flag(self.group, "unreadable", fault)

    def _grow(self, fault: Fault) -> None:
        topic = self._topic(fault)
        if 0 < len(self.group.partitions(topic)) < 6:
            self.group.grow(topic)

    def _leaders(self, fault: Fault) -> None:
        for log in self.group.logs.values():
            log.leader_epoch += 1 + fault.target % 2

    def _hold(self, fault: Fault) -> None:
        """An operator holds a topic where one process has it, and releases it later wherever it is then."""
        process, topic = self._victim(fault), self._topic(fault)
        if process is None:
            return
        thread, hold = process.thread, OperatorHold("as told", "operator", int(self.agenda.now))

        def order() -> None:
            if thread.holding.busy:
                return
            trackers = {entry.partition: entry.tracker for entry in thread.table if entry.partition.topic == topic}

            def told(outcomes: Mapping[TopicPartition, OperatorOutcome]) -> None:
                for partition, outcome in outcomes.items():
                    if outcome is OperatorOutcome.DONE:
                        self.ledger.held.add(partition)
                        self._stood_still(trackers[partition])

            thread.holding.hold(list(trackers), hold, told)

        thread.order(order)
        self._later(fault.seconds, partial(self._release, topic))

    def _stood_still(self, tracker: Tracker | None) -> None:
        """What an operator asked is committed, and with it all that was done before."""
        if tracker is not None:
            self.ledger.ends[tracker] = End("drained", self.agenda.now, committed=True)

    def _release(self, topic: str) -> None:
        """On each replica, and again until nothing of it is held."""
        partitions = self.group.partitions(topic)
        self.ledger.held.difference_update(partitions)
        noted = [p for p in partitions if p in self.group.committed]
        if not any(operator_hold.of_metadata(self.group.committed[p].metadata) for p in noted):
            holders = [entry for each in self.living for entry in each.thread.table if entry.operator_hold is not None]
            if not any(entry.partition.topic == topic for entry in holders):
                return
        for process in self.living:
            if not (process.frozen or process.cut or process.stopping):
                process.thread.order(partial(self._release_on, process.thread, topic, start_over=False))
        self._later(2.0, partial(self._release, topic))

    def _set(self, fault: Fault) -> None:
        """An operator sets a topic's committed offsets where one process has it: back, or past what was not done."""
        process, topic = self._victim(fault), self._topic(fault)
        if process is not None:
            process.thread.order(partial(self._set_on, process.thread, topic, (fault.target % 5) - 3))

    def _set_on(self, thread: PollThread, topic: str, by: int) -> None:
        entries = {entry.partition: entry for entry in thread.table if entry.partition.topic == topic}
        logs, committed = self.group.logs, self.group.committed
        moves = {
            p: Move(
                at.offset,
                commit_mark.unmarked(at.metadata),
                min(max(at.offset + by, logs[p].first), logs[p].stable),
                "",
            )
            for p in entries
            if p in logs and (at := committed.get(p)) is not None
        }
        if thread.holding.busy or not moves:
            return
        trackers = {partition: entries[partition].tracker for partition in moves}
        for partition, move in moves.items():
            logs[partition].rewound_at = self.agenda.now
            logs[partition].skip(move.offset)

        def told(outcomes: Mapping[TopicPartition, OperatorOutcome]) -> None:
            for partition, outcome in outcomes.items():
                if outcome is OperatorOutcome.DONE:
                    self._stood_still(trackers[partition])
                    tracker = entries[partition].tracker
                    if tracker is not None and tracker.lowest_open != moves[partition].offset:
                        raise Violation(
                            f"set: {partition} was set to {moves[partition].offset}, and is read from "
                            f"{tracker.lowest_open}"
                        )

        thread.holding.move(moves, told)

    def _start_over(self, fault: Fault) -> None:
        """An operator has a topic's dead letters in a row forgotten, and what is read of it begins again."""
        if (process := self._victim(fault)) is not None:
            topic = self._topic(fault)
            process.thread.order(partial(self._release_on, process.thread, topic, start_over=True))

    def _release_on(self, thread: PollThread, topic: str, *, start_over: bool) -> None:
        trackers = {
            entry.partition: entry.tracker
            for entry in thread.table
            if entry.partition.topic == topic and (start_over or entry.operator_hold is not None)
        }
        if thread.holding.busy:
            return

        def told(outcomes: Mapping[TopicPartition, OperatorOutcome]) -> None:
            for partition, outcome in outcomes.items():
                if outcome is OperatorOutcome.DONE:
                    self._stood_still(trackers[partition])

        self.ledger.held.difference_update(trackers)
        thread.holding.release(list(trackers), topic, told, start_over=start_over)

    def _recreate(self, fault: Fault) -> None:
        """The group notices the deletion before the topic is there again."""
        topic = self._topic(fault)
        partitions = self.group.partitions(topic)
        if not partitions:
            return
        for partition in partitions:
            self.group.logs[partition].forgive(1 << 60)
        self._generations[topic] += 1
        self.ledger.held.difference_update(partitions)  # Brokers delete a topic's committed offsets with it.
        self.group.delete(topic)
        self._later(
            8.0 + fault.seconds, partial(self.group.create, topic, max(1, len(partitions)), self._generations[topic])
        )

    def _rewind(self, fault: Fault) -> None:
        """An operator stops everything, sets a position back (its map stays as it was) and starts again."""
        count = len(self.living)

        def rewind() -> None:
            for process in self.living:
                if process.frozen or process.cut:
                    process.kill()
                else:
                    process.stop()
            if self.living:
                self._later(1.0, rewind)
                return
            for process in self.processes:
                if process.thread.client.member is not None:
                    self.group.leave(process.thread.client.member)
            for partition, position in self.group.committed.items():
                log = self.group.logs[partition]
                log.rewound_at = self.agenda.now
                log.loses = True
                offset = max(log.first, position.offset - 1 - fault.target)
                self.group.committed[partition] = position._replace(offset=offset)
            for _ in range(max(1, count)):
                self.start()

        rewind()

    def _delete_records(self, fault: Fault) -> None:
        """Retention was faster."""
        if self.group.logs:
            log = list(self.group.logs.values())[fault.target % len(self.group.logs)]
            log.loses = True
            log.first = log.entries[len(log.entries) // 2].offset if log.entries else log.first
            log.forgive(log.first)

    def _appear(self, fault: Fault) -> None:
        """A topic that nobody knew of; something is written to it before the group notices."""
        name = f"late{len(self._generations)}"
        self._generations[name] = 0
        self.group.create(name, 1 + fault.target % 2)
        for number, log in enumerate(self.group.logs[each] for each in self.group.partitions(name)):
            for _ in range(2):
                self._append(log, Produced(fault.at, name, 0, f"u{number}"))

    def _transaction(self, fault: Fault) -> None:
        """A producer writes, and says only later whether that counts; others write on meanwhile."""
        if not self.group.logs:
            return
        log = list(self.group.logs.values())[fault.target % len(self.group.logs)]
        number = len(self.entries)
        log.open_since[number] = log.end
        written = [
            self._append(log, Produced(fault.at, log.partition.topic, 0, f"u{n}")) for n in range(1 + fault.target % 3)
        ]

        def end() -> None:
            del log.open_since[number]
            if fault.share < 0.5:
                log.take_out(written)
            log.markers.append(log.end)
            log.end += 1
            self._wake_owner(log)

        self._later(fault.seconds, end)

    def _retain(self, fault: Fault) -> None:
        """Retention takes all that was done and left alone for long, and what is no record behind it."""
        seen = {log: (log.first_open(), log.end) for log in self.group.logs.values()}
        since = self.agenda.now
        if self.group.unreadable or any(until > since for _, until in self.ledger.troubled):
            return

        def take() -> None:
            if self.group.unreadable or any(until > since for _, until in self.ledger.troubled):
                return
            for log, before in seen.items():
                quiet = before == (log.first_open(), log.end) == (None, log.end)
                if quiet and self.ledger.is_known_done(log) and self._is_read(log):
                    log.first = log.stable

        self._later(CALM + fault.seconds, take)

    def _is_read(self, log: Log) -> bool:
        """Whether its owner's consumer is at the end: one whose buffer is full has not come past what is no record."""
        owner = self.group.owner.get(log.partition)
        return owner is None or owner.process.thread.client.next.get(log.partition, log.end) >= log.stable

    def _topic(self, fault: Fault) -> str:
        return self.plan.topics[fault.target % len(self.plan.topics)][0]

    def _outage(self, fault: Fault) -> None:
        self._flag(self.api, "outage", fault)

    def _down(self, fault: Fault) -> None:
        self._flag(self.api, "down", fault)

    def _address(self, fault: Fault) -> None:
        self._flag(self.api, "address", fault)

    def _share(self, name: str, fault: Fault) -> None:
        setattr(self.api, name, fault.share)
        self._later(fault.seconds, partial(setattr, self.api, name, 0.0))

    def _flaky(self, fault: Fault) -> None:
        self._share("flaky", fault)

    def _hang(self, fault: Fault) -> None:
        self._share("hanging", fault)

    def _throttle(self, fault: Fault) -> None:
        self._share("throttling", fault)

    def _half(self, fault: Fault) -> None:
        """A share of the answers is one status, the fault's target."""
        self.api.partly = fault.target
        self._share("share", fault)
        self._later(fault.seconds, partial(setattr, self.api, "partly", 0))

    def _slow(self, fault: Fault) -> None:
        self.api.slowness = 1.0 + fault.share * TRACK_TIMEOUT / 0.08
        self._later(fault.seconds, partial(setattr, self.api, "slowness", 1.0))

    def _key_dies(self, fault: Fault) -> None:
        """Rotated at the API; the file follows."""
        generation = max(self.api.valid | {self.key_file}) + 1
        self.api.valid = {generation}
        self._later(fault.seconds, partial(setattr, self, "key_file", generation))

    def _bad_key(self, fault: Fault) -> None:
        """A wrong key was put into the file; the right one follows."""
        generation = max(self.api.valid | {self.key_file}) + 1
        self.key_file = generation
        for process in self.living:
            self.agenda.after(0.1, process, process.credentials.refresh)

        def mend() -> None:
            self.api.valid.add(generation + 1)
            self.key_file = generation + 1

        self._later(fault.seconds, mend)

    def _poison(self, fault: Fault) -> None:
        self._fail([f"u{fault.target}"], 500, fault.seconds)

    def _refused_user(self, fault: Fault) -> None:
        """The first user gets one status, the fault's target."""
        self._fail(["u0"], fault.target, fault.seconds)

    def _crowd(self, fault: Fault) -> None:
        """A share of all users fail, each for a reason of its own."""
        chosen = [f"u{n}" for n in range(1000) if n % 10 < 10 * fault.share]
        self._fail(chosen, (500, 503, 408)[fault.target % 3], fault.seconds)

    def _throttled_user(self, fault: Fault) -> None:
        self._fail([f"u{fault.target}"], 429, fault.seconds)

    def _fail(self, users: list[str], status: int, seconds: float) -> None:
        failing = self.api.failing
        self.ledger.failed_once.update(users)
        failing.update(dict.fromkeys(users, status))

        def mend() -> None:
            for user in users:
                failing.pop(user, None)

        self._later(seconds, mend)

    def _identify_down(self, fault: Fault) -> None:
        self._of_kind("identify", 503, fault)

    def _identify_throttled(self, fault: Fault) -> None:
        self._of_kind("identify", 429, fault)

    def _identify_refused(self, fault: Fault) -> None:
        self._of_kind("identify", 400, fault)

    def _company_down(self, fault: Fault) -> None:
        self._of_kind("company", 500, fault)

    def _of_kind(self, kind: str, status: int, fault: Fault) -> None:
        self.api.kinds[kind] = status
        self._later(fault.seconds, lambda: self.api.kinds.update({kind: 0}))

    def _registry_down(self, fault: Fault) -> None:
        self._flag(self.registry, "down", fault)

    def _registry_slow(self, fault: Fault) -> None:
        self._flag(self.registry, "slow", fault)

    def _letters_refused(self, fault: Fault) -> None:
        self._flag(self, "letters_refused", fault)

    def _letters_slow(self, fault: Fault) -> None:
        self._flag(self, "letters_slow", fault)

    def _letters_lost_receipts(self, fault: Fault) -> None:
        self._flag(self, "letters_lost_receipts", fault)

    def _mend(self) -> None:
        """Whatever overlapped with what: from here on everything works."""
        if self.timeline.on:
            self.timeline.note("FAULT", "everything is mended")
        self.api.valid.add(self.key_file)
        if not self.living:
            self.start()
