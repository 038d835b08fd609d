"""`track-bridge check` against brokers and an API that answer, refuse, or are not there."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka.admin import AdminClient

from bridge.sandbox.broker import EmbeddedKafka
from bridge.sandbox.emulator import Emulator
from tests.component.cli.conftest import Cli

Config = Callable[..., str]
NOBODY = "127.0.0.1:1"
LOGIN = "{security.protocol: sasl_plaintext, sasl.mechanism: PLAIN, sasl.username: u, sasl.password: p}"


def _problems(document: dict[str, Any]) -> list[str]:
    return [each["what"] for each in document["findings"] if each["level"] == "problem"]


async def test_where_everything_is_there_it_says_so_and_forecasts(
    cli: Cli, config: Config, api: Emulator, produce: Callable[..., None]
) -> None:
    produce(0, *[b"{}"] * 40)
    produce(1, *[b"{}"] * 20)
    ran = await cli("check", "-c", config())
    assert ran.code == 0, ran.out
    assert "shop.orders: 3 partitions." in ran.out
    assert "60 records behind; at 600/min 6 s if all are mapped." in ran.out
    assert "the API accepts the key" in ran.out.replace("The API", "the API")
    assert ran.out.endswith("No problems.\n")
    assert "\x1b" not in ran.out
    assert api.ledger.requests == 0


async def test_it_leaves_no_trace_in_the_group(cli: Cli, config: Config, kafka: EmbeddedKafka) -> None:
    await cli("check", "-c", config())
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap, "log_level": 0})
    assert [group.group_id for group in admin.list_consumer_groups().result(10).valid] == []


async def test_an_api_that_offers_no_check_of_the_key_is_no_problem(cli: Cli, config: Config, api: Emulator) -> None:
    api.has_validate = False
    ran = await cli("check", "-c", config())
    assert ran.code == 0
    assert "the first event will tell" in ran.out


async def test_a_refused_key_is_a_finding(cli: Cli, config: Config, key_file: Path) -> None:
    key_file.write_text("NX-another")  # noqa: ASYNC240 - ten bytes
    ran = await cli("check", "-c", config())
    assert ran.code == 1
    assert "The API refuses the key" in ran.out
    assert "NX-another" not in ran.out


async def test_an_undecided_start_is_a_problem_of_the_configuration_with_the_choices(cli: Cli, config: Config) -> None:
    ran = await cli("check", "-c", config("start_from: earliest", "start_from: error"))
    assert ran.code == 2
    assert "set kafka.start_from to earliest" in ran.out


async def test_a_missing_topic_is_named(cli: Cli, config: Config) -> None:
    ran = await cli("check", "--json", "-c", config("[shop.orders]", "[shop.orders, shop.order]"))
    assert ran.code == 2
    assert _problems(json.loads(ran.out)) == ["shop.order: there is no such topic, or this user may not see it."]


async def test_a_missing_dead_letter_topic_is_named_with_the_command_that_makes_it(cli: Cli, config: Config) -> None:
    path = config("topic: cli.dlq", "topic: other.dlq")
    ran = await cli("check", "-c", path)
    assert ran.code == 2
    assert f"bridge topics create -c {path}` (or set dead_letter.create: true)" in ran.out


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"bootstrap": NOBODY}, "No broker at 127.0.0.1:1 answers"),
        (
            {"properties": LOGIN},
            "refuse the login",
        ),
        ({"properties": "{security.protocol: ssl}"}, "No TLS connection with"),
        ({"endpoint": f"http://{NOBODY}"}, "No connection to 127.0.0.1:1: Connection refused."),
    ],
)
async def test_what_does_not_answer_is_told_apart(
    cli: Cli, config: Config, changes: dict[str, str], sentence: str
) -> None:
    ran = await cli("check", "--json", "-c", config(**changes))
    (problem,) = _problems(json.loads(ran.out))
    assert (ran.code, sentence in problem) == (3, True), problem


@pytest.mark.slow(reason="waits until the client gives up brokers that do not answer, in five of ten cases", seconds=5)
@pytest.mark.parametrize(
    ("changes", "key", "plain", "detailed"),
    [
        ({}, "NX-another", 1, 12),
        ({"old": "[shop.orders]", "new": "[shop.orders, shop.order]"}, None, 2, 21),
        ({"old": "[shop.orders]", "new": "[shop.orders, shop.order]"}, "NX-another", 2, 21),
        ({"old": "start_from: earliest", "new": "start_from: error"}, None, 2, 22),
        ({"endpoint": f"http://{NOBODY}"}, None, 3, 31),
        ({"bootstrap": NOBODY}, None, 3, 32),
        ({"bootstrap": NOBODY}, "NX-another", 3, 32),
        ({"bootstrap": NOBODY, "endpoint": f"http://{NOBODY}"}, None, 3, 32),
        ({"properties": LOGIN}, None, 3, 33),
        ({"properties": "{security.protocol: ssl}"}, "NX-another", 3, 33),
    ],
)
async def test_each_kind_of_finding_ends_with_its_code_and_of_several_the_gravest(
    cli: Cli, config: Config, key_file: Path, changes: dict[str, str], key: str | None, plain: int, detailed: int
) -> None:
    if key is not None:
        key_file.write_text(key)  # noqa: ASYNC240 - ten bytes
    path = config(**changes)
    document = json.loads((await cli("check", "--json", "-c", path)).out)
    assert (document["exit_code"], document["detailed_exit_code"]) == (plain, detailed)
    assert (await cli("check", "--detailed-exit-code", "-c", path)).code == detailed


async def test_a_login_that_no_client_can_be_made_with_is_a_problem_of_the_configuration(
    cli: Cli, config: Config
) -> None:
    path = config(
        properties="{security.protocol: sasl_ssl, sasl.mechanism: OAUTHBEARER, sasl.oauthbearer.method: oidc}"
    )
    ran = await cli("check", "--detailed-exit-code", "-c", path)
    assert (ran.code, ran.err) == (22, "")
    assert "sasl.oauthbearer.token.endpoint.url" in ran.out.replace("`", "")
    assert "To do: correct the properties it names" in ran.out
    assert "The API accepts the key" in ran.out.replace("the API", "The API")
    assert (await cli("check", "-c", path)).code == 2


@pytest.mark.slow(reason="waits until the client gives up brokers that do not answer", seconds=5)
async def test_a_file_of_tls_without_tls_hides_no_area(cli: Cli, config: Config) -> None:
    ran = await cli("check", "-c", config(properties="{ssl.ca.location: /nowhere/ca.pem}"))
    assert ran.code == 0, ran.out
    assert "shop.orders: 3 partitions." in ran.out


async def test_a_property_the_client_does_not_know_is_one_sentence(cli: Cli, config: Config) -> None:
    ran = await cli("check", "-c", config(properties="{no.such.property: 1}"))
    assert ran.code == 2
    assert "no.such.property" in ran.err
    assert ran.err.count("\n") <= 2


async def test_the_newest_records_show_what_the_mapping_does_not_mean(
    cli: Cli, config: Config, produce: Callable[..., None]
) -> None:
    order = '{"type": "order.completed", "timestamp": "2025-05-05T05:05:05Z", "data": {"user_id": "u-1"}}'
    produce(0, *[b'{"type": "page.viewed"}'] * 300, *[order.encode()] * 30, b"{broken")
    ran = await cli("check", "-c", config("  events:", "  occurred_at: timestamp\n  events:"))
    assert ran.code == 0, "what is perhaps not meant is no reason to stop"
    assert "The newest 200 records of the consumed topics, through the mapping: 1 would be a dead letter." in ran.out
    assert (
        "timestamp is Kafka's timestamp, and 30 of 30 records have a field of that name, which is not read." in ran.out
    )
    assert "gift is missing or null" in ran.out


async def test_offline_asks_nobody(cli: Cli, config: Config) -> None:
    ran = await cli("check", "--offline", "-c", config(bootstrap=NOBODY, endpoint=f"http://{NOBODY}"))
    assert ran.code == 0
