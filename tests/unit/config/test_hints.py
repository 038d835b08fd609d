from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from bridge.config.keys.fields import Section
from bridge.config.load import Loaded
from bridge.config.reading import hints
from bridge.config.sections import SHAPE

Load = Callable[..., Loaded]


@pytest.mark.parametrize(
    ("section", "key", "meant"),
    [
        ("kafka", "auto_offset_reset", "kafka.start_from"),
        ("kafka", "auto.offset.reset", "kafka.start_from"),
        ("kafka", "autoOffsetReset", "kafka.start_from"),
        ("kafka", "brokers", "kafka.bootstrap_servers"),
        ("kafka", "bootstrap.servers", "kafka.bootstrap_servers"),
        ("kafka", "bootstrap-servers", "kafka.bootstrap_servers"),
        ("kafka", "group", "kafka.group_id"),
        ("kafka", "group.id", "kafka.group_id"),
        ("kafka", "consumer_group", "kafka.group_id"),
        ("kafka", "topic", "kafka.topics"),
        ("kafka", "session.timeout.ms", "kafka.properties.session.timeout.ms"),
        ("kafka", "sasl", "kafka.properties"),
        ("kafka", "timeout", "track.timeout"),
        ("track", "url", "track.endpoint"),
        ("track", "host", "track.endpoint"),
        ("track", "base_url", "track.endpoint"),
        ("track", "endpont", "track.endpoint"),
        ("track", "token", "track.api_key"),
        ("track", "key", "track.api_key"),
        ("track", "rate_limit", "delivery.rate_limit"),
        ("track", "retry", "delivery.retry"),
        ("delivery", "concurrency", "delivery.max_in_flight"),
        ("delivery", "rate", "delivery.rate_limit"),
        ("delivery", "max_attempts", "delivery.retry.max_attempts"),
        ("dead_letter", "name", "dead_letter.topic"),
        ("observability", "port", "observability.listen"),
        ("observability", "level", "observability.log_level"),
        ("mapping", "routes", "mapping.events"),
        ("mapping", "rate_limit", "delivery.rate_limit"),
        (None, "dlq", "dead_letter"),
        (None, "dead_letter_topic", "dead_letter.topic"),
        (None, "bootstrap_servers", "kafka.bootstrap_servers"),
        (None, "Kafka", "kafka"),
        (None, "userpilot", "track"),
    ],
)
def test_an_unknown_key_is_answered_with_the_right_one(
    load: Load, right: str, section: str | None, key: str, meant: str
) -> None:
    text = right + "delivery:\nobservability:\n"
    text = text.replace(f"{section}:\n", f"{section}:\n  {key}: x\n") if section else f"{text}{key}: x\n"
    found = [each for each in load(text).problems if each.where == (f"{section}.{key}" if section else key)]
    assert [each.message for each in found] == [f"is not a known key; did you mean {meant}?"]


@pytest.mark.parametrize(
    ("key", "meant"),
    [("name", "event_name"), ("event", "event_name"), ("if", "when"), ("condition", "when"), ("props", "metadata"),
     ("metdata", "metadata"), ("topic", "topics"), ("user", "user_id")],
)  # fmt: skip
def test_inside_a_route_the_hint_is_a_key_of_routes(changed: Load, key: str, meant: str) -> None:
    problems = changed("{event_name: Order Completed}", f"{{{key}: x}}").problems
    assert [each.message for each in problems] == [f"is not a known key; did you mean {meant}?"]


def test_a_key_nothing_is_like_is_answered_with_what_is_known_there(changed: Load) -> None:
    problems = changed("topic: bridge.dlq", "topic: bridge.dlq\n  zzzzqq: 1").problems
    assert [each.message for each in problems] == [
        "is not a known key; known here: create, hold_after, properties, redact, redrive, topic"
    ]


def test_a_required_key_under_another_name_is_one_problem(load: Load, right: str) -> None:
    assert [each.where for each in load(right.replace("dead_letter:", "dlq:")).problems] == ["dlq"]
    assert [each.where for each in load(right.replace("group_id:", "groupid:")).problems] == ["kafka.groupid"]


def test_every_habit_leads_to_a_key_there_is() -> None:
    known = set(SHAPE.leaves)
    assert set(hints.HABITS.values()) <= known
    assert not set(hints.HABITS) & {path for path in known if "." not in path}


def test_every_local_habit_leads_to_a_key_of_that_place() -> None:
    keys: dict[str, set[str]] = {kind: set() for kind in hints.LOCAL_HABITS}
    for model in _all_below(Section):
        if model.kind:
            keys[model.kind] |= set(model.model_fields)
    for path in SHAPE.leaves:
        section, _, key = path.rpartition(".")
        if section.rpartition(".")[2] in keys:
            keys[section.rpartition(".")[2]].add(key)
    for kind, habits in hints.LOCAL_HABITS.items():
        assert set(habits.values()) <= keys[kind], kind


def _all_below(model: type[Section]) -> Iterator[type[Section]]:
    for each in model.__subclasses__():
        yield each
        yield from _all_below(each)
