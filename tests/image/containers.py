"""Containers as the chart runs them, gone when the test is over."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.image.engine import Engine

RESTRICTED = (
    *("--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"),
    *("--user", "10001:10001", "--tmpfs", "/tmp:rw,noexec,nosuid"),  # noqa: S108 - of the container alone
)
"""What `restricted` Pod Security asks for, and what the chart asks for on top."""
PATIENCE = 90.0
_LOOK = 0.1


def restricted(engine: Engine, image: str, *command: str, options: Sequence[str] = ("--network", "none")) -> str:
    """Standard output of one command of the bridge; fails where the command does."""
    return engine.run("run", "--rm", *RESTRICTED, *options, image, *command)


def script(engine: Engine, image: str, source: str, *options: str) -> str:
    """What a Python program prints inside the image."""
    options = (*RESTRICTED, "--network", "none", "--interactive", *options)
    return engine.run("run", "--rm", *options, "--entrypoint", "python", image, "-", stdin=source.encode())


@dataclass(frozen=True, slots=True)
class Container:
    """One that runs."""

    engine: Engine
    id: str

    def inspect(self) -> dict[str, Any]:
        """Everything the engine knows of it."""
        (found,) = json.loads(self.engine.run("inspect", self.id))
        return dict(found)

    def state(self) -> dict[str, Any]:
        """`Running`, `ExitCode`, `Health` and so on."""
        return dict(self.inspect()["State"])

    def logs(self) -> str:
        """Both of its outputs."""
        ended = self.engine.try_to("logs", self.id)
        return (ended.stdout + ended.stderr).decode(errors="replace")

    def until(self, what: str, holds: Callable[[], bool]) -> None:
        """Wait; what happened instead is in the failure."""
        deadline = time.monotonic() + PATIENCE
        while not holds():
            state = self.state()
            if not state["Running"] or time.monotonic() > deadline:
                raise AssertionError(f"{what}: not with {state}\n{self.logs()}")
            time.sleep(_LOOK)


@contextmanager
def running(engine: Engine, image: str, *command: str, options: Sequence[str]) -> Iterator[Container]:
    """A container in the background."""
    started = engine.run("run", "--detach", *RESTRICTED, *options, image, *command).strip()
    container = Container(engine, started)
    try:
        yield container
    finally:
        sys.stdout.write(f"--- the container's log\n{container.logs()[-6000:]}\n")  # shown with a test that failed
        engine.run("rm", "--force", "--volumes", started)
