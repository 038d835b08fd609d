"""A dead-letter topic that nobody looked at for a long time: it costs the bridge neither memory nor delivery."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from confluent_kafka import Producer

from bridge.formats.letter_headers import OWN
from bridge.model import LetterReason, Route
from bridge.reprocess.reading.open_letters import MOST
from bridge.sandbox.emulator import Emulator
from tests.integration.service.conftest import Measured, measured  # noqa: F401 - a fixture
from tests.support.kafka.client import Kafka
from tests.support.reprocess.letters import letter
from tests.support.service import settings
from tests.support.service.events import order
from tests.support.service.replica import Replica
from tests.support.service.settings import API_KEY
from tests.support.waiting import until

LETTERS = 320_000
PARTITIONS = 4
POD = 256 * 2**20
"""Bytes: the chart's memory limit."""


def written(bootstrap: str, topic: str) -> None:
    """Dead letters of a refused key, all open."""
    made = letter(0, reason=LetterReason.UNAUTHORIZED, route=Route("order.completed", "0123456789ab", "Done"))
    place = f"{OWN}origin-offset"
    headers = [header for header in made.headers if header[0] != place]
    producer = Producer(
        {"bootstrap.servers": bootstrap, "linger.ms": 20, "queue.buffering.max.messages": 1_000_000, "log_level": 0}
    )
    for number in range(LETTERS):
        producer.produce(
            topic,
            made.value,
            made.key,
            partition=number % PARTITIONS,
            headers=[*headers, (place, str(number).encode())],
        )
        if number % 1000 == 0:
            producer.poll(0)
    assert producer.flush(120) == 0


def resident(pid: int) -> int:
    """Bytes."""
    (line,) = [each for each in Path(f"/proc/{pid}/status").read_text().splitlines() if each.startswith("VmRSS")]
    return int(line.split()[1]) * 1024


@pytest.mark.timeout(300)
async def test_three_hundred_thousand_open_dead_letters_fit_into_the_charts_pod_and_stop_nothing(
    kafka: Kafka,
    tmp_path: Path,
    measured: Measured,  # noqa: F811 - the fixture
) -> None:
    orders, letters = kafka.create_topic("orders", PARTITIONS), kafka.create_topic("letters", PARTITIONS)
    kafka.create_topic_named(f"{letters}.resolutions", PARTITIONS, cleanup_policy="compact")
    written(kafka.bootstrap, letters)
    async with Emulator(keys=[API_KEY]) as api, AsyncExitStack() as stack:
        base = settings.base(kafka.bootstrap, api.endpoint, [orders])
        upper = {
            "delivery": {"rate_limit": "600/min"},
            "dead_letter": {"topic": letters, "redrive": {"reasons": ["unauthorized"]}},
        }
        file = settings.write(tmp_path / "bridge.yaml", settings.layered(base, upper))
        replica = await stack.enter_async_context(Replica(file, tmp_path / "a.log"))
        kafka.produce(orders, [("u-1", order("u-1", number)) for number in range(5)])
        peak = 0

        async def counted() -> bool:
            nonlocal peak
            peak = max(peak, resident(replica.pid))
            found = (await replica.status())["dead_letters"]["open"]
            return found is not None and bool(replica.events("redrive_started")) and len(api.ledger.accepted) > 5

        await until("they are counted and some are sent again", counted, within=200, explain=replica.log_text)
        found = (await replica.status())["dead_letters"]["open"]
        await replica.terminate(within=60)
    measured(f"{LETTERS:,} open dead letters, counted and being sent again: {peak / 2**20:.0f} MiB at most")
    assert found["at_least"] == ["unauthorized"]
    assert found["by_reason"]["unauthorized"] in range(MOST - 2_000, MOST + 1)
    assert peak < 0.8 * POD, f"{peak / 2**20:.0f} MiB"
