"""One program, one mishap: started, watched until all is there or nothing comes any more, judged."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen
from uuid import uuid4

import orjson
import yaml
from confluent_kafka import Consumer, Producer, TopicPartition

from bench.broker import Broker
from bench.processes import Program
from bench.versus.mishaps import ORDINARY, REFUSED, Mishap

KEY = "NX-versus"
PARTITIONS = 12
USERS = 200
GIVES_UP = 30.0
"""Seconds without a request that is accepted after which a program has stopped: longer than any pause it makes."""
LOOK = 0.1
Start = Callable[[Path, str, str, str], list[str]]
"""The command line, from a scratch folder, the topic, the topic of dead letters and the API's address."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one run came to."""

    program: str
    mishap: str
    events: int
    accepted: int
    """Different events."""
    repeated: int
    disordered: int
    """Events that came after a later one of the same user."""
    letters: int
    seconds: float
    """From the first accepted event to the last."""
    micros: float
    """Processor time for each event, the start left out."""

    @property
    def missing(self) -> int:
        """Neither delivered nor a dead letter."""
        return max(0, self.events - self.accepted - self.letters)

    @property
    def pace(self) -> float:
        """Events in a second, between the first and the last."""
        return self.accepted / self.seconds if self.seconds else 0.0

    def told(self) -> str:
        """``all``, or how many were delivered, and whatever else became of events."""
        others = {
            "missing": self.missing,
            "dead letters": self.letters,
            "sent again": self.repeated,
            "out of order": self.disordered,
        }
        delivered = "all" if self.accepted == self.events else f"{self.accepted:,}"
        return "; ".join([delivered, *(f"{count:,} {what}" for what, count in others.items() if count)])


class EmulatedApi:
    """The emulator's process and its questions."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        assert process.stdout is not None
        self.url = process.stdout.readline().decode().strip()

    def ask(self, path: str) -> bytes:
        """An answer of the emulator's own pages."""
        with urlopen(f"{self.url}/_emulator/{path}", timeout=30) as answer:  # noqa: S310 - our own address
            return bytes(answer.read())

    def tell(self, path: str, document: dict[str, Any]) -> None:
        """Change how it behaves."""
        with urlopen(Request(f"{self.url}/_emulator/{path}", orjson.dumps(document)), timeout=30):  # noqa: S310
            pass

    def accepted(self, since: int = 0) -> list[dict[str, Any]]:
        """Events in the order in which they were accepted."""
        return [orjson.loads(line) for line in self.ask(f"accepted?since={since}").splitlines()]


@contextmanager
def emulated_api(mishap: Mishap) -> Iterator[EmulatedApi]:
    """One with the mishap's faults."""
    command = [sys.executable, "-m", "bridge.sandbox.emulator", "--key", KEY]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    try:
        api = EmulatedApi(process)
        api.tell("faults", {"faults": mishap.script, "seed": 1})
        yield api
    finally:
        process.terminate()
        process.wait()


def write(bootstrap: str, topic: str, events: int, *, one_is_refused: bool) -> None:
    """Records whose values are bodies of Track requests, keyed by user: what an HTTP sink can send as it is."""
    pick = random.Random(20_200_922)  # noqa: S311 - reproducible, not secret
    producer = Producer({"bootstrap.servers": bootstrap, "enable.idempotence": True, "log_level": 0})
    for number in range(events):
        user = f"user-{pick.randrange(USERS)}"
        name = REFUSED if one_is_refused and number == events // 2 else ORDINARY
        metadata = {"amount": number % 1000 / 4, "currency": "EUR", "event_id": str(number)}
        producer.produce(topic, orjson.dumps({"user_id": user, "event_name": name, "metadata": metadata}), user)
        producer.poll(0)
    if producer.flush(120):
        raise RuntimeError(f"the broker did not take all of {topic}")


def bridge_config(path: Path, bootstrap: str, topic: str, letters: str, url: str) -> None:
    """The bridge with its defaults, but without the API's limit, and with the other's patience for an answer."""
    event = {"metadata": {"amount": "metadata.amount", "currency": "metadata.currency"}}
    config = {
        "kafka": {
            "bootstrap_servers": bootstrap, "group_id": topic, "topics": [topic], "start_from": "earliest",
        },
        "track": {"endpoint": url, "api_key": KEY, "timeout": "2s"},
        "delivery": {"rate_limit": "unlimited"},
        "dead_letter": {"topic": letters, "create": False},
        "mapping": {
            "user_id": "user_id",
            "event_type": "event_name",
            "event_id": "metadata.event_id",
            "events": {name: {"event_name": name, **event} for name in (ORDINARY, REFUSED)},
        },
        "observability": {"listen": "127.0.0.1:0"},
    }  # fmt: skip
    path.write_text(yaml.safe_dump(config, sort_keys=False))


def run(kafka: Broker, name: str, start: Start, mishap: Mishap, events: int, folder: Path) -> Outcome:
    """Let one program deliver all of a new topic."""
    topic, letters = kafka.empty(PARTITIONS), kafka.empty(1)
    write(kafka.bootstrap, topic, events, one_is_refused=mishap.one_is_refused)
    with emulated_api(mishap) as api:
        program = Program(start(folder, topic, letters, api.url), {}, folder / f"{uuid4().hex}.log", Path.cwd())
        try:
            warm, warm_cpu, cpu = _watched(api, program, mishap, events - mishap.one_is_refused)
            time.sleep(2)  # what is sent twice, or said of dead letters, comes behind
        finally:
            program.stop(30)
        came = api.accepted()
    numbers = [(each["user_id"], int(each["metadata"]["event_id"])) for each in came]
    first = list(dict.fromkeys(numbers))
    return Outcome(
        program=name,
        mishap=mishap.name,
        events=events,
        accepted=len(first),
        repeated=len(numbers) - len(first),
        disordered=disordered(first),
        letters=_letters(kafka.bootstrap, letters),
        seconds=came[-1]["at"] - came[0]["at"] if came else 0.0,
        micros=(cpu - warm_cpu) / max(1, len(came) - warm) * 1e6,
    )


def _watched(api: EmulatedApi, program: Program, mishap: Mishap, wanted: int) -> tuple[int, float, float]:
    """How many events were there, and the processor time so far, at a tenth of them; that time at the end."""
    seen, warm, warm_cpu = 0, 0, 0.0
    moved, refused_until = time.monotonic() + 60, 0.0  # a minute more for the start
    while time.monotonic() - moved < GIVES_UP and program.running:
        now = int(orjson.loads(api.ask("stats"))["accepted"])
        if now > seen:
            seen, moved = now, max(moved, time.monotonic())
        if not warm and seen >= wanted // 10:
            warm, warm_cpu = seen, program.cpu()
            if mishap.key_is_refused_for:
                api.tell("keys", {"keys": ["another"]})
                refused_until = time.monotonic() + mishap.key_is_refused_for
        if refused_until and time.monotonic() >= refused_until:
            api.tell("keys", {"keys": [KEY]})
            refused_until = 0.0
        if seen >= wanted:
            break
        time.sleep(LOOK)
    return warm, warm_cpu, program.cpu()


def disordered(events: list[tuple[str, int]]) -> int:
    """How many came after a later one of the same user."""
    last: dict[str, int] = {}
    found = 0
    for user, number in events:
        found += number < last.get(user, -1)
        last[user] = max(number, last.get(user, -1))
    return found


def _letters(bootstrap: str, topic: str) -> int:
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "versus-looks", "log_level": 0})
    try:
        low, high = consumer.get_watermark_offsets(TopicPartition(topic, 0), timeout=30)
        return int(high - low)
    finally:
        consumer.close()
