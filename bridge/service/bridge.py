"""The life of one bridge: start, run until told otherwise, drain, stop."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bridge import __version__, memory
from bridge.aws.failures import AwsLoginError
from bridge.config import environment
from bridge.config.keys import control_socket
from bridge.config.sections import Config
from bridge.exits import ExitCode
from bridge.kafka.admin.inspection import Inspection
from bridge.kafka.admin.obstacles import NotConnectedError
from bridge.kafka.consumer.message_errors import ClientFatalError
from bridge.kafka.login.msk_login import login_of
from bridge.mapping.compile import CompiledMapping
from bridge.ops.control.control_server import CannotServeError, ControlServer
from bridge.ops.log.events import Events
from bridge.ops.log.logger import Logging
from bridge.ops.snapshot import Snapshot
from bridge.service.assembly import Parts, assemble, what_is_built
from bridge.service.front import Front
from bridge.service.login_wait import LoginWait
from bridge.service.orders.over_network import Orders
from bridge.service.preflight import NotReadyError, unreachable
from bridge.service.reload.candidate import ConfigurationFile
from bridge.service.reload.reloader import Reloader
from bridge.service.stop_signals import StopSignals
from bridge.service.telemetry_switch import telemetry
from bridge.service.time import ClockReading
from bridge.terminal import Terminal
from bridge.track.build import build_credentials

if TYPE_CHECKING:
    from bridge.telemetry.exporting import Telemetry

TICK = 0.25
"""Seconds between two looks at the clock; a process that was stopped is noticed by a gap of several."""
LETTERS_LIMIT = 5.0
"""Seconds the dead-letter producer may take to end; by then nothing waits for its letters any more."""


Prepare = Callable[[Config, Inspection], None]


@dataclass(frozen=True, slots=True)
class Exit:
    """How the process ends."""

    code: ExitCode
    cause: str


class Bridge:
    """One running bridge; everything here runs on the loop's thread."""

    _parts: Parts

    def __init__(
        self,
        config: Config,
        mapping: CompiledMapping,
        log: Logging,
        *,
        proxy: str | None = None,
        prepare: Prepare = lambda _config, _inspection: None,
        file: ConfigurationFile | None = None,
    ) -> None:
        """`prepare` looks at the cluster once a broker has answered, on a thread; what it raises ends the start.

        `file` is where the configuration is from; without it nothing is taken over while it runs.
        """
        self._config = config
        self._prepare = prepare
        self._mapping = mapping
        self._log = log
        self._proxy = proxy
        self._file = file
        self._reload_is_due = False
        """Somebody asked for it before there was anything that could."""
        self._exit: asyncio.Future[Exit] = asyncio.get_running_loop().create_future()
        self._control_server: ControlServer | None = None
        self._telemetry: Telemetry | None = None
        self._running: Reloader | None = None
        """Once it takes wishes."""
        self._orders = Orders(config)
        self._front = Front(config.observability.listen, self._orders.requests)
        self._patience = config.kafka.start_timeout
        """Seconds for the first answer of a broker; None: no limit."""

    @property
    def admin_address(self) -> tuple[str, int] | None:
        """Host and port of the admin server, once it listens."""
        return self._front.address

    async def run(self) -> Exit:
        """Start, run until `stop`, a signal or a defect, then stop in order.

        The pages answer before the first connection to Kafka, and while it, or its login, is waited for. Raises
        `ops.admin.server.CannotListenError` and `track.credentials.KeyFileError` before anything is started, and
        `preflight.NotReadyError` where the start is refused.
        """
        try:
            made = await self._make()
            if made is None:
                return self._exit.result()
            self._parts = parts = made
            self._front.shown = parts.observer
            asyncio.get_running_loop().set_exception_handler(self._loop_error)
            await self._front.listen(parts.events)
            self._telemetry = self._switch_telemetry_on()
        except BaseException:
            await self._front.close()
            raise
        tick = asyncio.create_task(self._tick(), name="tick")
        tick.add_done_callback(self._tick_ended)
        await self._listen_to_the_operator()
        if self._config.observability.tap:
            self._let_watch()
        try:
            if await self._unless_stopped(self._wait_for_kafka()):
                await self._start()
                await self._exit
        except NotReadyError:
            await self._close()
            raise
        else:
            await self._stop(self._exit.result())
        finally:
            tick.cancel()
            await asyncio.gather(tick, return_exceptions=True)
            if self._telemetry is not None:
                await self._telemetry.stop(parts.observer.snapshot)
            parts.adapter.close()
        return self._exit.result()

    def _switch_telemetry_on(self) -> Telemetry | None:
        """Where OTEL_* variables ask for it."""
        parts = self._parts
        durations, latencies = parts.sink.stats.duration_exemplars, parts.dispatcher.tally.latency_exemplars
        made = telemetry(self._config, self._log, parts.events, durations, latencies)
        if made is not None and made.spans is not None:
            parts.dispatcher.listeners.add(made.spans)
        return made

    async def _make(self) -> Parts | None:
        """All parts; None where the process was told to stop while it waited for a login.

        Credentials may end between a first token and the clients: then the login is waited for again. Raises
        `NotReadyError`.
        """
        waiting, failed = await self._login(), None
        while True:
            if waiting is not None:
                if not await self._unless_stopped(waiting.token(failed)):
                    waiting.stopped(self._exit.result().cause)
                    await self._front.close()
                    return None
                self._patience = waiting.patience()
            try:
                return assemble(
                    self._config,
                    self._mapping,
                    self._log,
                    file=self._file,
                    proxy=self._proxy,
                    crash=self._crash,
                    abort=self._abort,
                )
            except AwsLoginError as gone:
                if waiting is None:
                    raise
                failed = gone

    async def _login(self) -> LoginWait | None:
        """What waits for tokens, shown by the pages; None where clients need none of ours."""
        config, login = self._config, login_of(self._config.kafka)
        if login is None:
            return None
        build_credentials(config.track)  # what is wrong with these must not come out only once there is a login
        events = Events(self._log.logger, time.monotonic)
        self._front.shown = waiting = LoginWait(config, self._mapping, login, events, self._log, what_is_built(config))
        await self._front.listen(events)
        return waiting

    async def _listen_to_the_operator(self) -> None:
        """A bridge without a control socket works all the same, and says that it has none."""
        parts, wanted = self._parts, self._config.observability
        if self.admin_address is None:
            return
        self._orders.begin(parts.control, parts.events)
        path = control_socket.path(
            wanted.control_socket,
            group=self._config.kafka.group_id,
            port=wanted.listen.port,
            environ=environment.variables(),
            uid=os.geteuid(),
        )
        if path is None:
            return
        server = ControlServer(path, parts.control.answer)
        try:
            await server.start()
        except CannotServeError as error:
            problem = f"observability.control_socket: {error}"
            parts.observer.control_problem = problem
            parts.events.no_control_socket(detail=problem)
            return
        self._control_server = server
        parts.events.control_socket(path=str(path))

    def _let_watch(self) -> None:
        """Samples of records for whoever asks on this machine; nothing of it is loaded where it is not wanted."""
        from bridge.service.tap import tap  # noqa: PLC0415 - no start is to pay for it where nobody wants it

        parts, working = self._parts, self._parts.working
        self._front.stream(
            tap.PATH,
            tap.Tap(lambda: working.config, lambda: working.names, parts.dispatcher.listeners, parts.events).open,
        )

    async def _unless_stopped(self, waiting: Coroutine[Any, Any, None]) -> bool:
        """Wait for it, and raise what it raises; False where the process was told to stop meanwhile."""
        ready = asyncio.create_task(waiting, name="start")
        await asyncio.wait((ready, self._exit), return_when=asyncio.FIRST_COMPLETED)
        if ready.done():
            ready.result()
            return not self._exit.done()
        ready.cancel()
        await asyncio.gather(ready, return_exceptions=True)
        return False

    async def _wait_for_kafka(self) -> None:
        """Until a broker has answered, and the cluster was looked at. Raises `NotReadyError`."""
        parts, config, patience = self._parts, self._config, self._patience
        parts.login_watch.start()
        while True:
            try:
                await parts.kafka_watch.first_answer(patience)
                await asyncio.to_thread(self._prepare, config, parts.inspection)
            except NotConnectedError as silence:
                if parts.kafka_watch.may_wait(silence, patience):
                    await asyncio.sleep(TICK)
                    continue
                raise unreachable(config, silence) from silence
            return

    async def _start(self) -> None:
        parts = self._parts
        await parts.sink.start(parts.adapter)
        parts.letters.start()
        parts.source.start()
        memory.settle()
        parts.events.started(
            version=__version__,
            group=self._config.kafka.group_id,
            topics=self._config.kafka.topics,
            endpoint=self._config.track.endpoint,
            dead_letter_topic=self._config.dead_letter.topic,
        )
        if parts.rate_view is not None:
            parts.rate_view.start()
        parts.letter_watch.start()
        parts.file_watch.start()
        parts.kafka_watch.start()
        parts.group_watch.start()
        if parts.reloader is not None:
            parts.reloader.start()
            self._running = parts.reloader
            if self._reload_is_due:
                parts.reloader.ask()

    def reload(self) -> None:
        """Read the configuration's file again, and take its mapping over; during the start, as soon as that is over."""
        self._reload_is_due = True
        if self._running is not None:
            self._running.ask()

    def stop(self, cause: str) -> None:
        """Finish what is in flight, commit, leave the group."""
        self._end(Exit(ExitCode.OK, cause))

    def snapshot(self) -> Snapshot:
        """What it looks like now."""
        return self._front.shown.snapshot()

    def handle_signals(self) -> None:
        """SIGTERM and SIGINT stop in order, a later one ends the process at once; SIGHUP reads the mapping again."""
        loop = asyncio.get_running_loop()
        signals = StopSignals(self.stop, self._exit.done, self._log.close)
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, signals, number)
        if self._file is not None:
            terminal = Terminal()
            loop.add_signal_handler(signal.SIGHUP, self._hung_up, terminal)

    def _hung_up(self, terminal: Terminal) -> None:
        if terminal.is_gone:
            self.stop("SIGHUP: the terminal is gone")
        else:
            self.reload()

    def _end(self, outcome: Exit) -> None:
        if not self._exit.done():
            self._exit.set_result(outcome)

    def _crash(self, defect: BaseException) -> None:
        """A defect, or the poll thread's end: stop in order, and say so with the exit code."""
        if isinstance(defect, ClientFatalError):
            if not self._exit.done():
                self._parts.events.kafka_client_ended(detail=str(defect))
            self._end(Exit(defect.exit_code, "the Kafka client ended"))
            return
        if not self._exit.done():
            notes = getattr(defect, "__notes__", [])
            self._parts.events.crashed(defect, at=notes[-1] if notes else None)
        self._end(Exit(ExitCode.DEFECT, type(defect).__name__))

    def _loop_error(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """What nobody else caught: a defect, unless the system was out of something (descriptors, for one)."""
        error = context.get("exception")
        if isinstance(error, Exception) and not isinstance(error, OSError):
            self._crash(error)
        else:
            loop.default_exception_handler(context)

    def _abort(self) -> None:
        """Called on the watchdog's thread when the brokers do not answer and a stop would never end."""
        self._log.close()
        os._exit(ExitCode.UNREACHABLE)

    def _tick_ended(self, tick: asyncio.Task[None]) -> None:
        error = None if tick.cancelled() else tick.exception()
        if error is not None:
            self._crash(error)

    # --- running ----------------------------------------------------------------------------------

    async def _tick(self) -> None:
        """Look at the clock; a process that was stopped is noticed here at the latest."""
        parts = self._parts
        while True:
            await asyncio.sleep(TICK)
            parts.adapter.tick()
            parts.observer.tick()
            if parts.rate_view is not None:
                parts.rate_view.apply()
            if parts.redrive is not None:
                parts.redrive.tick()
            if parts.registry_watch is not None:
                parts.registry_watch.look(ClockReading.now())
            parts.notices.look()
            if self._telemetry is not None:
                self._telemetry.tick(parts.observer.snapshot)

    # --- stopping ---------------------------------------------------------------------------------

    async def _stop(self, outcome: Exit) -> None:
        """Nothing here waits for what waits for it: the drain runs on this loop, the close on the poll thread."""
        parts, began = self._parts, time.monotonic()
        parts.events.stopping(cause=outcome.cause)
        if parts.reloader is not None:
            await parts.reloader.stop()
        self._orders.end()
        if self._control_server is not None:
            await self._control_server.close()
        parts.observer.stopping()
        parts.dispatcher.stop()
        redriven = asyncio.create_task(parts.redrive.stop()) if parts.redrive is not None else None
        await asyncio.wrap_future(parts.source.stop())
        await asyncio.wrap_future(parts.letters.stop(LETTERS_LIMIT))
        if redriven is not None:
            await redriven
        parts.letter_watch.stop()
        if parts.rate_view is not None:
            await parts.rate_view.stop()
        await self._close()
        tally = parts.dispatcher.tally
        parts.events.stopped(
            seconds=time.monotonic() - began,
            delivered=tally.delivered,
            released=tally.released,
            ambiguous_retries=tally.ambiguous,
        )

    async def _close(self) -> None:
        """End what is there even before the first broker answered."""
        parts = self._parts
        if self._control_server is not None:
            await self._control_server.close()
        await parts.group_watch.stop()
        await parts.file_watch.stop()
        await parts.kafka_watch.stop()
        await parts.login_watch.stop()
        await asyncio.wrap_future(parts.source.stop())
        await parts.sink.close()
        if parts.registry is not None:
            await parts.registry.aclose()
        parts.alarm.cancel()
        await self._front.close()
