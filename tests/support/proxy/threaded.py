"""The proxy on a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self, TypeVar

from tests.support.proxy.conditions import Conditions, Counts
from tests.support.proxy.server import Proxy

T = TypeVar("T")


class ThreadedProxy:
    """A `Proxy` on a thread of its own; a context manager. Everything may be called from any thread."""

    def __init__(self, upstream: tuple[str, int] | None = None) -> None:
        self._proxy = Proxy(upstream)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._proxy.__aenter__(), self._loop).result()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._proxy.__aexit__(kind, error, trace), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._proxy.port

    @property
    def address(self) -> str:
        """``host:port``"""
        return self._proxy.address

    @property
    def counts(self) -> Counts:
        """What happened so far."""
        return self._proxy.counts

    @property
    def connections(self) -> int:
        """How many are open."""
        return self._proxy.connections

    def lead_to(self, host: str, port: int) -> None:
        """Set what new connections are connected to."""
        self._proxy.upstream = (host, port)

    def set(self, conditions: Conditions) -> None:
        """Returns when it holds."""
        self._call(lambda: setattr(self._proxy, "conditions", conditions))

    def cut(self) -> None:
        """See `Proxy.cut`."""
        self._call(self._proxy.cut)

    def _call(self, what: Callable[[], T]) -> T:
        async def on_the_loop() -> T:
            return what()

        return asyncio.run_coroutine_threadsafe(on_the_loop(), self._loop).result()
