"""The way most tests run a command is no other than the way it is run in production."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support import programs
from tests.support.prepared.client import Program, completed, program, started
from tests.support.prepared.replica import PreparedReplica

LINES = b'{"type": "order.completed", "data": {"user": "u-1", "amount": 1}}\nno JSON\n'
MOMENT = re.compile(rb"[0-9-]{10}T[0-9:.]{12}Z")
"""A line that is mapped was made now."""


@pytest.mark.parametrize(
    "arguments",
    [
        ("--version",),
        ("dlq", "replay", "--help"),
        ("map", "-c", "FILE"),
        ("map", "--amount"),
        ("chek",),
        ("check", "-c", "/nowhere.yaml"),
        ("dlq", "list", "--json", "-c", "FILE"),
    ],
    ids=" ".join,
)
async def test_a_program_of_a_prepared_process_prints_and_ends_as_one_of_a_new_interpreter(
    config: Callable[..., str], arguments: tuple[str, ...]
) -> None:
    words = [config() if word == "FILE" else word for word in arguments]
    prepared = await completed(*words, stdin=LINES)
    usual = await started(*words, stdin=LINES, environ=os.environ)
    assert prepared.code == usual.code
    assert prepared.err == usual.err
    assert MOMENT.sub(b"now", prepared.out) == MOMENT.sub(b"now", usual.out)


RUNS = ("emulator", "--listen", "127.0.0.1:0", "--json")


async def running() -> tuple[Program, bytes]:
    """A program that runs until it is ended, and the one line that it writes."""
    emulator = await program(*RUNS)
    assert emulator.stdout is not None
    return emulator, await emulator.stdout.readline()


async def test_a_program_tells_whoever_failed_what_it_wrote_and_where_its_threads_are_and_goes_on() -> None:
    emulator, line = await running()
    assert emulator in programs._started

    told = emulator.told()
    assert told.name == " ".join(["track-bridge", *RUNS])
    assert (told.state, told.is_well) == (f"runs, pid {emulator.pid}", False)
    assert told.out == line.decode()
    assert "(most recent call first)" in told.stacks
    emulator.send_signal(signal.SIGINT)
    _, err = await emulator.communicate()
    assert emulator.returncode == 0
    assert err.decode().startswith(told.stacks), "who reads it gets all of it"
    assert b"bridge/cli/" in err
    assert (emulator.told().state, emulator.told().is_well) == ("ended with 0", True)


async def test_a_suspended_program_tells_it_as_well_and_an_end_that_nobody_waited_for_is_seen() -> None:
    emulator, _ = await running()
    emulator.send_signal(signal.SIGSTOP)
    assert "(most recent call first)" in emulator.told().stacks
    os.kill(emulator.pid, signal.SIGKILL)
    while emulator.told().state != "ended with -9":
        time.sleep(0.01)  # noqa: ASYNC251 - the loop does not run either where a failure is told
    assert await emulator.wait() == -9


async def test_a_program_that_is_aborted_says_where_its_threads_were() -> None:
    emulator, _ = await running()
    emulator.send_signal(signal.SIGABRT)
    _, err = await emulator.communicate()
    assert emulator.returncode == -signal.SIGABRT
    assert b"Fatal Python error: Aborted" in err
    assert b"bridge/cli/" in err


async def test_of_a_long_output_the_end_is_kept_and_all_of_it_is_read() -> None:
    printing = await program("schema", "bridge")
    out, _ = await printing.communicate()
    assert len(out) > programs.TAIL
    told = printing.told()
    assert told.out == out[-programs.TAIL :].decode(errors="replace")
    assert told.is_well


async def test_a_replica_tells_its_log_and_where_its_threads_are_and_what_it_had_logged_when_it_was_left(
    config: Callable[..., str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with PreparedReplica(Path(config()), tmp_path / "one.log") as replica:
        assert replica in programs._started
        told = replica.told()
        assert (told.name, told.state) == ("one.log", f"runs, pid {replica.pid}")
        assert '"event":"listening"' in told.out
        assert "(most recent call first)" in told.stacks
        assert "(most recent call first)" not in told.out
        with pytest.raises(AssertionError, match=r"there are 7 partitions\nstatus at .*\n(.*\n)*accounting: "):
            await replica.until("there are 7 partitions", lambda status: len(status["partitions"]) == 7, within=0.1)
    told = replica.told()
    assert told.state == "ran until it was left"
    assert told.out
    assert "Fatal Python error: Aborted" not in told.out
    printed = capsys.readouterr().out
    assert printed.index("--- one.log\n") < printed.index("--- one.log, how it ended\n")
    assert "Fatal Python error: Aborted" in printed
