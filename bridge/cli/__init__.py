"""What an operator types: one file per command, each importing what it runs only when it runs.

A command is a function in a file of its own, described by `frame.help.about`, and one line in `app`.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from typing import NoReturn

from bridge import memory
from bridge.exits import ExitCode


def main() -> NoReturn:
    """The console scripts ``bridge`` and ``track-bridge``."""
    memory.look_rarely()
    try:
        from bridge.cli import entry  # importing takes long enough for somebody to press Ctrl-C

        code = entry.run(sys.argv[1:])
    except KeyboardInterrupt:
        code = ExitCode.INTERRUPTED
    _end(code)


def _end(code: int) -> NoReturn:
    """Everything is done and said, so nothing else may happen.

    Kafka clients have threads of their own that the interpreter knows nothing of. One that is at work while the
    libraries under it are taken down ends the process by a signal: after an orderly stop, a crash with exit code -11.
    """
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)
