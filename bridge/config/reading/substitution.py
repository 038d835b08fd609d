"""``${VAR}``, ``${VAR:-default}`` and ``${file:/path}`` inside the scalars of a parsed file.

What is put in stays text: it never becomes structure, and it is never searched for references again. Keys are
substituted too. A missing one is a problem at its key, and nothing more is said about that key. Among properties of
librdkafka, ``NAME_file: /path`` is another spelling of ``NAME: ${file:/path}``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any

from bridge.config.keys.problems import Problem, render
from bridge.config.keys.scalars import Substituted
from bridge.config.reading.files import PROPERTY_MAPS, Files, map_at
from bridge.config.reading.yaml_core import Path
from bridge.errors import InvalidError

MAX_FILE_BYTES = 1_048_576

_PIECE = re.compile(r"\$\$\{|\$\{(?P<inside>[^}]*)\}|\$\{")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_SUFFIX = "_file"
_FORMS = "write ${NAME}, ${NAME:-default} or ${file:/path}, and $${ for a literal ${"


class UnknownValue:
    """Stands in the tree for a value that could not be had."""

    __slots__ = ()


UNKNOWN = UnknownValue()


@dataclass(slots=True)
class Substitution:
    """The tree with everything put in, where each piece came from, and what could not be had."""

    tree: Any = field(default=None, repr=False)
    sources: dict[Path, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    unknown: set[Path] = field(default_factory=set)
    unset: set[Path] = field(default_factory=set)
    """Those of `unknown` whose variable the environment does not have."""
    files: Files = field(default_factory=Files)


class Unavailable(InvalidError):  # noqa: N818  # named for what the value is
    """A value cannot be had; says why and what to do."""


class UnsetVariable(Unavailable):
    """The environment does not have it."""


def substitute(tree: Any, environ: Mapping[str, str], files: Files | None = None) -> Substitution:
    """Goes through the whole tree; the tree given is not changed. Without `files`, the working directory has them."""
    result = Substitution(files=files or Files())
    result.tree = _walk(tree, (), environ, result)
    return result


def read_file(path: str) -> str:
    """A file's text without the newlines at its end. Raises `Unavailable`."""
    try:
        with FilePath(path).expanduser().open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except (OSError, ValueError, RuntimeError) as error:  # RuntimeError: a ~user nobody knows
        reason = error.strerror if isinstance(error, OSError) else "its name is not valid"
        raise Unavailable(f"the file {path} cannot be read ({reason}); mount it or correct the path") from None
    if len(content) > MAX_FILE_BYTES:
        raise Unavailable(f"the file {path} is larger than {MAX_FILE_BYTES} bytes; it cannot be the right one")
    try:
        return content.decode("utf-8-sig").rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise Unavailable(f"the file {path} is not UTF-8 text (byte {error.start})") from None


def _walk(node: Any, path: Path, environ: Mapping[str, str], result: Substitution) -> Any:
    if isinstance(node, dict):
        return _map(node, path, environ, result)
    if isinstance(node, list):
        return [_walk(item, (*path, place), environ, result) for place, item in enumerate(node)]
    if isinstance(node, str) and "${" in node:
        return _text(node, path, environ, result)
    return node


def _map(node: dict[str, Any], path: Path, environ: Mapping[str, str], result: Substitution) -> dict[str, Any]:
    built: dict[str, Any] = {}
    for written, value in node.items():
        key = _text(written, (*path, written), environ, result) if "${" in written else written
        if isinstance(key, UnknownValue):
            continue
        if key in built:
            result.problems.append(Problem(render((*path, written)), "becomes a key that is there already; rename one"))
            continue
        built[str(key)] = _walk(value, (*path, str(key)), environ, result)
    return built


def _text(text: str, path: Path, environ: Mapping[str, str], result: Substitution) -> str | UnknownValue:
    sources: list[str] = []

    def put_in(piece: re.Match[str]) -> str:
        if piece[0] == "$${":
            return "${"
        value, source = _resolve(piece["inside"], environ, lambda file: result.files.find(path, file))
        sources.append(source)
        return value

    try:
        found = _PIECE.sub(put_in, text)
    except Unavailable as error:
        result.problems.append(Problem(render(path), str(error)))
        result.unknown.add(path)
        if isinstance(error, UnsetVariable):
            result.unset.add(path)
        return UNKNOWN
    if not sources:
        return found
    result.sources[path] = " and ".join(dict.fromkeys(sources))
    return Substituted(found)


def _resolve(inside: str | None, environ: Mapping[str, str], find: Callable[[str], str]) -> tuple[str, str]:
    """The value of one reference, and its source as people name it."""
    if inside is None:
        raise Unavailable(f"has ${{ without a closing brace; {_FORMS}")
    if inside.startswith("file:"):
        given = inside.removeprefix("file:").strip()
        if not given:
            raise Unavailable(f"has ${{file:}} without a path; {_FORMS}")
        path = find(given)
        return read_file(path), f"file {path}"
    name, separator, default = inside.partition(":-")
    if not _NAME.fullmatch(name) or "${" in default:
        raise Unavailable(f"has a reference that is none of the known forms; {_FORMS}")
    value = environ.get(name)
    source = f"environment variable {name}"
    if separator:
        return (value, source) if value else (default, f"the default for {name}")
    if value is None:
        raise UnsetVariable(f"the environment variable {name} is not set; set it, or write ${{{name}:-default}}")
    return value, source


def resolve_property_files(found: Substitution) -> None:
    """Replaces each ``NAME_file`` among librdkafka properties by its ``NAME``: what is in that file."""
    for above in PROPERTY_MAPS:
        properties = map_at(found.tree, above)
        for key in [each for each in properties if each.endswith(_SUFFIX)]:
            _resolve_one(key, properties, above, found)


def _resolve_one(key: str, properties: dict[str, Any], above: Path, found: Substitution) -> None:
    given = properties.pop(key)
    name = key.removesuffix(_SUFFIX)
    path = (*above, name)
    where = render((*above, key))
    if isinstance(given, UnknownValue) or given is None or given == "":
        return  # what could not be had is a problem already; nothing there means not given
    if not isinstance(given, str):
        found.problems.append(Problem(where, "must be the path of a file"))
    elif name in properties and properties[name] != "":
        found.problems.append(Problem(where, f"must not be set beside {name}; remove one of the two"))
    else:
        try:
            file = found.files.find((*above, key), given)
            properties[name] = Substituted(read_file(file))
            found.sources[path] = f"file {file}"
        except Unavailable as error:
            properties[name] = UNKNOWN
            found.unknown.add(path)
            found.problems.append(Problem(where, str(error)))
