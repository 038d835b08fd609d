"""The service harness, as its own tests have it."""

from tests.component.service.conftest import api, broker, configure, replica, start

__all__ = ["api", "broker", "configure", "replica", "start"]
