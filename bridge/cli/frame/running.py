"""Asks the running bridge of the same configuration, on the same machine."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridge.commands import command
from bridge.config import environment
from bridge.config.keys import control_socket
from bridge.errors import Misuse, Unanswered, Unreachable

if TYPE_CHECKING:
    from bridge.config.sections import Config

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
