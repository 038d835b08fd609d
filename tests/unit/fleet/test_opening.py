"""What is remembered from one view to the next, and what is asked for only where nobody says it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from bridge.config import load
from bridge.config.sections import Config
from bridge.fleet.asking.letter_count import LetterCount
from bridge.fleet.facts import KafkaFacts
from bridge.fleet.opening import FleetTaker
from bridge.model import TopicPartition
from bridge.ops.snapshot import Letters
from bridge.text.moments import iso
from tests.unit.fleet.conftest import NOW, Facts, orders, row


class Look:
    """Kafka, as it was seen."""

    def __init__(self, facts: KafkaFacts) -> None:
        self.facts = facts
        self.asked: list[Mapping[TopicPartition, int]] = []
        self.counts = 0

    async def look(self) -> KafkaFacts:
        return self.facts

    async def written(self, wanted: Mapping[TopicPartition, int]) -> Mapping[TopicPartition, float]:
        self.asked.append(wanted)
        return dict.fromkeys(wanted, NOW - 77)

    async def letters(self) -> LetterCount:
        self.counts += 1
        return LetterCount(Letters({"invalid": 3}))


class Pages:
    """A replica's pages, which may fall silent."""

    def __init__(self) -> None:
        self.document: dict[str, Any] = {
            "state": "idle", "group": "shop", "started_at": iso(NOW), "partitions": [row(0)],
            "dead_letters": {"open": {"by_reason": {}, "at_least": [], "oldest_at": None}},
        }  # fmt: skip
        self.is_silent = False
        pages = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = json.dumps(pages.document).encode()
                self.send_response(500 if pages.is_silent else 200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def pages() -> Iterator[Pages]:
    found = Pages()
    threading.Thread(target=found.server.serve_forever, daemon=True).start()
    yield found
    found.server.shutdown()
    found.server.server_close()


@pytest.fixture
def config(tmp_path: Path) -> Config:
    document = {
        "kafka": {"bootstrap_servers": "kafka.example:9092", "group_id": "shop", "topics": ["orders"]},
        "track": {"endpoint": "https://analytex.userpilot.io", "api_key": "NX-key"},
        "dead_letter": {"topic": "shop.dlq"},
        "mapping": {"events": {"order": {"event_name": "Order"}}},
    }
    path = tmp_path / "bridge.yaml"
    path.write_text(yaml.safe_dump(document))
    loaded = load.read(path, {})
    assert loaded.config is not None, loaded.problems
    return loaded.config


async def test_since_when_one_is_silent_is_said_where_it_was_heard_before(
    config: Config, facts: Facts, pages: Pages
) -> None:
    now = [NOW]
    taker = FleetTaker(config, Look(facts()), [pages.address], lambda: now[0])
    assert (await taker.take()).replicas[0].since is None
    pages.is_silent, now[0] = True, NOW + 5
    assert (await taker.take()).replicas[0].since == NOW + 5
    now[0] = NOW + 9
    assert (await taker.take()).replicas[0].since == NOW + 5
    pages.is_silent = False
    assert (await taker.take()).replicas[0].since is None


async def test_one_that_never_answered_is_silent_since_nobody_knows_when(
    config: Config, facts: Facts, pages: Pages
) -> None:
    pages.is_silent = True
    taker = FleetTaker(config, Look(facts()), [pages.address], lambda: NOW)
    for _ in range(2):
        (replica,) = (await taker.take()).replicas
        assert replica.since is None
        assert "answered 500" in (replica.problem or "")


async def test_kafka_is_asked_for_what_no_replica_says(config: Config, facts: Facts, pages: Pages) -> None:
    look = Look(facts(2))
    view = await FleetTaker(config, look, [pages.address], lambda: NOW).take()
    assert look.asked == [dict.fromkeys(orders(1), 10)]
    assert view.partitions[1].oldest_at == NOW - 77
    assert look.counts == 0
    pages.is_silent = True
    view = await FleetTaker(config, look, [pages.address], lambda: NOW).take()
    assert view.letters is not None
    assert view.letters.open_by_reason == {"invalid": 3}


async def test_a_kafka_that_does_not_answer_is_asked_for_nothing_more(
    config: Config, facts: Facts, pages: Pages
) -> None:
    look = Look(facts(problem="No Kafka broker answers.", down_since=NOW))
    pages.is_silent = True
    view = await FleetTaker(config, look, [pages.address], lambda: NOW).take()
    assert look.asked == []
    assert look.counts == 0
    assert view.kafka_problem == "No Kafka broker answers."
