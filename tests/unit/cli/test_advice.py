"""What commands say where something else was meant, or nothing was done."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Cli

Write = Callable[..., str]
LAST = "    audit.*: drop\n"
AMOUNT = "metadata: {amount: data.amount}"


@pytest.mark.parametrize("option", ["--port", "--host"])
def test_who_looks_for_a_port_or_a_host_is_told_of_listen(cli: Cli, option: str) -> None:
    ran = cli("emulator", option, "8080")
    assert ran.code == 2
    assert "--listen HOST:PORT" in " ".join(ran.err.split())
    assert "--listen" not in cli("test", option, "8080").err


def test_a_record_that_makes_no_request_is_said_to_have_sent_nothing(cli: Cli, config: Write, tmp_path: Path) -> None:
    record = tmp_path / "record.json"
    record.write_text('{"type": "audit.read", "data": {}}')
    ran = cli("send", str(record), "--topic", "shop.orders", "-c", config())
    assert ran.code == 1
    assert ran.out.endswith("\nNothing was sent: the record makes no request.\n")


def test_a_file_to_format_that_is_not_there_is_not_looked_for_elsewhere(cli: Cli, tmp_path: Path) -> None:
    ran = cli("fmt", str(tmp_path / "nope.yaml"))
    assert (ran.code, ran.out) == (2, "")
    assert "--config" not in ran.err
    assert "does not exist; name a file that does" in ran.err
    assert "--config" in cli("fmt", "-c", str(tmp_path / "nope.yaml")).err


def test_an_empty_file_is_not_called_formatted(cli: Cli, config: Write, tmp_path: Path) -> None:
    empty = tmp_path / "empty.ndjson"
    empty.write_text("\n")
    ran = cli("fmt", str(empty))
    assert (ran.code, ran.out) == (0, "")
    assert ran.err == f"{empty} is empty: there is nothing to format.\n"
    assert empty.read_text() == "\n"
    path = config()
    cli("fmt", path)
    assert cli("fmt", path, str(empty)).out == "1 file formatted already.\n"


def test_a_wrong_expression_is_said_beside_a_wrong_example(cli: Cli, config: Write) -> None:
    path = Path(config(AMOUNT, "metadata: {amount: number(data.amount)}"))
    examples = "  examples:\n    - {name: one, record: {key: a}, expect: {dropped: rule}}\n"
    path.write_text(path.read_text().replace(LAST, LAST + examples))
    ran = cli("test", "-c", str(path))
    assert ran.code == 2
    assert f"{path}: 2 problems" in ran.err
    assert "mapping.examples[0].record.topic: is required" in ran.err
    assert "calls number(), which is not a function; did you mean to_number()? (line 14)" in ran.err


def test_what_else_is_wrong_in_the_section_is_said_once(cli: Cli, config: Write) -> None:
    path = Path(config(AMOUNT, "metadata: [data.amount]"))
    path.write_text(path.read_text().replace(LAST, f"{LAST}  examples:\n    - {{name: one, record: {{key: a}}}}\n"))
    ran = cli("test", "-c", str(path))
    assert ran.code == 2
    assert ran.err.count("metadata") == 1


def test_lint_says_of_what_the_requests_are_made(cli: Cli, config: Write) -> None:
    example = (
        "    - {name: ID, input: {type: order.completed, id: ID, data: {user_id: u-1}}, expect: {dropped: rule}}\n"
    )
    path = Path(config(LAST, f"{LAST}  examples:\n{example.replace('ID', 'e-1')}"))
    assert "the only request that the examples make does not have it" in cli("test", "-c", str(path)).out
    path.write_text(path.read_text() + example.replace("ID", "e-2"))
    assert "none of the 2 requests that the examples make has it" in cli("test", "-c", str(path)).out
