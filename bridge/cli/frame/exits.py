"""What ends a command before its work is done."""

from __future__ import annotations

from bridge.exits import ExitCode

__all__ = ["CommandError", "ExitCode", "Misuse", "Unanswered", "Unreachable"]


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


class Unanswered(Unreachable):
    """What was asked for may be done all the same: the answer did not come, or says that it is not known yet."""
