"""Starts programs of the bridge by a server that has imported it already: one server per process of tests."""

from __future__ import annotations

import asyncio
import atexit
import json
import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from tests.support.prepared.server import Order

_ROOT: Final = Path(__file__).parents[3]
_OF_THE_INTERPRETER: Final = ("PYTHON", "LC_", "LANG", "LD_", "TZ")
"""Beginnings of variables that are read while an interpreter starts: only one that starts can be told of them."""


@dataclass(frozen=True)
class Ended:
    """A program that ended: negative codes are signals."""

    code: int
    out: bytes
    err: bytes


async def completed(*arguments: str, stdin: bytes = b"", environ: Mapping[str, str] | None = None) -> Ended:
    """``python -m bridge`` with these arguments, in the folder and the environment of the tests, until it ended.

    It is killed where its starter does not wait for it any longer.
    """
    different = {**os.environ, **(environ or {})}
    if any(name.startswith(_OF_THE_INTERPRETER) for name in environ or ()):
        return await started(*arguments, stdin=stdin, environ=different)
    order = Order(module="bridge", arguments=[*arguments], environ=different, folder=str(Path.cwd()))
    loop = asyncio.get_running_loop()
    with ExitStack() as stack:
        (theirs, ours), (out, their_out), (err, their_err) = (os.pipe() for _ in range(3))
        their_teller, teller = socket.socketpair()
        stack.enter_context(teller)
        with their_teller:
            given = [theirs, their_out, their_err, their_teller.fileno()]
            socket.send_fds(_server(), [json.dumps(order).encode()], given)
        for descriptor in given[:-1]:
            os.close(descriptor)
        teller.setblocking(False)
        writing = asyncio.create_task(_write(ours, stdin))
        read_out, read_err, _ = await asyncio.gather(_read(out), _read(err), writing)
        told = b""
        while b"code" not in told:
            part = await loop.sock_recv(teller, 4096)
            assert part, "the server of prepared programs ended"
            told += part
    # Two documents, one behind the other.
    ended: dict[str, Any] = json.loads(told[told.rindex(b"{") :])
    return Ended(ended["code"], read_out, read_err)


async def started(*arguments: str, stdin: bytes = b"", environ: Mapping[str, str]) -> Ended:
    """The same by an interpreter that is started for it."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bridge", *arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=dict(environ),
    )
    out, err = await process.communicate(stdin)
    assert process.returncode is not None
    return Ended(process.returncode, out, err)


async def _read(descriptor: int) -> bytes:
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    transport, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(descriptor, "rb", 0)
    )
    try:
        return await reader.read()
    finally:
        transport.close()


async def _write(descriptor: int, content: bytes) -> None:
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.connect_write_pipe(
        lambda: asyncio.streams.FlowControlMixin(loop), os.fdopen(descriptor, "wb", 0)
    )
    writer = asyncio.StreamWriter(transport, protocol, None, loop)
    try:
        writer.write(content)
        await writer.drain()
    except ConnectionError:
        pass  # it did not want to read all of it
    finally:
        writer.close()


@cache
def _server() -> socket.socket:
    """Of this process; it ends with it."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        server = subprocess.Popen(
            [sys.executable, "-m", "tests.support.prepared.server"], stdin=theirs.fileno(), cwd=_ROOT
        )

    def end() -> None:
        ours.close()
        server.wait(10)

    atexit.register(end)
    return ours
