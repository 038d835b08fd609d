"""What commands print on a terminal of 60 columns: broken between words; a pipe has one line for each sentence."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.cli.frame import output
from tests.unit.cli.conftest import Cli

Write = Callable[..., str]
COLUMNS = 60
AMOUNT = "metadata: {amount: data.amount}"
EMAIL = "metadata: {buyer: data.email}"


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()  # it has put its streams in place of the process' own
    monkeypatch.setenv("COLUMNS", str(COLUMNS))
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr(type(sys.stdout), "isatty", lambda _: True, raising=False)


def widest(text: str) -> int:
    """Of the lines that have a blank to be broken at."""
    return max((len(line) for line in text.splitlines() if " " in line.strip()), default=0)


@pytest.mark.usefixtures("narrow")
def test_findings_of_check_and_lint_are_broken_between_words_under_their_text(cli: Cli, config: Write) -> None:
    ran = cli("check", "--offline", "-c", config(AMOUNT, EMAIL))
    assert widest(ran.out) <= COLUMNS
    assert "\n  TB201  mapping" in ran.out
    lines = ran.out.splitlines()
    below = lines[lines.index(next(each for each in lines if "TB201" in each)) + 1]
    assert below.startswith("         ")


def test_a_pipe_has_one_line_for_each_sentence(cli: Cli, config: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(COLUMNS))
    assert widest(cli("check", "--offline", "-c", config(AMOUNT, EMAIL)).out) > COLUMNS


@pytest.mark.usefixtures("narrow")
def test_map_breaks_why_there_are_dead_letters_and_leaves_the_requests_whole(
    cli: Cli, config: Write, tmp_path: Path
) -> None:
    records = tmp_path / "r.ndjson"
    order = '{"type": "order.completed", "id": "e-1", "time": "2026-01-02T03:04:05Z", "data": {"user_id": "u-1"}}'
    records.write_text(f'{{"type": "order.completed", "data": {{"user_id": {{"a": 1}}}}}}\n{order}\n')
    ran = cli("map", str(records), "-c", config(), "--topic", "shop.orders")
    requests = [line for line in ran.out.splitlines() if line.lstrip().startswith("{")]
    assert len(requests) == 1
    assert requests[0].endswith("}}")
    why = ran.out.partition("Why dead letters\n")[2].partition("\n\n")[0].splitlines()
    assert len(why) > 1
    assert all(len(line) <= COLUMNS for line in why)
    assert why[-1].endswith("  1")
    assert widest(ran.out.replace(requests[0], "")) <= COLUMNS


@pytest.mark.usefixtures("narrow")
def test_errors_are_broken_too(cli: Cli, config: Write) -> None:
    ran = cli("map", "--from-topic", "--record", "-c", config())
    assert (ran.code, len(ran.err.splitlines())) == (2, 2)
    assert widest(ran.err) <= COLUMNS
    refused = cli("check", "--offline", "-c", config("group_id: test", "group_ids: test"))
    assert widest(refused.err) <= COLUMNS


@pytest.mark.usefixtures("narrow")
def test_commands_and_documents_are_left_to_be_copied(capsys: pytest.CaptureFixture[str]) -> None:
    texts = [
        "Run there: track-bridge hold shop.orders --partition 3 --reason 'wrong amounts since 14:00' --yes",
        "In Kubernetes, for each pod: kubectl exec POD -- bridge hold shop.orders --reason 'wrong amounts' --yes",
        '    {"user_id": "u-1", "event_name": "Order Completed", "metadata": {"amount": 12.5, "currency": "EUR"}}',
    ]
    output.lines(texts)
    assert capsys.readouterr().out.splitlines() == texts
    output.samples(texts[2:])
    assert widest(capsys.readouterr().out) <= COLUMNS


@pytest.mark.usefixtures("narrow")
def test_a_question_is_broken_too(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(sys.stdin, "readline", lambda: "y\n", raising=False)
    listed = ", ".join(f"shop.orders/{number}" for number in range(8))
    assert output.agreed(f"Hold {listed}?", yes=False)
    asked = capsys.readouterr().err
    assert asked.endswith("? [y/N]: ")
    assert widest(asked) <= COLUMNS + 1
