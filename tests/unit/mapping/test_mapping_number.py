from __future__ import annotations

from typing import Any

import pytest

from bridge.config.fingerprint import ENGINE_VERSION, mapping_number, route_hash
from bridge.config.mapping_section import MappingConfig

BASE: dict[str, Any] = {
    "user_id": "data.user",
    "events": {"a.b": {"event_name": "A"}, "c.*": {"event_name": "C"}, "d": "drop"},
}


def number(**changes: Any) -> int:
    return mapping_number(MappingConfig.model_validate({**BASE, **changes}))


@pytest.mark.parametrize(
    "changes",
    [
        {"user_id": "data.customer"},
        {"on_unmapped": "dead_letter"},
        {"max_age": "1h"},
        {"events": {**BASE["events"], "d": {"event_name": "D"}}},
        {"events": {**BASE["events"], "a.b": [{"event_name": "A"}, {"event_name": "B"}]}},
        {"events": {**BASE["events"], "a.b": {"event_name": "A", "max_age": None}}},
        {"per_topic": {"orders": {"user_id": "data.id"}}},
        {"per_topic": {"orders": {"max_age": None}}},
    ],
    ids=str,
)
def test_whatever_could_change_what_becomes_of_a_record_changes_the_number(changes: dict[str, Any]) -> None:
    assert number(**changes) != number()


def test_the_order_of_keys_does_not_change_it() -> None:
    turned = dict(reversed(BASE["events"].items()))
    assert number(events=turned) == number()
    assert 0 < number() < 10**9


def test_numbers_that_are_in_committed_offsets_and_letters_stay_the_same() -> None:
    """They are in Kafka: which events of a record are done counts only under the mapping it was written with.

    Whoever raises the version, because requests change, writes the new numbers here; nothing else may change them.
    """
    config = MappingConfig.model_validate(BASE)
    rule = config.events["a.b"]
    assert rule != "drop"
    assert (ENGINE_VERSION, mapping_number(config), route_hash(config, "a.b", rule[0])) == (
        3,
        255_399_655,
        "8569b086f78d",
    )
