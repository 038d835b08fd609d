"""The service as it runs in production: ``track-bridge run`` in a process of its own, to kill and freeze."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import ssl
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Protocol, Self

import httpx

from tests.support import programs
from tests.support.service.status_lines import status_lines
from tests.support.waiting import WITHIN, until

STARTED_WITHIN = 90.0
"""Seconds: an interpreter starts and imports everything, on a machine that may do the same ten times at once."""
_LOG_TAIL = 6000
_NOBODY_TRUSTED: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For pages without TLS: to read all of a machine's authorities for each client takes longer than what it asks for."""


class Running(Protocol):
    """What `subprocess.Popen` is, as far as it is used here."""

    pid: int

    def poll(self) -> int | None: ...

    def send_signal(self, number: signal.Signals, /) -> None: ...


class Replica:
    """One replica. It may be started again after it ended; left, it is killed if it still runs."""

    program = "bridge"
    """The module that is run."""
    tells_stacks = False
    """Whether it tells where its threads are without an end of it."""

    def __init__(self, file: Path, log: Path, *, environ: Mapping[str, str] | None = None) -> None:
        """`environ`: variables beside those of the tests."""
        self._file = file
        self._log = log
        self._environ = environ or {}
        self._process: Running | None = None
        self._http: httpx.AsyncClient | None = None
        self._until_then: str | None = None
        """What it had written when it was ended because it still ran when it was left."""
        self.address = ""
        """Of its pages, as a URL, once it listens; it keeps it when it ends."""

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.running:
            # Most likely because the test failed: what it says of itself and where its threads stand may tell why.
            self._until_then = self.log_text()
            self.thaw()
            if self._http is not None:  # one that never listened has no pages
                with contextlib.suppress(httpx.HTTPError):
                    sys.stdout.write(f"--- {self._log.name}, its status\n{(await self.get('/status')).text}\n")
            self._signal(signal.SIGABRT)
            await self.ended()
        until_then = self.log_text() if self._until_then is None else self._until_then
        sys.stdout.write(f"--- {self._log.name}\n{until_then[-_LOG_TAIL:]}")  # shown with a test that failed
        if after := self.log_text()[len(until_then) :]:
            sys.stdout.write(f"--- {self._log.name}, how it ended\n{after[-_LOG_TAIL:]}")

    async def start(self) -> None:
        """Returns when the admin server answers; the log goes on where an earlier process left it."""
        already = len(self.events("listening"))
        self._until_then = None
        self._process = self._spawn()
        programs.started(self)
        await until(
            f"{self._log.name} listens",
            lambda: self._lives() and len(self.events("listening")) > already,
            within=STARTED_WITHIN,
        )
        where = self.events("listening")[-1]
        self.address = f"http://{where['host']}:{where['port']}"
        self._http = httpx.AsyncClient(base_url=self.address, timeout=WITHIN, verify=_NOBODY_TRUSTED)

    def _spawn(self) -> Running:
        with self._log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", self.program, "run", "-c", str(self._file)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=os.environ
                | self._environ
                | {"PYTHONFAULTHANDLER": "1"},  # SIGABRT then writes every thread's stack
            )

    # --- signals ------------------------------------------------------------------------------------

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    async def kill(self) -> None:
        """End it with no chance to say goodbye."""
        self._signal(signal.SIGKILL)
        await self.ended()

    async def terminate(self, within: float = WITHIN) -> int:
        """SIGTERM, as a supervisor sends it; the exit code."""
        self._signal(signal.SIGTERM)
        return await self.ended(within)

    def hang_up(self) -> None:
        """SIGHUP, as whoever changed its file sends it."""
        self._signal(signal.SIGHUP)

    def freeze(self) -> None:
        """Stop its clock: connections stay open and nothing moves."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Undo `freeze`."""
        self._signal(signal.SIGCONT)

    async def ended(self, within: float = WITHIN) -> int:
        """The exit code."""
        process = self._process
        assert process is not None
        await until(f"{self._log.name} ended", lambda: process.poll() is not None, within=within, explain=self.log_text)
        if self._http is not None:
            await self._http.aclose()
            self._http = None
        code = process.poll()
        assert code is not None
        return code

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)  # Popen knows whether its child was reaped: the pid cannot be another's

    def _lives(self) -> bool:
        assert self.running, f"{self._log.name} ended by itself:\n{self.log_text()[-_LOG_TAIL:]}"
        return True

    def resident(self) -> int:
        """Bytes of memory it has now."""
        return self._memory("VmRSS:")

    def most_resident(self) -> int:
        """Bytes of memory it had at most."""
        return self._memory("VmHWM:")

    def _memory(self, kind: str) -> int:
        assert self._process is not None
        status = Path(f"/proc/{self._process.pid}/status").read_text(encoding="ascii")
        [line] = [line for line in status.splitlines() if line.startswith(kind)]
        return int(line.split()[1]) * 1024

    @property
    def may_run(self) -> bool:
        """For whoever shows the programs of a test that failed."""
        return self.running

    def told(self) -> programs.Told:
        """What it logged last, and where its threads are if it tells that and runs."""
        log = self.log_text()
        if self._until_then is not None:
            return programs.Told(self._log.name, "ran until it was left", out=self._until_then[-_LOG_TAIL:])
        process, out = self._process, log[-_LOG_TAIL:]
        assert process is not None
        if (code := process.poll()) is not None:
            return programs.Told(self._log.name, f"ended with {code}", is_well=code == 0, out=out)
        read = self._read_beside(len(log))
        stacks = programs.ask_for_stacks(process.pid, read) if self.tells_stacks else ""
        return programs.Told(self._log.name, f"runs, pid {process.pid}", out=out, stacks=stacks)

    def _read_beside(self, begin: int) -> Callable[[], str]:
        def read() -> str:
            nonlocal begin
            found = self.log_text()[begin:]
            begin += len(found)
            return found

        return read

    # --- what it says -------------------------------------------------------------------------------

    async def get(self, path: str) -> httpx.Response:
        """One of the admin server's pages."""
        assert self._http is not None
        return await self._http.get(path)

    async def status(self) -> dict[str, Any]:
        """The status document, at most a quarter of a second old."""
        document: dict[str, Any] = (await self.get("/status")).json()
        return document

    async def until(self, what: str, holds: Callable[[dict[str, Any]], bool], *, within: float = WITHIN) -> float:
        """Wait until the condition holds of its status document; the seconds that took."""

        status: dict[str, Any] = {}

        async def look() -> bool:
            nonlocal status
            status = await self.status() if self._lives() else {}
            return holds(status)

        return await until(what, look, within=within, explain=lambda: status_lines(status))

    def log_text(self) -> str:
        """Everything it wrote, of all its lives."""
        return self._log.read_text(encoding="utf-8") if self._log.exists() else ""

    def events(self, name: str) -> list[dict[str, Any]]:
        """The logged events of this name, of all its lives."""
        lines = [line for line in self.log_text().splitlines() if line.startswith("{") and line.endswith("}")]
        return [event for event in map(json.loads, lines) if event["event"] == name]


def done(records: int) -> Callable[[dict[str, Any]], bool]:
    """Whether so many records were consumed and none is open, for `Replica.until`."""

    def holds(status: dict[str, Any]) -> bool:
        accounting = status["accounting"]
        return bool(accounting["consumed"] >= records and accounting["in_flight"] == 0)

    return holds


def assigned(status: dict[str, Any]) -> int:
    """How many partitions it has."""
    return len(status["partitions"])
