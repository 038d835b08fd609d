"""`track-bridge map --diff OLD NEW`: which requests appear, vanish and change, with an exit code for a pull request."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bridge.cli.samples import two_mappings
from bridge.model import Record
from tests.unit.cli.conftest import Cli

Write = Callable[..., str]


def event(kind: str, number: int, **data: object) -> str:
    return json.dumps({"type": kind, "id": f"e-{number}", "data": {"user_id": f"u-{number % 3}", **data}})


LINES = [
    *(event("order.completed", number, amount=number + 0.5, secret="s3cret") for number in range(6)),
    event("page.viewed", 6),
    json.dumps({"type": "order.completed", "id": "e-7", "data": {"amount": 1}}),
]


@pytest.fixture
def compare(cli: Cli, config: Write, tmp_path: Path) -> Callable[..., Any]:
    old = tmp_path / "old.yaml"
    old.write_text(Path(config()).read_text())
    records = tmp_path / "records"
    records.write_text("\n".join(LINES))

    def run(change: tuple[str, str] | None, *options: str) -> Any:
        text = old.read_text()
        assert change is None or change[0] in text
        new = tmp_path / "new.yaml"
        new.write_text(text if change is None else text.replace(*change))
        return cli("map", "--diff", str(old), str(new), str(records), *options)

    return run


METADATA = "{amount: data.amount}"


def test_the_same_mapping_changes_nothing_and_ends_with_0(compare: Callable[..., Any]) -> None:
    ran = compare(None)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == "8 records: nothing changes. 6 requests would be the same, byte for byte.\n"
    document = json.loads(compare(None, "--json").out)
    assert (document["changed"], document["requests"]["same"]) == (False, 6)


def test_a_changed_key_is_told_with_its_count_and_without_values(compare: Callable[..., Any]) -> None:
    ran = compare((METADATA, "{amount: to_string(data.amount), kind: \"'web'\"}"))
    assert ran.code == 1
    assert ran.out.startswith("8 records, of which 6 change: 0 vanish, 0 appear, 6 requests change, 0 the same.\n")
    rows = {tuple(line.split()[:3]) for line in ran.out.splitlines()}
    assert {("metadata.amount", "6", "another"), ("metadata.kind", "6", "added")} <= rows
    assert "another type" in ran.out
    assert ("order.completed", "0", "6") in rows
    assert "u-1" not in ran.out
    assert "0.5" not in ran.out


def test_a_script_reads_the_counts_of_each_key_and_values_only_where_they_are_asked_for(
    compare: Callable[..., Any],
) -> None:
    change = (METADATA, "{amount: to_string(data.amount), kind: \"'web'\"}")
    keys = json.loads(compare(change, "--json").out)["routes"]["order.completed"]["keys"]
    counts = {"added": 0, "removed": 0, "changed": 6, "retyped": 6}
    assert keys["metadata.amount"].items() >= counts.items()
    assert not {"before", "after"} & keys["metadata.amount"].keys()
    keys = json.loads(compare(change, "--json", "--values").out)["routes"]["order.completed"]["keys"]
    assert (keys["metadata.amount"]["before"], keys["metadata.amount"]["after"]) == (0.5, "0.5")
    assert "before" not in keys["metadata.kind"]
    assert keys["metadata.kind"]["after"] == "web"


def test_where_no_topic_is_named_all_that_either_configuration_reads_are_compared(
    config: Write, tmp_path: Path
) -> None:
    old, new = Path(config()), tmp_path / "new.yaml"
    new.write_text(old.read_text().replace("[shop.orders]", "[shop.returns, ^shop.x.*]"))
    both = two_mappings.load((old, new), None)
    assert two_mappings.topics(both, None, ()).asked.entries == ("shop.returns", "^shop.x.*", "shop.orders")
    assert two_mappings.topics(both, "shop.returns", ()).asked.entries == ("shop.returns",)


def test_how_many_records_were_compared_is_reported_as_they_come() -> None:
    records = [Record("t", 0, offset, None, None, b"{}", ()) for offset in range(3)]
    done: list[int] = []
    assert list(two_mappings.reported(iter(records), done.append)) == records
    assert done == [1, 2, 3]


def test_values_are_shown_where_they_are_asked_for_less_what_is_redacted(
    compare: Callable[..., Any], tmp_path: Path
) -> None:
    change = (METADATA, "{amount: to_string(data.amount), secret: data.secret}")
    assert '0.5 -> "0.5"' in compare(change, "--values").out
    assert 'nothing -> "s3cret"' in compare(change, "--values").out
    old = tmp_path / "old.yaml"
    old.write_text(old.read_text().replace("dead_letter:", "dead_letter:\n  redact: [data.secret]"))
    redacted = compare(change, "--values")
    assert redacted.code == 1
    assert "s3cret" not in redacted.out
    assert 'nothing -> "***"' in redacted.out


def test_a_request_that_becomes_a_dead_letter_or_is_filtered_vanishes(compare: Callable[..., Any]) -> None:
    ran = compare((METADATA, "{amount: data.amount}\n      when: data.amount > `3`"))
    assert ran.code == 1
    assert "3 records: event -> filtered" in ran.out
    assert "3  request -> filtered: when, such as " in ran.out
    ran = compare((METADATA, "{amount: data.amount}\n      user_id: data.customer"))
    found = json.loads(compare((METADATA, "{amount: data.amount}\n      user_id: data.customer"), "--json").out)
    assert "6 records: event -> dead letter" in ran.out
    assert found["fates"] == [{"before": "event", "after": "dead letter", "records": 6}]
    assert found["routes"]["order.completed"]["vanished"] == 6
    assert found["routes"]["order.completed"]["users"] == 3


def test_a_new_rule_makes_requests_appear(compare: Callable[..., Any]) -> None:
    ran = compare(("events:", "events:\n    page.viewed: {event_name: Page Viewed}"))
    assert ran.code == 1
    assert "0 vanish, 1 appear, 0 requests change, 6 the same" in ran.out
    assert "1  filtered: unmapped -> request, such as " in ran.out


def test_a_rule_of_another_name_that_makes_the_same_requests_changes_nothing(compare: Callable[..., Any]) -> None:
    assert compare(("order.completed:", "order.*:")).code == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--values", "x"), "--values says what is shown of differences: it needs --diff."),
        (("--diff", "a.yaml", "b.yaml", "x", "-c", "c.yaml"), "--diff names both configurations"),
    ],
)
def test_what_makes_no_sense_is_refused(cli: Cli, words: tuple[str, ...], said: str) -> None:
    ran = cli("map", *words)
    assert ran.code == 2
    assert said in ran.err


def test_an_old_configuration_that_is_wrong_is_named(cli: Cli, config: Write, tmp_path: Path) -> None:
    old = tmp_path / "wrong.yaml"
    old.write_text("kafka: 7\n")
    ran = cli("map", "--diff", str(old), config(), "-")
    assert ran.code == 2
    assert str(old) in ran.err
