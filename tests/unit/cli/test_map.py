"""`track-bridge map` of files: what is shown, for which input, with which exit code."""

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Cli

Write = Callable[..., str]

GOOD = '{"type": "order.completed", "id": "e-1", "data": {"user_id": "u-1", "amount": 12.5}}'
NOBODY = '{"type": "order.completed", "data": {}}'
DROPPED = '{"type": "audit.read", "data": {}}'
UNMAPPED = '{"type": "page.viewed"}'


class _Stdin(io.TextIOWrapper):
    """Standard input with a given content, or a terminal nobody types at."""

    def __init__(self, content: str, *, terminal: bool = False) -> None:
        super().__init__(io.BytesIO(content.encode()))
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal


@pytest.fixture
def file(tmp_path: Path) -> Callable[[str], str]:
    def write(content: str) -> str:
        path = tmp_path / "input"
        path.write_text(content, encoding="utf-8")
        return str(path)

    return write


def test_a_value_becomes_the_request_exactly_as_it_would_be_sent(
    cli: Cli, config: Write, file: Callable[[str], str]
) -> None:
    ran = cli("map", file(GOOD), "-c", config())
    assert ran.code == 0
    (body,) = [line.strip() for line in ran.out.splitlines() if line.strip().startswith("{")]
    sent = json.loads(body)
    assert (sent["user_id"], sent["event_name"], sent["metadata"]["amount"]) == ("u-1", "Order Completed", 12.5)


def test_every_line_is_a_record_and_the_histogram_counts_them(
    cli: Cli, config: Write, file: Callable[[str], str]
) -> None:
    ran = cli("map", file(f"{GOOD}\n{NOBODY}\n{DROPPED}\n{UNMAPPED}\n{UNMAPPED}\n{{broken"), "-c", config())
    assert ran.code == 1
    assert "6 records would make 1 request." in ran.out
    counts = {tuple(line.split("  ")[1:2]): line.split()[-1] for line in ran.out.splitlines() if line.startswith("  ")}
    assert counts[("filtered: unmapped",)] == "2"
    assert counts[("dead letter: unmappable",)] == "1"
    assert counts[("dead letter: undecodable",)] == "1"
    assert "page.viewed  2" in ran.out


def test_a_document_over_several_lines_is_one_value(cli: Cli, config: Write, file: Callable[[str], str]) -> None:
    ran = cli("map", file(json.dumps(json.loads(GOOD), indent=2)), "-c", config(), "--json")
    assert len(ran.out.splitlines()) == 1
    assert json.loads(ran.out)["outcomes"][0]["request"]["user_id"] == "u-1"


def test_raw_takes_the_bytes_as_they_are(cli: Cli, config: Write, file: Callable[[str], str]) -> None:
    ran = cli("map", file(f"{GOOD}\n{GOOD}"), "--raw", "-c", config(), "--json")
    assert ran.code == 1
    assert json.loads(ran.out)["outcomes"][0]["reason"] == "undecodable"


def test_whole_records_bring_their_coordinates_and_headers(cli: Cli, config: Write, file: Callable[[str], str]) -> None:
    record = {"topic": "shop.orders", "partition": 3, "offset": 17, "value": json.loads(GOOD), "headers": {"a": "b"}}
    ran = cli("map", file(json.dumps(record)), "--record", "-c", config(), "--json")
    assert json.loads(ran.out)["record"] == "shop.orders/3/17"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("{broken", "line 2: is not JSON"),
        ('{"value": {}}', "line 2: topic: "),
        ('{"topic": "t", "valeu": 1}', "line 2: valeu: "),
        ('{"topic": "t", "value_base64": "%%"}', "line 2: record.value_base64 is not base64"),
    ],
)
def test_a_line_that_is_no_whole_record_is_named(
    cli: Cli, config: Write, file: Callable[[str], str], line: str, expected: str
) -> None:
    good = '{"topic": "t", "value": {"type": "x"}}'
    ran = cli("map", file(f"{good}\n{line}\n{good}"), "--record", "-c", config())
    assert ran.code == 2
    assert expected in ran.err


def test_standard_input_is_read_where_no_file_is_named(
    cli: Cli, config: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", _Stdin(GOOD))
    assert json.loads(cli("map", "--json", "-c", config()).out)["type"] == "order.completed"


def test_a_person_who_names_nothing_is_told_what_to_name(
    cli: Cli, config: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", _Stdin("", terminal=True))
    ran = cli("map", "-c", config())
    assert (ran.code, "--from-topic" in ran.err) == (2, True)


def test_an_empty_input_is_said_to_be_empty(cli: Cli, config: Write, file: Callable[[str], str]) -> None:
    ran = cli("map", file("\n\n"), "-c", config())
    assert (ran.code, ran.err) == (2, "The input is empty: there is no record to map.\n")


def test_a_file_that_is_not_there_is_named(cli: Cli, config: Write) -> None:
    ran = cli("map", "/nowhere/input", "-c", config())
    assert (ran.code, ran.err) == (2, "/nowhere/input cannot be read: No such file or directory.\n")


def test_a_limit_stops_after_so_many_records(cli: Cli, config: Write, file: Callable[[str], str]) -> None:
    ran = cli("map", file("\n".join([GOOD] * 5)), "--limit", "2", "--json", "-c", config())
    assert len(ran.out.splitlines()) == 2


def test_what_a_record_holds_cannot_move_the_terminals_cursor(
    cli: Cli, config: Write, file: Callable[[str], str]
) -> None:
    ran = cli("map", file('{"type": "\\u001b[2Jgone"}'), "-c", config())
    assert "\x1b" not in ran.out
    assert "event_type: type has the control character U+001B at place 0" in ran.out
    ran = cli("map", file('{"type": "\\u202egone"}'), "-c", config())
    assert "\u202e" not in ran.out
    assert "\\u202egone" in ran.out


def test_no_terminal_obeys_the_json_of_a_mapping(cli: Cli, config: Write, file: Callable[[str], str]) -> None:
    text = "\x9b\u202e\u2028\x85"
    value = json.dumps({"type": text[1:3], "data": {"user_id": text[1:3]}}, ensure_ascii=False)
    ran = cli("map", file(value), "--json", "-c", config())
    assert not set(text) & set(ran.out)
    assert json.loads(ran.out)["type"] == text[1:3]


def test_a_whole_record_keeps_the_digits_of_its_numbers(cli: Cli, config: Write, file: Callable[[str], str]) -> None:
    large = "1" + "0" * 30
    data = '{"user_id": "u", "amount": 99999999999999999.99, "large": ' + large + "}"
    given = file('{"topic": "t", "value": {"type": "order.completed", "data": ' + data + "}}")
    path = config("{amount: data.amount}", "{amount: data.amount, large: data.large}")
    for options in ((), ("--json",)):
        ran = cli("map", given, "--record", "-c", path, *options)
        assert "99999999999999999.99" in ran.out
        assert large in ran.out


def test_two_forms_at_once_are_refused(cli: Cli, config: Write) -> None:
    assert cli("map", "-", "--record", "--raw", "-c", config()).code == 2


def test_send_refuses_more_than_one_record(cli: Cli, config: Write, file: Callable[[str], str]) -> None:
    ran = cli("send", file(f"{GOOD}\n{GOOD}"), "-y", "-c", config())
    assert ran.code == 2
    assert ran.err.startswith("The input has 2 records; without --file exactly one is sent.")


def test_send_off_a_terminal_needs_yes(cli: Cli, config: Write, file: Callable[[str], str]) -> None:
    ran = cli("send", file(GOOD), "-c", config())
    assert (ran.code, "add --yes" in ran.err) == (2, True)


def test_send_from_standard_input_needs_yes(cli: Cli, config: Write) -> None:
    ran = cli("send", "-", "-c", config())
    assert (ran.code, "add --yes" in ran.err) == (2, True)


def test_send_sends_nothing_for_a_record_that_becomes_no_request(
    cli: Cli, config: Write, file: Callable[[str], str]
) -> None:
    ran = cli("send", file(NOBODY), "-y", "-c", config())
    assert ran.code == 1
    assert "dead letter (unmappable)" in ran.out
    assert "POST" not in ran.out


def test_many_records_show_fill_rates_and_conditions_that_never_changed(
    cli: Cli, config: Write, file: Callable[[str], str]
) -> None:
    path = config(
        "metadata: {amount: data.amount}", "when: \"data.kind == 'gift'\"\n      metadata: {amount: data.amount}"
    )
    gift = '{"type": "order.completed", "data": {"user_id": "u-1", "kind": "gift"%s}}'

    ran = cli("map", file("\n".join([gift % ', "amount": 5', *[gift % ""] * 3])), "-c", path)

    assert ran.code == 0
    lines = [line.split() for line in ran.out.splitlines()]
    assert ["occurred_at", "time", "0", "of", "4", "Kafka's", "timestamp"] in lines
    assert ["amount", "1", "25", "%"] in lines
    assert ["event_id", "4", "100", "%"] in lines
    assert ["order.completed", "data.kind", "==", "'gift'", "4", "0", "0", "never", "false"] in lines


def test_what_is_perhaps_not_meant_is_said_of_one_record_too_and_for_scripts(
    cli: Cli, config: Write, file: Callable[[str], str]
) -> None:
    path = config("  events:\n", "  occurred_at: timestamp\n  events:\n")
    record = '{"type": "order.completed", "timestamp": "2025-05-05T05:05:05Z", "data": {"user_id": "u-1"}}'
    what = "occurred_at: timestamp is Kafka's timestamp, and the record has a field of that name, which is not read."

    ran = cli("map", file(record), "-c", path)
    assert ran.code == 0
    assert f"Perhaps not meant\n  {what}\n    To do: to read the field write '\"timestamp\"'.\n" in ran.out
    assert json.loads(cli("map", "--json", file(record), "-c", path).out)["warnings"] == [
        {"what": what, "to_do": "to read the field write '\"timestamp\"'"}
    ]


def test_neither_a_file_nor_a_topic_needs_the_address_and_the_key_of_the_api(
    cli: Cli, config: Write, tmp_path: Path
) -> None:
    (tmp_path / "one.json").write_text(GOOD)
    old = "  endpoint: https://analytex.userpilot.io\n  api_key: NX-secret-of-the-test\n"
    path = config(old, "  endpoint: ${NOBODY_SETS_THIS}\n  api_key: ${NOR_THIS}\n")
    ran = cli("map", str(tmp_path / "one.json"), "-c", path)
    assert ran.code == 0
    assert "request: " in ran.out
    unreached = cli("map", "--from-topic", "shop.orders", "-c", path)
    assert (unreached.code, "NOBODY_SETS_THIS" in unreached.err) == (3, False), "it went on to Kafka"
