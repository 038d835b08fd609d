"""A replica whose interpreter is a fork: for tests that ask for no more of its process than that it is one."""

from __future__ import annotations

import contextlib
import json
import os
import signal
from pathlib import Path

from tests.support.prepared.client import ordered
from tests.support.prepared.server import Order
from tests.support.service.replica import Replica


class Fork:
    """What `subprocess.Popen` is, as far as a replica uses it."""

    def __init__(self, order: Order, *streams: int) -> None:
        self._teller = ordered(order, *streams)
        self.pid: int = json.loads(self._teller.recv(4096))["pid"]
        self.returncode: int | None = None
        self._teller.setblocking(False)

    def poll(self) -> int | None:
        """The exit code, once it ended."""
        if self.returncode is None:
            with contextlib.suppress(BlockingIOError):
                told = self._teller.recv(4096)
                self._teller.close()
                assert told, "the server of prepared programs ended"
                self.returncode = json.loads(told)["code"]
        return self.returncode

    def send_signal(self, number: signal.Signals) -> None:
        """If it still runs."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)


class PreparedReplica(Replica):
    """As a `Replica`. What an interpreter's start or its memory is asked about needs one of those."""

    tells_stacks = True

    def _spawn(self) -> Fork:
        environ = {**os.environ, **self._environ}
        arguments = ["run", "-c", str(self._file)]
        order = Order(module=self.program, arguments=arguments, environ=environ, folder=str(Path.cwd()))
        log = os.open(self._log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        return Fork(order, os.open(os.devnull, os.O_RDONLY), log, os.dup(log))
