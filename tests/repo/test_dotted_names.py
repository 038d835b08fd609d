"""Dotted names between backticks in the code lead somewhere: what was moved or renamed is found where it is named."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.config.sections import Config

NAME = re.compile(r"(?<!`)`((?:[A-Za-z_]\w*\.)+[A-Za-z_]\w*)`(?!`)")
OTHERS = re.compile(r"\.(yaml|bytes|id|ms)$")
"""Ends of the names of files, and of Kafka's own properties."""
SECTIONS = frozenset(Config.model_fields)
PLAIN_BASES = {"Protocol", "NamedTuple", "Enum", "IntEnum", "StrEnum", "Exception"}


class Code:
    """The modules below a folder, what each defines, and what the classes have."""

    def __init__(self, folder: Path) -> None:
        self.defined: dict[tuple[str, ...], set[str]] = {}
        self.members: dict[str, set[str]] = defaultdict(set)
        self.bases: dict[str, set[str]] = defaultdict(set)
        for path in sorted(folder.rglob("*.py")):
            parts = (folder.name, *path.relative_to(folder).with_suffix("").parts)
            tree = ast.parse(path.read_text(encoding="utf-8"))
            self.defined[parts[:-1] if parts[-1] == "__init__" else parts] = set(_bound(tree.body))
            for node in ast.walk(tree):
                if isinstance(node, ast.ClassDef):
                    self.members[node.name] |= {*_bound(node.body), *_of_self(node)}
                    self.bases[node.name] |= {ast.unparse(base).split("[")[0].split(".")[-1] for base in node.bases}
        self.stems = {module[-1] for module in self.defined}

    def is_dangling(self, name: str) -> bool:
        """Whether it is a name of ours that leads nowhere; keys of the configuration and of others are none."""
        parts = tuple(name.split("."))
        first, last = parts[0], parts[-1]
        if first in self.members:
            return len(parts) == 2 and not self._has(first, last)
        is_key = (first in SECTIONS and last.islower()) or OTHERS.search(name)
        if is_key or first not in self.stems or not any(first in module for module in self.defined):
            return False
        return not any(self._leads(parts[:cut], parts[cut:]) for cut in range(1, len(parts) + 1))

    def _leads(self, to: tuple[str, ...], rest: tuple[str, ...]) -> bool:
        there = [names for module, names in self.defined.items() if module[-len(to) :] == to]
        if not rest:
            return bool(there)
        return any(rest[0] in names for names in there) and (len(rest) == 1 or self._has(rest[0], rest[1]))

    def _has(self, owner: str, member: str) -> bool:
        if member in self.members[owner]:
            return True
        bases = self.bases[owner] - PLAIN_BASES
        return any(base not in self.members or self._has(base, member) for base in bases)


def _bound(body: list[ast.stmt]) -> Iterator[str]:
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from (each.id for target in targets for each in ast.walk(target) if isinstance(each, ast.Name))


def _of_self(node: ast.ClassDef) -> Iterator[str]:
    for each in ast.walk(node):
        if isinstance(each, ast.Attribute) and isinstance(each.ctx, ast.Store):
            yield each.attr


@pytest.fixture(scope="module")
def code(root: Path) -> Code:
    return Code(root / "bridge")


def test_every_dotted_name_in_the_code_leads_somewhere(code: Code, root: Path) -> None:
    found = [
        f"{path.relative_to(root)}:{number}: {name}"
        for path in sorted((root / "bridge").rglob("*.py"))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        for name in NAME.findall(line)
        if code.is_dangling(name)
    ]
    assert found == []


@pytest.mark.parametrize(
    ("name", "dangles"),
    [
        ("ops.admin.server.CannotListenError", False),
        ("ops.server.CannotListenError", True),
        ("poll_loop.POLL", False),
        ("poll_loop.NEVER", True),
        ("Dispatcher.pump", False),
        ("Dispatcher.jump", True),
        ("kafka.commit_interval", False),
        ("kafka.client.NoSuchError", True),
        ("ssl.ca.location", False),
    ],
)
def test_a_name_that_leads_nowhere_is_told_from_keys_and_from_names_of_others(
    code: Code, name: str, *, dangles: bool
) -> None:
    assert code.is_dangling(name) is dangles
