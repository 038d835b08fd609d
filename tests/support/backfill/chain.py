"""The whole way of history, as programs: planned, written, checked and submitted, each killed as often as wanted."""

from __future__ import annotations

import asyncio
import json
import signal
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from confluent_kafka import Producer

from bridge.sandbox.emulator import Emulator
from bridge.sandbox.emulator.faults import Fault, FaultKind
from bridge.sandbox.emulator.rows import content_hash
from tests.support.prepared.client import Program, program
from tests.support.waiting import patience

SIGN_UPS = 20
"""Every so-manieth record is a sign-up: its user, with a company, and an event; the others are events."""
CONFIG = """\
kafka:
  bootstrap_servers: {bootstrap}
  group_id: {group}
  topics: [{topic}]
track:
  endpoint: {endpoint}
  api_key_file: {key_file}
  timeout: 10s
dead_letter:
  topic: {group}.dlq
observability:
  listen: 127.0.0.1:0
mapping:
  events:
    order.completed: {{event_name: Order Completed, metadata: {{amount: data.amount}}}}
    user.signed_up:
      - company: {{id: data.company, properties: {{plan: data.plan}}}}
      - identify: {{properties: {{plan: data.plan}}}}
      - event_name: Signed Up
"""
QUICK = ("--every", "50ms", "--settle", "500ms", "--yes")
_NOTHING = asyncio.subprocess.DEVNULL


def produce(bootstrap: str, topic: str, partitions: int, records: int) -> None:
    """So many records, many of a user in the same second."""
    producer = Producer(
        {"bootstrap.servers": bootstrap, "linger.ms": 20, "queue.buffering.max.messages": 2_000_000, "log_level": 0}
    )
    for number in range(records):
        is_sign_up = number % SIGN_UPS == 0
        data: dict[str, Any] = {"user_id": f"u{number // SIGN_UPS % 5000}", "amount": number}
        if is_sign_up:
            data |= {"company": f"c{number // SIGN_UPS % 700}", "plan": "free" if number % 3 else "paid"}
        kind = "user.signed_up" if is_sign_up else "order.completed"
        event = {"type": kind, "id": str(number), "time": f"2024-07-28T08:{number // 60 % 60:02d}:{number % 60:02d}Z"}
        value = orjson.dumps({**event, "data": data})
        producer.produce(topic, value, partition=number % partitions)
        if number % 10_000 == 0:
            producer.poll(0)
    assert producer.flush(120) == 0


def rows_of(records: int) -> dict[str, int]:
    """How many rows so many records become."""
    sign_ups = -(-records // SIGN_UPS)
    return {"identify_company": sign_ups, "identify_user": sign_ups, "track": records}


@dataclass(frozen=True)
class Chain:
    """One run directory and the configuration it belongs to."""

    folder: Path
    config: Path
    api: Emulator

    async def run(self, verb: str, *options: str, code: int = 0) -> str:
        """A command to its end; what it printed."""
        process = await self._started(verb, *options, out=asyncio.subprocess.PIPE)
        out, err = await process.communicate()
        assert process.returncode == code, (verb, out.decode(), err.decode())
        return out.decode()

    async def killed(self, verb: str, *options: str, once: Callable[[], bool]) -> None:
        """kill -9 as soon as that holds, if it does before the command ends."""
        process = await self._started(verb, *options, out=_NOTHING)
        async with patience("it is where it shall be killed, or ends", within=60):
            while process.returncode is None and not once():
                await asyncio.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        await process.wait()

    async def _started(self, verb: str, *options: str, out: int) -> Program:
        words = ("backfill", verb, str(self.folder), "-c", str(self.config), *options)
        return await program(*words, stdout=out, stderr=asyncio.subprocess.PIPE if out != _NOTHING else out)

    @property
    def manifest(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "manifest.json").read_text())
        return found

    def lines(self) -> Iterator[bytes]:
        """Every row that was written."""
        for file in self.manifest["files"]:
            with (self.folder / file["name"]).open("rb") as rows:
                yield from rows

    # --- the steps

    async def written(self, records: int, kills: int, file_size: str) -> None:
        await self.run("plan", "--cut", "--file-size", file_size)
        for _ in range(kills):
            before = [each["next"] for each in self.manifest["ranges"]]

            def is_further(before: list[int | None] = before) -> bool:
                return [each["next"] for each in self.manifest["ranges"]] != before

            await self.killed("write", once=is_further)
        await self.run("write")
        assert self.manifest["written"]["records"] == records

    async def submitted(self, kills: int) -> None:
        """Answers are lost in both ways, and others' jobs are in the way; killed where a file arrives, or just did."""
        imports = self.api.imports
        self.api.set_faults(
            Fault(kind=FaultKind.STATUS, status=409, probability=0.2, path="/v1/imports"),
            Fault(kind=FaultKind.DROP_AFTER_READING, probability=0.2, path="/v1/imports"),
            Fault(kind=FaultKind.DROP_AFTER_READING, accepts=True, probability=0.25, path="/v1/imports"),
            Fault(kind=FaultKind.STATUS, status=502, accepts=True, probability=0.1, path="/v1/imports"),
            Fault(kind=FaultKind.STATUS, status=503, probability=0.1, path="/v1/background_jobs"),
            seed=17,
        )
        imports.occupy()
        for number in range(kills):
            jobs = len(imports.jobs)

            def is_there(jobs: int = jobs, number: int = number) -> bool:
                return len(imports.jobs) > jobs + number % 2

            await self.killed("submit", "--no-canary", *QUICK, once=is_there)
            imports.occupy()
        await self.run("submit", "--no-canary", *QUICK)

    def each_row_is_imported_once(self, records: int) -> None:
        """By the content of every row."""
        found = self.api.imports.rows
        assert dict(found.by_type) == rows_of(records)
        written = array("Q", (content_hash(orjson.loads(line)) for line in self.lines()))
        assert sorted(written) == sorted(found.hashes)


def chain(folder: Path, api: Emulator, key: str, **names: str) -> Chain:
    """`names`: bootstrap, topic, group."""
    key_file, config = folder / "key", folder / "bridge.yaml"
    key_file.write_text(key, encoding="utf-8")
    config.write_text(CONFIG.format(endpoint=api.endpoint, key_file=key_file, **names), encoding="utf-8")
    return Chain(folder / "run", config, api)
