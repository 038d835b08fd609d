"""How a process ends: the one table of exit codes, for every command and for the service.

One rule: 2 is for what has to be written or set up differently before the same command can succeed (the command line,
the configuration, and the topics and permissions it names), 3 for what does not answer, 1 for work that was done and
found something somebody has to look at. Of several the greatest counts.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Final


class ExitCode(enum.IntEnum):
    """What the calling script or scheduler sees."""

    OK = 0
    FINDINGS = 1
    """The command did its work and found something that somebody has to look at."""
    USAGE = 2
    """The command line, the configuration, or what it names on the cluster has to be changed."""
    UNREACHABLE = 3
    """Something the bridge depends on does not answer; the same command may succeed later."""
    DEFECT = 70
    """A mistake in the bridge itself (EX_SOFTWARE of sysexits.h)."""
    INTERRUPTED = 130
    """128 + SIGINT, as shells report it."""
    PIPE_CLOSED = 141
    """128 + SIGPIPE: whoever read the output has seen enough."""


MEANINGS: Final[Mapping[ExitCode, str]] = {
    ExitCode.OK: "done, and nothing is left to look at",
    ExitCode.FINDINGS: "done, and something was found that needs a look",
    ExitCode.USAGE: "the command line, the configuration, or a topic or permission it names must be changed",
    ExitCode.UNREACHABLE: "a broker, the API or a running bridge does not answer",
    ExitCode.DEFECT: "a defect of the bridge",
    ExitCode.INTERRUPTED: "interrupted (Ctrl-C)",
    ExitCode.PIPE_CLOSED: "whoever read the output closed it",
}

FINDINGS: Final[Mapping[str, str]] = {
    "check": "A problem the configuration is not the cause of: the API refuses the key, a committed offset is outside "
    "its log.",
    "map": "A record would be a dead letter.",
    "test": "An example failed.",
    "send": "The API did not accept a request, or the record makes none; with `--file`, a line failed or is left.",
    "topics create": "A topic could not be created.",
    "offsets show": "A bridge would hold a partition: its committed offset is outside its log, or of an earlier topic.",
    "dlq stats": "A dead letter is open.",
    "dlq replay": "A selected dead letter failed again, or is left (with `--dry-run`: would be).",
    "demo": "Not everything became of the records that should.",
    "selftest": "A promise was not kept.",
}
"""What 1 means, of every command that ends with it."""


def sentence() -> str:
    """All codes a command chooses, for help texts and the README: ``0 done … · 1 …``."""
    chosen = (ExitCode.OK, ExitCode.FINDINGS, ExitCode.USAGE, ExitCode.UNREACHABLE, ExitCode.DEFECT)
    return " · ".join(f"{int(code)} {MEANINGS[code]}" for code in chosen)
