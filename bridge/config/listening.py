"""Where a bridge with this configuration file listens, whatever else is wrong with the file.

Who asks a running bridge how it is needs this one key of the file. The rest may be broken, or need variables that only
the bridge itself has.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from bridge.config import load
from bridge.config.keys import scalars
from bridge.config.keys.problems import Problem, render
from bridge.config.keys.scalars import Listen
from bridge.config.reading import overrides, substitution, yaml_core
from bridge.config.reading.files import Files
from bridge.config.sections import SHAPE, Observability
from bridge.errors import Misuse

KEY: Final = ("observability", "listen")
_LOOPBACK: Final = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - to ask there, not to listen
"""Where to ask a server that listens on every address of its machine."""


class ListenUnknownError(Misuse):
    """It cannot be told; the message is one sentence."""


def address(path: Path, environ: Mapping[str, str]) -> str:
    """``host:port`` at which to ask on the machine of the bridge. Raises `ListenUnknownError`."""
    listen = _listen(path, environ)
    if listen.port == 0:
        raise ListenUnknownError(
            f"{path}: {render(KEY)} has port 0, so the bridge takes any that is free: the line `listening` of its log"
            " says which. Give the address with --url."
        )
    return _reached_at(listen)


def reached_at(listen: Listen) -> str:
    """``host:port`` at which to ask a bridge that listens there, on its machine. Raises `ListenUnknownError`."""
    if listen.port == 0:
        raise ListenUnknownError(
            f"{render(KEY)} has port 0, so the bridge takes any that is free: the line `listening` of its log says"
            " which. Name it in console.instances."
        )
    return _reached_at(listen)


def _reached_at(listen: Listen) -> str:
    host = _LOOPBACK.get(listen.host, listen.host)
    return f"[{host}]:{listen.port}" if ":" in host else f"{host}:{listen.port}"


def _listen(path: Path, environ: Mapping[str, str]) -> Listen:
    override = overrides.read(environ, SHAPE).values
    given = override[KEY] if KEY in override else _in_file(path, environ)
    if given is None:
        return Observability().listen
    try:
        return scalars.listen(given)
    except ValueError as error:
        raise _unknown(path, Problem(render(KEY), str(error))) from None


def _in_file(path: Path, environ: Mapping[str, str]) -> Any:
    """The value of the key; None where the file does not set it."""
    text, problem = load.text_of(path)
    if problem is not None:
        raise _unknown(path, problem)
    try:
        tree = yaml_core.parse(text).tree
    except yaml_core.Malformed as error:
        raise _unknown(path, Problem(str(path), str(error))) from None
    if not isinstance(tree, dict):
        raise _unknown(path, Problem(str(path), "must be a map with sections such as kafka: and track: at the top"))
    section = tree.get(KEY[0])
    if section is None:
        return None
    if not isinstance(section, dict):
        raise _unknown(path, Problem(KEY[0], "must be a map with keys such as listen:"))
    folder = path.absolute().parent
    files = Files(folder, load.working_directory(folder))
    found = substitution.substitute({KEY[0]: section}, environ, files)
    if KEY in found.unknown:
        raise _unknown(path, next(each for each in found.problems if each.where == render(KEY)))
    return found.tree[KEY[0]].get(KEY[1])


def _unknown(path: Path, problem: Problem) -> ListenUnknownError:
    where = "" if problem.where == str(path) else f"{path}: "
    return ListenUnknownError(
        f"{where}{problem}. So it does not say where the bridge listens: give the address with --url."
    )
