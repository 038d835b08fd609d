"""How this tier's tests are shared out: what needs the same broker of its own stays together, the longest goes first.

``-n 4 --dist loadgroup --no-loadscope-reorder``: with the longest ones last, one process would run them while the
others have nothing left.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest
from xdist.scheduler import LoadGroupScheduling

SECONDS: Final[Mapping[str, int]] = {
    "service/test_users.py": 150,
    "reprocess/test_killed_replays.py": 140,
    "faults/test_users.py": 120,
    "service/test_rate.py": 70,
    "faults/test_schema_registry.py": 60,
    "situations": 60,
    "cli/test_runbook_commands.py": 60,
    "faults/test_brokers.py": 50,
    "service/test_cut_off.py": 50,
    "service/test_stops.py": 50,
    "faults/test_backlog.py": 45,
    "faults/test_letters.py": 45,
    "service/test_replicas.py": 45,
    "faults/test_kills.py": 40,
    "faults/test_stops.py": 40,
    "fleet": 40,
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
TOGETHER: Final = frozenset(
    {
        "cli/test_access.py",
        "cli/test_documented_acls.py",
        "cli/test_logins.py",
        "cli/test_runbook_commands.py",
        "registry/test_apicurio.py",
        "registry/test_commands.py",
        "registry/test_official_producers.py",
        "service/test_msk_iam.py",
        "service/test_oauth.py",
    }
)
"""Files that one process runs whole. The process that shares the tests out knows their names, not their fixtures."""


class Together(LoadGroupScheduling):  # type: ignore[misc]  # the library has no types
    """By the names of files: xdist writes a mark's group into `item._nodeid`, which pytest 9.2 no longer reads."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0].removeprefix("tests/integration/")
        return file if file in TOGETHER else nodeid


def arrange(items: list[pytest.Item], here: Path) -> None:
    """Put the items of this tier into the order in which several processes run them, the longest first."""
    units: dict[str, int] = {}
    names: dict[str, str] = {}
    for item in items:
        if item.path.is_relative_to(here):
            file = item.path.relative_to(here).as_posix()
            name = names[item.nodeid] = file if file in TOGETHER else item.nodeid
            units[name] = units.get(name, 0) + seconds(file)
    items.sort(key=lambda item: -units.get(names.get(item.nodeid, ""), 0))


def unnamed(item: pytest.Item, here: Path) -> str | None:
    """What is wrong, where a test shares what is made for its file and several processes would each make their own."""
    file = item.path.relative_to(here).as_posix()
    if file in TOGETHER or not _shares(item):
        return None
    return f"{file} makes something once for all its tests: name it in TOGETHER (tests/integration/order.py)"


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
