"""The places that hold the version, and the same files with the next one. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from scripts.release.problem import ReleaseProblemError

_PLACES: Final = {
    "bridge/__init__.py": (r'^__version__ = "(.+)"$',),
    "helm/track-bridge/Chart.yaml": (r"^version: (.+)$", r'^appVersion: "(.+)"$'),
}
"""File, and the lines of it that are a version: the program's own, and the chart's, which is released with it."""

FILES: Final = tuple(_PLACES)
_VERSION: Final = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)")


def parsed(version: str) -> tuple[int, int, int]:
    """``(1, 4, 0)`` of ``1.4.0``. Raises `ReleaseProblemError` for anything else."""
    found = _VERSION.fullmatch(version)
    if found is None:
        raise ReleaseProblemError(f"{version!r} is no version: three numbers with points, such as 1.4.0")
    return int(found[1]), int(found[2]), int(found[3])


def current(files: Mapping[str, str]) -> str:
    """The one version of all places, of file name -> text. Raises `ReleaseProblemError` where they differ."""
    said = {f"{name} ({line})": _found(name, line, files[name])[1] for name, lines in _PLACES.items() for line in lines}
    if len(set(said.values())) > 1:
        raise ReleaseProblemError(
            f"the places of the version differ: {', '.join(f'{k}: {v}' for k, v in said.items())}"
        )
    return next(iter(said.values()))


def bumped(files: Mapping[str, str], version: str) -> dict[str, str]:
    """The same files with this version. Raises `ReleaseProblemError` unless it comes after the present one, or is it.

    The present one may be released, too: a first release has the version that the sources always had.
    """
    before = current(files)
    if parsed(version) < parsed(before):
        raise ReleaseProblemError(f"{version} comes before {before}, which the sources have already")
    after = dict(files)
    for name, lines in _PLACES.items():
        for line in lines:
            found = _found(name, line, after[name])
            after[name] = f"{after[name][: found.start(1)]}{version}{after[name][found.end(1) :]}"
    return after


def _found(name: str, line: str, text: str) -> re.Match[str]:
    found = re.search(line, text, re.MULTILINE)
    if found is None:
        raise ReleaseProblemError(f"{name} has no line that matches {line}")
    return found
