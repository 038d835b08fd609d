"""`track-bridge console` as a process: it listens, serves until a signal, and ends without waiting for who watches."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import sys
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from logging import getLogger
from typing import Final

import uvicorn

from bridge import __version__
from bridge.config.keys.scalars import Listen
from bridge.config.sections import Config
from bridge.console.app import Console
from bridge.console.confined.cell import ConfinedCell
from bridge.console.connections import ConnectionBook, ConnectionLimits
from bridge.console.finding import ConsoleFinder
from bridge.console.history import INTERVAL
from bridge.console.letters.desk import ConsoleLetters
from bridge.console.parts import ConsoleParts
from bridge.console.reach import ConsoleReach
from bridge.console.sending.desk import ConsoleFiles
from bridge.console.session import Sessions
from bridge.console.token import TokenFile
from bridge.errors import InvalidError, Misuse, Unreachable
from bridge.exits import ExitCode
from bridge.fleet.acts import over_network
from bridge.fleet.acts.offset_setting import ClusterBooks, OffsetSetting
from bridge.fleet.opening import open_fleet
from bridge.mapping.mapper import CompiledMapping
from bridge.ops.log.logger import EventLogger, Logging, set_up
from bridge.sending.job import SendJobs
from bridge.service.main import on_loop, secrets_of
from bridge.terminal import Terminal
from bridge.text.listening import cannot_listen

_BACKLOG: Final = 128
_PATIENCE: Final = 5
"""Seconds that answers under way may take once the process is told to end."""
_LIMITS: Final = ConnectionLimits()
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


def run(config: Config, mapping: CompiledMapping, *, behind_proxy: bool = False, names: Iterable[str] = ()) -> int:
    """Until a signal; returns the exit code. Raises `Misuse` and `Unreachable` for a start that is refused."""
    listen, file = config.console.listen, config.console.token_file
    reach = ConsoleReach(
        listen, file is not None, behind_proxy, frozenset(name.lower().removesuffix(".") for name in names)
    )
    problem = reach.problem()
    if problem is not None:
        raise Misuse(problem)
    token = None if file is None else TokenFile(file)
    if token is not None:
        try:
            token.digest()
        except InvalidError as unusable:
            raise Misuse(str(unusable)) from unusable
    log = set_up(
        level=config.observability.log_level,
        log_format=config.observability.log_format,
        secrets=secrets_of(config),
        terminal=sys.stdout.isatty(),
    )
    try:
        return on_loop(_run(config, mapping, reach, token, log))
    finally:
        log.close()


async def _run(
    config: Config, mapping: CompiledMapping, reach: ConsoleReach, token: TokenFile | None, log: Logging
) -> int:
    client_log = getLogger("bridge.console")
    with listening(reach.listen) as (server_socket, address):
        async with open_fleet(config, client_log) as source:
            finder = ConsoleFinder(config, mapping, source, client_log)
            cell = ConfinedCell()
            desk = ConsoleLetters(config, mapping, client_log, cell=cell)
            sends = SendJobs(config, mapping, client_log)
            control = None if token is None else over_network(config)
            books = ClusterBooks(config, client_log)
            offsets = None if control is None else OffsetSetting(config.kafka.group_id, control, books)
            sessions = Sessions(token)
            parts = ConsoleParts(
                *(config, source, sessions, reach, log.logger, control),
                find=finder.find,
                desk=desk,
                files=ConsoleFiles(config, mapping, sends),
                offsets=offsets,
                confined=cell,
            )
            log.logger.info(
                "console_listening",
                version=__version__,
                address=address,
                url=f"http://{address}/",
                changes="with the token" if reach.has_token else "nothing",
            )
            async with recording(parts):
                limits = _LIMITS.without_addresses() if reach.behind_proxy else _LIMITS
                await serve(Console(parts), server_socket, log.logger, limits)
            await asyncio.gather(parts.replays.close(), sends.close())
    log.logger.info("console_stopped")
    return ExitCode.OK


@contextlib.contextmanager
def listening(listen: Listen) -> Iterator[tuple[socket.socket, str]]:
    """A socket, and its address with the real port. Raises `Unreachable`."""
    host, family = listen.host or "::", socket.AF_INET6 if ":" in (listen.host or "::") else socket.AF_INET
    try:
        found = socket.create_server(
            (host, listen.port),
            family=family,
            backlog=_BACKLOG,
            dualstack_ipv6=not listen.host and socket.has_dualstack_ipv6(),
        )
    except OSError as error:
        raise Unreachable(f"console.listen: {cannot_listen(listen, error)}.") from error
    with found:
        yield found, str(Listen(listen.host or "127.0.0.1", found.getsockname()[1]))


async def serve(
    console: Console, server_socket: socket.socket, log: EventLogger, limits: ConnectionLimits = _LIMITS
) -> None:
    """Until SIGINT or SIGTERM, or SIGHUP where that means that its terminal is gone."""
    server = _ConsoleServer(
        uvicorn.Config(
            console.application,
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            lifespan="off",
            ws="none",
            http=ConnectionBook(limits).protocol(),
            timeout_graceful_shutdown=_PATIENCE,
        )
    )

    def stop(number: signal.Signals) -> None:
        log.info("console_stopping", cause=number.name)
        server.should_exit = True
        console.close()

    def hung_up() -> None:
        if terminal.is_gone:
            stop(signal.SIGHUP)
            return
        log.warning(
            "console_needs_restart",
            message="SIGHUP: the console reads its configuration at its start only, and goes on with the one it has:"
            " restart it to have it read another.",
        )

    loop = asyncio.get_running_loop()
    terminal = Terminal()
    loop.add_signal_handler(signal.SIGHUP, hung_up)
    for number in _SIGNALS:
        loop.add_signal_handler(number, stop, number)
    try:
        await server.serve(sockets=[server_socket])
    finally:
        console.close()
        for number in (*_SIGNALS, signal.SIGHUP):
            loop.remove_signal_handler(number)


class _ConsoleServer(uvicorn.Server):
    """One that leaves signals to whoever runs it."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Nothing is captured."""
        yield


@asynccontextmanager
async def recording(parts: ConsoleParts) -> AsyncIterator[None]:
    """Meanwhile one look in `INTERVAL` seconds is kept for charts and rates, whoever watches."""

    async def record() -> None:
        while True:
            try:
                view = await parts.fleet.view()
                parts.history.add(view)
                parts.measures.add(view)
                await parts.measures.ask(view)
            except Exception as error:  # the next look may succeed
                parts.log.error("console_look_failed", message=f"{error}", exc_info=error)  # noqa: TRY400 - it has no exception()
            await asyncio.sleep(INTERVAL)

    task = asyncio.ensure_future(record())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
