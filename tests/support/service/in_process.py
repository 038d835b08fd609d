"""The whole service in the test's own process: a real `Bridge`, from a configuration file to its exit."""

from __future__ import annotations

import asyncio
import ssl
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import httpx

from bridge.config import load
from bridge.mapping.compile import CompiledMapping, compile_mapping
from bridge.mapping.destination import destination_of
from bridge.ops.log.logger import set_up
from bridge.ops.snapshot import Snapshot
from bridge.service.bridge import Bridge, Exit
from bridge.service.main import secrets_of
from bridge.service.reload.candidate import ConfigurationFile
from tests.support import programs
from tests.support.log_output import LogOutput
from tests.support.waiting import patience, until

_NOBODY_TRUSTED: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For pages without TLS: to read all of a machine's authorities for each client takes longer than what it asks for."""


class Service:
    """One running bridge. Entered, it is started; left, it is stopped if the test has not stopped it."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.lines = LogOutput()

    async def __aenter__(self) -> Self:
        loaded = load.read(self._file, {})
        assert loaded.config is not None, loaded.problems
        mapping = compile_mapping(loaded.config.mapping, destination=destination_of(loaded.config.track))
        assert isinstance(mapping, CompiledMapping), mapping
        self._log = set_up(
            level=loaded.config.observability.log_level,
            log_format="json",
            secrets=secrets_of(loaded.config),
            output=self.lines,
        )
        self.lines.writer = self._log.writer
        self.began = time.monotonic()
        self.bridge = Bridge(loaded.config, mapping, self._log, file=ConfigurationFile(self._file, {}))
        self.running: asyncio.Task[Exit] = asyncio.create_task(self.bridge.run())
        programs.started(self)
        await until("the admin server listens", lambda: self.bridge.admin_address is not None or self.running.done())
        if self.running.done():
            await self.running
        assert self.bridge.admin_address is not None
        host, port = self.bridge.admin_address
        self._http = httpx.AsyncClient(base_url=f"http://{host}:{port}", timeout=30, verify=_NOBODY_TRUSTED)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if not self.running.done():
                await self.stop()
        finally:
            await self._http.aclose()
            self.lines.close(self._log)
            sys.stdout.write(self.lines.text.decode("utf-8", "replace"))  # shown with a test that failed

    async def stop(self) -> Exit:
        """Stop in order."""
        self.bridge.stop("the test is over")
        async with patience("the bridge stops", explain=lambda: str(self.now())):
            outcome = await self.running
        await until("the last line is written", lambda: bool(self.lines.events("stopped")))
        return outcome

    @property
    def may_run(self) -> bool:
        """For whoever shows the programs of a test that failed: one in the test's process is not there any more."""
        return False

    def told(self) -> programs.Told:
        """What it logged last."""
        ended, out = self.running.done(), self.lines.so_far.decode("utf-8", "replace")[-programs.TAIL :]
        well = ended and not self.running.cancelled() and self.running.exception() is None
        return programs.Told("the bridge in the test's process", "ended" if ended else "runs", is_well=well, out=out)

    def now(self) -> Snapshot:
        """What the service says of itself, without the way over HTTP."""
        return self.bridge.snapshot()

    async def get(self, path: str, accept: str = "*/*") -> httpx.Response:
        """One of the admin server's pages."""
        return await self._http.get(path, headers={"Accept": accept})

    async def status(self) -> dict[str, Any]:
        """The status document, fresh: the page is kept for a moment by design."""
        document: dict[str, Any] = (await self._http.get("/status")).json()
        return document

    async def until(self, what: str, condition: Callable[[], bool], *, within: float = 30.0) -> float:
        """Wait for it, as long as the service runs."""

        def holds() -> bool:
            assert not self.running.done(), f"the bridge ended: {self.running}"
            return condition()

        return await until(what, holds, within=within, explain=lambda: str(self.now()))

    async def until_done(self, records: int) -> None:
        """Wait until so many records were consumed and none is open."""

        def done() -> bool:
            now = self.now().tally
            return now.consumed >= records and now.buffered == 0

        await self.until(f"{records} records are done", done)
