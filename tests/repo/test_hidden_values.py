"""What may hold a secret is not shown by the object that holds it: a log line or a report may show the object."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from bridge.fleet.acts.reaching import SignedReplica
from bridge.mapping.routes.properties import PropertiesMade

SECRET = {"password", "properties", "proxy", "secrets"}
"""Names of fields. A URL of a proxy may hold a password, and so may properties of librdkafka."""
UNCHECKED = {"tree", "values"}
"""What a configuration says, in the modules that read it."""


def _shown(tree: ast.Module, names: set[str]) -> Iterator[tuple[int, str]]:
    """Line and name of each such field of a data class or named tuple that its `repr` shows."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.ClassDef):
            continue
        heads = [ast.unparse(each) for each in (*node.decorator_list, *node.bases)]
        if not any(head.startswith(("dataclass", "NamedTuple")) for head in heads):
            continue
        if any(isinstance(each, ast.FunctionDef) and each.name == "__repr__" for each in node.body):
            continue
        for each in node.body:
            if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name) and each.target.id in names:
                value = each.value
                hides = isinstance(value, ast.Call) and any(
                    word.arg == "repr" and ast.unparse(word.value) == "False" for word in value.keywords
                )
                if not hides:
                    yield each.lineno, each.target.id


def test_no_object_shows_what_may_hold_a_secret(root: Path) -> None:
    found = [
        f"{path.relative_to(root)}:{line}: {name}"
        for path in sorted((root / "bridge").rglob("*.py"))
        for names in [SECRET | UNCHECKED if path.is_relative_to(root / "bridge" / "config") else SECRET]
        for line, name in _shown(ast.parse(path.read_text(encoding="utf-8")), names)
    ]
    assert found == [], "field(repr=False)"


def test_a_field_that_is_shown_is_found() -> None:
    text = "@dataclass(frozen=True)\nclass A:\n    proxy: str | None\n    secrets: str = field(repr=False)\n"
    assert list(_shown(ast.parse(text), SECRET)) == [(3, "proxy")]


def test_what_hides_a_key_or_a_record_by_a_form_of_its_own_shows_neither() -> None:
    assert repr(SignedReplica("127.0.0.1:8080", b"hidden-key")) == "SignedReplica('127.0.0.1:8080')"
    made = PropertiesMade({"name": "hidden"}, left_out=0, absent=0)
    assert repr(made) == "PropertiesMade(1 properties)"
