"""Runs one command line and turns whatever happens into an exit code and, at most, a sentence."""

from __future__ import annotations

import functools
import os
import re
import shlex
import shutil
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import typer
from typer.exceptions import Abort, TyperException

from bridge import commands
from bridge.cli.app import TRACEBACK_OPTION, app
from bridge.cli.frame import output
from bridge.config import environment
from bridge.errors import exit_code
from bridge.exits import ExitCode

_NAMES = ("track-bridge", "bridge")
_WORDS: Final = (
    (re.compile(r"Input should be a valid integer.*", re.DOTALL), r"must be a whole number"),
    (re.compile(r"Input should be a valid number.*", re.DOTALL), r"must be a number"),
    (re.compile(r"Input should be a valid boolean.*", re.DOTALL), r"must be true or false"),
    (re.compile(r"Input should be greater than or equal to (\S+)"), r"must be at least \1"),
    (re.compile(r"Input should be less than or equal to (\S+)"), r"must be at most \1"),
    (re.compile(r"Input should be greater than (\S+)"), r"must be more than \1"),
    (re.compile(r"Input should be less than (\S+)"), r"must be less than \1"),
    (re.compile(r"Input should be "), "must be "),
)
"""What the parser says of a value that an option does not take, in our own words instead of its library's."""

_ADDRESS: Final = ("--listen", "--listen HOST:PORT")
_HABITS: Final = dict.fromkeys(("--port", "--host", "--bind", "--address", "--listen-address"), _ADDRESS)
"""Options of other programs: what is meant by them, where the command has it, and how that is shown."""


def run(arguments: Sequence[str]) -> int:
    """The exit code of one command line; never raises for anything a command does."""
    for stream in (sys.stdout, sys.stderr):
        # A locale that cannot write a character must not end a command: the character is spelled out instead.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    before = commands.invocation()
    commands.invoked_as(commands.Invocation(_to_type()))
    try:
        code = _invoke(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        _forget_stdout()
        return ExitCode.PIPE_CLOSED
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    finally:
        commands.invoked_as(before)
    return code


@functools.cache  # a process that runs several commands, as tests do, makes it once
def _parser() -> Any:
    return typer.main.get_command(app)


def _invoke(arguments: Sequence[str]) -> int:
    shows_traceback = TRACEBACK_OPTION in arguments or environment.traceback_wanted(environment.variables())
    rest = [argument for argument in arguments if argument != TRACEBACK_OPTION]
    try:
        result = _parser().main(rest, prog_name=_program_name(), standalone_mode=False)
    except TyperException as usage:
        usage.message = _plain(usage.message)
        _point_at_ours(usage)
        usage.show()  # type: ignore[attr-defined]  # every exception the parser raises has it, its public base does not
        return usage.exit_code
    except Abort:
        return ExitCode.INTERRUPTED
    except SystemExit as ended:
        # The parser has its own idea of a closed pipe: it ends with 1, which here means findings.
        if isinstance(ended.__context__, BrokenPipeError):
            raise ended.__context__ from None
        raise
    except Exception as error:  # noqa: BLE001 - the last place that can turn it into a sentence
        sys.stdout.flush()
        code = exit_code(error)
        if code is not ExitCode.DEFECT:
            output.to_stderr([str(error)])
        else:
            sys.stderr.write(traceback.format_exc() if shows_traceback else _sentence(error))
        return code
    return int(result) if isinstance(result, int) else ExitCode.OK


def _plain(message: str) -> str:
    """``Invalid value for '--limit': must be at least 1``."""
    for pattern, words in _WORDS:
        message = pattern.sub(words, message)
    return message


def _point_at_ours(usage: TyperException) -> None:
    """Who looks for ``--port`` is told of the option that the command has for it."""
    habit, context = _HABITS.get(getattr(usage, "option_name", "")), getattr(usage, "ctx", None)
    if habit is None or context is None or not hasattr(usage, "possibilities"):
        return
    wanted, shown = habit
    if any(wanted in parameter.opts for parameter in context.command.params):
        usage.possibilities = [shown]


def _program_name() -> str:
    called = Path(sys.argv[0]).name
    return called if called in _NAMES else _NAMES[0]


def _to_type() -> str:
    """What starts this program in the shell it was started in: its name where that is found, else how it was called."""
    called = sys.argv[0]
    if Path(called).name == "__main__.py":
        found = shutil.which(Path(sys.executable).name)
        # Not what is behind links: the interpreter of an environment is a link to one without its packages.
        is_found = found is not None and os.path.abspath(found) == os.path.abspath(sys.executable)  # noqa: PTH100
        return f"{Path(sys.executable).name if is_found else shlex.quote(sys.executable)} -m bridge"
    if Path(called).name not in _NAMES:
        return _NAMES[0]
    found = shutil.which(Path(called).name)
    is_found = found is not None and os.path.realpath(found) == os.path.realpath(called)
    return Path(called).name if is_found else shlex.quote(called)


def _sentence(defect: Exception) -> str:
    """Kind and place only: the text of an arbitrary exception may repeat a payload or a secret."""
    return (
        f"track-bridge: {type(defect).__name__} in {_place(defect.__traceback__)}. This is a defect of the bridge, not "
        f"of your input: run the same command with {TRACEBACK_OPTION} (or BRIDGE_TRACEBACK=1), report what it prints.\n"
    )


def _place(trace: TracebackType | None) -> str:
    """The innermost line of the bridge's own code."""
    frames = traceback.extract_tb(trace)
    own = [frame for frame in frames if f"{os.sep}bridge{os.sep}" in frame.filename] or frames
    return f"{Path(own[-1].filename).name}, line {own[-1].lineno}" if own else "an unknown place"


def _forget_stdout() -> None:
    """Otherwise the interpreter writes what is left on its way out, and complains."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
