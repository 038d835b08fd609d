"""Where several processes share this tier's tests out, the longest go first."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.everyday import SLOW

HERE = Path(__file__).parent


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if hasattr(config, "workerinput"):  # one of several processes
        items.sort(key=lambda item: -_seconds(item))


def _seconds(item: pytest.Item) -> int:
    mark = item.get_closest_marker(SLOW) if item.path.is_relative_to(HERE) else None
    return 0 if mark is None else int(mark.kwargs["seconds"])
