"""The control socket of a running bridge: a Unix socket that only its own user, and root, may use.

Who can connect to it can hold topics and move committed offsets; so it lives in a directory that only its owner may
enter, the kernel says who connects, and nothing of it is reachable over a network.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
import stat
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bridge.accepting import stop_listening
from bridge.config.keys.control_socket import LONGEST
from bridge.errors import Unreachable
from bridge.ops.control import control_protocol
from bridge.ops.control.control_protocol import ProtocolError

_CONNECT_LIMIT: Final = 1.0

Handler = Callable[[Mapping[str, Any], "int | None"], Awaitable[Mapping[str, Any]]]
"""Takes a request and the user id of whoever made it, where the kernel says it."""


@dataclass(frozen=True, slots=True)
class ControlLimits:
    """What clients may take. Seconds and counts."""

    connections: int = 8
    request_timeout: float = 5.0
    """From the connection to the end of the request, and for the answer to be read."""


class CannotServeError(Unreachable):
    """There will be no control socket; the text is one sentence for the operator."""


class ControlServer:
    """Belongs to the loop's thread."""

    def __init__(self, path: Path, handler: Handler, limits: ControlLimits | None = None) -> None:
        self._path = path
        self._handler = handler
        self._limits = limits or ControlLimits()
        self._server: asyncio.Server | None = None
        self._identity: tuple[int, int] | None = None
        self._open: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen. Raises `CannotServeError`; the bridge works without it."""
        if (size := len(os.fsencode(self._path))) > LONGEST:
            raise CannotServeError(f"{self._path} is {size} bytes long; the path of a socket may have {LONGEST}.")
        try:
            _prepare_folder(self._path.parent)
            _refuse_live(self._path)
            listener = _listener(self._path)
        except OSError as error:
            why = os.strerror(error.errno) if error.errno else str(error)
            raise CannotServeError(f"{self._path} cannot be made ({why}).") from error
        found = self._path.lstat()
        self._identity = (found.st_dev, found.st_ino)
        self._server = await asyncio.start_unix_server(self._connected, sock=listener)

    async def close(self) -> None:
        """Answer nobody any more, and remove the socket if it is still this one's."""
        if self._server is None:
            return
        await stop_listening(self._server)
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)
        with contextlib.suppress(OSError):
            found = self._path.lstat()
            if (found.st_dev, found.st_ino) == self._identity:
                self._path.unlink()

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._open) >= self._limits.connections:
            writer.write(_refusal("busy", "Too many connections to the control socket at once: try again."))
            writer.close()
            return
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer), name="control")
        self._open.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._open.discard(task)
        if not task.cancelled() and (defect := task.exception()) is not None:
            asyncio.get_running_loop().call_exception_handler(
                {"message": "a request over the control socket failed", "exception": defect}
            )

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            answer = await self._answer(reader, writer)
            writer.write(answer)
            async with asyncio.timeout(self._limits.request_timeout):
                await writer.drain()
        except (OSError, EOFError, TimeoutError):
            pass  # Whoever asked is gone, or asked for nothing.
        finally:
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        peer = control_protocol.peer(writer.get_extra_info("socket"))
        if peer not in {None, 0, os.geteuid()}:
            return _refusal("denied", "Only the user that the bridge runs as, and root, may use its control socket.")
        try:
            async with asyncio.timeout(self._limits.request_timeout):
                head = await reader.readexactly(control_protocol.HEAD.size)
                text = await reader.readexactly(control_protocol.length(head, control_protocol.REQUEST_LIMIT))
            request = control_protocol.parsed(text)
        except ProtocolError as error:
            return _refusal("protocol", f"The bridge got {error}.")
        return control_protocol.framed(await self._handler(request, peer))


def _refusal(kind: str, message: str) -> bytes:
    return control_protocol.framed({"error": kind, "message": message})


def _prepare_folder(folder: Path) -> None:
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise CannotServeError(f"{folder} is no directory.")
    if found.st_uid != os.geteuid():
        raise CannotServeError(f"{folder} belongs to another user (uid {found.st_uid}).")
    if found.st_mode & 0o077:
        raise CannotServeError(
            f"{folder} can be entered by others (mode {stat.S_IMODE(found.st_mode):04o}): give the socket a directory "
            "of its own with mode 0700."
        )


def _refuse_live(path: Path) -> None:
    """What a killed process left behind is replaced."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(found.st_mode):
        raise CannotServeError(f"{path} is no socket, and is left alone.")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(_CONNECT_LIMIT)
        try:
            probe.connect(str(path))
        except OSError as error:
            if error.errno in {errno.ECONNREFUSED, errno.ENOENT}:
                return
            raise
    raise CannotServeError(f"another bridge answers at {path}.")


def _listener(path: Path) -> socket.socket:
    """Bound under another name until its mode is right, then moved to its place at once."""
    beginning = path.with_name(f"{path.name}.{os.getpid() % 1000}")
    beginning.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(str(beginning))
        beginning.chmod(0o600)
        listener.listen(16)
        listener.setblocking(False)
        beginning.rename(path)
    except OSError:
        listener.close()
        beginning.unlink(missing_ok=True)
        raise
    return listener
