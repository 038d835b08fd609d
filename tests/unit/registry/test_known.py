from __future__ import annotations

import pytest

from bridge.decode.protocol import NoSchema, Schema
from bridge.registry.known import NEGATIVE_FOR, KnownSchemas, weight


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def schema(size: int) -> Schema:
    return Schema("avro", "x" * size)


def test_what_was_used_longest_ago_goes_out_when_the_bytes_are_too_many() -> None:
    known = KnownSchemas(Clock(), limit=100)
    for number in range(10):
        known.add(f"id:{number}", schema(30))
        _ = known["id:0"]
    assert set(known) == {"id:0", "id:8", "id:9"}
    assert known.size == 90


def test_one_schema_that_is_larger_than_all_there_is_room_for_is_kept_alone() -> None:
    known = KnownSchemas(Clock(), limit=100)
    known.add("id:1", schema(10))
    known.add("id:2", Schema("avro", "", (("a", "x" * 200),)))
    assert list(known) == ["id:2"]
    assert known.size == weight(known["id:2"]) == 201  # type: ignore[arg-type]


def test_a_schema_that_is_added_again_counts_once() -> None:
    known = KnownSchemas(Clock())
    for _ in range(3):
        known.add("id:1", schema(10))
    assert known.size == 10


def test_an_unknown_id_is_forgotten_after_a_while_and_what_is_unusable_is_not() -> None:
    clock = Clock()
    known = KnownSchemas(clock)
    known.add("id:1", NoSchema("unknown"), again=True)
    known.add("id:2", NoSchema("unusable"))
    assert (known["id:1"], known.counts()) == (NoSchema("unknown"), (0, 2))
    clock.now = NEGATIVE_FOR
    assert "id:1" not in known
    assert known.was_unknown("id:1")
    assert (known["id:2"], list(known), known.counts()) == (NoSchema("unusable"), ["id:2"], (0, 1))
    assert not known.was_unknown("id:2")
    known.add("id:1", schema(3))
    assert known["id:1"] == schema(3)
    assert not known.was_unknown("id:1")


def test_ids_that_are_made_up_do_not_fill_the_memory() -> None:
    known = KnownSchemas(Clock(), negatives=5)
    for number in range(100):
        known.add(f"id:{number}", NoSchema(""), again=True)
    assert len(known) == 5


def test_what_is_not_known_is_no_entry() -> None:
    known = KnownSchemas(Clock())
    assert known.get("id:1") is None
    with pytest.raises(KeyError):
        known["id:1"]
