"""Asks a running bridge on the same machine over its control socket."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from bridge.ops import control_protocol
from bridge.ops.control_protocol import ProtocolError

_CONNECT_LIMIT: Final = 5.0


class NobodyThereError(Exception):
    """No bridge has its control socket there; the text is one sentence."""


class RefusedError(Exception):
    """The bridge does not do it; the text says why, and what to do."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class NoAnswerError(Exception):
    """The bridge took the request and did not answer in time: it may be done all the same."""


def ask(paths: Sequence[Path], request: Mapping[str, Any], timeout: float) -> dict[str, Any]:
    """The answer of the first of these that a bridge listens on; `timeout` in seconds.

    Raises the exceptions above.
    """
    complaints = []
    for path in paths:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(_CONNECT_LIMIT)
            try:
                _refuse_strangers(path)
                connection.connect(str(path))
            except OSError as error:
                complaints.append(f"{path}: {error.strerror or error}")
                continue
            return _exchange(connection, path, request, timeout)
    raise NobodyThereError("; ".join(complaints))


def _refuse_strangers(path: Path) -> None:
    """In a directory for everybody's temporary files somebody else may have made the socket."""
    owner = path.lstat().st_uid
    if owner not in {0, os.geteuid()} and os.geteuid() != 0:
        raise PermissionError(f"belongs to another user (uid {owner})")


def _exchange(connection: socket.socket, path: Path, request: Mapping[str, Any], timeout: float) -> dict[str, Any]:
    deadline = time.monotonic() + timeout
    try:
        with contextlib.suppress(BrokenPipeError):  # it may have answered without listening: it has too many guests
            connection.sendall(control_protocol.framed(request))
        head = _read(connection, control_protocol.HEAD.size, deadline)
        answer = control_protocol.parsed(
            _read(connection, control_protocol.length(head, control_protocol.ANSWER_LIMIT), deadline)
        )
    except (OSError, EOFError) as error:
        raise NoAnswerError(f"The bridge at {path} did not answer ({error}).") from error
    except ProtocolError as error:
        raise NoAnswerError(f"{path} answered with {error}.") from error
    if "error" in answer:
        raise RefusedError(str(answer["error"]), str(answer.get("message", "")))
    return answer


def _read(connection: socket.socket, size: int, deadline: float) -> bytes:
    content = bytearray()
    while len(content) < size:
        connection.settimeout(max(0.01, deadline - time.monotonic()))
        piece = connection.recv(min(65536, size - len(content)))
        if not piece:
            raise EOFError("it closed the connection")
        content += piece
    return bytes(content)
