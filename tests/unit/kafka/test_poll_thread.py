"""What the poll thread does between one client and the next, where the brokers do not take the first."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import pytest
from confluent_kafka import KafkaError

from bridge.errors import Unreachable
from bridge.kafka import client
from bridge.kafka.consumer import poll_thread
from bridge.kafka.consumer.back_pressure import BackPressure
from bridge.kafka.consumer.poll_thread import PollThread
from tests.support.kafka import contexts
from tests.support.waiting import patience


class Refusal:
    """What the client hands out when the brokers allow no session so short."""

    def error(self) -> KafkaError:
        return KafkaError(KafkaError.INVALID_SESSION_TIMEOUT)

    def topic(self) -> None: ...

    partition = headers = key = value = offset = timestamp = leader_epoch = topic


class Client:
    """A consumer that is assigned nothing."""

    def __init__(self, said: list[Refusal], at_close: Callable[[], None]) -> None:
        self.said, self.at_close = said, at_close
        self.polled = threading.Event()

    def incremental_assign(self, partitions: list[object]) -> None: ...

    def assign(self, partitions: list[object]) -> None: ...

    def subscribe(self, topics: list[str], **callbacks: Any) -> None: ...

    def poll(self, _timeout: float) -> Refusal | None:
        if self.said:
            return self.said.pop()
        self.polled.set()
        return None

    def consume(self, _most: int, _timeout: float) -> list[Refusal]:
        return []

    def close(self) -> None:
        self.at_close()


class Admin:
    """No broker answers it."""

    def __getattr__(self, _name: str) -> Callable[..., Any]:
        return lambda *_, **__: Future()


class Consumption:
    def __init__(self) -> None:
        self.failed: list[Exception] = []

    def __getattr__(self, _name: str) -> Callable[..., None]:
        return lambda *_: None

    def source_failed(self, error: Exception) -> None:
        self.failed.append(error)


async def test_what_the_callbacks_of_a_refused_client_kept_while_it_closed_does_not_end_its_successor(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clients = [
        Client([Refusal()], lambda: thread.member.context.failure.keep(ValueError("of the first"))),
        Client([], lambda: None),
    ]
    first, second = clients
    monkeypatch.setattr(client, "open_consumer", lambda *_: clients.pop(0))
    monkeypatch.setattr(client, "open_admin", lambda *_: Admin())
    consumption = Consumption()
    pressure = BackPressure(10, 10_000)
    thread = PollThread(
        contexts.kafka(group_protocol="classic"),
        consumption,  # type: ignore[arg-type]
        loop=asyncio.get_running_loop(),
        logger=logging.getLogger("tests.kafka"),
        abort=lambda: None,
        back_pressure=pressure,
        early_filter_of=lambda _topic: None,
        mapping=None,
    )
    thread.start()
    await asyncio.to_thread(second.polled.wait, 10)
    assert second.polled.is_set()
    thread.stop()
    await asyncio.wrap_future(thread.closed)
    assert consumption.failed == []
    assert first.said == []


async def test_a_login_that_yields_no_token_while_the_client_is_replaced_is_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first, second = Client([Refusal()], lambda: None), Client([], lambda: None)
    answers: list[Client | Unreachable] = [first, Unreachable("STS is away"), second]

    def opened(*_: object) -> Client:
        answer = answers.pop(0)
        if isinstance(answer, Unreachable):
            raise answer
        return answer

    monkeypatch.setattr(client, "open_consumer", opened)
    monkeypatch.setattr(client, "open_admin", lambda *_: Admin())
    monkeypatch.setattr(poll_thread, "REJOIN_EVERY", 0.01)
    consumption = Consumption()
    thread = PollThread(
        contexts.kafka(group_protocol="classic"),
        consumption,  # type: ignore[arg-type]
        loop=asyncio.get_running_loop(),
        logger=logging.getLogger("tests.kafka"),
        abort=lambda: None,
        back_pressure=BackPressure(10, 10_000),
        early_filter_of=lambda _topic: None,
        mapping=None,
    )
    thread.start()
    await asyncio.to_thread(second.polled.wait, 10)
    assert second.polled.is_set()
    thread.stop()
    await asyncio.wrap_future(thread.closed)
    assert consumption.failed == []


async def test_a_mapping_that_is_given_while_the_client_is_replaced_is_taken_over_by_the_next_one_and_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    closing, go_on = threading.Event(), threading.Event()

    def at_close() -> None:
        closing.set()
        go_on.wait(10)

    second = Client([], lambda: None)
    clients = [Client([Refusal()], at_close), second]
    monkeypatch.setattr(client, "open_consumer", lambda *_: clients.pop(0))
    monkeypatch.setattr(client, "open_admin", lambda *_: Admin())
    thread = PollThread(
        contexts.kafka(group_protocol="classic"),
        Consumption(),  # type: ignore[arg-type]
        loop=asyncio.get_running_loop(),
        logger=logging.getLogger("tests.kafka"),
        abort=lambda: None,
        back_pressure=BackPressure(10, 10_000),
        early_filter_of=lambda _topic: None,
        mapping=1,
    )
    thread.start()
    await asyncio.to_thread(closing.wait, 10)
    assert closing.is_set()
    order: asyncio.Queue[int] = asyncio.Queue()
    thread.map_by(2, lambda _topic: None, lambda: order.put_nowait(2))
    thread.map_by(3, lambda _topic: None, lambda: order.put_nowait(3))
    go_on.set()
    try:
        async with patience("what is mapped last is called", within=10, explain=lambda: str(order)):
            assert [await order.get(), await order.get()] == [2, 3]
            thread.map_by(4, lambda _topic: None, lambda: order.put_nowait(4))
            assert await order.get() == 4
    finally:
        thread.stop()
        await asyncio.wrap_future(thread.closed)
    assert order.empty()
    assert thread.member.parts.commits._text._mapping == 4


def failing(defect: Exception, consumption: Consumption, monkeypatch: pytest.MonkeyPatch) -> PollThread:
    """Its client raises at the first poll."""

    class Failing(Client):
        def poll(self, _timeout: float) -> Refusal | None:
            raise defect

    monkeypatch.setattr(client, "open_consumer", lambda *_: Failing([], lambda: None))
    monkeypatch.setattr(client, "open_admin", lambda *_: Admin())
    return PollThread(
        contexts.kafka(),
        consumption,  # type: ignore[arg-type]
        loop=asyncio.get_running_loop(),
        logger=logging.getLogger("tests.kafka"),
        abort=lambda: None,
        back_pressure=BackPressure(10, 10_000),
        early_filter_of=lambda _topic: None,
        mapping=None,
    )


async def test_what_ends_the_thread_is_told_once_and_the_group_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    consumption, defect = Consumption(), ValueError("no client is so")
    thread = failing(defect, consumption, monkeypatch)
    thread.start()
    async with patience("the thread ends"):
        await asyncio.wrap_future(thread.closed)
    await asyncio.sleep(0)
    assert consumption.failed == [defect]


def test_what_ends_the_thread_is_logged_where_there_is_no_loop_any_more(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    consumption = Consumption()

    async def made() -> PollThread:
        return failing(ValueError("no client is so"), consumption, monkeypatch)

    thread = asyncio.run(made())
    with caplog.at_level(logging.CRITICAL):
        thread.start()
        thread.closed.result(20)
    assert [each.getMessage().partition(":")[0] for each in caplog.records] == [
        "the poll thread ended without a loop to tell"
    ]
    assert consumption.failed == []
