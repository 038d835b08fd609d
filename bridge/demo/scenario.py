"""The demo's run: an embedded Kafka, an emulated Track API that has its troubles, and a real bridge between them."""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from logging import getLogger
from typing import Any

from bridge.commands import completed
from bridge.config.events.route_section import RouteConfig
from bridge.config.sections import Config
from bridge.decode.protocol import Schemas
from bridge.demo.encodings import Staging, as_json
from bridge.formats.letters import Letter
from bridge.kafka.letters.letter_log import LetterLog
from bridge.mapping.compile import CompiledMapping, compile_mapping
from bridge.mapping.destination import destination_of
from bridge.model import TRACK
from bridge.ops.hold_reasons import closed_gate
from bridge.ops.log import logger
from bridge.ops.snapshot import Snapshot
from bridge.reprocess.reading.reader import LetterReader
from bridge.reprocess.reading.selection import Selection, select
from bridge.reprocess.replay.letters import ReplayOutcome
from bridge.reprocess.replay.plan import Plan, ReplayRules, in_original_order, plan
from bridge.sandbox.broker import EmbeddedKafka
from bridge.sandbox.emulator.connection import ReceivedRequest, ServerConnection
from bridge.sandbox.emulator.contract import RateLimit
from bridge.sandbox.emulator.faults import Fault, FaultKind
from bridge.sandbox.emulator.ledger import Accepted
from bridge.sandbox.emulator.server import Emulator
from bridge.sandbox.feed import produce
from bridge.sandbox.registry import EmbeddedRegistry
from bridge.sandbox.sample import REJECTED_NAME, TOPICS, Sample, sample
from bridge.sandbox.sample import configuration as sample_configuration
from bridge.service.bridge import Bridge
from bridge.service.side_traffic import Setting, Wish, replay
from bridge.text.amounts import span, thousands
from bridge.track.build import build_credentials

RECORDS = 2000
API_KEY = "NX-demo-key"
DEAD_LETTER_TOPIC = "demo.dlq"
OUTAGE_AT, OUTAGE_SECONDS = 500, 3.0
THROTTLE_AT, THROTTLE_SECONDS = 1100, 2
REGISTRY_DOWN_SECONDS = 1.0
"""From the first question it did not answer."""
DEADLINE = 90.0
"""Seconds after which a demo that is not done has failed."""
_REJECTION = '{"errors":[{"error_code":"invalid_event","message":"Invalid input: this event name is not known"}]}'


@dataclass(frozen=True, slots=True)
class DemoResult:
    """Everything the report is built from."""

    sample: Sample
    snapshot: Snapshot
    accepted: Sequence[Accepted]
    overlaps: Sequence[str]
    first_requests: Sequence[ReceivedRequest]
    """The identify of a user, and the user's first event."""
    unidentified: int
    """Events that came before their user's identify, of users nobody asked to forget."""
    corrected: Corrected
    seconds: float


Encoding = Callable[[Sample], AbstractAsyncContextManager[Staging]]
"""How the events are put into Kafka."""
Show = Callable[[int, str, str], None]
"""Takes how many records are done, all that there is to say as a line, and what the bridge does in a few words."""
Tell = Callable[[str], None]


class RecordingEmulator(Emulator):
    """Keeps the first event's request as it came over the wire, and that of its user's identify."""

    first: Sequence[ReceivedRequest] = ()

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._identifies: dict[str, ReceivedRequest] = {}

    def request(self, connection: ServerConnection, request: ReceivedRequest) -> None:
        """See `Emulator.request`."""
        if not self.first and request.method == "POST":
            user = str(json.loads(request.body).get("user_id"))
            if request.path != TRACK.path:
                self._identifies[user] = request
            elif user in self._identifies:
                self.first = (self._identifies[user], request)
        super().request(connection, request)


async def run(show: Show, tell: Tell, encoding: Encoding = as_json) -> DemoResult:
    """Run it; ``show`` hears how it goes several times a second, ``tell`` a sentence when something happens."""
    began = time.monotonic()
    with EmbeddedKafka({**TOPICS, DEAD_LETTER_TOPIC: 6, f"{DEAD_LETTER_TOPIC}.resolutions": 6}) as kafka:
        async with (
            RecordingEmulator(keys=[API_KEY], rate=RateLimit(12_000)) as api,
            encoding(sample(RECORDS)) as staging,
        ):
            chosen = staging.sample
            tell(f"Kafka        an embedded broker at {kafka.bootstrap}, topics {', '.join(TOPICS)}")
            tell(f"Userpilot    an emulated Track API at {api.endpoint}, which takes 12,000 requests a minute")
            await asyncio.to_thread(produce, kafka.bootstrap, chosen.records)
            tell(f"events       {thousands(len(chosen.records))} records of {chosen.users} users are in the topics")
            config, mapping = configuration(kafka.bootstrap, api.endpoint, staging.environ)
            kept = KeptLines()
            logging = logger.set_up(level="info", log_format="json", secrets=[API_KEY], output=kept)
            try:
                bridge = Bridge(config, mapping, logging)
                running = asyncio.create_task(bridge.run())
                if staging.registry is not None:
                    await _registry_comes_up(staging.registry, running, tell)
                last = await _watch(bridge, running, api, len(chosen.records), show, tell)
                bridge.stop("the demo is over")
                await running
            except Exception as error:
                error.add_note("the bridge's last log lines:\n" + kept.text())
                raise
            finally:
                logging.close()
            accepted, overlaps = tuple(api.ledger.accepted), tuple(api.ledger.overlaps)
            forgotten = {(record.key or b"").decode() for record in chosen.records if record.value is None}
            early = [event for event in api.ledger.before_identify() if event.user_id not in forgotten]
            tell(
                completed(
                    "dead letters the mapping is fixed, and those that this helps are sent again (`track-bridge dlq "
                    "replay`)"
                )
            )
            api.set_faults()
            corrected = await correct(config, api, staging.schemas)
            return DemoResult(
                chosen, last, accepted, overlaps, api.first, len(early), corrected, time.monotonic() - began
            )


def configuration(bootstrap: str, endpoint: str, more: Mapping[str, str]) -> tuple[Config, CompiledMapping]:
    """The demo's own `bridge.yaml`, loaded the way every other is, with these variables over it."""
    config = sample_configuration(bootstrap, endpoint, API_KEY, more)
    mapping = compile_mapping(config.mapping, destination=destination_of(config.track))
    if not isinstance(mapping, CompiledMapping):
        raise RuntimeError(f"the demo's mapping is broken: {mapping}")  # noqa: TRY004 - not about its type
    return config, mapping


async def _registry_comes_up(registry: EmbeddedRegistry, running: asyncio.Task[object], tell: Tell) -> None:
    """Let the bridge find it down first: what is read by then waits for its schemas."""
    asked = asyncio.create_task(registry.asked.wait())
    await asyncio.wait({asked, running}, timeout=DEADLINE, return_when=asyncio.FIRST_COMPLETED)
    asked.cancel()
    tell("registry     answers 503: each partition waits at its first record, in order, and nothing is given up")
    await asyncio.sleep(REGISTRY_DOWN_SECONDS)
    registry.is_down = False
    tell(f"registry     is up at {registry.url}; its schemas are asked for once each")


async def _watch(
    bridge: Bridge, running: asyncio.Task[object], api: Emulator, records: int, show: Show, tell: Tell
) -> Snapshot:
    """Make trouble at fixed places, show what happens, until every record is accounted for."""
    rejects = Fault(kind=FaultKind.STATUS, status=400, body=_REJECTION, event_name=REJECTED_NAME)
    api.set_faults(rejects)
    troubles = [
        (
            OUTAGE_AT,
            Fault(kind=FaultKind.STATUS, status=503, end=OUTAGE_SECONDS),
            f"outage       the API answers 503 for {span(OUTAGE_SECONDS)}: one probe at a time, nothing is given up",
        ),
        (
            THROTTLE_AT,
            Fault(kind=FaultKind.STATUS, status=429, headers={"Retry-After": str(THROTTLE_SECONDS)}, count=1),
            f"429          the API asks to wait {THROTTLE_SECONDS} s (Retry-After), and the bridge does",
        ),
    ]
    deadline = time.monotonic() + DEADLINE
    while not running.done():
        await asyncio.sleep(0.1)
        if bridge.admin_address is None:
            continue
        now = bridge.snapshot()
        show(*_progress(now))
        if troubles and now.tally.delivered >= troubles[0][0]:
            _, fault, sentence = troubles.pop(0)
            api.set_faults(fault, rejects)
            tell(sentence)
        if now.tally.consumed >= records and now.tally.buffered == 0:
            return now
        if time.monotonic() > deadline:
            raise TimeoutError(f"the demo was not done within {span(DEADLINE)}: {now.tally}")
    await running
    raise RuntimeError("the bridge ended before the demo did")


def _progress(now: Snapshot) -> tuple[int, str, str]:
    """As `Show` takes it."""
    records, gate = now.tally, closed_gate(now)
    words = {"retry_after": "waiting as asked", "rate_limited": "at the rate limit"}
    state = "sending" if gate is None else words.get(gate.gate.value, gate.gate.value)
    line = (
        f"delivered {thousands(records.delivered)} · filtered {thousands(records.filtered)} · "
        f"dead-lettered {thousands(records.dead_lettered)} · in hand {thousands(records.buffered)} · {state}"
    )
    return records.delivered + records.filtered + records.dead_lettered, line, state


class KeptLines:
    """A log output that is nobody's screen, for the case that something goes wrong."""

    def __init__(self) -> None:
        self._lines: deque[bytes] = deque(maxlen=50)

    def write(self, data: bytes) -> int:
        """See `ops.log.logger.Output`."""
        self._lines.append(data)
        return len(data)

    def text(self) -> str:
        """The last lines."""
        return b"".join(self._lines).decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class Corrected:
    """What the replay found and did."""

    letters: Sequence[Letter]
    """Every dead letter there was before."""
    plan: Plan
    outcome: ReplayOutcome
    accepted: Sequence[Accepted]
    still_open: int


async def correct(config: Config, api: Emulator, schemas: Schemas) -> Corrected:
    """Fix the two faults that the sample's dead letters show, and replay; what that does not help stays open."""
    already = len(api.ledger.accepted)
    kafka_log = getLogger("kafka")
    mapping = _fixed(config, schemas)
    log = LetterLog(config.kafka, config.dead_letter.topic, kafka_log)
    reader = await asyncio.to_thread(LetterReader, log)
    entries = await asyncio.to_thread(lambda: list(reader.entries()))
    rules = ReplayRules()
    chosen = in_original_order(select(entries, Selection(group=config.kafka.group_id), mapping))
    planned = plan(chosen, mapping, rules, time.time())
    outcome = await replay(
        planned.sends,
        Wish(rules, config.delivery.rate_limit or 0.0, "track-bridge demo"),
        Setting(config, mapping, build_credentials(config.track), None, kafka_log),
        reader=reader,
    )
    after = await asyncio.to_thread(LetterReader, log)
    states = await asyncio.to_thread(lambda: [entry.standing.state for entry in after.entries()])
    return Corrected(
        [entry.letter for entry in entries],
        planned,
        outcome,
        api.ledger.accepted[already:],
        sum(state.is_open for state in states),
    )


def _fixed(config: Config, schemas: Schemas) -> CompiledMapping:
    """Users come from the key, which every record has; imported orders get a name that the API knows."""
    changes: dict[str, dict[str, Any]] = {
        "order.imported": {"event_name": "Order Completed"},
        "order.completed": {"metadata": {"n": "data.n", "items": "length(data.lines || `[]`)"}},
    }
    events = dict(config.mapping.events)
    for rule, change in changes.items():
        events[rule] = tuple(r.model_copy(update=change) for r in events[rule] if isinstance(r, RouteConfig))
    mapping = compile_mapping(config.mapping.model_copy(update={"user_id": "key", "events": events}), schemas)
    if not isinstance(mapping, CompiledMapping):
        raise RuntimeError(f"the demo's fixed mapping is broken: {mapping}")  # noqa: TRY004 - not about its type
    return mapping
