"""How a process ends: the one table of exit codes, for every command and for the service.

One rule: 2 is for what has to be written or set up differently before the same command can succeed (the command line,
the configuration, and the topics and permissions it names), 3 for what does not answer, 1 for work that was done and
found something somebody has to look at. Of several the greatest counts. ``track-bridge check
--detailed-exit-code`` tells the kinds of findings apart (`KINDS`), by the same rule.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
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
    ExitCode.UNREACHABLE: "a broker, the API, the schema registry or a running bridge does not answer",
    ExitCode.DEFECT: "a defect of the bridge",
    ExitCode.INTERRUPTED: "interrupted (Ctrl-C)",
    ExitCode.PIPE_CLOSED: "whoever read the output closed it",
}


class FindingKind(enum.StrEnum):
    """What a finding of ``track-bridge check`` is about: each kind has a code of its own, see `KINDS`."""

    WARNING = "warning"
    EXAMPLE = "example"
    LINT = "lint"
    GROUP = "group"
    API_KEY = "api_key"
    TOPICS = "topics"
    CONFIGURATION = "configuration"
    API = "api"
    KAFKA = "kafka"
    KAFKA_LOGIN = "kafka_login"
    REGISTRY = "registry"


@dataclass(frozen=True, slots=True)
class KindEntry:
    """How ``track-bridge check`` ends for findings of one kind."""

    code: ExitCode
    detailed: int
    """With ``--detailed-exit-code``. Its tens are `code`, so that of several the greatest counts here as well."""
    meaning: str


KINDS: Final[Mapping[FindingKind, KindEntry]] = {
    FindingKind.WARNING: KindEntry(ExitCode.OK, 4, "only warnings"),
    FindingKind.EXAMPLE: KindEntry(ExitCode.OK, 5, "an example of the mapping fails"),
    FindingKind.LINT: KindEntry(ExitCode.FINDINGS, 10, "with --strict: lint has a finding"),
    FindingKind.GROUP: KindEntry(
        ExitCode.FINDINGS,
        11,
        "a partition or the group would be held: a committed offset outside its log, a transaction that hangs, members "
        "that share out partitions in another way",
    ),
    FindingKind.API_KEY: KindEntry(ExitCode.FINDINGS, 12, "the API refuses the key"),
    FindingKind.TOPICS: KindEntry(
        ExitCode.USAGE, 21, "a topic or a permission is missing, or a topic's settings are unfit"
    ),
    FindingKind.CONFIGURATION: KindEntry(
        ExitCode.USAGE, 22, "the configuration is refused, or leaves open where to start"
    ),
    FindingKind.API: KindEntry(ExitCode.UNREACHABLE, 31, "the API does not answer"),
    FindingKind.KAFKA: KindEntry(ExitCode.UNREACHABLE, 32, "no broker answers"),
    FindingKind.KAFKA_LOGIN: KindEntry(ExitCode.UNREACHABLE, 33, "the brokers refuse the login or TLS"),
    FindingKind.REGISTRY: KindEntry(
        ExitCode.UNREACHABLE, 34, "the schema registry does not answer, or refuses the login"
    ),
}
"""From the mildest to the gravest: what does not answer hides what is behind it."""


def kinds_sentence() -> str:
    """``4 only warnings · …``, of ``track-bridge check --detailed-exit-code``."""
    return " · ".join(f"{entry.detailed} {entry.meaning}" for entry in KINDS.values())


def general() -> dict[ExitCode, str]:
    """Every code with a sentence."""
    return {code: f"{text[0].upper()}{text[1:]}." for code, text in MEANINGS.items()}


def of(findings: str | None, unreachable: str | None) -> dict[ExitCode, str]:
    """The codes that a command may end with, in order, each with a sentence; what 1 and 3 mean of it, None: never."""
    own = {ExitCode.FINDINGS: findings, ExitCode.UNREACHABLE: unreachable}
    meant = {code: own.get(code, text) for code, text in general().items()}
    return {code: text for code, text in meant.items() if text is not None}


def sentence() -> str:
    """All codes a command chooses, for help texts and the README: ``0 done … · 1 …``."""
    chosen = (ExitCode.OK, ExitCode.FINDINGS, ExitCode.USAGE, ExitCode.UNREACHABLE, ExitCode.DEFECT)
    return " · ".join(f"{int(code)} {MEANINGS[code]}" for code in chosen)
