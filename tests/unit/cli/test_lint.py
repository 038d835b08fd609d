"""Findings of lint in `check` and `test`: shown, in JSON, and never a reason to fail unless asked for."""

from __future__ import annotations

import json
from collections.abc import Callable

from tests.unit.cli.conftest import Cli

Write = Callable[..., str]
AMOUNT = "metadata: {amount: data.amount}"
EMAIL = "metadata: {buyer: data.email}"
LAST = "    audit.*: drop\n"
IGNORE = "lint: {ignore: [{code: TB201, where: mapping.events.order.completed, reason: made up}]}\n"


def test_findings_are_shown_with_code_line_and_what_to_do_and_change_no_exit_code(cli: Cli, config: Write) -> None:
    ran = cli("test", "-c", config(AMOUNT, EMAIL))
    assert ran.code == 0
    assert "  TB201  mapping.events.order.completed.metadata.buyer (line 14): by its name it is an e-mail" in ran.out
    assert "         To do: remove it, or send what is not personal instead" in ran.out
    assert cli("check", "--offline", "-c", config(AMOUNT, EMAIL)).code == 0


def test_check_has_them_before_its_last_line_which_counts_as_before(cli: Cli, config: Write) -> None:
    ran = cli("check", "--offline", "-c", config(AMOUNT, EMAIL))
    assert "TB201" in ran.out
    assert ran.out.splitlines()[-1] == "No problems."


def test_strict_makes_a_finding_the_end(cli: Cli, config: Write) -> None:
    path = config(AMOUNT, EMAIL)
    assert cli("test", "--strict", "-c", path).code == 1
    assert cli("check", "--offline", "--strict", "-c", path).code == 1
    assert cli("check", "--offline", "--strict", "--detailed-exit-code", "-c", path).code == 10
    assert cli("check", "--offline", "--detailed-exit-code", "-c", path).code == 0
    assert cli("test", "--strict", "-c", config()).code == 0


def test_test_is_about_the_mapping_and_check_about_all_of_it(cli: Cli, config: Write) -> None:
    assert "TB601" not in cli("test", "-c", config()).out
    assert "  TB601  track.api_key (line 7): is written in the file." in cli("check", "--offline", "-c", config()).out


def test_json_has_them(cli: Cli, config: Write) -> None:
    path = config(AMOUNT, EMAIL)
    found = json.loads(cli("test", "--json", "-c", path).out)["lint"]
    assert found["ignored"] == 0
    (finding,) = found["findings"]
    assert finding["code"] == "TB201"
    assert finding["severity"] == "warning"
    assert finding["where"] == "mapping.events.order.completed.metadata.buyer"
    assert finding["line"] == "line 14"
    document = json.loads(cli("check", "--offline", "--strict", "--json", "-c", path).out)
    assert [each["code"] for each in document["lint"]["findings"]] == ["TB201", "TB601"]
    assert (document["exit_code"], document["detailed_exit_code"], document["warnings"]) == (1, 10, 0)


def test_an_ignored_finding_is_counted_and_not_said_and_one_that_fits_nothing_is_said(cli: Cli, config: Write) -> None:
    ignored = cli("test", "--json", "--strict", "-c", config(f"{AMOUNT}\n{LAST}", f"{EMAIL}\n{LAST}{IGNORE}"))
    assert (ignored.code, json.loads(ignored.out)["lint"]) == (0, {"findings": [], "ignored": 1})
    in_vain = cli("test", "-c", config(LAST, LAST + IGNORE))
    assert "TB702  lint.ignore[0] (line 16): there is no TB201 at mapping.events.order.completed." in in_vain.out


def test_an_ignore_needs_a_reason_and_a_code_there_is(cli: Cli, config: Write) -> None:
    ran = cli("check", "--offline", "-c", config(LAST, LAST + "lint: {ignore: [{code: TB999, where: mapping}]}\n"))
    assert ran.code == 2
    assert "lint.ignore[0].code: must be a code of docs/lint.md, such as TB201, not" in ran.err
    assert "lint.ignore[0].reason: is required" in ran.err


def test_no_value_of_a_record_is_shown(cli: Cli, config: Write) -> None:
    example = """\
  examples:
    - name: an order
      input: {type: order.completed, id: e-1, time: "2026-01-02T03:04:05Z",
              data: {user_id: u-1, amount: someone@x.example}}
      expect: {user_id: u-1, event_name: Order Completed,
               metadata: {amount: someone@x.example, occurred_at: "2026-01-02T03:04:05Z", event_id: e-1}}
"""
    ran = cli("test", "-c", config(LAST, LAST + example))
    assert "TB202" in ran.out
    assert "someone@" not in ran.out


def test_a_topic_that_is_not_read_is_said_once_and_can_be_ignored(cli: Cli, config: Write) -> None:
    other = "mapping:\n  per_topic: {shop.order: {user_id: key}}\n"
    ran = cli("check", "--offline", "-c", config("mapping:\n", other))
    assert ran.out.count("shop.order fits nothing that kafka.topics consumes") == 1
    assert "TB105" in ran.out
    ignore = "lint: {ignore: [{code: TB105, where: mapping.per_topic, reason: comes next week}]}\n"
    ran = cli("check", "--offline", "-c", config("mapping:\n", f"{ignore}{other}"))
    assert "fits nothing" not in ran.out
