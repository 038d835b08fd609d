"""A start whose login yields no token: the pages answer and say why, and the process goes on once a token comes.

Without a token no Kafka client can be made, and without those there is nothing else of a bridge.
"""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import Future
from typing import Final

from bridge import __version__
from bridge.aws.failures import AwsLoginError
from bridge.config.sections import Config
from bridge.counts import RouteTally, SinkStats, SourceCounts, Tally
from bridge.exits import ExitCode
from bridge.holds import Reason
from bridge.kafka.login.msk_login import MskLogin
from bridge.mapping.mapper import CompiledMapping
from bridge.ops import snapshot as seen
from bridge.ops.log.events import Events
from bridge.ops.log.logger import Logging
from bridge.ops.snapshot import Build
from bridge.service.preflight import NotReadyError
from bridge.service.watches.login_watch import LoginNews
from bridge.service.watches.working import WorkingConfiguration

AGAIN: Final = 5.0
"""Seconds between two attempts."""
PATIENCE: Final = 20.0
"""Seconds until credentials that do not come are worth a word: as much as a silent Kafka has. Where a process has a
tenth of a processor, loading what finds them takes ten.
"""
_AT_LEAST: Final = 5.0
"""Seconds for the first attempt, however short `kafka.start_timeout` is."""


class LoginWait:
    """On the loop's thread. What it shows is what a process shows that has done nothing yet."""

    def __init__(
        self, config: Config, mapping: CompiledMapping, login: MskLogin, events: Events, log: Logging, build: Build
    ) -> None:
        self._config = config
        self._mapping = mapping
        self._configuration = WorkingConfiguration(config, mapping).view()
        self._login = login
        self._events = events
        self._news = LoginNews(events)
        self._log = log
        self._build = build
        self._began = time.monotonic()
        self._started_at = time.time()

    async def token(self, failed: AwsLoginError | None = None) -> None:
        """Return once there is a token. A question that is under way is not waited for by who cancels this.

        `failed`: why a client got none although there had been one. Raises `NotReadyError` after
        `kafka.start_timeout`, and at once for what does not heal.
        """
        failed = failed or await self._ask()
        while failed is not None:
            self._news.hear(self._login.problem)
            if not failed.may_heal or self._left() <= 0.0:
                code = ExitCode.UNREACHABLE if failed.may_heal else failed.exit_code
                raise NotReadyError([str(failed)], code) from failed
            await asyncio.sleep(min(AGAIN, self._left()))
            failed = await self._ask()
        self._news.hear(None)

    def patience(self) -> float | None:
        """Seconds of `kafka.start_timeout` that are left for the brokers; None: no limit."""
        return None if self._config.kafka.start_timeout is None else max(0.0, self._left())

    def stopped(self, cause: str) -> None:
        """Log a stop; there is nothing else to be done for one."""
        self._events.stopping(cause=cause)
        self._events.stopped(seconds=0.0, delivered=0, released=0, ambiguous_retries=0)

    def _left(self) -> float:
        limit = self._config.kafka.start_timeout
        return float("inf") if limit is None else limit - (time.monotonic() - self._began)

    async def _ask(self) -> AwsLoginError | None:
        """On a thread nobody waits for at the process's end."""
        asked: Future[AwsLoginError | None] = Future()
        within = min(PATIENCE, max(_AT_LEAST, self._left()))
        threading.Thread(target=self._try, args=(within, asked), name="first-login", daemon=True).start()
        return await asyncio.wrap_future(asked)

    def _try(self, within: float, asked: Future[AwsLoginError | None]) -> None:
        if not asked.set_running_or_notify_cancel():
            return
        try:
            self._login.token(within=within)
        except AwsLoginError as failed:
            asked.set_result(failed)
        except BaseException as defect:  # noqa: BLE001  # a defect: whoever waits for the answer must hear of it
            asked.set_exception(defect)
        else:
            asked.set_result(None)

    # --- what the pages show ----------------------------------------------------------------------

    def vitals(self) -> seen.Vitals:
        """As long as this answers, the loop runs; there is no other thread that could be stuck."""
        return seen.Vitals(
            poll_age=0.0, loop_age=0.0, joined=False, draining=False, stopping=False, kafka=self._sentence()
        )

    def snapshot(self) -> seen.Snapshot:
        """Nothing was read, and Kafka counts as lost once the login has failed."""
        view = self._news.view
        lost = None if view.problem is None else seen.KafkaLost(view.problem_since or 0.0, view.problem)
        return seen.Snapshot(
            at=time.time(),
            version=__version__,
            group_id=self._config.kafka.group_id,
            started_at=self._started_at,
            vitals=self.vitals(),
            tally=Tally(),
            requests=SinkStats(),
            consumer=SourceCounts(),
            letters=seen.Letters(),
            rate=seen.Rate(limit=self._config.delivery.rate_limit),
            group=seen.MembershipView(),
            key=seen.KeyView(),
            routes={route.name: RouteTally() for route in self._mapping.routes},
            blocks=[] if lost is None else [self._gate(lost)],
            kafka_lost=lost,
            login=view,
            log_write_failures=self._log.write_failures,
            build=self._build,
            configuration=self._configuration,
        )

    def _gate(self, lost: seen.KafkaLost) -> seen.ClosedGate:
        action = "What is to be done about the login. Reading begins by itself once there is one."
        return seen.ClosedGate(Reason.KAFKA_UNREACHABLE, lost.since, self._sentence() or "", action=action)

    def _sentence(self) -> str | None:
        problem = self._news.view.problem
        return None if problem is None else f"No login at Kafka can be had: {problem}."
