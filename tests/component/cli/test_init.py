"""``track-bridge init`` on Kafka: nobody notices that it reads, and every question can be answered with Enter."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import yaml

from bridge.sandbox.broker import EmbeddedKafka
from tests.component.cli.conftest import TOPIC, Cli
from tests.support.proposal.topics import TOPICS
from tests.support.terminal import answered

Produce = Callable[..., None]


def _fill(produce: Produce) -> None:
    records = [record.value for record in TOPICS["plain"]().records]
    for partition in range(3):
        produce(partition, *records[partition::3])


async def test_it_proposes_from_topics_checks_the_cluster_and_maps_what_it_read(
    cli: Cli, kafka: EmbeddedKafka, produce: Produce, tmp_path: Path
) -> None:
    _fill(produce)
    path = tmp_path / "new.yaml"
    ran = await cli("init", "-b", kafka.bootstrap, "-t", TOPIC, "--group", "cli", "-o", str(path), "--yes")
    assert ran.code == 0, ran
    assert "80 records would make 80 requests." in ran.out
    assert "cli.dlq: 3 partitions." in ran.out
    told = " ".join(ran.out.partition("Next:")[2].split())
    assert "map --from-topic" in told
    assert "playground" not in told, "it has no record of a topic to play with"
    written = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert written["kafka"]["bootstrap_servers"] == kafka.bootstrap
    assert written["mapping"]["user_id"] == "data.customer.id"


async def test_a_topic_that_is_not_there_is_named_with_those_that_are(
    cli: Cli, kafka: EmbeddedKafka, tmp_path: Path
) -> None:
    ran = await cli("init", "-b", kafka.bootstrap, "-t", "shop.order", "-o", str(tmp_path / "new.yaml"), "--yes")
    assert ran.code == 2
    assert "no topic shop.order" in ran.err
    assert TOPIC in ran.err
    assert not (tmp_path / "new.yaml").exists()


async def test_every_question_can_be_answered_with_enter(
    kafka: EmbeddedKafka, produce: Produce, tmp_path: Path
) -> None:
    _fill(produce)
    path = tmp_path / "new.yaml"
    path.write_text("mine", encoding="utf-8")
    code, out = await answered("init", "-o", str(path), answer=f"{kafka.bootstrap}\n\n\n\n\n\ny")
    assert code == 0, out
    written = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert written["kafka"]["topics"] == [TOPIC]
    assert written["kafka"]["start_from"] == "latest"
    assert written["track"]["endpoint"] == "${USERPILOT_ENDPOINT}"


async def test_where_no_field_looks_like_a_type_the_one_that_somebody_names_gives_the_routes(tmp_path: Path) -> None:
    samples, path = tmp_path / "shop.ndjson", tmp_path / "new.yaml"
    lines = [json.dumps({"what": ("Sold", "Lent")[n % 2], "userId": f"u-{n % 5}", "id": f"e-{n}"}) for n in range(40)]
    samples.write_text("\n".join(lines), encoding="utf-8")
    code, out = await answered("init", "--samples", str(samples), "-o", str(path), answer="wat\nwhat\n\n\n\n")
    assert code == 0, out
    written = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert written["mapping"]["event_type"] == "what"
    assert set(written["mapping"]["events"]) == {"Sold", "Lent"}
