"""The image, built by its recipe and run for real; a machine that can run none skips the tier, loudly.

It is the one tier that may be skipped with CI=true: starting an engine takes privileges that a build machine may not
have, and everything in the image is tested outside of it as well.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.image import base
from tests.image.base import ROOT, Base
from tests.image.engine import Engine, NoEngineError, engine

HERE = Path(__file__).parent
TIMEOUT = 900
"""Seconds for the first test, which fetches and builds everything; the others take seconds."""
IMAGE = "track-bridge:under-test"
VERSION, REVISION = "1.2.3-test", "0123456789abcdef"
SECRET = "secret-of-the-package-index"
_STACK, _GROUND, _SKIPPED = pytest.StashKey[ExitStack](), pytest.StashKey[tuple[Engine, Base]](), pytest.StashKey[str]()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.timeout(TIMEOUT))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Find engine and base before the first of these tests: here, so that all that are skipped make one line."""
    if item.path.is_relative_to(HERE) and (problem := _problem(item.config.stash)):
        pytest.skip(problem)


def _problem(stash: pytest.Stash) -> str | None:
    if _GROUND not in stash and _SKIPPED not in stash:
        stack = stash[_STACK] = ExitStack()
        try:
            chosen = stack.enter_context(engine())
            stash[_GROUND] = chosen, base.provide(chosen)
        except (NoEngineError, base.NoBaseError) as error:
            stash[_SKIPPED] = f"NOT TESTED AS AN IMAGE: {error}"
    return stash.get(_SKIPPED, None)


def pytest_sessionfinish(session: pytest.Session) -> None:
    if stack := session.config.stash.get(_STACK, None):
        stack.close()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if problem := config.stash.get(_SKIPPED, None):
        terminalreporter.line(problem, red=True, bold=True)


@dataclass(frozen=True, slots=True)
class Built:
    """The image under test."""

    engine: Engine
    name: str
    base: Base
    facts: dict[str, Any]
    """What `docker image inspect` says."""
    secret: str
    """What the build was given and nobody may find again."""


@pytest.fixture(scope="session")
def image(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    """Built as a closed network builds it: base by argument, package index by secret."""
    chosen, stands_on = request.config.stash[_GROUND]
    secret = tmp_path_factory.mktemp("secret") / "pip.conf"
    secret.write_text(f"# {SECRET}\n[global]\n{_index()}")
    chosen.run("build", "--secret", f"id=pip.conf,src={secret}", *_arguments(stands_on), "--tag", IMAGE, str(ROOT))
    (facts,) = json.loads(chosen.run("image", "inspect", IMAGE))
    yield Built(chosen, IMAGE, stands_on, facts, SECRET)
    if not chosen.is_own:
        chosen.run("rmi", "--force", IMAGE)


@pytest.fixture(scope="session")
def bill(image: Built, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The bill of materials, made as `make image` makes it."""
    folder = tmp_path_factory.mktemp("bill")
    target = ("--target", "sbom", "--output", f"type=local,dest={folder}")
    image.engine.run("build", *_arguments(image.base), *target, str(ROOT))
    return dict(json.loads((folder / "track-bridge.cdx.json").read_text()))


def _arguments(stands_on: Base) -> tuple[str, ...]:
    given = {"PYTHON_IMAGE": stands_on.name, "VERSION": VERSION, "REVISION": REVISION}
    return tuple(word for name, value in given.items() for word in ("--build-arg", f"{name}={value}"))


def _index() -> str:
    """The package index this machine is told to use, as a line of a pip.conf; nothing where it uses the usual one."""
    asked = subprocess.run(
        [sys.executable, "-m", "pip", "config", "get", "global.index-url"], capture_output=True, text=True, check=False
    )
    return f"index-url = {asked.stdout.strip()}\n" if asked.returncode == 0 else ""
