"""What is said of logins that fail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from bridge.kafka.login.login_problem import LoginProblem
from bridge.service.watches.login_watch import LoginWatch

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


def watch(consumer: Consumer) -> LoginWatch:
    heard: Any = consumer
    return LoginWatch(None, consumer, cast("Inspection", None), cast("Events", heard), clock=lambda: 1060.0)


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
