"""One spelling of a topic's id, for everybody who writes or compares one."""

from __future__ import annotations

import base64
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.kafka import topic_ids

ZEROS = "A" * 22


class Described:
    def __init__(self, topic_id: object) -> None:
        self.topic_id = topic_id


@pytest.mark.parametrize("nothing", [None, "", ZEROS, ZEROS + "=="])
def test_a_topic_without_an_id_has_the_empty_one_however_it_is_said(nothing: str | None) -> None:
    assert topic_ids.of(Described(nothing)) == ""
    assert topic_ids.of(None) == ""
    assert topic_ids.normal(nothing or "") == ""


@given(st.uuids(version=4))
def test_both_alphabets_of_base64_name_the_same_topic(topic: uuid.UUID) -> None:
    of_the_client = base64.b64encode(topic.bytes).decode()
    of_kafkas_tools = base64.urlsafe_b64encode(topic.bytes).decode().rstrip("=")
    assert topic_ids.of(Described(of_the_client)) == topic_ids.normal(of_kafkas_tools) == of_kafkas_tools
    assert not topic_ids.differ(of_the_client, of_kafkas_tools)
    assert topic_ids.differ(of_kafkas_tools, "another")


@pytest.mark.parametrize("unknown", ["", ZEROS])
def test_what_was_written_before_the_cluster_had_ids_is_of_no_other_topic(unknown: str) -> None:
    assert not topic_ids.differ(unknown, "an-id")
    assert not topic_ids.differ("an-id", unknown)
