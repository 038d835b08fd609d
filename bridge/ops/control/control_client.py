"""Asks a running bridge on the same machine over its control socket."""

from __future__ import annotations

import contextlib
import os
import socket
import stat
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from bridge.config.keys import control_socket
from bridge.errors import Misuse, Unanswered, Unreachable
from bridge.exits import ExitCode
from bridge.ops.control import control_protocol
from bridge.ops.control.control_protocol import ProtocolError

_CONNECT_LIMIT: Final = 5.0


class NobodyThereError(Unreachable):
    """No bridge has its control socket there; the text is one sentence."""


class TakesNothingError(NobodyThereError):
    """Something answers there, and takes no order of this command: it is no bridge, or has another token or clock."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.exit_code = ExitCode.USAGE  # to wait for it does not cure it


class RefusedError(Misuse):
    """The bridge does not do it; the text says why, and what to do."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind
        if kind == "busy":  # another command line does not cure it
            self.exit_code = ExitCode.UNREACHABLE


class NoAnswerError(Unanswered):
    """The bridge took the request and did not answer in time: it may be done all the same."""


def ask(paths: Sequence[Path], request: Mapping[str, Any], timeout: float) -> dict[str, Any]:
    """The answer of the bridge that listens on one of these; `timeout` in seconds.

    The own user's is taken before others'. Of several others nobody can tell here which is the one that is meant.

    Raises the exceptions above.
    """
    message = control_protocol.framed(request)
    if len(message) > control_protocol.REQUEST_LIMIT:
        raise RefusedError(
            "usage",
            f"This is {len(message)} bytes to ask, and a bridge takes {control_protocol.REQUEST_LIMIT} at once: name "
            "single partitions, as TOPIC/PARTITION.",
        )
    complaints: list[str] = []
    found: dict[Path, socket.socket] = {}
    with contextlib.ExitStack() as stack:
        for path in paths:
            connection = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
            connection.settimeout(_CONNECT_LIMIT)
            try:
                owner = _connect(connection, path)
            except OSError as error:
                complaints.append(f"{path}: {error.strerror or error}")
                continue
            found[path] = connection
            if owner == os.geteuid():
                break
        if not found:
            raise NobodyThereError("; ".join(complaints))
        if len(found) > 1:
            raise RefusedError(
                "ambiguous",
                f"Several answer on this machine ({', '.join(map(str, found))}): nothing was asked of any of them. Run "
                "this as the user that the bridge runs as; or set observability.control_socket to a path, and restart "
                "the bridge.",
            )
        [(path, connection)] = found.items()
        return _exchange(connection, path, message, timeout)


def _connect(connection: socket.socket, path: Path) -> int:
    """The user whose socket it is. In a directory for everybody's temporary files anybody may have made it, so the
    directory, the socket and the process that listens must be of one user. `OSError`.
    """
    folder, owner = path.parent.lstat(), path.lstat().st_uid
    if owner not in {0, os.geteuid()} and os.geteuid() != 0:
        raise PermissionError(f"belongs to another user (uid {owner})")
    named = control_socket.owner(path)
    if not stat.S_ISDIR(folder.st_mode) or folder.st_uid != owner or named not in {None, owner}:
        raise PermissionError(f"belongs to another user (uid {owner}) than its directory says")
    if folder.st_mode & 0o022:
        raise PermissionError(f"stands where others may write (mode {stat.S_IMODE(folder.st_mode):04o})")
    connection.connect(str(path))
    listens = control_protocol.peer(connection)
    if listens not in {None, owner}:
        raise PermissionError(f"belongs to uid {owner}, and a process of uid {listens} listens")
    return owner


def _exchange(connection: socket.socket, path: Path, message: bytes, timeout: float) -> dict[str, Any]:
    deadline = time.monotonic() + timeout
    try:
        with contextlib.suppress(BrokenPipeError):  # it may have answered without listening: it has too many guests
            connection.sendall(message)
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
