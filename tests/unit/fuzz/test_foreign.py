from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.formats import declarations, resolutions
from bridge.formats.letter_headers import CONNECT, OWN
from bridge.formats.letters import SPRING
from bridge.formats.resolutions import ResolutionKind
from bridge.model import Record, TopicPartition
from tests.fuzz.foreign import OURS, check_declarations, check_letter, check_resolution

SCALARS: st.SearchStrategy[Any] = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text(max_size=5)
)
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
)
WRITTEN: dict[str, Any] = {
    "version": 1,
    "kind": "replayed",
    "letter": "0:17",
    "origin": None,
    "output": None,
    "dead_letter_topic_id": "",
    "record_sha256": resolutions.record_sha256(OURS),
    "at": 1.5,
    "by": {"command": "c", "user": "u", "host": "h"},
    "reason": None,
    "status": 202,
    "request_sha256": None,
    "failures": 1,
    "delivered": [0],
    "key": None,
    "value": "eA==",
    "note": "",
}
NAMES = [
    *(f"{OWN}{name}" for name in ("version", "origin-topic", "origin-partition", "origin-offset", "origin-timestamp")),
    *(f"{OWN}{name}" for name in ("output", "reason", "http-status", "replays")),
    *(f"{CONNECT}{name}" for name in ("topic", "partition", "offset", "exception.class.name")),
    *(f"{SPRING}original-{name}" for name in ("topic", "partition", "offset", "timestamp")),
]
CONTENTS = (
    st.none()
    | st.sampled_from([b"1", b"0", b"orders", b"9" * 19, b"9" * 10, b"a\0b", b"\xff", b"0001-01-01T00:00:00"])
    | st.binary(max_size=9)
)


def encoded(document: object) -> bytes:
    return json.dumps(document, ensure_ascii=True).encode("utf-8", "replace")


@given(
    st.lists(st.tuples(st.sampled_from(NAMES), CONTENTS), max_size=12),
    st.none() | st.integers(-(2**63), 2**63 - 1),
    st.none() | st.binary(max_size=9),
)
def test_a_foreign_record_among_the_dead_letters_can_be_named_shown_and_counted(
    headers: list[tuple[str, bytes | None]], written: int | None, value: bytes | None
) -> None:
    check_letter(Record("letters", 3, 17, written, None, value, headers))


@given(
    st.binary(max_size=12)
    | st.tuples(st.sampled_from([*ResolutionKind]), st.lists(JSON, max_size=7)).map(
        lambda of: encoded([of[0].value, *of[1]])
    ),
    st.none() | st.binary(max_size=12) | JSON.map(encoded),
)
def test_a_foreign_record_among_the_resolutions_decides_nothing(key: bytes, value: bytes | None) -> None:
    check_resolution(key, value)
    check_resolution(key, encoded(WRITTEN))
    check_resolution(None, value)


@given(st.sampled_from([*ResolutionKind]), st.dictionaries(st.sampled_from([*WRITTEN]), JSON, max_size=3))
def test_a_resolution_with_a_damaged_field_is_ignored_or_can_be_shown(
    kind: ResolutionKind, damage: dict[str, Any]
) -> None:
    ending = {
        ResolutionKind.ENDED: "replayed",
        ResolutionKind.ATTEMPT: "failed_again",
        ResolutionKind.CHANGE: "changed",
    }[kind]
    check_resolution(resolutions.key_of(kind, OURS), encoded({**WRITTEN, "kind": ending, **damage}))


@pytest.mark.parametrize(
    "key",
    [
        ["ended", {}],
        ["ended", []],
        ["ended"],
        ["ended", "at", 3.0, 17.0],
        ["ended", "at", True, 17],
        ["ended", "at", 3, 17, "more"],
        ["ended", "of", "bridge", "orders", 0, 17, "yesterday", 0],
        {"0": "ended"},
        "ended",
        None,
    ],
    ids=str,
)
def test_a_key_that_names_no_event_is_no_resolution(key: object) -> None:
    """Equal keys of other types would settle each other's letters, and what cannot be a key ended whoever read it."""
    assert resolutions.forgotten(encoded(key)) is None
    assert resolutions.decode(encoded(key), encoded(WRITTEN)) is None


@given(
    st.lists(
        st.text(max_size=12)
        | JSON.map(json.dumps)
        | st.fixed_dictionaries(
            {"v": st.sampled_from([1, 1.0, True, 2]), "replay": JSON, "rate": JSON, "at": JSON}
        ).map(json.dumps),
        max_size=5,
    )
)
def test_foreign_metadata_in_the_group_of_the_replays_reserves_nothing_that_is_no_rate(texts: list[str]) -> None:
    check_declarations(texts)


@pytest.mark.parametrize("rate", [-1, 1e300, "2", None, True, [2]], ids=str)
def test_a_rate_that_no_replay_writes_is_not_believed(rate: object) -> None:
    text = json.dumps({"v": 1, "replay": "a", "rate": rate, "at": 1})
    found = declarations.Reservations()
    found.observe({TopicPartition("letters", 0): text}, 1.0)
    assert found.reserved(1.0) == 0.0
