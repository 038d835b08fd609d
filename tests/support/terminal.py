"""A command that asks a person: standard input and error are a terminal, standard output is read by a script."""

from __future__ import annotations

import asyncio
import os
import pty

from tests.support.prepared.client import program


async def answered(*arguments: str, answer: str) -> tuple[int, str]:
    """The exit code and standard output of ``bridge ARGUMENTS``, with `answer` typed to its question."""
    ours, theirs = pty.openpty()
    try:
        os.write(ours, f"{answer}\n".encode())  # The terminal keeps it until somebody asks.
        process = await program(*arguments, stdin=theirs, stderr=theirs, env={**os.environ, "TERM": "dumb"})
        draining = asyncio.get_running_loop()
        draining.add_reader(ours, os.read, ours, 65_536)
        try:
            out, _ = await process.communicate()
        finally:
            draining.remove_reader(ours)
    finally:
        os.close(ours)
        os.close(theirs)
    assert process.returncode is not None
    return process.returncode, out.decode()
