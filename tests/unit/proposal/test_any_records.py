"""Whatever the records are: a configuration that loads and compiles, the same again, in whatever order they come."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bridge.formatting.format_text import formatted
from bridge.model import Record
from bridge.proposal.file.page import Connections
from bridge.proposal.file.write import configuration_of
from bridge.proposal.propose import propose
from tests.everyday import examples
from tests.support.proposal.judged import compiled, judged, written
from tests.support.proposal.made import Topic

NAMES = st.sampled_from(
    ["type", "id", "time", "user_id", "data", "event", "email", "no", "1e3", ": ", "#", "a.b", 'q"uote', "key", "topic",
     "timestamp", "${X}", "weiß", "op", "after", "source", "payload", "schema", "specversion", "*", "- a", "\n", "null"]
) | st.text(max_size=8)  # fmt: skip
SCALARS = (
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["no", "1e3", ": ", "#", "a\nb", "2026-01-02T03:04:05Z", "x@m.test", "u-1", "*", "${A}"])
    | st.text(max_size=12)
)  # fmt: skip
TEXTS = st.dictionaries(NAMES, SCALARS, max_size=4).map(json.dumps)
"""JSON in a text, which is opened where nearly all texts of a field hold it."""
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=12,
)
DOCUMENTS = st.dictionaries(NAMES, VALUES, max_size=6)


@st.composite
def records(draw: st.DrawFn) -> tuple[Record, ...]:
    out = []
    for offset in range(draw(st.integers(0, 6))):
        value = draw(st.none() | st.binary(max_size=20) | DOCUMENTS.map(_encoded) | VALUES.map(_encoded))
        key = draw(
            st.none() | st.binary(max_size=8) | st.text(max_size=6).map(lambda text: text.encode("utf-8", "replace"))
        )
        headers = draw(
            st.lists(st.tuples(st.sampled_from(["ce_type", "eventType", "x y"]), st.binary(max_size=6)), max_size=2)
        )
        topic = draw(st.sampled_from(["shop.orders", "a", "b.v2"]))
        out.append(Record(topic, 0, offset, draw(st.none() | st.integers(0, 2**41)), key, value, tuple(headers)))
    return tuple(out)


def _encoded(value: Any) -> bytes:
    return json.dumps(value).encode("utf-8", "replace")


def _of(value: Any) -> Record:
    return Record("a", 0, 0, None, None, _encoded(value), ())


LACKING = (
    *[{"type": "a", "user_id": f"u-{n}"} for n in range(6)],
    {"type": "a"},
    {"type": "a"},
    {"user_id": "u-1"},
    {},
)
"""A type and a user that some of them do not have."""


@settings(
    max_examples=examples(25),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(records(), st.randoms(use_true_random=False))
@example((), random.Random(0))  # noqa: S311 - an order
@example((_of({"type": "no"}), _of({"type": "1e3"}), _of({"type": "a: b #c", "${X}": "${Y}"})), random.Random(0))  # noqa: S311 - an order
@example((_of({"type": "a", "user_id": "u", "email": "x@m.test"}),), random.Random(0))  # noqa: S311 - an order
@example(tuple(map(_of, LACKING)), random.Random(0))  # noqa: S311 - an order
def test_any_records_make_a_configuration_that_loads_and_is_formatted_whatever_their_order(
    tmp_path: Path, given_records: tuple[Record, ...], chance: random.Random
) -> None:
    topics = tuple(sorted({each.topic for each in given_records})) or ("empty",)
    text = configuration_of(propose(given_records, topics=topics), Connections(topics))
    compiled(text, tmp_path, Topic("", (), (), {}))
    assert formatted(text) == text, "track-bridge fmt would write another file"
    shuffled = list(given_records)
    chance.shuffle(shuffled)
    assert configuration_of(propose(shuffled, topics=topics), Connections(topics)) == text


@pytest.mark.parametrize("name", ["2 debezium", "4 segment", "plain"])
def test_the_order_of_samples_does_not_matter(name: str) -> None:
    topic = written(name).topic
    backwards = propose(topic.records[::-1], topic.schemas)
    assert configuration_of(backwards, Connections((topic.name,)), topic.schemas) == written(name).text


def test_topics_of_different_shape_have_settings_of_their_own_and_share_what_is_alike(tmp_path: Path) -> None:
    mixed = [written(name).topic for name in ("plain", "7 stripe", "shopify")]
    records = tuple(record for each in mixed for record in each.records)
    names = tuple(each.name for each in mixed)
    text = configuration_of(propose(records), Connections(names))
    whole = Topic("", records, tuple(right for each in mixed for right in each.right), {})
    config, mapping = compiled(text, tmp_path, whole)
    assert set(config.per_topic) == {"shopify.webhooks", "stripe.events"}
    assert judged(whole, mapping).share == 1
