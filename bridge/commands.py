"""How a sentence names a command: complete, so that it can be copied into the shell where this process was started.

That is the program by the name it was called by, and the configuration that was given with ``-c``. In texts that are
written before either is known (constants), a command stands between backticks: ```track-bridge check```; `completed`
fills in the rest when the text is told.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

_NAMED: Final = re.compile(r"`track-bridge ([^`]+)`")
_PLACEHOLDER: Final = re.compile(r"[A-Z]+")
"""A word for the reader to replace: ID, FILE."""


_WITHOUT_CONFIGURATION: Final = ("demo", "emulator", "init", "schema")
"""Commands that take none."""


@dataclass(frozen=True, slots=True)
class Invocation:
    """How this process was called."""

    program: str = "track-bridge"
    config: str | None = None
    """As given with -c; None: found without, and so it will be again."""


_invocation = Invocation()


def invocation() -> Invocation:
    """The present one."""
    return _invocation


def invoked_as(invocation: Invocation) -> None:
    """From now on commands are completed to this: a fact of the whole process, as its arguments are."""
    global _invocation  # noqa: PLW0603
    _invocation = invocation


def configured_by(path: str | None) -> None:
    """The configuration that was given with -c, if one was."""
    invoked_as(replace(_invocation, config=path))


class Operand(str):
    """A word that a command is about, as others named it: a topic, a file. It may begin with a dash."""

    __slots__ = ()


def command(*words: str) -> str:
    """``track-bridge offsets show shop.orders/3 -c prod.yaml``, from ``offsets``, ``show``, ``shop.orders/3``."""
    dashed = [word for word in words if isinstance(word, Operand) and word.startswith("-")]
    return _whole(" ".join(map(_typed, (word for word in words if word not in dashed))), map(_typed, dashed))


def _typed(word: str) -> str:
    return word if _PLACEHOLDER.fullmatch(word) else shlex.quote(word)


def completed(text: str, **values: str) -> str:
    """The text with its commands completed, and words of theirs replaced: ``ID="0:17"``."""

    def whole(found: re.Match[str]) -> str:
        words = [values.get(word, word) for word in found[1].split(" ")]
        dashed = [word for word in values.values() if word in words and word.startswith("-")]
        typed = (shlex.quote(word) if word in values.values() else word for word in words if word not in dashed)
        return f"`{_whole(' '.join(typed), map(shlex.quote, dashed))}`"

    return _NAMED.sub(whole, text)


def _whole(words: str, dashed: Iterable[str]) -> str:
    """`dashed` are operands that would be taken for options anywhere but behind ``--``, where none may follow."""
    config = _invocation.config
    takes_none = config is None or words.partition(" ")[0] in _WITHOUT_CONFIGURATION
    options = "" if takes_none else f" -c {shlex.quote(str(config))}"
    rest = "".join(f" {word}" for word in dashed)
    return f"{_invocation.program} {words}{options}{f' --{rest}' if rest else ''}"
