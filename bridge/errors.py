"""Every exception of the bridge hangs in this tree, each family with the exit code of a process that it ends.

::

    BridgeError                     70  nobody who runs the bridge can cause it
    ├── Misuse                       2  has to be written or set up differently first
    │     a configuration, a file it names, a command line, a topic, a permission
    ├── Unreachable                  3  does not answer; the same command may succeed later
    │     a broker, the API, a running bridge, an address to listen on
    │   └── Unanswered               3  may be done all the same
    ├── InvalidError                70  the end of a sentence: who knows the place puts it before and raises another
    │     a text, an expression, a value, a message on the control socket
    ├── RecordError                 70  one record cannot be mapped: it becomes a dead letter
    └── Signal                      70  tells another part of the same room what to do next

The message of the first three is what the user reads: whole sentences, one to a line. The last three never leave the
room that raises them, so one that ends a process is a defect. A class that carries data, or that is told apart by
whoever catches it, is declared where it is raised; it hangs on one of these. `exit_code` turns one into an exit code.
"""

from __future__ import annotations

from bridge.exits import ExitCode


class BridgeError(Exception):
    """The root: of nothing that is raised itself."""

    exit_code: ExitCode = ExitCode.DEFECT
    """Of the process that one of the class ends; an instance may have another."""


class Misuse(BridgeError):  # noqa: N818 - named for what the user sees
    """The command line, the configuration, or what it names asks for something that cannot be done."""

    exit_code = ExitCode.USAGE


class Unreachable(BridgeError):  # noqa: N818 - named for what the user sees
    """A broker, the API or a running bridge does not answer."""

    exit_code = ExitCode.UNREACHABLE


class Unanswered(Unreachable):
    """What was asked for may be done all the same: the answer did not come, or says that it is not known yet."""


class InvalidError(BridgeError, ValueError):
    """What cannot be used, as the end of a sentence; a `ValueError` too, for validators that know no other."""


class RecordError(BridgeError):
    """One record, or one route of it, cannot become a request."""


class Signal(BridgeError):  # noqa: N818 - no error, but a way to continue
    """What one part of a room tells another."""


def exit_code(error: BaseException) -> ExitCode:
    """How a process ends that nothing kept from ending with this."""
    return error.exit_code if isinstance(error, BridgeError) else ExitCode.DEFECT
