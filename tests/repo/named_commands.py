"""Every command that a sentence of the code names, read from the code: for the tests of what can be copied."""

from __future__ import annotations

import ast
import functools
import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

import bridge
from bridge.cli.app import app

PACKAGE = Path(bridge.__file__).parent
TABLES = {
    "REASONS",
    "_SENTENCES",
    "_NOT_LET_IN",
    "_OUT_OF_RANGE",
    "_TOO_LARGE",
    "_ELSE",
    "SENTENCES",
    "_CREATE",
    "_NOT_SET",
}
"""Constants whose texts are completed when they are told."""
_OF_FILES = PACKAGE / "proposal" / "file"
"""What it writes stays in a file, for whoever reads that later and calls the program in another way."""
_OF_HELP = {"help", "short_help", "epilog", "description"}
_VALUE = "1"
"""What is only known when the sentence is told."""


@dataclass(frozen=True)
class Named:
    """One command in one text."""

    where: str
    words: tuple[str, ...]
    is_completed: bool


@functools.cache
def root() -> Any:
    """The real parser."""
    return typer.main.get_command(app)


@functools.cache
def names() -> list[str]:
    """Of all commands: ``check``, ``dlq list``."""

    def under(group: Any, before: str) -> Iterator[str]:
        for name, each in group.commands.items():
            yield f"{before}{name}"
            if hasattr(each, "commands"):
                yield from under(each, f"{before}{name} ")

    return sorted(under(root(), ""))


def parse(words: list[str]) -> None:
    """Raises what the parser raises for a line that it does not take."""
    command = root()
    rest = list(words)
    while hasattr(command, "commands"):
        name = rest.pop(0)
        command = command.commands[name]
    command.make_context(" ".join(words[: len(words) - len(rest)]), rest)


def of_code() -> Iterator[Named]:
    """Those of every string and every call of `command` in the package, but for help texts and docstrings.

    A text that is nothing but the name of a command is what is recorded as the author of something.
    """
    for file in sorted(set(PACKAGE.rglob("*.py")) - {PACKAGE / "commands.py"} - set(_OF_FILES.rglob("*.py"))):
        source = file.read_text(encoding="utf-8")
        if "command(" not in source and "bridge " not in source:
            continue
        name, tree = file.relative_to(PACKAGE), ast.parse(source)
        parents = _parents(tree)
        for node in (tree, *parents):
            where = f"{name}:{getattr(node, 'lineno', 0)}"
            if isinstance(node, ast.Call) and _calls(node, "command") and _is_word(node.args[0]):
                # Options that depend on what was typed (``*options``) are the business of the command's own tests.
                given = [each for each in node.args if not isinstance(each, ast.Starred)]
                words = tuple(str(each.value) if isinstance(each, ast.Constant) else _VALUE for each in given)
                yield Named(where, words, is_completed=True)
            text = _text(node, parents)
            if text is not None and not _is_of_help(node, parents):
                for found in () if text.removeprefix("track-bridge ") in names() else _MENTION.finditer(text):
                    yield Named(where, tuple(found[2].split()), found[1] == "`" and _is_completed(node, parents))


def _parents(tree: ast.AST) -> dict[ast.AST, ast.AST]:
    """Of every node below, those near the root first."""
    found: dict[ast.AST, ast.AST] = {}
    left = deque([tree])
    while left:
        node = left.popleft()
        for child in ast.iter_child_nodes(node):
            found[child] = node
            left.append(child)
    return found


def on_import(source: str) -> Iterator[int]:
    """The lines on which commands are completed when a module of this text is imported, and not when a call runs."""

    def walk(node: ast.AST) -> Iterator[int]:
        if isinstance(node, ast.Call) and _calls(node, "command", "completed"):
            yield node.lineno
        inside: Iterable[ast.AST] = ast.iter_child_nodes(node)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            # Defaults and decorators run when the function is made.
            inside = [node.args, *getattr(node, "decorator_list", ())]
        for child in inside:
            yield from walk(child)

    yield from walk(ast.parse(source))


_MENTION = re.compile(
    rf"(`?)(?<![\w/.-])(?:track-)?bridge ((?:{'|'.join(sorted({n.split()[0] for n in names()}))})\b(?!:)[^`\n]*)`?"
)


def _text(node: ast.AST, parents: dict[ast.AST, ast.AST]) -> str | None:
    """Of a string that is no docstring and no part of another."""
    parent = parents.get(node)
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else _VALUE for part in node.values)
    if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
        return None
    return None if isinstance(parent, ast.JoinedStr | ast.Expr) else node.value


def _calls(node: ast.Call, *names: str) -> bool:
    return isinstance(node.func, ast.Name) and node.func.id in names


def _is_word(argument: ast.expr) -> bool:
    return isinstance(argument, ast.Constant)


def _above(node: ast.AST, parents: dict[ast.AST, ast.AST]) -> Iterator[ast.AST]:
    while node in parents:
        node = parents[node]
        yield node


def _is_of_help(node: ast.AST, parents: dict[ast.AST, ast.AST]) -> bool:
    return any(isinstance(each, ast.keyword) and each.arg in _OF_HELP for each in _above(node, parents))


def _is_completed(node: ast.AST, parents: dict[ast.AST, ast.AST]) -> bool:
    for each in _above(node, parents):
        if isinstance(each, ast.Call) and _calls(each, "completed"):
            return True
        if isinstance(each, ast.Assign | ast.AnnAssign):
            target = each.targets[0] if isinstance(each, ast.Assign) else each.target
            if isinstance(target, ast.Name) and target.id in TABLES:
                return True
    return False
