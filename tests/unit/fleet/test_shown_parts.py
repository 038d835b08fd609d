"""Small words of the group's view: what has no problem and no nobody says nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from bridge.console.connections import ConnectionLimits
from bridge.fleet.acts.reaching import ReplicaBeside
from bridge.fleet.screen import parts
from bridge.ops.control.control_client import NobodyThereError
from bridge.ops.status.status_text import sections
from bridge.ops.status.status_text.times import Times


def test_what_a_topic_lacks_is_its_problem_and_the_partitions_that_nobody_has() -> None:
    assert parts._missing({"problem": None, "unowned": []}) == ""
    assert parts._missing({"problem": "not there", "unowned": [0, 1, 2, 5]}) == "not there; nobody's: 0-2,5"


def test_since_when_is_said_where_it_is_known() -> None:
    times = Times(1_767_355_200.0, lambda seconds: datetime.fromtimestamp(seconds, UTC))
    assert sections._since(None, times) == ""
    assert sections._since("2026-01-02T11:58:00Z", times) == " since 11:58:00"


def test_a_replica_beside_this_that_has_no_socket_is_nobody(tmp_path: Path) -> None:
    with pytest.raises(NobodyThereError):
        ReplicaBeside((tmp_path / "control.sock",)).ask({"command": "hold"}, 1.0)


def test_behind_a_proxy_one_address_may_have_all_connections() -> None:
    limits = ConnectionLimits(connections=50, per_address=5)
    assert limits.without_addresses().per_address == 50
    assert limits.without_addresses().head_timeout == limits.head_timeout
