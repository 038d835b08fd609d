"""Another mapping is taken over while records flow: nothing is lost or sent twice, and what is wrong is refused."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import signal
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any, Self

import jsonschema
import pytest
from google.protobuf import descriptor_pb2

from bridge.cli import schema
from bridge.ops.status.status_document import document
from bridge.sandbox.emulator import Emulator, Fault, FaultKind
from bridge.service.reload import reloader, swap
from tests.component.service.conftest import Configure, Start, StartProcess
from tests.support.service import events, ledger, settings
from tests.support.service.embedded import Broker
from tests.support.service.in_process import Service
from tests.support.terminal import at_a_terminal
from tests.support.waiting import until

RENAMED = {
    "order.completed": {"event_name": "Order Paid", "metadata": {"n": "data.n"}},
    "page.viewed": None,
    "gift.ordered": None,
}


def names(api: Emulator) -> list[str]:
    return [each.event_name for each in api.ledger.accepted]


async def reloaded(service: Service, event: str = "configuration_reloaded") -> dict[str, Any]:
    """Ask for it, as SIGHUP does, and wait for what is said of it."""
    before = len(service.lines.events(event))
    service.bridge.reload()
    await service.until(f"it says {event}", lambda: len(service.lines.events(event)) > before)
    return service.lines.events(event)[-1]


async def test_a_new_mapping_works_for_what_is_read_next_and_what_is_mapped_stays_as_it_is(
    broker: Broker, api: Emulator, configure: Configure, start: Start
) -> None:
    service = await start()
    first = document(service.now())
    api.set_faults(Fault(kind=FaultKind.STATUS, status=503))
    broker.produce(events.orders(20))
    await service.until("they are mapped and fail", lambda: service.now().tally.buffered == 20)

    configure(mapping={"events": RENAMED})
    said = await reloaded(service)
    broker.produce(events.orders(30)[20:])
    await service.until("the next are read", lambda: service.now().tally.buffered == 30)
    api.set_faults()
    await service.until_done(30)

    assert sorted(names(api)) == ["Order Completed"] * 20 + ["Order Paid"] * 10
    assert len(ledger.places(api.ledger.accepted)) == 30
    status = document(service.now())
    now, was = status["configuration"], first["configuration"]
    assert now["hash"] == now["file"]["hash"] != was["hash"] == was["file"]["hash"]
    assert now["file"]["problem"] is None
    assert (said["before"], said["mapping"]) == (was["mapping"], now["mapping"])
    assert now["loaded_at"] > was["loaded_at"]
    assert said["routes_removed"] == ["gift.ordered[0]", "gift.ordered[1]", "page.viewed"]
    assert status["accounting"]["gap"] == 0
    await service.stop()
    assert broker.position() == 30


@pytest.mark.slow(reason="takes ten mappings over under load", seconds=6)
async def test_ten_mappings_under_load_lose_nothing_send_nothing_twice_and_change_at_one_offset_of_each_partition(
    broker: Broker, api: Emulator, configure: Configure, start: Start
) -> None:
    api.set_faults(Fault(kind=FaultKind.ORDINARY, delay=0.001))
    service = await start()
    count = 0

    def versions(version: int) -> dict[str, Any]:
        dropped = "drop" if version % 2 else {"event_name": "Viewed"}
        return {"order.completed": {"event_name": f"Version {version}"}, "page.viewed": dropped}

    for version in range(10):
        configure(mapping={"events": versions(version)})
        asked = asyncio.ensure_future(reloaded(service))
        while not asked.done():
            broker.produce([events.order(f"u-{n % 9}", n) for n in range(count, count + 40)])
            broker.produce([events.view(f"u-{n % 9}", n) for n in range(20)])
            count += 60
            await asyncio.sleep(0.02)
        await asked
    await service.until_done(count)

    tally = service.now().tally
    assert tally.consumed == count
    assert tally.gap == 0
    assert tally.delivered == len(api.ledger.accepted) == len(ledger.places(api.ledger.accepted))
    assert ledger.overtaken(api.ledger.accepted) == []
    by_place: dict[tuple[str, int], list[tuple[int, int]]] = {}
    for each in api.ledger.accepted:
        if each.event_name.startswith("Version"):
            topic, partition, offset = ledger.place(each)
            by_place.setdefault((topic, partition), []).append((offset, int(each.event_name.split()[1])))
    for places in by_place.values():
        used = [version for _, version in sorted(places)]
        assert used == sorted(used)
    assert names(api).count("Version 9") > 0
    routes = {each["route"]: each for each in document(service.now())["routes"]}
    assert sum(each["delivered"] for each in routes.values()) == tally.delivered
    await service.stop()
    assert broker.position() == count


async def test_a_wrong_file_is_refused_whole_with_every_problem_and_a_fixed_one_is_taken_over(
    broker: Broker, api: Emulator, configure: Configure, start: Start
) -> None:
    service = await start()
    before = document(service.now())["configuration"]
    example = {"name": "an order", "input": {"type": "order.completed", "data": {"user": "u"}}}
    expect = {"user_id": "u", "event_name": "Order Paid", "metadata": {"event_id": "example/0/0"}}
    wrong = {"events": {"order.completed": {"event_name": "Order Paid", "when": "data.n >"}, "b": {"evnt": "x"}}}
    configure(mapping=wrong, kafka={"commit_interval": "1s"})
    refused = await reloaded(service, "configuration_refused")
    assert [each.partition(": ")[0] for each in refused["problems"]] == [
        "mapping.events.b.evnt",
        "kafka.commit_interval",
    ]

    configure(mapping={"events": {"order.completed": {"event_name": "A", "when": "data.n >"}}}, kafka={"refresh": "9s"})
    refused = await reloaded(service, "configuration_refused")
    assert sorted(each.partition(": ")[0] for each in refused["problems"]) == [
        "kafka.refresh",
        "mapping.events.order.completed.when",
    ]

    expects = [{**example, "expect": {**expect, "event_name": "Order Completed"}}]
    configure(mapping={"events": RENAMED, "examples": expects})
    refused = await reloaded(service, "configuration_refused")
    (problem,) = refused["problems"]
    assert problem.startswith("mapping.examples[0]: 'an order' does not hold (1 difference); `track-bridge test` with")
    status = document(service.now())
    shown = status["configuration"]
    assert {**shown, "file": None} == {**before, "file": None}
    assert shown["file"]["hash"] != shown["hash"]
    assert shown["file"]["problem"] == problem
    assert shown["file"]["since"] is not None
    (concern,) = [each for each in status["needs_someone"] if each["reason"] == "configuration_file"]
    assert concern["details"] == [f"{problem}."]
    await service.until("the page shows it", lambda: service.now().configuration.refusals == 3)
    broker.produce(events.orders(5))
    await service.until_done(5)
    assert names(api) == ["Order Completed"] * 5

    configure(mapping={"events": RENAMED, "examples": [{**example, "expect": expect}]})
    await reloaded(service)
    assert service.lines.events("configuration_fixed")
    assert len(service.lines.events("configuration_refused")) == 3
    assert len(service.lines.events("configuration_reloaded")) == 1
    broker.produce(events.orders(10)[5:])
    await service.until_done(10)
    assert names(api)[5:] == ["Order Paid"] * 5
    shown = document(service.now())["configuration"]
    assert shown["file"] == {"hash": shown["hash"], "problem": None, "since": None}
    await service.stop()


@pytest.mark.slow(reason="starts several interpreters", seconds=3)
async def test_a_process_takes_a_mapping_over_on_sighup_and_lives_on_after_a_wrong_file(
    broker: Broker, api: Emulator, configure: Configure, replica: StartProcess
) -> None:
    kafka = {"properties": settings.SESSION}
    running = await replica(kafka=kafka)
    await running.until("it has its partitions", lambda status: len(status["partitions"]) == 4)
    configure(kafka=kafka, mapping={"events": RENAMED, "user_id": "}{"})
    running.hang_up()
    await until("it says so", lambda: bool(running.events("configuration_refused")))
    await running.until("its page says so", lambda status: status["configuration"]["file"]["problem"] is not None)
    jsonschema.validate(await running.status(), json.loads(schema._schemas()["status"].read_text("utf-8")))
    assert "track_bridge_configuration_file_refused 1" in (await running.get("/metrics")).text.replace("1.0", "1")

    configure(kafka=kafka, mapping={"events": RENAMED})
    running.hang_up()
    await until("it is taken over", lambda: bool(running.events("configuration_reloaded")))
    broker.produce(events.orders(5))
    await until("all are delivered", lambda: len(api.ledger.accepted) == 5)
    assert set(names(api)) == {"Order Paid"}
    assert await running.terminate() == 0


@pytest.mark.slow(reason="starts an interpreter at a terminal of its own", seconds=4)
async def test_at_a_terminal_sighup_means_that_it_is_gone_and_stops_the_bridge_in_order(
    configure: Configure, tmp_path: Path
) -> None:
    """Nobody could stop by Ctrl-C any more what went on."""
    with at_a_terminal("run", "-c", str(configure()), log=tmp_path / "at-a-terminal.log") as running:
        await running.says('"started"')
        os.kill(running.pid, signal.SIGHUP)
        await running.says("configuration_unchanged")
        running.hang_up()
        assert await running.ended() == 0
    assert "SIGHUP: the terminal is gone" in running.written()


async def test_a_file_that_says_the_same_changes_nothing_and_one_set_back_is_no_problem_any_more(
    configure: Configure, start: Start
) -> None:
    service = await start()
    await reloaded(service, "configuration_unchanged")
    assert len(service.lines.events("configuration_unchanged")) == 1
    configure(kafka={"refresh": "9s"})
    await reloaded(service, "configuration_refused")
    configure()
    await reloaded(service, "configuration_fixed")
    assert service.lines.events("configuration_reloaded") == []
    assert service.now().configuration.file_problems == ()
    await service.stop()


class Writer:
    """On a thread: it writes other digits into a file, all the time."""

    def __init__(self, file: Path, digits: int) -> None:
        """`digits`: how many stand there behind the word Half."""
        self._file = file
        self._form = b"%%0%dd" % digits
        self._place = file.read_bytes().index(b"Half ") + len(b"Half ")
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.starved = threading.Event()
        """Set where it had no time for so long that nobody could tell the file from one that is ready."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:  # cheaply: whoever reads it meanwhile needs this process, too
        written_at = time.monotonic()
        with self._file.open("r+b", buffering=0) as open_file:
            for number in itertools.count():  # no text comes twice
                os.pwrite(open_file.fileno(), self._form % number, self._place)
                now = time.monotonic()
                if now - written_at > reloader.PAUSE / 2:
                    self.starved.set()
                written_at = now
                if self._stopped.wait(0.02):
                    return


async def test_a_file_that_is_being_written_is_not_taken_over_however_often_it_is_asked_for(
    configure: Configure, start: Start
) -> None:
    service = await start()
    file = configure(mapping={"events": {"order.completed": {"event_name": "Half 000000"}}})
    told = "configuration_unsettled", "configuration_refused", "configuration_reloaded", "configuration_unchanged"

    def all_told() -> list[str]:
        return [event for event in told for _ in service.lines.events(event)]

    with Writer(file, digits=6) as writer:
        while True:
            before = all_told()
            writer.starved.clear()
            service.bridge.reload()
            await service.until("it says what it made of it", lambda before=before: all_told() != before)  # type: ignore[misc]
            if not writer.starved.is_set():
                break
        assert Counter(all_told()) - Counter(before) == {"configuration_unsettled": 1}
        assert service.lines.events("configuration_unsettled")
    configure(mapping={"events": RENAMED})
    await reloaded(service)
    await service.stop()


async def test_a_mapping_that_the_poll_thread_does_not_take_over_in_time_is_told_and_works_once_it_does(
    broker: Broker, api: Emulator, configure: Configure, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(swap, "PATIENCE", 0.1)
    service = await start()
    goes_on = threading.Event()

    def busy() -> None:
        goes_on.wait(30)

    service.bridge._parts.source._order(busy)
    try:
        configure(mapping={"events": RENAMED})
        service.bridge.reload()
        await service.until("it says so", lambda: bool(service.lines.events("configuration_waits")))
        assert service.now().configuration.reloads == 0
    finally:
        goes_on.set()
    await service.until("it works", lambda: bool(service.lines.events("configuration_reloaded")))
    broker.produce(events.orders(3))
    await service.until_done(3)
    assert names(api) == ["Order Paid"] * 3
    [said] = service.lines.events("configuration_waits")
    assert said["mapping"] == service.lines.events("configuration_reloaded")[0]["mapping"]
    await service.stop()


def described(path: Path, *names: str) -> Path:
    """A descriptor set of one file with these messages."""
    messages = [descriptor_pb2.DescriptorProto(name=name) for name in names]
    file = descriptor_pb2.FileDescriptorProto(name="shop.proto", syntax="proto3", message_type=messages)
    path.write_bytes(descriptor_pb2.FileDescriptorSet(file=[file]).SerializeToString())
    return path


async def test_a_file_that_the_mapping_names_is_part_of_it_and_what_is_doubtful_is_said_as_at_a_start(
    configure: Configure, start: Start, tmp_path: Path
) -> None:
    service = await start()
    shop = described(tmp_path / "shop.desc", "Order", "Refund")
    configure(mapping={"decode": "protobuf", "descriptor_set_file": str(shop)})
    await reloaded(service)
    (said,) = service.lines.events("configuration")
    assert (said["level"], said["key"]) == ("warning", "mapping.message_type")

    shop.write_bytes(b"no descriptor set")
    refused = await reloaded(service, "configuration_refused")
    assert [each.partition(": ")[0] for each in refused["problems"]] == ["mapping.descriptor_set_file"]

    described(shop, "Order", "Refund", "Gift")
    await reloaded(service)
    assert service.now().configuration.file_problems == ()
    assert service.now().configuration.reloads == 2
    await service.stop()


async def test_a_topic_that_dead_letters_held_has_another_try_by_the_new_mapping(
    broker: Broker, api: Emulator, configure: Configure, start: Start
) -> None:
    """A renamed field: every record is a dead letter until the mapping knows its new name."""
    held = {"hold_after": 5}
    wrong = {"user_id": "data.customer"}
    service = await start(mapping=wrong, dead_letter=held)
    broker.produce(events.orders(40))
    await service.until("the topic is held", lambda: bool(service.now().held_topics))
    assert api.ledger.accepted == []

    configure(dead_letter=held)
    said = await reloaded(service)
    await service.until("they are delivered", lambda: len(api.ledger.accepted) == 35)

    assert said["tried_again"] == ["orders"]
    await service.until("nothing is open", lambda: service.now().tally.buffered == 0)
    assert not service.now().held_topics
    assert len(broker.letters()) == service.now().tally.dead_lettered == 5
    assert service.now().tally.gap == 0
    await service.stop()
    assert broker.position() == 40


@pytest.mark.slow(reason="the file is looked at every two seconds", seconds=8)
async def test_the_file_is_watched_where_it_says_so_and_a_link_that_is_swapped_is_a_change(
    broker: Broker, api: Emulator, start: Start, tmp_path: Path
) -> None:
    """As the kubelet does with a ConfigMap."""
    service = await start(reload={"watch": True})
    assert service.now().configuration.is_watched
    file = tmp_path / "bridge.yaml"
    (tmp_path / "new").mkdir()
    text = file.read_text().replace("Order Completed", "Order Paid")
    (tmp_path / "new" / "bridge.yaml").write_text(text)
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "new" / "bridge.yaml")
    link.replace(file)
    await service.until("it is taken over", lambda: service.now().configuration.reloads == 1)
    broker.produce(events.orders(5))
    await service.until_done(5)
    assert names(api) == ["Order Paid"] * 5
    await service.stop()


async def test_a_file_that_is_not_watched_changes_nothing(configure: Configure, start: Start) -> None:
    service = await start()
    configure(mapping={"events": RENAMED})
    await asyncio.sleep(0)
    assert service.bridge.snapshot().configuration.is_watched is False
    assert service.now().configuration.reloads == 0
    await service.stop()
