"""A descriptor set of several messages, of which none is named, is warned of where a topic is read by it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.json_format import ParseDict

from bridge.config.mapping_section import MappingConfig
from bridge.mapping.compile import compile_mapping
from bridge.mapping.mapper import CompiledMapping
from bridge.mapping.review.unnamed_messages import unnamed_messages


@pytest.fixture
def described(tmp_path: Path) -> str:
    """A set whose last file declares two messages, and the file before it one."""
    files = [
        {"name": "base.proto", "syntax": "proto3", "message_type": [{"name": "Money"}]},
        {"name": "shop.proto", "syntax": "proto3", "message_type": [{"name": "Order"}, {"name": "Refund"}]},
    ]
    path = tmp_path / "shop.desc"
    path.write_bytes(ParseDict({"file": files}, FileDescriptorSet()).SerializeToString())
    return str(path)


def warned(topics: list[str], **given: Any) -> list[str]:
    config = MappingConfig.model_validate({"user_id": "u", "events": {"a": {"event_name": "A"}}, **given})
    mapping = compile_mapping(config)
    assert isinstance(mapping, CompiledMapping), mapping
    return [f"{each.where} {each.message}" for each in unnamed_messages(config, mapping, topics)]


def test_all_topics_of_one_set_are_in_one_sentence_that_names_the_messages(described: str) -> None:
    (sentence,) = warned(["b", "a"], decode="protobuf", descriptor_set_file=described)
    assert sentence.startswith(
        "mapping.message_type is not set for a, b, and the last file of descriptor_set_file declares Order, Refund:"
    )


def test_only_topics_whose_own_settings_name_none_are_warned_of(described: str) -> None:
    base = {"decode": "protobuf", "descriptor_set_file": described}
    named = {"a": {"message_type": "Order"}, "b": {"message_type": "Refund"}, "c": {"decode": "json"}}
    assert warned(["a", "b", "c"], **base, per_topic=named) == []
    (sentence,) = warned(["a", "b", "c", "d"], **base, per_topic=named)
    assert "is not set for d, and" in sentence
    (sentence,) = warned(["a", "x"], per_topic={"x": base})
    assert "is not set for x, and" in sentence


def test_a_name_or_a_set_of_one_message_leaves_nothing_open(described: str, tmp_path: Path) -> None:
    assert warned(["a"], decode="protobuf", descriptor_set_file=described, message_type="Refund") == []
    one = {"name": "one.proto", "syntax": "proto3", "message_type": [{"name": "Order"}]}
    (tmp_path / "one.desc").write_bytes(ParseDict({"file": [one]}, FileDescriptorSet()).SerializeToString())
    assert warned(["a"], decode="protobuf", descriptor_set_file=str(tmp_path / "one.desc")) == []
    assert warned(["a"], decode="json") == []
