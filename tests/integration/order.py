"""How this tier's tests are shared out: what needs the same broker of its own stays together, the longest goes first.

``-n 4 --dist loadgroup --no-loadscope-reorder``: with the longest ones last, one process would run them while the
others have nothing left.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

SECONDS: Final[Mapping[str, int]] = {
    "service/test_rate.py": 70,
    "faults/test_schema_registry.py": 60,
    "situations": 60,
    "cli/test_runbook_commands.py": 60,
    "reprocess/test_killed_replays.py": 60,
    "faults/test_brokers.py": 50,
    "service/test_cut_off.py": 50,
    "service/test_stops.py": 50,
    "faults/test_backlog.py": 45,
    "faults/test_letters.py": 45,
    "service/test_replicas.py": 45,
    "faults/test_kills.py": 40,
    "faults/test_stops.py": 40,
    "fleet": 40,
    "service/test_users.py": 40,
    "faults/test_topics.py": 35,
    "service/test_outages.py": 35,
    "service/test_failing_users.py": 30,
    "registry": 25,
    "faults": 20,
    "reprocess": 20,
    "service": 20,
    "kafka/test_commit_metadata.py": 15,
    "kafka/test_new_topics.py": 15,
    "chart": 15,
}
"""About how long one test of a file or folder takes; what is not named takes less."""
_OTHERS: Final = 8
_SHARING: Final = ("module", "package")


def arrange(items: list[pytest.Item], here: Path) -> None:
    """Put the items of this tier into the order in which several processes run them, and say which stay together."""
    units: dict[str, int] = {}
    names: dict[str, str] = {}
    for item in items:
        if item.path.is_relative_to(here):
            file = item.path.relative_to(here).as_posix()
            name = item.nodeid
            if _shares(item):
                name = file
                item.add_marker(pytest.mark.xdist_group(file))
            names[item.nodeid] = name
            units[name] = units.get(name, 0) + seconds(file)
    items.sort(key=lambda item: -units.get(names.get(item.nodeid, ""), 0))


def seconds(file: str) -> int:
    """By the longest name that fits."""
    path = Path(file)
    for name in (path, *path.parents):
        if (found := SECONDS.get(name.as_posix())) is not None:
            return found
    return _OTHERS


def _shares(item: pytest.Item) -> bool:
    """Whether it needs something that is made once for its file: nearly always a broker, or a registry."""
    made: Mapping[str, list[pytest.FixtureDef[object]]] = item._fixtureinfo.name2fixturedefs  # type: ignore[attr-defined]  # pytest says it nowhere else
    return any(definitions[-1].scope in _SHARING for definitions in made.values())
