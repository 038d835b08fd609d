"""The document of the group keeps to its schema, whatever is known and whatever is not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from bridge.fleet.compose import compose
from bridge.fleet.concerns import OTHERS
from bridge.fleet.document import document
from bridge.fleet.view import FleetView, ReplayView, ReplicaView
from bridge.formats.operator_hold import OperatorHold
from bridge.kafka.admin.committed import Committed
from bridge.model import TopicPartition
from bridge.ops.snapshot import Letters, RecordedLoss, RecordedLosses
from bridge.text.moments import iso
from tests.unit.fleet.conftest import NOW, Answer, Facts, group, member, orders, row, said

SCHEMA = json.loads((Path(__file__).parents[3] / "schemas" / "fleet.schema.json").read_text(encoding="utf-8"))


def written(view: FleetView) -> dict[str, Any]:
    """As it comes out of the command."""
    found: dict[str, Any] = json.loads(json.dumps(document(view), allow_nan=False))
    jsonschema.Draft202012Validator(SCHEMA).validate(found)
    return found


def test_the_document_of_every_view_fits_its_schema(facts: Facts, answer: Answer) -> None:
    first, *_ = orders(0)
    held = Committed(10, "", operator_hold=OperatorHold("why", "kim", int(NOW), until=int(NOW) + 60))
    loss = RecordedLoss(TopicPartition("orders", 0), 3, None, "out_of_range", NOW - 9)
    everything = facts(
        committed={first: held},
        group=group(member("10.0.0.1", 0, 1), member("10.0.0.2")),
        replays=(ReplayView("kim-1", NOW, 2.0, "a replay of dead letters"),),
        written=dict.fromkeys(orders(2, 3), NOW - 3_000),
        retention={"orders": 3_600.0},
        letters=Letters({"invalid": 2}, frozenset({"other"}), NOW - 5),
        losses=RecordedLosses(0, 1, NOW - 9, (loss,), 1),
    )
    limited = said("rate_limited", partitions=["orders/0-1"])
    replica = answer(
        "10.0.0.1",
        partitions=[row(0, why="rate_limited", until=iso(NOW + 1), oldest_open={"timestamp": iso(NOW - 7)}), row(1)],
        ends_by_itself=[limited],
        kinds=[{"kind": "track", "limit": 10.0, "share": 5.0}],
    )
    found = written(compose(everything, [replica], NOW))
    assert found["ends_by_itself"][-1]["records"] == 20
    assert found["partitions"][0]["oldest_age_s"] == 7.0
    assert found["replays"][0]["share"] == 2.0
    written(compose(facts(topics={}, committed={}, ends={}, problem="down.", down_since=NOW), [], NOW))
    written(FleetView(NOW, "shop", replicas=(ReplicaView("http://x:1", "No."),)))


def test_the_schema_is_a_valid_schema_and_names_every_reason_of_this_room() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    named = SCHEMA["$defs"]["concern"]["properties"]["reason"]["description"]
    assert all(reason in named for reason in OTHERS)


def test_the_schema_refuses_what_it_does_not_name() -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**document(FleetView(NOW, "shop")), "extra": 1}, SCHEMA)


@pytest.mark.parametrize(
    ("state", "needs", "ends", "replica"),
    [
        ("held", ["no_start"], ["rate_limited"], "held"),
        ("waiting", ["open_dead_letters"], ["rate_limited"], "waiting"),
        ("delivering", ["open_dead_letters"], [], "delivering"),
        ("idle", [], [], "idle"),
    ],
)
def test_the_group_in_one_word_is_its_worst(
    facts: Facts, answer: Answer, state: str, needs: list[str], ends: list[str], replica: str
) -> None:
    says = answer(
        "10.0.0.1",
        0,
        state=replica,
        needs_someone=[said(each) for each in needs],
        ends_by_itself=[said(each) for each in ends],
    )
    assert written(compose(facts(), [says], NOW))["state"] == state


def test_where_nobody_says_anything_the_state_is_not_known(facts: Facts) -> None:
    assert written(compose(facts(), [], NOW))["state"] == "unknown"
