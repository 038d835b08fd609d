"""How a command ends."""

from __future__ import annotations

import enum


class ExitCode(enum.IntEnum):
    """What the calling script or scheduler sees."""

    OK = 0
    FINDINGS = 1
    """The command did its work and found something that somebody has to look at."""
    USAGE = 2
    """The command line or the configuration has to be changed."""
    UNREACHABLE = 3
    """Something the bridge depends on does not answer; the same command may succeed later."""
    DEFECT = 70
    """A mistake in the bridge itself (EX_SOFTWARE of sysexits.h)."""
    INTERRUPTED = 130
    """128 + SIGINT, as shells report it."""
    PIPE_CLOSED = 141
    """128 + SIGPIPE: whoever read the output has seen enough."""


class CommandError(Exception):
    """Ends a command with one sentence (or one line per problem) on standard error."""

    def __init__(self, message: str, code: ExitCode) -> None:
        super().__init__(message)
        self.code = code


class Misuse(CommandError):  # noqa: N818 - named for what the user sees
    """The command line or the configuration asks for something that cannot be done."""

    def __init__(self, message: str) -> None:
        super().__init__(message, ExitCode.USAGE)


class Unreachable(CommandError):  # noqa: N818 - named for what the user sees
    """A broker, the API or a running bridge does not answer."""

    def __init__(self, message: str) -> None:
        super().__init__(message, ExitCode.UNREACHABLE)
