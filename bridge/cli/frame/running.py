"""Beside running bridges: asks the one of the same configuration, and sends within the budget that they share."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from bridge.commands import command
from bridge.config import environment
from bridge.config.keys import control_socket
from bridge.errors import Misuse, Unanswered, Unreachable

if TYPE_CHECKING:
    from bridge.cli.frame.startup import LoadedConfiguration
    from bridge.config.sections import Config
    from bridge.reprocess.replay.replay import Replay
    from bridge.reprocess.sending.file_sending import Sending
    from bridge.service.side_traffic import Setting
    from bridge.track.credentials import ApiKey

T = TypeVar("T")

_GRACE = 30.0
"""Seconds beyond a drain in which the bridge answers, whatever happens."""


class SwitchedOffError(Misuse):
    """The running bridge has no control socket."""


def sockets(config: Config) -> list[Path]:
    """Where its control socket may be. Empty where it is switched off."""
    wanted = config.observability
    return control_socket.paths(
        wanted.control_socket,
        group=config.kafka.group_id,
        port=wanted.listen.port,
        environ=environment.variables(),
        uid=os.geteuid(),
    )


def ask(config: Config, request: Mapping[str, Any]) -> dict[str, Any]:
    """Its answer.

    Raises `Unreachable` where none is there, `SwitchedOffError`, `Unanswered` where it may be done without an answer,
    and `RefusedError`.
    """
    from bridge.ops.control import control_client

    paths = sockets(config)
    if not paths:
        raise SwitchedOffError(
            "observability.control_socket is off, so nothing can be asked of a running bridge. Set it to auto, or to a "
            "path, and restart the bridge."
        )
    try:
        return control_client.ask(paths, request, config.kafka.drain_timeout + _GRACE)
    except control_client.NobodyThereError as nobody:
        raise Unreachable(
            f"No bridge with this configuration answers on this machine ({nobody}). Run the command where the bridge "
            "runs, as the same user and with the same configuration; in Kubernetes: kubectl exec POD -- followed by "
            f"it. If the bridge runs here, its log has control_socket or no_control_socket; "
            f"{command('status')} says whether it runs."
        ) from nobody
    except control_client.NoAnswerError as silent:
        raise Unanswered(f"{silent} {command('status')} says what is held.") from silent
    except control_client.RefusedError as refused:
        if refused.kind == "unconfirmed":
            raise Unanswered(str(refused)) from refused
        raise


def send(
    start: LoadedConfiguration,
    key: ApiKey,
    total: int,
    work: Callable[[Setting, Callable[[Replay | Sending], None]], Coroutine[Any, Any, T]],
) -> T:
    """Have `total` things sent, shown as far as that is; SIGINT and SIGTERM interrupt what `work` says it started."""
    import asyncio

    from bridge.cli.frame import output, progress, startup
    from bridge.service import side_traffic
    from bridge.service.main import on_loop

    def started(running: Replay | Sending) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, running.interrupt)

    async def run() -> T:
        # What running bridges leave to it must be known to all of them first.
        with progress.shown("Sending", total, before="Reserving rate budget (5 s)") as report:
            setting = side_traffic.Setting(
                start.config, start.mapping, key, start.proxy, startup.quiet_logger(), report, output.notice
            )
            return await work(setting, started)

    return on_loop(run())
