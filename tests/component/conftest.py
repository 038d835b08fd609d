"""The slow tests of this tier: the longest first, and those that share a browser or a broker in one process."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.everyday import SLOW
from tests.integration import order

HERE = Path(__file__).parent


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if hasattr(config, "workerinput"):  # one of several processes
        order.arrange(items, HERE, _seconds)


def _seconds(item: pytest.Item, _file: str) -> int:
    mark = item.get_closest_marker(SLOW)
    return 0 if mark is None else int(mark.kwargs["seconds"])
