"""A process that has imported the bridge, and forks when it is asked to: each fork becomes a program of its own.

An order arrives on standard input's socket: a JSON document (see `Order`) with four descriptors, which are the standard
input, output and error of the program, and a socket over which the server tells its pid and, when it ended, its exit
code and the seconds of processor it took. A program whose starter hangs up there is killed. The server ends with its
standard input. It never has a second thread: a fork would inherit what that one holds.
"""

from __future__ import annotations

import contextlib
import faulthandler
import gc
import importlib
import io
import json
import os
import pkgutil
import runpy
import select
import signal
import socket
import sys
import tempfile
import traceback
from typing import Any, Final, NoReturn, TypedDict

import typer

from bridge.cli.app import app
from tests.support.programs import STACKS

ROOMS: Final = ("cli", "service", "kafka", "reprocess", "backfill", "registry", "track", "explain", "decode")
"""Of the package, with what they import: what nearly every program needs. The rest is imported by who needs it."""
ORDER_BYTES: Final = 1 << 17
DESCRIPTORS: Final = 4
MEASURED_FOR: Final = "TESTS_MEASURED_FOR"
"""The variable with the file of tests that a program under coverage is run for, see `tests/contexts.py`."""
STDERR: Final = 2


class Order(TypedDict):
    """One program to be run."""

    module: str
    arguments: list[str]
    environ: dict[str, str]
    folder: str


def serve() -> None:
    """Until standard input ends."""
    for room in ROOMS:
        _import(f"bridge.{room}")
    _read_the_commands_once()
    gc.collect()
    gc.freeze()
    reads, writes = os.pipe()
    os.set_blocking(reads, False)
    os.set_blocking(writes, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(writes, warn_on_full_buffer=False)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who tests ends by it, and this then ends with its standard input
    faulthandler.enable(STDERR)  # SIGABRT then writes every thread's stack; what is forked inherits it
    faulthandler.register(STACKS, STDERR, all_threads=True)  # so does this, and the program goes on
    running: dict[int, socket.socket] = {}
    with socket.socket(fileno=os.dup(0)) as orders:
        while True:
            awaited: list[socket.socket | int] = [orders, reads, *running.values()]
            ready = select.select(awaited, [], [])[0]
            if reads in ready:
                _drained(reads)
            for pid, teller in list(running.items()):
                if teller in ready:  # nothing is ever sent to here: it hung up
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                    teller.close()
                    del running[pid]
                    _reap(pid)
            for pid in list(running):
                if (ended := _ended(pid)) is not None:
                    with running.pop(pid) as teller, contextlib.suppress(OSError):
                        teller.send(json.dumps(ended).encode())
            if orders in ready and not _take(orders, running, (reads, writes)):
                break
    for pid in running:
        os.kill(pid, signal.SIGKILL)


def _import(package: str) -> None:
    found = importlib.import_module(package)
    for each in pkgutil.iter_modules(found.__path__, f"{package}."):
        if each.ispkg:
            _import(each.name)
        elif not each.name.endswith("__main__"):
            with contextlib.suppress(ImportError):  # what is optional, and not installed
                importlib.import_module(each.name)


def _read_the_commands_once() -> None:
    """What typer makes of forty functions takes longer than most of them run, and is the same every time."""
    make, made = typer.main.get_command, typer.main.get_command(app)

    def command_of(typer_instance: typer.Typer) -> Any:
        return made if typer_instance is app else make(typer_instance)

    typer.main.get_command = command_of


def _drained(reads: int) -> None:
    with contextlib.suppress(BlockingIOError):
        while os.read(reads, 4096):
            pass


def _ended(pid: int) -> dict[str, float] | None:
    found, status, usage = os.wait4(pid, os.WNOHANG)
    if found == 0:
        return None
    return {"code": os.waitstatus_to_exitcode(status), "seconds": usage.ru_utime + usage.ru_stime}


def _reap(pid: int) -> None:
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, 0)


def _take(orders: socket.socket, running: dict[int, socket.socket], own: tuple[int, int]) -> bool:
    """Whether there was an order, and not the end of all."""
    message, given, _, _ = socket.recv_fds(orders, ORDER_BYTES, DESCRIPTORS)
    if not message:
        return False
    order: Order = json.loads(message)
    teller = socket.socket(fileno=given[-1])
    pid = os.fork()
    if pid == 0:
        signal.set_wakeup_fd(-1)
        for each in (orders, teller, *running.values()):
            each.close()
        for descriptor in own:
            os.close(descriptor)
        _become(order, given[:-1])
    for descriptor in given[:-1]:
        os.close(descriptor)
    running[pid] = teller
    teller.send(json.dumps({"pid": pid}).encode())
    return True


def _become(order: Order, streams: list[int]) -> NoReturn:
    """What an interpreter does between its start and the first line of a program."""
    code = 1
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for number, descriptor in enumerate(streams):
            os.dup2(descriptor, number)
            os.close(descriptor)
        os.environ.clear()
        os.environ.update(order["environ"])
        _measure_for(os.environ.get(MEASURED_FOR))
        os.chdir(order["folder"])
        tempfile.tempdir = None  # where it is, the environment says
        _streams()
        sys.argv = [order["module"], *order["arguments"]]
        runpy.run_module(order["module"], run_name="__main__", alter_sys=True)
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001 - as an interpreter does with what nobody catches
        traceback.print_exc()
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


def _measure_for(file: str | None) -> None:
    """A fork measures for whom this server was started, until it is told better."""
    coverage = sys.modules.get("coverage")
    measuring = coverage.Coverage.current() if file and coverage else None
    if measuring is not None:
        measuring.switch_context(file)


def _streams() -> None:
    """Python's own objects for the three descriptors, as an interpreter makes them."""
    for number, name, mode in ((0, "stdin", "rb"), (1, "stdout", "wb"), (2, "stderr", "wb")):
        before = getattr(sys, name)
        stream = io.TextIOWrapper(
            open(number, mode, closefd=False),  # noqa: SIM115 - it lives as long as the process
            encoding=before.encoding,
            errors=before.errors,
            line_buffering=name == "stderr" or os.isatty(number),
        )
        stream.mode = mode[0]  # type: ignore[misc]  # as the interpreter's own have it
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


if __name__ == "__main__":
    serve()
