"""The commands that a page tells people to type: its ```sh blocks, and what in backticks begins like one."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

DOCS = Path(__file__).parents[3] / "docs"

BRIDGE = frozenset({"bridge", "track-bridge", "tools"})
"""`tools` is the runbook's word for the bridge's own commands in a pod that does nothing else."""
PROGRAMS = BRIDGE | {
    "kube",
    "kubectl",
    "helm",
    "argocd",
    "flux",
    "docker",
    "systemctl",
    "journalctl",
    "kafka",
    "kcat",
    "rpk",
    "make",
    "split",
    "logs",
    "echo",
    "tools()",
    "export",
    "sh",
}
_KAFKA_SCRIPT = re.compile(r"kafka-[a-z-]+\.sh")

PLACEHOLDERS: Mapping[str, str] = {
    "TOPIC": "shop.orders",
    "PARTITION": "0",
    "GROUP": "cli",
    "REASON": "rejected",
    "USER": "u-1",
    "TIME": "2026-01-31T00:00:00Z",
    "ID": "0:0",
    "N": "3",
    "POD": "shop-track-bridge-0",
    "JOB": "shop-track-bridge-replay-1",
    "RELEASE": "shop",
    "APP": "shop",
}
"""What a page leaves to its reader, and what a test types for it."""


@dataclass(frozen=True, slots=True)
class Block:
    """One ```sh block. `about` is what stands after ``sh``: a block that only sets something up has a name."""

    line: int
    about: str
    text: str


@dataclass(frozen=True, slots=True)
class Command:
    """One command, as the page has it."""

    line: int
    text: str

    @property
    def words(self) -> list[str]:
        """What a shell gives to the program, without redirections and what comes after a pipe."""
        lexer = shlex.shlex(self.text, posix=True, punctuation_chars="|<>;&")
        lexer.whitespace_split = True
        words: list[str] = []
        for word in lexer:
            if set(word) <= set("|<>;&"):
                break
            words.append(word)
        return words

    @property
    def program(self) -> str:
        """Its first word."""
        return self.text.split()[0]

    def typed(self, names: Mapping[str, str]) -> str:
        """With the reader's own names in place of the capitals."""
        known = {**PLACEHOLDERS, **names}
        return re.sub(rf"\b({'|'.join(known)})\b(?!=)", lambda found: known[found[1]], self.text)


def text_of(page: str) -> str:
    """A page of docs/, by its name without the ending."""
    return (DOCS / f"{page}.md").read_text(encoding="utf-8")


def blocks(text: str) -> list[Block]:
    """All ```sh blocks."""
    return [
        Block(text.count("\n", 0, found.start()) + 1, (found[1] or "").strip(), found[2])
        for found in re.finditer(r"^ *```sh( [^\n]*)?\n(.*?)^ *```", text, re.MULTILINE | re.DOTALL)
    ]


def block(text: str, about: str) -> str:
    """The only block of this name."""
    (found,) = [each.text for each in blocks(text) if each.about == about]
    return found


def spans(text: str) -> list[Command]:
    """What stands between backticks within one line, outside of blocks."""
    outside = re.sub(
        r"^ *```.*?^ *```", lambda found: "\n" * found[0].count("\n"), text, flags=re.MULTILINE | re.DOTALL
    )
    return [
        Command(outside.count("\n", 0, found.start()) + 1, found[1].replace("\\|", "|"))
        for found in re.finditer(r"`([^`\n]+)`", outside)
        if found[1].strip()
    ]


def is_command(text: str) -> bool:
    """Whether it begins with a program and says more than its name."""
    program, *more = text.split(maxsplit=1)
    return bool(more) and (program in PROGRAMS or _KAFKA_SCRIPT.fullmatch(program) is not None)


def commands(text: str) -> list[Command]:
    """Every command of a page, in no order. A line of a block is one command, whatever it begins with."""
    found = [each for each in spans(text) if is_command(each.text)]
    for each in blocks(text):
        if each.about:
            continue
        joined = each.text.replace("\\\n", "  ")
        for number, line in enumerate(joined.splitlines(), each.line + 1):
            if command := re.sub(r"(^|\s+)#.*", "", line).strip():
                found.append(Command(number, command))
    return found
