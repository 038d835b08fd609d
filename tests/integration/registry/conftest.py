"""A real Apicurio; the tests of it need no Kafka."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.registry.apicurio import Apicurio, running_or_skipped


@pytest.fixture(scope="module")
def apicurio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Apicurio]:
    """Shared: never stop it."""
    with running_or_skipped(tmp_path_factory.mktemp("apicurio")) as registry:
        yield registry


@pytest.fixture
def own_apicurio(tmp_path: Path) -> Iterator[Apicurio]:
    """A test's own, to be killed and started again."""
    with running_or_skipped(tmp_path) as registry:
        yield registry
