"""Starts programs of the bridge by a server that has imported it already: one server per process of tests."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import json
import os
import select
import shlex
import signal
import socket
import subprocess
import sys
from asyncio.subprocess import DEVNULL, PIPE, STDOUT
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import BinaryIO, Final

from tests.support import programs
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


class _ToTheEnd(asyncio.StreamReaderProtocol):
    """Its pipe is closed with what is written there, of which the end is kept beside."""

    def __init__(self, reader: asyncio.StreamReader, pipe: BinaryIO) -> None:
        super().__init__(reader)
        self.reader = reader
        self._pipe = pipe
        self._tail = bytearray()

    @property
    def tail(self) -> str:
        """What came last."""
        return self._tail.decode(errors="replace")

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._tail += data
        del self._tail[: -programs.TAIL]

    def read_beside(self) -> str:
        """What comes while no loop runs; whoever reads gets it as well."""
        if self._pipe.closed or not select.select([self._pipe], [], [], 0)[0]:
            return ""
        data = os.read(self._pipe.fileno(), programs.TAIL)
        self.data_received(data)
        return data.decode(errors="replace")

    def eof_received(self) -> bool:
        super().eof_received()
        return False


_Output = _ToTheEnd | None


class Program:
    """One that runs: what `asyncio.subprocess.Process` is, as far as the tests use it."""

    def __init__(self, name: str, pid: int, teller: socket.socket, out: _Output, err: _Output) -> None:
        self.pid = pid
        self.stdout = out.reader if out else None
        self.stderr = err.reader if err else None
        self.returncode: int | None = None
        self._name = name
        self._teller = teller
        self._out, self._err = out, err
        self._ended = asyncio.create_task(self._listen(teller))
        programs.started(self)

    async def wait(self) -> int:
        """The exit code."""
        await asyncio.shield(self._ended)
        assert self.returncode is not None
        return self.returncode

    async def communicate(self) -> tuple[bytes, bytes]:
        """Everything that it still writes, once it ended."""
        out, err = await asyncio.gather(_rest(self.stdout), _rest(self.stderr))
        await self.wait()
        return out, err

    def send_signal(self, number: signal.Signals) -> None:
        """If it still runs."""
        if self.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    @property
    def may_run(self) -> bool:
        """Whether it was not seen to end."""
        return self.returncode is None and self._teller.fileno() >= 0

    def told(self) -> programs.Told:
        """What it wrote last, and where its threads are if it runs."""
        told = partial(programs.Told, self._name, out=self._out.tail if self._out else "")
        told = partial(told, err=self._err.tail if self._err else "")
        if (code := self._code()) is not None:
            return told(f"ended with {code}", is_well=code == 0)
        if not self.may_run:
            return told("ran until its test was over")
        errors = self._err or self._out
        stacks = programs.ask_for_stacks(self.pid, errors.read_beside) if errors else ""
        return told(f"runs, pid {self.pid}", stacks=stacks)

    def _code(self) -> int | None:
        """That it ended may not have been seen by the loop yet."""
        if self.may_run:
            with contextlib.suppress(BlockingIOError):
                return _code(self._teller.recv(4096, socket.MSG_PEEK))
        return self.returncode

    async def _listen(self, teller: socket.socket) -> None:
        with teller:  # closed before it ended, it is killed
            told = await asyncio.get_running_loop().sock_recv(teller, 4096)
        self.returncode = _code(told)


def _code(told: bytes) -> int:
    assert told, "the server of prepared programs ended"
    code: int = json.loads(told)["code"]
    return code


async def program(
    *arguments: str,
    stdin: int = DEVNULL,
    stdout: int = PIPE,
    stderr: int = PIPE,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> Program:
    """``python -m bridge`` with these arguments, started. It is killed with its starter's loop at the latest.

    `stdin` is a descriptor or DEVNULL; `stdout` and `stderr` may be PIPE as well, and `stderr` STDOUT.
    """
    environ = dict(os.environ if env is None else env)
    order = Order(module="bridge", arguments=[*arguments], environ=environ, folder=str(cwd or Path.cwd()))
    out, their_out = await _output(stdout)
    err, their_err = (None, os.dup(their_out)) if stderr == STDOUT else await _output(stderr)
    their_in = os.open(os.devnull, os.O_RDONLY) if stdin == DEVNULL else os.dup(stdin)
    teller = ordered(order, their_in, their_out, their_err)
    teller.setblocking(False)
    told = await asyncio.get_running_loop().sock_recv(teller, 4096)
    name = shlex.join(["track-bridge", *arguments])
    return Program(name, json.loads(told)["pid"], teller, out, err)


async def completed(
    *arguments: str, stdin: bytes = b"", environ: Mapping[str, str] | None = None, cwd: Path | None = None
) -> Ended:
    """``python -m bridge`` with these arguments, until it ended; `environ` beside the variables of the tests."""
    different = {**os.environ, **(environ or {})}
    if any(name.startswith(_OF_THE_INTERPRETER) for name in environ or ()):
        return await started(*arguments, stdin=stdin, environ=different)
    theirs, ours = os.pipe()
    try:
        running = await program(*arguments, stdin=theirs, env=different, cwd=cwd)
    finally:
        os.close(theirs)
    _, (out, err) = await asyncio.gather(_write(ours, stdin), running.communicate())
    return Ended(await running.wait(), out, err)


async def started(*arguments: str, stdin: bytes = b"", environ: Mapping[str, str]) -> Ended:
    """The same by an interpreter that is started for it."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bridge", *arguments), stdin=PIPE, stdout=PIPE, stderr=PIPE, env=dict(environ)
    )
    out, err = await process.communicate(stdin)
    assert process.returncode is not None
    return Ended(process.returncode, out, err)


async def _rest(output: asyncio.StreamReader | None) -> bytes:
    return b"" if output is None else await output.read()


async def _output(wanted: int) -> tuple[_Output, int]:
    """What its starter reads of it, if anything, and the descriptor that it writes to."""
    if wanted != PIPE:
        return None, os.open(os.devnull, os.O_WRONLY) if wanted == DEVNULL else os.dup(wanted)
    reads, writes = os.pipe()
    pipe = os.fdopen(reads, "rb", 0)
    protocol = _ToTheEnd(asyncio.StreamReader(), pipe)
    await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, pipe)
    return protocol, writes


async def _write(descriptor: int, content: bytes) -> None:
    """All of it, unless nobody wants it."""
    loop = asyncio.get_running_loop()
    protocol = asyncio.streams.FlowControlMixin(loop)
    transport, _ = await loop.connect_write_pipe(lambda: protocol, os.fdopen(descriptor, "wb", 0))
    writer = asyncio.StreamWriter(transport, protocol, None, loop)
    with contextlib.suppress(ConnectionError):
        writer.write(content)
        await writer.drain()
    writer.close()


def ordered(order: Order, *streams: int) -> socket.socket:
    """Where the server tells of the program. The three descriptors are the program's from now on."""
    teller, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        socket.send_fds(_server(), [json.dumps(order).encode()], [*streams, theirs.fileno()])
    for descriptor in streams:
        os.close(descriptor)
    return teller


@cache
def _server() -> socket.socket:
    """Of this process; it ends with it."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        command = [sys.executable, "-m", "tests.support.prepared.server"]
        server = subprocess.Popen(command, stdin=theirs.fileno(), cwd=_ROOT)

    def end() -> None:
        ours.close()
        server.wait(10)

    atexit.register(end)
    return ours
