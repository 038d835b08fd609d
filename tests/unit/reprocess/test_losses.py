"""Losses as records: written by whoever finds them, understood by every replica after it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.formats import resolutions
from bridge.formats.losses import Lost, ParsedLoss, decode, encode
from bridge.formats.resolutions import Author
from bridge.holds import Reason
from bridge.model import Record, TopicPartition
from bridge.reprocess.losses import MOST, Losses
from bridge.reprocess.reading.ledger import LetterLedger

SCHEMA = json.loads((Path(__file__).parents[3] / "schemas" / "lost-records.schema.json").read_text("utf-8"))
GROUP = "userpilot-bridge"
BY = Author("track-bridge run", "u", "h")
LOST = Lost(TopicPartition("shop.orders", 3), "id", 50, 80, Reason.OUT_OF_RANGE.value)
UNKNOWN = replace(LOST, start=90, stop=None, reason=Reason.RECREATED.value)


def record(lost: Lost, at: float = 1.0, group: str = GROUP) -> Record:
    key, value = encode(lost, group, at, BY)
    return Record("letters.resolutions", 0, 0, None, key, value, [])


def folded(*records: Record) -> Losses:
    losses = Losses(GROUP)
    losses.take(records)
    return losses


@pytest.mark.parametrize("lost", [LOST, UNKNOWN])
def test_what_is_written_is_read_again_and_fits_its_schema(lost: Lost) -> None:
    key, value = encode(lost, GROUP, 1.5, BY)
    jsonschema.Draft202012Validator(SCHEMA).validate(json.loads(value))
    assert decode(key, value, GROUP) == ParsedLoss(lost, 1.5)


def test_readers_of_before_find_nothing_in_such_a_record_and_count_no_dead_letter_by_it() -> None:
    """They know the keys of resolutions only; see `resolutions.forgotten`."""
    key, value = encode(LOST, GROUP, 1.0, BY)
    assert resolutions.decode(key, value) is None
    assert resolutions.forgotten(key) is None


def test_a_loss_is_no_resolution_that_is_ignored() -> None:
    ledger = LetterLedger("id")
    ledger.take([record(LOST), Record("letters.resolutions", 0, 1, None, b"foreign", b"x", [])])
    assert ledger.ignored == 1


def test_a_loss_that_is_found_again_and_has_grown_is_one_loss() -> None:
    found = folded(record(LOST), record(replace(LOST, stop=120), 2.0), record(LOST, 3.0)).recorded()
    assert (found.at_most, found.count, found.since) == (70, 1, 2.0)


def test_offsets_found_lost_from_two_committed_offsets_are_counted_once() -> None:
    found = folded(record(LOST), record(replace(LOST, start=60, stop=100)), record(replace(LOST, start=200, stop=201)))
    assert found.recorded().at_most == 51


def test_losses_of_a_topic_that_was_created_again_are_losses_of_another_log() -> None:
    assert folded(record(LOST), record(replace(LOST, topic_id="other"))).recorded().at_most == 60


def test_a_loss_of_unknown_number_is_counted_apart() -> None:
    found = folded(record(LOST), record(UNKNOWN)).recorded()
    assert (found.at_most, found.unknown, found.count) == (30, 1, 2)


def test_another_groups_losses_are_its_own() -> None:
    assert folded(record(LOST, group="another")).recorded().count == 0


def test_the_latest_losses_are_shown_and_what_is_kept_is_bounded() -> None:
    losses = folded(*(record(replace(LOST, start=n, stop=n + 1), float(n)) for n in range(MOST + 5)))
    found = losses.recorded()
    assert (found.count, found.at_most, found.since) == (MOST, MOST, 0.0)
    assert len(found.shown) == 20
    assert found.shown[0].start == MOST - 1


SCALARS: st.SearchStrategy[Any] = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
FIELDS = ["version", "kind", "group", "topic", "partition", "topic_id", "from", "to", "reason", "at", "by"]


@given(st.dictionaries(st.sampled_from(FIELDS), SCALARS | st.lists(SCALARS, max_size=2), max_size=4), st.binary())
def test_a_foreign_or_damaged_record_says_nothing_or_what_encode_could_have_written(
    changed: dict[str, Any], value: bytes
) -> None:
    key, written = encode(LOST, GROUP, 1.0, BY)
    document = json.dumps({**json.loads(written), **changed}).encode("utf-8", "replace")
    found = decode(key, document, GROUP)
    if found is not None:
        assert encode(found.lost, GROUP, found.at, BY)[0] == key
        folded(Record("t", 0, 0, None, key, document, [])).recorded()
    assert decode(key, value, GROUP) is None
    assert decode(value, written, GROUP) is None
    assert decode(b'["lost",' + value, written, GROUP) is None
    assert decode(key, None, GROUP) is None
