"""What is said of logins that fail."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

import pytest

from bridge.kafka.login.login_problem import LoginProblem
from bridge.service.watches.login_watch import LoginWatch
from tests.support.waiting import patience

if TYPE_CHECKING:
    from bridge.kafka.admin.inspection import Inspection
    from bridge.ops.log.events import Events


class Consumer:
    """The client that hears of it, and whoever is told."""

    def __init__(self) -> None:
        self.no_token: LoginProblem | None = None
        self.said: list[tuple[str, Any]] = []

    def token_came(self) -> None:
        self.no_token = None

    def login_failed(self, *, detail: str) -> None:
        self.said.append(("failed", detail))

    def login_back(self, *, seconds: float) -> None:
        self.said.append(("back", seconds))


class Asking:
    """The client that asks whether Kafka is there, from the start on."""

    def __init__(self) -> None:
        self.never_let_in: LoginProblem | None = None
        self.answers: list[bool] = []
        """Whether it gets in, each time it tries."""

    def logs_in(self) -> bool:
        return self.answers.pop(0)


def watch(consumer: Consumer, asking: Asking | None = None) -> LoginWatch:
    heard: Any = consumer
    inspection = cast("Inspection", asking or Asking())
    return LoginWatch(None, consumer, inspection, cast("Events", heard), clock=lambda: 1060.0)


def test_before_the_consumer_begins_the_client_that_asks_for_kafka_knows_of_the_login() -> None:
    consumer, asking = Consumer(), Asking()
    watching = watch(consumer, asking)
    asking.never_let_in = LoginProblem(1000.0, "the endpoint is away")
    for _ in range(3):
        watching.look()
    assert watching.view.problem_since == 1000.0
    asking.never_let_in = None
    watching.look()
    assert consumer.said == [("failed", "the endpoint is away"), ("back", 60.0)]


def test_a_failure_is_said_once_as_long_as_it_says_the_same_and_so_is_its_end() -> None:
    consumer = Consumer()
    watching = watch(consumer)
    watching.look()
    consumer.no_token = LoginProblem(1000.0, "the endpoint is away")
    for _ in range(3):
        watching.look()
    assert (watching.view.problem, watching.view.problem_since) == ("the endpoint is away", 1000.0)
    consumer.no_token = LoginProblem(1000.0, "the secret is refused")
    watching.look()
    consumer.token_came()
    assert watching.view.problem == "the secret is refused"
    for _ in range(3):
        watching.look()
    assert consumer.said == [("failed", "the endpoint is away"), ("failed", "the secret is refused"), ("back", 60.0)]
    assert watching.view.problem is None


async def test_a_consumer_without_a_token_is_said_to_have_one_once_another_client_gets_in(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The library tells that there is no token, and never that there is one again."""
    monkeypatch.setattr("bridge.service.watches.login_watch.EVERY", 0.0)
    monkeypatch.setattr("bridge.service.watches.login_watch.TRY_EVERY", 0.0)
    came = asyncio.Event()

    class Hearing(Consumer):
        def login_back(self, *, seconds: float) -> None:
            super().login_back(seconds=seconds)
            came.set()

    consumer, asking = Hearing(), Asking()
    consumer.no_token, asking.answers = LoginProblem(1000.0, "the endpoint is away"), [False, False, True]
    watching = watch(consumer, asking)
    watching.start()
    try:
        async with patience("the login is back", explain=lambda: f"{consumer.said}\n{asking.answers}"):
            await came.wait()
    finally:
        await watching.stop()
    assert asking.answers == []
    assert consumer.said == [("failed", "the endpoint is away"), ("back", 60.0)]
