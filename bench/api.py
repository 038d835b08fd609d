"""The stub's process, as the harness sees it."""

from __future__ import annotations

import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from bench.processes import cpu_of


class StubGoneError(Exception):
    """The stub ended, or did not answer."""


class Api:
    """Orders to the stub, and what it tells."""

    def __init__(self, process: subprocess.Popen[bytes], ca_file: Path | None) -> None:
        self._process = process
        self._buffer = b""
        self.ca_file = ca_file
        self.url = str(self.next(30)["url"])

    def cpu(self) -> float:
        """Seconds so far."""
        return cpu_of(self._process.pid)

    def expect(self, total: int, mark: int) -> None:
        """A run begins: say when the first, the `mark`-th and the last request came."""
        self._order(f"expect {total} {mark}")
        while self.next(30).get("did") != "expect":
            pass  # what an earlier run's stragglers brought about

    def report(self, *, times: bool = False) -> dict[str, Any]:
        """What came, and whether it was right."""
        self._order("report times" if times else "report")
        while True:
            told = self.next(60)
            if told["did"] == "report":
                return told

    def next(self, patience: float) -> dict[str, Any]:
        """The next thing the stub tells; an empty object when nothing came in time."""
        deadline = time.monotonic() + patience
        output = self._process.stdout
        if output is None:
            raise StubGoneError("the stub has no output")
        while b"\n" not in self._buffer:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([output], [], [], left)[0]:
                return {}
            data = output.read1(1 << 20)  # type: ignore[attr-defined]  # a pipe is a BufferedReader
            if not data:
                raise StubGoneError(f"the stub ended with {self._process.wait()}")
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\n")
        told: dict[str, Any] = orjson.loads(line)
        return told

    def _order(self, text: str) -> None:
        if self._process.stdin is None:
            raise StubGoneError("the stub has no input")
        self._process.stdin.write(text.encode() + b"\n")
        self._process.stdin.flush()


@contextmanager
def api(folder: Path, *, delay: float = 0.0, tls: bool = False) -> Iterator[Api]:
    """A stub of its own for one scenario."""
    command = [sys.executable, "-m", "bench.stub", "--delay", str(delay)]
    ca_file = None
    if tls:
        ca_file, chain = _certificate(folder)
        command += ["--certificate", str(chain)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        yield Api(process, ca_file)
    finally:
        if process.stdin is not None:
            process.stdin.close()
        process.terminate()
        process.wait()


def _certificate(folder: Path) -> tuple[Path, Path]:
    import trustme  # noqa: PLC0415 - only the TLS scenario needs it

    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1", "localhost")
    ca_file, chain = folder / "ca.pem", folder / "chain.pem"
    authority.cert_pem.write_to_path(ca_file)
    issued.private_key_and_cert_chain_pem.write_to_path(chain)
    return ca_file, chain
