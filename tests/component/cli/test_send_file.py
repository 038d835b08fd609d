"""`track-bridge send --file`: every line in order per user, each answer counted, what failed kept with its reason."""

import asyncio
import json
import re
import shlex
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from confluent_kafka import Consumer, TopicPartition

from bridge.formats.declarations import decode, group_of
from bridge.reprocess.sending.budget import NOTICE
from bridge.sandbox.broker import EmbeddedKafka
from bridge.sandbox.emulator import Emulator, Event, Fault, FaultKind
from tests.component.cli.conftest import LETTERS, Cli, run
from tests.support.prepared.client import program
from tests.support.waiting import until

Config = Callable[..., str]
UNLIMITED = ("dead_letter:\n", "delivery:\n  rate_limit: unlimited\n  identify_rate_limit: unlimited\ndead_letter:\n")


def order(number: int, user: str = "u-1") -> dict[str, object]:
    return {"type": "order.completed", "id": f"e-{number}", "data": {"user_id": user, "amount": number, "gift": False}}


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """``write(value, …)``: one a line; text stays as it is."""

    def write(*values: object) -> Path:
        path = tmp_path / "lost.ndjson"
        path.write_text("".join(f"{each if isinstance(each, str) else json.dumps(each)}\n" for each in values))
        return path

    return write


async def test_every_line_is_sent_once_in_order_per_user(
    cli: Cli, config: Config, api: Emulator, write: Callable[..., Path]
) -> None:
    path = write(*(order(number, f"u-{number % 3}") for number in range(60)))
    ran = await cli("send", "--file", str(path), "--yes", "--json", "-c", config(*UNLIMITED))
    assert ran.code == 0, ran.err
    told = json.loads(ran.out)
    assert (told["accepted"], told["left"], told["last_accepted_line"], told["next_line"]) == (60, 0, 60, None)
    for user in ("u-0", "u-1", "u-2"):
        sent = [int(event.metadata["amount"]) for event in api.ledger.accepted if event.user_id == user]
        assert sent == sorted(sent)
    assert len(api.ledger.accepted) == 60
    assert api.ledger.overlaps == []
    assert not path.with_name("lost.ndjson.rejected.ndjson").exists()


@pytest.mark.slow(
    reason="sends three files, and a group that was left opens after a session",
    seconds=19,
)
async def test_values_without_an_id_are_told_apart_from_records_and_from_another_file_and_known_again(
    cli: Cli, config: Config, api: Emulator, write: Callable[..., Path]
) -> None:
    values = [{"type": "order.completed", "data": {"user_id": "u-1", "amount": 1, "gift": False}}] * 2
    path, file = write(*values), config(*UNLIMITED)

    async def send() -> list[str]:
        before = len(api.ledger.accepted)
        ran = await cli("send", "--file", str(path), "--topic", "shop.orders", "--yes", "-c", file)
        assert ran.code == 0, ran.err
        return sorted(str(event.metadata["event_id"]) for event in api.ledger.accepted[before:])

    first = await send()
    mapped = await cli("map", str(path), "--topic", "shop.orders", "--json", "-c", file)
    shown = [json.loads(line)["outcomes"][0]["request"]["metadata"]["event_id"] for line in mapped.out.splitlines()]
    assert first == sorted(shown)
    assert len({*first}) == 2
    assert all(each.startswith("file:") for each in first)
    assert await send() == first
    write(*values, *values)
    assert {*first}.isdisjoint(await send())


async def test_what_fails_is_kept_beside_the_file_with_its_line_and_reason_and_the_rest_is_sent(
    cli: Cli, config: Config, api: Emulator, write: Callable[..., Path]
) -> None:
    nobody = {"type": "order.completed", "data": {"amount": 1}}
    path = write(order(1), "no json", "", order(2, "bad"), {"type": "page.viewed"}, nobody, order(3))

    def is_bad(event: Event | None) -> bool:
        return event is not None and event.user_id == "bad"

    api.set_faults(Fault(kind=FaultKind.STATUS, status=400, when=is_bad))
    ran = await cli("send", "--file", str(path), "--yes", "-c", config(*UNLIMITED))

    assert ran.code == 1, ran.err
    assert [event.metadata["amount"] for event in api.ledger.accepted] == [1, 3]
    kept = path.with_name("lost.ndjson.rejected.ndjson")
    assert kept.stat().st_mode & 0o077 == 0
    entries = sorted((json.loads(each) for each in kept.read_text().splitlines()), key=lambda each: each["line"])
    assert [(each["line"], each["reason"], each["status"]) for each in entries] == [
        (2, "undecodable", None),
        (4, "rejected", 400),
        (6, "unmappable", None),
    ]
    assert json.loads(entries[1]["input"]) == order(2, "bad")
    assert "The last line accepted is 7." in ran.out
    assert str(kept) in ran.out

    again = await cli("send", "--file", str(path), "--yes", "-c", config(*UNLIMITED))
    assert again.code == 2
    assert "Move it away first" in again.err
    assert len(api.ledger.accepted) == 2


@pytest.mark.slow(reason="sends twice, and a group that was left opens after a session", seconds=10)
async def test_a_refused_key_stops_it_and_it_goes_on_from_the_line_that_is_named(
    cli: Cli, config: Config, api: Emulator, write: Callable[..., Path]
) -> None:
    path = write(*map(order, range(1, 11)))

    def is_late(event: Event | None) -> bool:
        return event is not None and float(event.metadata["amount"]) > 4

    api.set_faults(Fault(kind=FaultKind.STATUS, status=401, when=is_late))
    ran = await cli("send", "--file", str(path), "--yes", "--json", "-c", config(*UNLIMITED))
    told = json.loads(ran.out)
    assert (ran.code, told["accepted"], told["left"], told["rejected"]) == (1, 4, 6, 0)
    assert (told["last_accepted_line"], told["next_line"], told["rejected_file"]) == (4, 5, None)
    assert "refuses the key" in told["stopped"]

    api.set_faults()
    on = await cli("send", "--file", str(path), "--from-line", "5", "--yes", "-c", config(*UNLIMITED))
    assert on.code == 0, on.err
    assert [event.metadata["amount"] for event in api.ledger.accepted] == list(range(1, 11))


@pytest.mark.slow(reason="sends twice, and a group that was left opens after a session", seconds=11)
async def test_the_printed_command_resumes_a_sending_that_rejected_lines_before_it_was_stopped(
    config: Config, api: Emulator, write: Callable[..., Path]
) -> None:
    """Also of a line after the one where it resumes, which fails again and is kept once."""
    path = write("no json", order(2), order(3), order(4, "bad"), *(order(number, "late") for number in range(5, 9)))
    kept = path.with_name("lost.ndjson.rejected.ndjson")

    def is_bad(event: Event | None) -> bool:
        return event is not None and event.user_id == "bad"

    def waits(event: Event | None) -> bool:
        return event is not None and event.user_id == "u-1" and event.metadata["amount"] == 3

    api.set_faults(
        Fault(kind=FaultKind.STATUS, status=400, when=is_bad), Fault(kind=FaultKind.STATUS, status=500, when=waits)
    )
    arguments = ("send", "--file", str(path), "--rate", "100%", "--yes", "-c", config(*UNLIMITED))
    process = await program(*arguments)
    await until(
        "what was refused is written to the file",
        lambda: kept.exists() and kept.read_text().count("\n") >= 2,
        within=60,
    )
    process.send_signal(signal.SIGINT)
    out, err = await process.communicate()
    assert process.returncode == 130, err
    (printed,) = re.findall(r"`(.*)` resumes there", out.decode())
    assert "--from-line 3 " in printed

    api.set_faults(Fault(kind=FaultKind.STATUS, status=400, when=is_bad))
    words = [*shlex.split(printed), "--yes"]
    again = await run(*words[words.index("send") :])
    assert again.code == 1, again.err
    assert f"{kept} has what was rejected before: what fails now is added to it." in again.err
    assert {event.metadata["amount"] for event in api.ledger.accepted} == {2, 3, 5, 6, 7, 8}
    lines = [json.loads(each)["line"] for each in kept.read_text().splitlines()]
    assert sorted(lines) == [1, 4], "each once"
    anew = await run("send", "--file", str(path), "--yes", "-c", config(*UNLIMITED))
    assert (anew.code, "or resume that sending with --from-line" in anew.err) == (2, True)


@pytest.mark.slow(reason="running bridges get five seconds to know of a sending before it begins", seconds=8)
async def test_interrupted_it_says_where_it_is(config: Config, api: Emulator, write: Callable[..., Path]) -> None:
    path = write(*map(order, range(1, 201)))
    arguments = ("send", "--file", str(path), "--rate", "100%", "--yes", "--json", "-c", config())
    process = await program(*arguments)
    await until("some are accepted", lambda: len(api.ledger.accepted) >= 3)
    process.send_signal(signal.SIGINT)
    out, err = await process.communicate()
    assert process.returncode == 130, err
    told = json.loads(out)
    assert told["accepted"] == len(api.ledger.accepted) < 200
    assert told["next_line"] == told["last_accepted_line"] + 1 == told["accepted"] + 1


def declared(kafka: EmbeddedKafka) -> set[float]:
    """Requests per second that replays and sendings of the group have declared."""
    consumer = Consumer({"bootstrap.servers": kafka.bootstrap, "group.id": group_of("cli"), "log_level": 0})
    try:
        found = consumer.committed([TopicPartition(LETTERS, number) for number in range(3)], timeout=10)
    finally:
        consumer.close()
    texts = [decode(each.metadata or "") for each in found]
    return {each.rate for each in texts if each is not None}


@pytest.mark.slow(reason="running bridges get five seconds to know of a sending before it begins", seconds=10)
async def test_nothing_is_sent_before_running_bridges_can_know_of_it_nor_faster_than_its_share(
    config: Config, api: Emulator, kafka: EmbeddedKafka, write: Callable[..., Path]
) -> None:
    path = write(*map(order, range(1, 21)))
    limited = config("dead_letter:\n", "delivery:\n  rate_limit: 600/min\ndead_letter:\n")
    sending = asyncio.create_task(run("send", "--file", str(path), "--rate", "50%", "--yes", "-c", limited))

    async def known() -> bool:
        assert not sending.done()
        return bool(await asyncio.to_thread(declared, kafka))

    await until("the sending is declared", known)
    known_at = time.monotonic()
    assert api.ledger.requests == 0
    assert await asyncio.to_thread(declared, kafka) == {5.0}

    ran = await sending
    assert ran.code == 0, ran.err
    times = [event.at for event in api.ledger.accepted]
    assert times[0] - known_at > NOTICE - 1.5  # less what it took to see the declaration
    assert times[-1] - times[0] > 2.0  # 20 at 5 a second
    assert await asyncio.to_thread(declared, kafka) == {0.0}


@pytest.mark.slow(reason="waits for the retries of a user whose events fail", seconds=6)
async def test_a_user_whose_events_fail_holds_up_no_other_line(
    cli: Cli, config: Config, api: Emulator, write: Callable[..., Path]
) -> None:
    """Far more of its lines than may wait behind the first: reading pauses, and goes on when it recovers."""
    path = write(*(order(number, "bad" if number % 2 else f"u-{number}") for number in range(200)))

    def fails(event: Event | None) -> bool:
        return event is not None and event.user_id == "bad" and len(api.ledger.accepted) < 100

    api.set_faults(Fault(kind=FaultKind.STATUS, status=500, when=fails))
    patient = "delivery:\n  rate_limit: unlimited\n  max_buffered: 10\n  retry: {max_attempts: 1000}\ndead_letter:\n"
    ran = await cli("send", "--file", str(path), "--yes", "-c", config("dead_letter:\n", patient))
    assert ran.code == 0, ran.err
    assert all(event.user_id != "bad" for event in api.ledger.accepted[:100])
    assert len(api.ledger.accepted) == 200
    assert api.ledger.overlaps == []


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--rate", "200%"), "--rate"),
        (("--from-line", "9"), "the last record of"),
        (("other.json",), "Either --file"),
        ((), "add --yes"),
    ],
)
async def test_what_cannot_be_meant_sends_nothing(
    cli: Cli,
    config: Config,
    api: Emulator,
    write: Callable[..., Path],
    arguments: tuple[str, ...],
    sentence: str,
) -> None:
    ran = await cli("send", *arguments, "--file", str(write(order(1))), "-c", config())
    assert (ran.code, api.ledger.requests) == (2, 0)
    assert sentence in ran.err


async def test_without_a_dead_letter_topic_it_says_which_command_makes_it(
    cli: Cli, config: Config, api: Emulator, write: Callable[..., Path]
) -> None:
    ran = await cli("send", "--file", str(write(order(1))), "--yes", "-c", config("topic: cli.dlq", "topic: none.dlq"))
    assert (ran.code, api.ledger.requests) == (2, 0)
    assert "bridge topics create" in ran.err


@pytest.mark.slow(reason="running bridges get five seconds to know of a sending before it begins", seconds=8)
async def test_a_line_of_steps_is_accepted_with_its_last_one_and_a_failure_names_the_step(
    cli: Cli, config: Config, api: Emulator, write: Callable[..., Path]
) -> None:
    before = "      - event_name: Order Completed\n"
    steps = (
        "      - identify: {properties: {amount: data.amount}}\n"
        f"      - company: {{id: data.user_id, properties: {{amount: data.amount}}}}\n{before}"
    )
    path = write(order(1, "u-1"), order(2, "u-2"))
    api.set_faults(Fault(kind=FaultKind.STATUS, status=400, path="/v1/companies/identify", count=1))
    ran = await cli("send", "--file", str(path), "--yes", "--json", "-c", config(before, steps))

    told = json.loads(ran.out)
    assert (ran.code, told["accepted"], told["rejected"], told["failures"]) == (1, 1, 1, {"company: rejected 400": 1})
    (event,) = api.ledger.accepted
    assert sorted(each.user_id for each in api.ledger.identified) == ["u-1", "u-2"]
    assert [each.company_id for each in api.ledger.companies] == [event.user_id]
    assert api.ledger.before_identify() == []
    (entry,) = [json.loads(each) for each in path.with_name("lost.ndjson.rejected.ndjson").read_text().splitlines()]
    assert (entry["kind"], entry["step"], entry["route"]) == ("company", "2/4", "order.completed[1]")
    assert json.loads(entry["input"])["data"]["user_id"] != event.user_id
