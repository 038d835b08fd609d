from __future__ import annotations

from typing import Any

import pytest

from bridge.config.events.route_section import RouteConfig
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
        {"events": {**BASE["events"], "d": {"identify": True}}},
        {"events": {**BASE["events"], "d": {"company": {"id": "data.id"}}}},
        {"events": {**BASE["events"], "d": {"forget": True}}},
        {"on_identify_rejected": "send"},
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


def identified(**changes: Any) -> tuple[MappingConfig, RouteConfig]:
    config = MappingConfig.model_validate({**BASE, "events": {"u": {"identify": changes}}})
    rule = config.events["u"]
    assert rule != "drop"
    return config, rule[0]


@pytest.mark.parametrize(
    "changes",
    [
        {"user_id": "data.id"},
        {"from": "data"},
        {"from": "data", "omit": ["a"]},
        {"properties": {"a": "data.a"}},
        {"properties": {"a": "data.b"}},
        {"properties": {"a": "data.a"}, "clear": ["a"]},
        {"company": {"id": "data.c"}},
        {"company": {"id": "data.d"}},
        {"company": {"id": "data.c", "properties": {"a": "data.a"}}},
    ],
    ids=str,
)
def test_each_key_of_a_user_or_a_company_changes_the_hash_of_its_route(changes: dict[str, Any]) -> None:
    config, route = identified()
    changed, other = identified(**changes)
    assert route_hash(changed, "u", other) != route_hash(config, "u", route)
    assert mapping_number(changed) != mapping_number(config)


def test_the_name_of_a_companys_id_counts_where_it_is_in_a_request() -> None:
    config, route = identified(company={"id": "data.c"})
    assert len({route_hash(config, "u", route, name) for name in ("id", "company_id", "both")}) == 3
    assert len({mapping_number(config, name) for name in ("id", "company_id", "both")}) == 3
    without, other = identified()
    assert route_hash(without, "u", other, "company_id") == route_hash(without, "u", other)
    assert mapping_number(without, "company_id") == mapping_number(without)


def test_what_becomes_of_the_rest_of_a_record_changes_no_request() -> None:
    config, route = identified()
    sends = config.model_copy(update={"on_identify_rejected": "send"})
    assert route_hash(sends, "u", route) == route_hash(config, "u", route)
