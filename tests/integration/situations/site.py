"""Where one situation is brought about: replicas between a real Kafka and the emulated API, and their pages."""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Self

import httpx
from confluent_kafka import KafkaException

from bridge.holds import REASONS, Reason
from tests.integration.situations import timeline
from tests.integration.situations.timeline import Scrape
from tests.support.kafka.client import Kafka
from tests.support.service import events
from tests.support.service.replica import Replica
from tests.support.service.scene import Scene
from tests.support.service.settings import API_KEY, layered
from tests.support.waiting import until

Document = dict[str, Any]

WINDOW = 4.0
"""Seconds between the two scrapes of a situation: longer than what is renewed takes to be renewed."""
STAYS = 1.0
"""Seconds without an accepted event after which no more come, and every page is fresh."""
QUICK = {
    "kafka": {"refresh": "1s"},
    "delivery": {"rate_limit": "6000/min", "retry": {"initial_backoff": "500ms", "max_backoff": "4s"}},
}
"""Over the base of all tests: what is missing is noticed soon, and the budget is one that replicas share."""


class Site:
    """Entered, it has topics and an API; left without an error, all is well again and was looked at once more."""

    def __init__(
        self, kafka: Kafka, folder: Path, *, partitions: int = 4, properties: Any = None, **sections: Any
    ) -> None:
        self.key_file = folder / "key"
        self.key_file.write_text(API_KEY, encoding="utf-8")
        if properties is not None:
            sections["kafka"] = {"properties": properties}
        keyed = {"track": {"api_key": None, "api_key_file": str(self.key_file)}}
        self.scene = Scene(kafka, folder, partitions=partitions, **layered({**QUICK, **keyed}, sections))
        self.kafka = kafka
        self.api = self.scene.api
        self.topic = self.scene.topic
        kafka.create_topic_named(f"{self.scene.letters}.resolutions", partitions, cleanup_policy="compact")
        self.replicas: dict[str, Replica] = {}
        self.configuration = Path()
        """Of the replica that was started last."""
        self.produced = 0
        self.caused_at = 0.0
        self.before: Scrape | None = None
        self.after: Scrape | None = None
        self.document_after: Document = {}
        self.counts_after: Mapping[str, object] = {}
        """What the document has, by path, once all is well: what is recorded in Kafka is read a little later."""
        self.order = events.order
        """Makes the value of an order, of a user and a number."""
        self.missing = ""
        """A topic that is configured and does not exist."""

    async def __aenter__(self) -> Self:
        await self.scene.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        try:
            if error[0] is None:
                await self.asked.until("nothing is told any more", self._is_over, within=60)
                self.document_after = await self.asked.status()
                self.after = await self.scrape()
        finally:
            await self.scene.__aexit__(*error)

    # --- replicas -----------------------------------------------------------------------------------

    async def replica(self, **sections: Any) -> Replica:
        """One more, as a pod of its own."""
        pod = f"bridge-{len(self.replicas)}"
        self.replicas[pod] = await self.scene.replica(**sections)
        return self.replicas[pod]

    async def again(self, pod: str = "bridge-0", **sections: Any) -> Replica:
        """In place of one that ended."""
        self.replicas[pod] = await self.scene.replica(**sections)
        return self.replicas[pod]

    async def well(self, **sections: Any) -> Replica:
        """A replica that has delivered, as Prometheus knows it before anything happens."""
        replica = await self.replica(**sections)
        await self.deliver(20)
        await replica.until("it is idle", lambda status: status["state"] == "idle")
        self.before = await self.scrape()
        return replica

    # --- records ------------------------------------------------------------------------------------

    async def orders(self, count: int, *, users: int = 20) -> None:
        """So many more."""
        numbers = range(self.produced, self.produced + count)
        await self.records((f"u-{n % users}", self.order(f"u-{n % users}", n)) for n in numbers)

    async def records(self, records: Iterable[tuple[str | None, bytes | None]], *, partition: int = -1) -> None:
        """Any, counted."""
        listed = list(records)
        await self.scene.produce(listed, partition=partition)
        self.produced += len(listed)

    async def deliver(self, count: int) -> None:
        """Write so many, and wait until the API has everything."""
        await self.orders(count)
        await self.scene.until_delivered(self.produced)

    async def all_delivered(self, *, but: int = 0) -> None:
        """Whatever was written, so many less."""
        await self.scene.until_delivered(self.produced - but)

    async def others_succeed_until_it_is_given_up(self) -> None:
        """Attempts count while others are accepted."""
        replica = self.asked

        async def given_up() -> bool:
            if (await replica.status())["accounting"]["dead_lettered"]:
                return True
            names = [f"other-{n}" for n in range(25)]
            await self.records((name, events.order(name, 0)) for name in names)
            return False

        await until("it is given up", given_up, within=120)

    async def group_is_empty(self) -> None:
        """Its last member has left."""

        def is_empty() -> bool:
            try:
                found = self.kafka.admin.describe_consumer_groups([self.scene.group])[self.scene.group].result(30)
            except KafkaException:
                return False
            return not found.members

        await until("the group is empty", lambda: asyncio.to_thread(is_empty), within=60)

    # --- what an operator runs ----------------------------------------------------------------------

    async def bridge(self, *arguments: str) -> str:
        """A command of the bridge, with the configuration of the replica; what it printed. It must succeed."""
        code, printed = await self.tried(*arguments)
        assert code == 0, f"bridge {' '.join(arguments)}: exit code {code}\n{printed}"
        return printed

    async def tried(self, *arguments: str) -> tuple[int, str]:
        """The same, whatever its exit code is."""
        file = max(self.scene._folder.glob("*.yaml"), key=lambda path: path.stat().st_mtime_ns)
        pipe, both = asyncio.subprocess.PIPE, asyncio.subprocess.STDOUT
        line = (sys.executable, "-m", "bridge", *arguments, "-c", str(file))
        process = await asyncio.create_subprocess_exec(*line, stdout=pipe, stderr=both)
        printed, _ = await process.communicate()
        assert process.returncode is not None
        return process.returncode, printed.decode()

    # --- what it shows ------------------------------------------------------------------------------

    def caused(self) -> None:
        """From now on it is not as it ought to be."""
        self.caused_at = time.time()

    @property
    def asked(self) -> Replica:
        """The replica whose status is looked at: the last one that runs."""
        return [replica for replica in self.replicas.values() if replica.running][-1]

    async def well_again(self, *, within: float = 60.0) -> None:
        """Wait until it says so by itself."""
        await self.asked.until("it is well again", is_well, within=within)

    async def says_nothing_of(self, why: str) -> None:
        """Wait until that is over."""
        await self.asked.until(f"{why} is over", lambda status: why not in json.dumps(status))

    async def counted(self, numbers: Mapping[str, object]) -> None:
        """Wait until the document has these, by path: dead letters are counted now and then."""
        await self.asked.until(
            f"it counts {numbers}", lambda status: all(at(status, path) == number for path, number in numbers.items())
        )

    async def settled(self) -> None:
        """Wait until the last events that were still accepted are: two scrapes show what lasts, and nothing else."""
        seen = [(time.monotonic(), -1)]

        def stays() -> bool:
            accepted = len(self.api.ledger.accepted)
            if accepted != seen[-1][1]:
                seen.append((time.monotonic(), accepted))
            return time.monotonic() - seen[-1][0] >= STAYS

        await until("nothing more is accepted", stays)
        await self.asked.until("it is known since when records wait", _has_ages)

    def anonymous(self, line: str) -> str:
        """With plain names in place of those that are unique to this test."""
        names = {self.scene.letters: "bridge.dlq", self.scene.group: "bridge", self.topic: "shop.orders"}
        line = re.sub(r"[^` ]*python[0-9.]* -m bridge (.*?) -c [^` ]*/bridge-\w+-\w\.yaml", r"track-bridge \1", line)
        for name, plain in {**names, **({self.missing: "shop.accounts"} if self.missing else {})}.items():
            line = line.replace(name, plain)
        return line

    def _is_over(self, status: Document) -> bool:
        counts = self.counts_after.items()
        return is_untroubled(status) and all(at(status, path) == number for path, number in counts)

    async def scrape(self) -> Scrape:
        """As Prometheus does it."""
        pages: dict[str, timeline.Page | None] = {}
        for pod, replica in self.replicas.items():
            try:
                pages[pod] = timeline.page((await replica.get("/metrics")).text) if replica.running else None
            except httpx.TransportError:
                pages[pod] = None
        return Scrape(time.time(), pages)

    async def two_scrapes(self) -> tuple[Scrape, Scrape]:
        """Some seconds apart."""
        first = await self.scrape()
        await until("some seconds went by", lambda: time.time() - first.at >= WINDOW)
        return first, await self.scrape()


def _has_ages(status: Document) -> bool:
    """A record that is not taken has its timestamp read with a later look at the group.

    What the log's end is not known for yet may be such a record, too.
    """
    oldest = [row["oldest_open"] for row in status["partitions"] if row["lag"] != 0]
    return all(each is not None and each["timestamp"] is not None for each in oldest)


def is_untroubled(status: Document) -> bool:
    """Nothing at all is told, not even open dead letters."""
    return is_well(status) and not status["needs_someone"] and not status["ends_by_itself"]


def at(document: Document, path: str) -> object:
    """What the document has there; keys with dots between."""
    found: Any = document
    for part in path.split("."):
        found = None if found is None else found.get(part)
    return found


def is_well(status: Document) -> bool:
    """Nothing needs somebody, and nothing waits."""
    held = any(REASONS[Reason(row["why"])].needs_operator for row in status["partitions"])
    missing = any(row["problem"] for row in status["topics"])
    return status["state"] in {"idle", "delivering"} and not held and not missing and not status["blocked"]
