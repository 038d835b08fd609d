"""Every exception of the package hangs in the one tree, and the tree is drawn as it is."""

from __future__ import annotations

import importlib
import pkgutil
import re

import pytest

import bridge
from bridge import errors
from bridge.errors import BridgeError
from bridge.exits import ExitCode

_DRAWN = re.compile(r"^ *[│├└─ ]*(\w+) +(\d+)  ", re.MULTILINE)


def _classes(root: type[BaseException] = BaseException) -> set[type[BaseException]]:
    below = {each for child in root.__subclasses__() for each in _classes(child)}
    return below | ({root} if root.__module__.split(".")[0] == "bridge" else set())


@pytest.fixture(scope="module")
def classes() -> set[type[BaseException]]:
    for module in pkgutil.walk_packages(bridge.__path__, "bridge."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    return _classes()


def test_every_exception_of_the_package_hangs_in_the_tree(classes: set[type[BaseException]]) -> None:
    assert len(classes) > 40
    assert {each for each in classes if not issubclass(each, BridgeError)} == set()
    assert [each for each in classes if each.__base__ is BridgeError and each.__module__ != errors.__name__] == []


def test_every_exception_says_how_a_process_ends_with_it(classes: set[type[BaseException]]) -> None:
    codes = {each.exit_code for each in classes if issubclass(each, BridgeError)}
    assert codes == {ExitCode.USAGE, ExitCode.UNREACHABLE, ExitCode.DEFECT}


def test_the_tree_is_drawn_with_its_exit_codes() -> None:
    families = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, BridgeError)]
    assert _DRAWN.findall(errors.__doc__ or "") == [(each.__name__, str(int(each.exit_code))) for each in families]


def test_what_is_not_of_the_tree_is_a_defect() -> None:
    assert errors.exit_code(ValueError("x")) is ExitCode.DEFECT
    assert errors.exit_code(errors.Unanswered("x")) is ExitCode.UNREACHABLE
