"""How the process of a command ends."""

from __future__ import annotations

import subprocess
import sys

import pytest

CRASHING_LIBRARY = """
import atexit, os, signal, sys
atexit.register(os.kill, os.getpid(), signal.SIGSEGV)
from bridge.cli import main
sys.argv = ["bridge", *sys.argv[1:]]
main()
"""


def ended(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", CRASHING_LIBRARY, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize(("argument", "code"), [("schema", 0), ("--no-such-option", 2)])
def test_a_library_that_crashes_while_it_is_taken_down_changes_neither_output_nor_exit_code(
    argument: str, code: int
) -> None:
    process = ended(argument)
    assert process.returncode == code
    said = process.stdout if code == 0 else process.stderr
    assert said.endswith("\n")
    assert len(said) > 100
