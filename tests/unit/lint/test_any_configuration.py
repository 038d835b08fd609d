"""No rule of lint raises, whatever configuration loads: `check` and `test` must end with what they are asked for."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bridge.config import load
from bridge.decode.protocol import NO_SCHEMAS
from bridge.lint.linting import lint
from bridge.lint.subject import LintEvidence, LintSamples, LintSubject, samples_of_examples
from bridge.mapping.compile import CompiledMapping, compile_mapping
from bridge.mapping.destination import destination_of
from bridge.model import Record
from tests.support.lint.linted import BASE, ENVIRON
from tests.support.service.settings import layered

TOPICS = ["shop.orders", "shop.a", r"^shop\..*", r"^[a-m].*", r"^(a|b)\.c$"]
TYPES = ["order.completed", "order.*", "*", "shop.orders", "a b", "Order.Completed", "42", "été"]
TEXTS = ["id", "data.user_id", "data.email", "user.password", "@", "topic", "key", "header:source", "timestamp"]
EXPRESSIONS = [*TEXTS, "length(data)", "data.*.id", "data[0].id | [0]", "envelope:event_id", "envelope:occurred_at"]
CONDITIONS = [
    "type == 'order.completed'",
    "type == 'x' && type == 'y'",
    "data.total > `100` && data.total < `10`",
    "data.total > `100` || !(data.total > `100`)",
    "`true`",
    "`false`",
    "data",
    "contains(data.tags, 'a') && length(data.tags) > `0`",
    "data.a == data.b && data.a != data.b",
    "(a || b) && (c || d) && (e || f) && (g || h) && (i || j) && (k || l) && (m || n) && (o || p) && (q || r)",
    "starts_with(type, 'order')",
    "type == 'order.completed' && data.total",
    "data.n == `1e400` || data.n == `-0.0`",
]
NAMES = ["amount", "Amount", "buyer_email", "iban", "password", "user.id", "ünder", "a b", "event_id", "x"]
ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(NAMES),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*NAMES, "data", "id"]), inner),
    max_leaves=8,
)
DURATIONS = st.sampled_from(["1ms", "1h", "400d"])
VALUES = (
    st.sampled_from(EXPRESSIONS)
    | st.fixed_dictionaries({"value": st.sampled_from(["web", "", 0, 1.5, True])})
    | st.fixed_dictionaries({"template": st.sampled_from(["x {data.id}", "{type}"])})
    | st.fixed_dictionaries(
        {"path": st.sampled_from(EXPRESSIONS)},
        optional={
            "type": st.sampled_from(["string", "integer", "number", "boolean", "datetime"]),
            "default": st.sampled_from(["", 0, False]),
        },
    )
)
METADATA = st.dictionaries(st.sampled_from(NAMES), VALUES | st.just(False), max_size=4)
ROUTE = st.fixed_dictionaries(
    {"event_name": st.sampled_from(["Order Completed", "order completed", "x"])},
    optional={
        "user_id": VALUES,
        "when": st.sampled_from(CONDITIONS),
        "max_age": DURATIONS,
        "sample": st.sampled_from(["0%", "0.01%", "100%"]),
        "topics": st.lists(st.sampled_from(TOPICS), min_size=1, max_size=2, unique=True),
        "metadata": METADATA,
        "metadata_from": st.sampled_from(["data", "@"]),
        "metadata_omit": st.lists(st.sampled_from(NAMES[:4]), max_size=2),
    },
)
OTHER_ROUTES = st.sampled_from(
    [
        {"forget": True, "user_id": "data.id"},
        {"identify": True},
        {"identify": {"properties": {"email": "data.email", "plan": "data.plan"}}},
        {"identify": {"user_id": "data.id", "company": {"id": "data.company", "properties": {"iban": "data.iban"}}}},
        {"company": {"id": "data.company", "properties": {"name": "data.name"}}},
    ]
)
RULES = st.just("drop") | ROUTE | OTHER_ROUTES | st.lists(ROUTE, min_size=1, max_size=3)
SHARED: dict[str, st.SearchStrategy[Any]] = {
    "decode": st.sampled_from(["auto", "json"]),
    "unwrap": st.sampled_from(["none", "connect", "debezium"]),
    "each": st.sampled_from(["data.items", "items"]),
    "event_type": VALUES,
    "user_id": VALUES,
    "occurred_at": VALUES,
    "event_id": VALUES,
    "when": st.sampled_from(CONDITIONS),
    "max_age": DURATIONS,
    "on_unmapped": st.sampled_from(["drop", "dead_letter"]),
    "on_no_user": st.sampled_from(["drop", "dead_letter"]),
    "never_send": st.lists(st.sampled_from(["data.email", "user.password", "nowhere"]), max_size=2),
    "common_metadata": METADATA,
}
RECORDS = st.fixed_dictionaries(
    {"type": st.sampled_from(TYPES), "data": ANYTHING}, optional={"id": ANYTHING, "time": ANYTHING}
)
EXAMPLES = st.lists(st.builds(lambda value: {"input": value, "expect": {"dropped": "rule"}}, RECORDS), max_size=3)
PARTS = st.fixed_dictionaries(
    {
        "kafka": st.fixed_dictionaries(
            {"topics": st.lists(st.sampled_from(TOPICS), min_size=1, max_size=3, unique=True)},
            optional={"start_from": st.sampled_from(["error", "earliest", "24h"])},
        ),
        "mapping": st.fixed_dictionaries(
            {"events": st.dictionaries(st.sampled_from(TYPES), RULES, min_size=1, max_size=4), "examples": EXAMPLES},
            optional={
                **SHARED,
                "per_topic": st.dictionaries(
                    st.sampled_from(TOPICS), st.fixed_dictionaries({}, optional=SHARED), max_size=2
                ),
            },
        ),
    },
    optional={
        "delivery": st.fixed_dictionaries(
            {},
            optional={
                "rate_limit": st.sampled_from(["1/min", "600/min", "unlimited"]),
                "ordering": st.sampled_from(["user", "key", "partition", "none"]),
            },
        ),
        "dead_letter": st.fixed_dictionaries({"topic": st.sampled_from(["zz.dlq", "zz"])}),
        "lint": st.just({"ignore": [{"code": "TB201", "where": "mapping.events", "reason": "made up"}]}),
    },
)


@pytest.mark.slow
@settings(max_examples=100, deadline=None, derandomize=True)
@given(PARTS, st.lists(ANYTHING, max_size=3), st.sampled_from([None, 0.0, 1e12]))
def test_no_rule_raises_whatever_loads(part: dict[str, Any], seen: list[Any], backlog: float | None) -> None:
    for number, example in enumerate(part["mapping"]["examples"]):
        example["name"] = f"example {number}"
    base = {name: section for name, section in BASE.items() if name != "mapping"}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bridge.yaml"
        path.write_text(yaml.safe_dump(layered(base, part)), encoding="utf-8")
        loaded = load.read(path, ENVIRON, needs_key=False)
    assume(loaded.config is not None)
    assert loaded.config is not None
    mapping = compile_mapping(loaded.config.mapping, NO_SCHEMAS, destination=destination_of(loaded.config.track))
    assume(isinstance(mapping, CompiledMapping))
    assert isinstance(mapping, CompiledMapping)
    newest = LintSamples(mapping)
    for offset, value in enumerate(seen):
        content = json.dumps(value).encode()
        record = Record("shop.orders", 0, offset, 0, b"k", content, ())
        newest.add(record, mapping.map_all(record, 0.0))
    evidence = LintEvidence(newest, backlog, {} if backlog is None else {"shop.orders": backlog})
    samples = samples_of_examples(mapping, loaded.config.mapping.examples)
    for each in (None, evidence):
        found = lint(LintSubject(loaded.config, mapping, samples, each, loaded.places), loaded.located)
        assert all(finding.where and finding.what and finding.to_do for finding in found.findings)
