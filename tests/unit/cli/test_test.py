"""`track-bridge test`: the mapping's examples."""

import json
from collections.abc import Callable

from tests.unit.cli.conftest import Cli

Write = Callable[..., str]

LAST = "    audit.*: drop\n"
EXAMPLE = (
    LAST
    + """\
  examples:
    - name: an order is one event
      input: {type: order.completed, id: e-1, time: "2026-01-02T03:04:05Z", data: {user_id: u-1, amount: 12.5}}
      expect:
        - {user_id: u-1, event_name: Order Completed,
           metadata: {amount: AMOUNT, occurred_at: "2026-01-02T03:04:05Z", event_id: e-1}}
    - name: audit entries are dropped
      input: {type: audit.read, data: {}}
      expect: {dropped: rule}
"""
)


def test_examples_that_hold_are_listed_and_0(cli: Cli, config: Write) -> None:
    ran = cli("test", "-c", config(LAST, EXAMPLE.replace("AMOUNT", "12.5")))
    assert ran.code == 0
    assert ran.out.splitlines() == [
        "passed  an order is one event",
        "passed  audit entries are dropped",
        "",
        "2 examples: 2 passed, 0 failed.",
    ]


def test_a_failing_example_shows_the_difference_and_what_came_instead(cli: Cli, config: Write) -> None:
    ran = cli("test", "-c", config(LAST, EXAMPLE.replace("AMOUNT", "13")))
    assert ran.code == 1
    assert "FAILED  an order is one event\n          event 1: metadata.amount: expected 13, got 12.5\n" in ran.out
    assert '"amount":12.5' in ran.out
    assert "2 examples: 1 passed, 1 failed." in ran.out


def test_no_examples_are_said_to_be_none(cli: Cli, config: Write) -> None:
    path = config()
    ran = cli("test", "-c", path)
    assert ran.code == 0
    assert ran.out.startswith(f"{path} has no examples, so nothing was tested.")


def test_results_are_there_for_scripts(cli: Cli, config: Write) -> None:
    ran = cli("test", "--json", "-c", config(LAST, EXAMPLE.replace("AMOUNT", "13")))
    document = json.loads(ran.out)
    assert (ran.code, document["examples"], document["failed"]) == (1, 2, 1)
    assert [result["passed"] for result in document["results"]] == [False, True]
    assert document["results"][0]["requests"][0]["metadata"]["amount"] == 12.5


def test_an_example_that_cannot_be_a_record_is_a_problem_of_the_configuration(cli: Cli, config: Write) -> None:
    broken = EXAMPLE.replace("AMOUNT", "13").replace("input: {type: audit.read, data: {}}", "input: {a: .nan}")
    ran = cli("test", "-c", config(LAST, broken))
    assert ran.code == 2
    assert "mapping.examples[1]: holds something JSON cannot" in ran.err


def test_what_an_example_shows_not_to_be_meant_is_said_beside_it_and_by_check_and_changes_no_exit_code(
    cli: Cli, config: Write
) -> None:
    changed = (
        LAST
        + """\
    order.updated: {when: before.status != after.status}
  examples:
    - name: a change without its past
      input: {type: order.updated, id: e-1, data: {user_id: u-1}, before: null, after: {status: paid}}
      expect: {user_id: u-1, event_name: order.updated, metadata: {event_id: e-1}}
"""
    )
    what = (
        "order.updated: when: before.status != after.status is true in this record only because before is missing or "
        "null."
    )

    ran = cli("test", "-c", config(LAST, changed))
    assert ran.code == 0
    assert (
        f"passed  a change without its past\n        {what} To do: to leave such records out write before != "
        in ran.out
    )
    (result,) = json.loads(cli("test", "--json", "-c", config(LAST, changed)).out)["results"]
    assert [each["what"] for each in result["warnings"]] == [what]
    checked = cli("check", "--offline", "-c", config(LAST, changed))
    assert checked.code == 0
    assert f"Example 'a change without its past': {what}" in checked.out


def test_the_address_and_the_key_may_be_variables_that_are_not_set(cli: Cli, config: Write) -> None:
    old = "  endpoint: https://analytex.userpilot.io\n  api_key: NX-secret-of-the-test\n"
    path = config(old, "  endpoint: ${NOBODY_SETS_THIS}\n  api_key: ${NOR_THIS}\n")
    assert cli("test", "-c", path).code == 0
    refused = cli("check", "--offline", "-c", path)
    assert refused.code != 0
    assert "NOBODY_SETS_THIS is not set" in refused.out + refused.err
