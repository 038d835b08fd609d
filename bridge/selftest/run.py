"""One self-test from its first process to its last: the feed, the faults, and what became of every event."""

from __future__ import annotations

import asyncio
import itertools
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from bridge import terminal
from bridge.config import environment
from bridge.formats import letter_headers
from bridge.model import Forget, Record
from bridge.sandbox import own_topics
from bridge.sandbox.child_processes import ChildProcesses
from bridge.sandbox.emulator import Emulator, Fault, FaultKind
from bridge.sandbox.emulator.ledger import Accepted, AcceptedCompany, AcceptedIdentify
from bridge.sandbox.feed import Feed
from bridge.sandbox.own_topics import TopicReader
from bridge.sandbox.sample import REJECTED_NAME
from bridge.selftest import bounds, surroundings
from bridge.selftest.bounds import Bound, CrashLog
from bridge.selftest.faults import Faults, Happened
from bridge.selftest.oracle import Oracle, SeenLetter, Verdict
from bridge.selftest.replicas import Fleet
from bridge.selftest.schedule import DisturbanceKind, Options
from bridge.selftest.surroundings import SelftestSurroundings
from bridge.text.amounts import span, thousands

SETTLING: Final = 60.0
"""Seconds until everything must have arrived when the last fault is over."""
BEGINNING: Final = 60.0
"""Seconds until the first event must have arrived."""
COMMITTING: Final = 10.0
"""Seconds until every offset is committed when everything arrived."""
_STEP: Final = 0.1
_LOOK_EVERY: Final = 0.5
_AHEAD: Final = 3_000_000
"""Bytes of records that may wait: the embedded broker forgets what is beyond 5 MiB in a partition."""


@dataclass(frozen=True, slots=True)
class SelftestResult:
    """Everything the report is made of."""

    options: Options
    verdict: Verdict
    bound: Bound
    records: int
    filtered: int
    happened: Sequence[Happened]
    recoveries: Sequence[float]
    """Of each that happened, in seconds."""
    unauthorized_at_most: int | None
    """Letters that refused keys may cost; None: the configuration sets no bound."""
    problems: Sequence[str]
    """What processes, committed offsets and topics did wrong, as sentences."""
    seconds: float


Show = Callable[[int, int], None]
"""Takes how many events are done, and how many wait."""
Tell = Callable[[str], None]


async def run(options: Options, show: Show, tell: Tell) -> SelftestResult:
    """All of it. Raises `sandbox.own_topics.ClusterError` and `events.NoEventError` before any replica is started.

    SIGTERM and a terminal that is gone cancel it, as Ctrl-C does: what was created is deleted again.
    """
    began = time.monotonic()
    this = asyncio.current_task()
    if this is not None:
        for number in set(terminal.ends()) - {signal.SIGINT}:  # which the loop itself takes
            asyncio.get_running_loop().add_signal_handler(number, this.cancel)
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="bridge-selftest-")))
        processes = stack.enter_context(ChildProcesses(_environment()))
        field = options.config.track.company_id_field
        api = await stack.enter_async_context(
            Emulator(keys=[surroundings.FIRST_KEY], company_id_field="id" if field == "both" else field)
        )
        around = stack.enter_context(
            surroundings.embedded(options, processes, folder, api.endpoint)
            if options.bootstrap is None
            else surroundings.on_cluster(options, options.bootstrap, folder, api.endpoint, tell)
        )
        # Before the topics go: a group that still has members cannot be deleted.
        stack.callback(processes.end)
        logs = folder if options.logs is None else options.logs
        test = _Run(options, around, Fleet(processes, around.replica_config, logs), api, show, tell)
        await test.run()
        return test.result(time.monotonic() - began)


def _environment() -> dict[str, str]:
    """Without what would change the replicas' configuration."""
    return {name: value for name, value in environment.variables().items() if not name.startswith("BRIDGE_")}


class _Run:
    """One run, with everything in place."""

    def __init__(
        self, options: Options, around: SelftestSurroundings, fleet: Fleet, api: Emulator, show: Show, tell: Tell
    ) -> None:
        config, is_sample = around.tested.config, around.tested.examples is None
        self._options = options
        self._surroundings = around
        self._fleet = fleet
        self._api = api
        self._show = show
        self._tell = tell
        self._oracle = Oracle(
            config.delivery.ordering,
            may_be_rejected=lambda name: is_sample and name == REJECTED_NAME,
            rest_follows=around.tested.mapping.rest_follows,
            identifies_itself=config.track.unknown_users == "identify",
        )
        self._faults = Faults(
            fleet,
            api,
            around.broker,
            always=[Fault(kind=FaultKind.STATUS, status=400, event_name=REJECTED_NAME)] if is_sample else [],
            crashes=CrashLog(
                uncommitted=2 * config.kafka.commit_interval + 0.5,
                session=around.site.session,
                counts_rebalances=around.broker is not None,
            ),
            key_file=around.site.key_file,
            replicas=options.replicas,
            tell=tell,
        )
        self._entered: dict[tuple[str, int], int] = {}
        """The offset after the last record that the oracle knows, by topic and partition."""
        self._read = Counter[str]()
        """How many of each kind that the API accepted the oracle knows."""
        self._forgotten: set[str] = set()
        self._problems: list[str] = []

    async def run(self) -> None:
        """Returns when every event is accounted for, or when it takes too long, with all replicas stopped."""
        around, options = self._surroundings, self._options
        for number in range(options.replicas):
            self._fleet.start(number)
        records, sizes = itertools.tee(around.tested.records(options.events, options.seed))
        ahead = _ahead([len(record.value or b"") for record in itertools.islice(sizes, 200)])
        topics = around.tested.topics.partitions
        with (
            TopicReader(around.client, {**topics, **around.letter_partitions}) as reader,
            Feed(around.client, records, options.rate, may_go=lambda: self._oracle.open < ahead) as feed,
        ):
            if await self._follow(reader, lambda: bool(self._api.ledger.accepted), BEGINNING):
                await self._under_faults(reader, feed)
            else:
                self._problems.append(f"no event arrived within {span(BEGINNING)} of the start")
            await self._fleet.look()
            self._tell("all replicas are stopped (SIGTERM)")
            await self._fleet.stop_all()
            self._enter(reader)
            self._problems += self._unwritten(feed)
        self._problems += [*self._behind(), *self._unidentified()]

    def result(self, seconds: float) -> SelftestResult:
        """What there is to report."""
        oracle, faults = self._oracle, self._faults
        config = self._surroundings.tested.config
        return SelftestResult(
            options=self._options,
            verdict=oracle.judge(),
            bound=faults.bound(oracle.arrivals, max_in_flight=config.delivery.max_in_flight),
            records=oracle.records,
            filtered=oracle.filtered,
            happened=faults.happened,
            recoveries=bounds.recoveries(oracle.spans(), [fault.ended for fault in faults.happened]),
            unauthorized_at_most=self._unauthorized_at_most(config.track.auth.hold_after),
            problems=[*self._fleet.problems, *self._problems],
            seconds=seconds,
        )

    # --- while it runs -------------------------------------------------------------------------------------

    async def _under_faults(self, reader: TopicReader, feed: Feed) -> None:
        acting = asyncio.create_task(self._faults.run(self._options.plan()), name="faults")
        try:
            limit = self._options.seconds + self._options.session + SETTLING
            await self._follow(reader, acting.done, limit)
            self._tell("no more faults; everything that waits must arrive")
            await self._follow(reader, lambda: feed.done and not self._oracle.open and self._has_all(), SETTLING)
            # One replica's leave is the others' rebalance, in which the embedded broker takes no commits.
            await self._follow(reader, lambda: not self._behind(), COMMITTING)
        finally:
            acting.cancel()
            await asyncio.gather(acting, return_exceptions=True)
        if not acting.cancelled() and (error := acting.exception()) is not None:
            raise error

    async def _follow(self, reader: TopicReader, until: Callable[[], bool], limit: float) -> bool:
        """Tell the oracle what comes until the condition holds; False where that takes longer than `limit` seconds."""
        deadline = time.monotonic() + limit
        looked = 0.0
        while True:
            self._enter(reader)
            self._show(self._oracle.settled, self._oracle.open)
            now = time.monotonic()
            if now >= looked + _LOOK_EVERY:
                looked = now
                await self._fleet.look()
            if until():
                return True
            if now > deadline:
                return False
            await asyncio.sleep(_STEP)

    def _enter(self, reader: TopicReader) -> None:
        """Tell the oracle what is new."""
        around, now = self._surroundings, time.monotonic()
        for record in reader.new():
            if record.topic == around.site.letters:
                self._oracle.letter(_letter(record))
            else:
                self._entered[record.topic, record.partition] = record.offset + 1
                outcomes = around.tested.mapping.map(record, time.time())
                self._forgotten.update(each.user_id for each in outcomes if isinstance(each, Forget))
                self._oracle.record(record, outcomes, now)
        seen, read = self._api.ledger, self._read
        events, users, companies = (
            seen.accepted[read["events"] :], seen.identified[read["users"] :], seen.companies[read["companies"] :],
        )  # fmt: skip
        read.update(events=len(events), users=len(users), companies=len(companies))
        new: list[Accepted | AcceptedIdentify | AcceptedCompany] = [*events, *users, *companies]
        for each in sorted(new, key=lambda each: each.order):
            if isinstance(each, AcceptedIdentify):
                self._oracle.identified(each.user_id, each.body, each.at)
            else:
                self._oracle.accepted(each.body, each.at)

    def _has_all(self) -> bool:
        """Whether the oracle knows every record of the topics."""
        try:
            ends = own_topics.end_offsets(self._surroundings.client, self._surroundings.tested.topics.partitions)
        except OSError:
            return False
        return all(self._entered.get(where, 0) >= end for where, end in ends.items())

    # --- at its end ----------------------------------------------------------------------------------------

    def _unidentified(self) -> list[str]:
        """Events that arrived before their user was identified, as a sentence, where the bridge sees to that."""
        if self._surroundings.tested.config.track.unknown_users != "identify":
            return []
        early = [each for each in self._api.ledger.before_identify() if each.user_id not in self._forgotten]
        return [f"{thousands(len(early))} events arrived before their user was identified"] if early else []

    def _unwritten(self, feed: Feed) -> list[str]:
        """Records that are not in their topics, as a sentence: nothing is proven about those."""
        if feed.failure:
            return [feed.failure]
        there, due = self._oracle.records, self._options.events
        if there == due:
            return []
        seen = f"{thousands(there)} of {thousands(due)} records"
        return [f"{seen} are in the topics, and the brokers acknowledged {thousands(feed.sent)}"]

    def _behind(self) -> list[str]:
        """Committed offsets that are not at the end of the log, as sentences: something was open there."""
        around = self._surroundings
        topics = around.tested.topics.partitions
        try:
            ends = own_topics.end_offsets(around.client, topics)
            committed = own_topics.committed_offsets(around.client, around.site.group, topics)
        except OSError as error:
            return [str(error)]
        return [
            f"the committed offset of {topic}/{partition} is {max(0, committed[topic, partition])} of {end}"
            for (topic, partition), end in ends.items()
            if end and committed[topic, partition] < end
        ]

    def _unauthorized_at_most(self, hold_after: int) -> int | None:
        """Each process may give up `hold_after` events to each key that is refused."""
        if not hold_after:
            return None
        rotations = [fault for fault in self._faults.happened if fault.kind is DisturbanceKind.KEY_ROTATION]
        return hold_after * sum(self._fleet.alive_between(each.began, each.ended) for each in rotations)


def _ahead(sizes: Sequence[int]) -> int:
    """How many events may wait."""
    return max(100, _AHEAD * len(sizes) // max(1, sum(sizes)))


def _letter(record: Record) -> SeenLetter:
    """A dead letter, by what its headers say."""
    own = {
        name.removeprefix(letter_headers.OWN): (value or b"").decode()
        for name, value in record.headers
        if name.startswith(letter_headers.OWN)
    }
    origin = (own["origin-topic"], int(own["origin-partition"]), int(own["origin-offset"]))
    return SeenLetter(origin, int(own["output"]), own["reason"], own.get("rest") == "sent")
