"""A real Apicurio; the tests of it need no Kafka."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.registry.apicurio import Apicurio, NoApicurioError


@contextmanager
def _running(folder: Path) -> Iterator[Apicurio]:
    try:
        registry = Apicurio(folder)
    except NoApicurioError as error:
        if os.environ.get("CI") == "true":
            pytest.fail(str(error), pytrace=False)
        pytest.skip(str(error))
    with registry:
        yield registry


@pytest.fixture(scope="module")
def apicurio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Apicurio]:
    """Shared: never stop it."""
    with _running(tmp_path_factory.mktemp("apicurio")) as registry:
        yield registry


@pytest.fixture
def own_apicurio(tmp_path: Path) -> Iterator[Apicurio]:
    """A test's own, to be killed and started again."""
    with _running(tmp_path) as registry:
        yield registry
