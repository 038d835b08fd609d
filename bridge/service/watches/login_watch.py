"""Says that no login at Kafka can be had, also while connections still last, and that it can be had again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final, Protocol

from bridge.kafka.admin.inspection import Inspection
from bridge.kafka.login.login_problem import LoginProblem
from bridge.kafka.login.msk_login import MskLogin
from bridge.ops.log.events import Events
from bridge.ops.snapshot import LoginView
from bridge.service.watches.tasks import end

EVERY: Final = 1.0
TRY_EVERY: Final = 5.0
"""Seconds between two clients that try to get in while the library says that it has no token."""


class LoginNews:
    """What the log has said of logins, each problem once."""

    def __init__(self, events: Events, clock: Callable[[], float] = time.time) -> None:
        self._events = events
        self._clock = clock
        self._told: LoginProblem | None = None

    @property
    def view(self) -> LoginView:
        """What `/status` shows: what the log has said already."""
        problem = self._told
        return LoginView() if problem is None else LoginView(problem.sentence, problem.since)

    def hear(self, problem: LoginProblem | None) -> None:
        """Log what is new."""
        told = self._told
        if problem is not None and (told is None or told.sentence != problem.sentence):
            self._events.login_failed(detail=problem.sentence)
        if problem is None and told is not None:
            self._events.login_back(seconds=self._clock() - told.since)
        self._told = problem


class TokenUser(Protocol):
    """Who hears from the client library that there is no token, and never that there is one again."""

    @property
    def no_token(self) -> LoginProblem | None:
        """See `ClientLog.no_token`."""

    def token_came(self) -> None:
        """From now on there is no problem."""


class LoginWatch:
    """One task on the loop."""

    def __init__(
        self,
        login: MskLogin | None,
        user: TokenUser,
        inspection: Inspection,
        events: Events,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._login = login
        self._user = user
        self._inspection = inspection
        self._news = LoginNews(events, clock)
        self._task: asyncio.Task[None] | None = None

    @property
    def view(self) -> LoginView:
        """What `/status` shows: what the log has said already."""
        return self._news.view

    @property
    def _problem(self) -> LoginProblem | None:
        if self._login is not None:
            return self._login.problem
        # As long as nobody was let in, the one who is to join the group has not begun, and knows of nothing.
        return self._user.no_token or self._inspection.never_let_in

    def start(self) -> None:
        """Look again and again."""
        self._task = asyncio.create_task(self._run(), name="login-watch")

    async def stop(self) -> None:
        """Look no more; a client that tries to get in is not waited for."""
        await end(self._task)

    async def _run(self) -> None:
        while True:
            self.look()
            if self._user.no_token is None:
                await asyncio.sleep(EVERY)
                continue
            await asyncio.sleep(TRY_EVERY)
            if await asyncio.to_thread(self._inspection.logs_in):
                self._user.token_came()

    def look(self) -> None:
        """Log what is new."""
        self._news.hear(self._problem)
