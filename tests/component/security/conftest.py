"""The service harness, as its own tests have it; a process has an interpreter of its own, for it is measured."""

import pytest

from tests.component.service.conftest import api, broker, configure, replica, start
from tests.support.service.replica import Replica

__all__ = ["api", "broker", "configure", "replica", "start"]


@pytest.fixture
def kind_of_replica() -> type[Replica]:
    """One that has all of itself from its own start."""
    return Replica
