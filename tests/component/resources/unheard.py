"""A replica whose log nobody can read, so that it cannot be asked through it where it listens."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import httpx

from tests.support.service.replica import Replica
from tests.support.waiting import until


def free_port() -> int:
    """One that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Unheard(Replica):
    """Its standard output is a file descriptor of the test; standard error goes to `errors`."""

    def __init__(self, file: Path, errors: Path, port: int, stdout: int) -> None:
        super().__init__(file, errors)
        self._port = port
        self._stdout = stdout

    async def start(self) -> None:
        """Returns when the admin server answers."""
        self._process = self._spawn()
        self._http = httpx.AsyncClient(base_url=f"http://127.0.0.1:{self._port}", timeout=30)
        await until("it answers", self._answers)

    def _spawn(self) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as errors:
            return subprocess.Popen(
                [sys.executable, "-m", "bridge", "run", "-c", str(self._file)],
                stdin=subprocess.DEVNULL,
                stdout=self._stdout,
                stderr=errors,
            )

    async def _answers(self) -> bool:
        assert self._lives()
        try:
            return (await self.get("/livez")).status_code == 200
        except httpx.TransportError:
            return False
