"""Where a file is that the configuration names by a relative path.

It is looked for beside the configuration. One that only the working directory has is read from there, as it always was,
and where both have one, the working directory's keeps being the one: nothing that works today reads another file
tomorrow. In both cases a warning says so, because the same configuration means something else in another directory.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any, Final

from bridge.config.keys.problems import Problem, render
from bridge.config.reading.yaml_core import Path

PROPERTY_MAPS: Final = (("kafka", "properties"), ("dead_letter", "properties"))
"""The keys that hold properties of librdkafka."""
LOCATIONS: Final = frozenset({
    "ssl.ca.location",
    "ssl.certificate.location",
    "ssl.key.location",
    "ssl.crl.location",
    "ssl.keystore.location",
    "sasl.kerberos.keytab",
    "sasl.oauthbearer.assertion.file",
    "sasl.oauthbearer.assertion.private.key.file",
    "sasl.oauthbearer.assertion.jwt.template.file",
    "https.ca.location",
})  # fmt: skip
"""Properties of librdkafka whose value is a file, or a folder of them."""
_WORDS: Final = ("probe",)
"""No paths, where librdkafka expects one."""
_KEYTAB: Final = "sasl.kerberos.keytab"
_TYPED: Final = re.compile(r"[A-Za-z]+:")
"""How Kerberos names a keytab that is more than a path: ``FILE:/etc/bridge.keytab``, ``MEMORY:bridge``."""


@dataclass(frozen=True, slots=True)
class FilePlace:
    """Where a file is, and what is to be said of that."""

    path: str
    warning: str = ""


def place(text: str, beside: FilePath, working: FilePath, is_there: Callable[[str], bool]) -> FilePlace:
    """Which file `text` is; `beside` and `working` are absolute. Where neither has it, it is missed beside."""
    if FilePath(text).is_absolute() or text.startswith("~"):
        return FilePlace(text)
    own, today = str(beside / text), str(working / text)
    if own == today or not is_there(today):
        return FilePlace(own)
    if not is_there(own):
        return FilePlace(
            today,
            f"is {today}, found from the working directory and not beside the configuration; move it to {own}, or "
            "write its whole path",
        )
    return FilePlace(
        today,
        f"is {today}, found from the working directory, but {own} exists, too; write the whole path of the one that is "
        "meant",
    )


@dataclass(slots=True)
class Files:
    """Finds the files of one configuration, and keeps what is to be said of them."""

    beside: FilePath = field(default_factory=FilePath.cwd)
    """The folder of the configuration."""
    working: FilePath = field(default_factory=FilePath.cwd)
    overridden: Collection[Path] = ()
    """Keys that the environment sets: what they name is the working directory's."""
    warnings: list[Problem] = field(default_factory=list)

    def find(self, key: Path, text: str) -> str:
        """The path of the file that the key means by `text`."""
        beside = self.working if any(key[: len(each)] == each for each in self.overridden) else self.beside
        found = place(text, beside, self.working, os.path.exists)
        if found.warning and not _is_one_file(str(beside / text), found.path):
            self.warnings.append(Problem(render(key), found.warning))
        return found.path

    def resolve(self, tree: Mapping[str, Any], leaves: Iterable[str]) -> None:
        """Makes the paths in the tree of a configuration whole: those of `leaves` that end in _file or _dir."""
        for path in (tuple(leaf.split(".")) for leaf in leaves if leaf.endswith(("_file", "_dir"))):
            self._replace(map_at(tree, path[:-1]), path)
        for above in PROPERTY_MAPS:
            properties = map_at(tree, above)
            for name in sorted(LOCATIONS & properties.keys()):
                self._replace(properties, (*above, name), words=_WORDS)

    def _replace(self, keys: dict[str, Any], path: Path, words: Collection[str] = ()) -> None:
        given = keys.get(str(path[-1]))
        # What is no path has a problem of its own, which repeats it as it was written.
        if not isinstance(given, str) or not given.strip() or given != given.strip() or given in words:
            return
        if path[-1] != _KEYTAB or not _TYPED.match(given):
            keys[str(path[-1])] = type(given)(self.find(path, given))


def _is_one_file(one: str, other: str) -> bool:
    try:
        return os.path.samefile(one, other)  # noqa: PTH121 - the rest of these paths is text, too
    except (OSError, ValueError):
        return False


def map_at(tree: Any, path: Path) -> dict[str, Any]:
    """The map there, or an empty one where there is none."""
    for part in path:
        tree = tree.get(part) if isinstance(tree, dict) else None
    return tree if isinstance(tree, dict) else {}
