"""``track-bridge dlq replay`` and ``discard`` against a broker and an API."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.config import load
from bridge.mapping.compile import CompiledMapping, compile_mapping
from bridge.model import LetterReason, Route
from bridge.sandbox.broker import EmbeddedKafka
from bridge.sandbox.emulator import Emulator, Event
from bridge.sandbox.emulator.faults import Fault, FaultKind
from tests.component.reprocess.conftest import Dlq
from tests.support.reprocess.letters import connect, foreign, letter, spring
from tests.support.service.embedded import Broker
from tests.support.service.events import order
from tests.support.service.in_process import Service

pytestmark = pytest.mark.slow(reason="replays twice, and a group that was left opens after a session", seconds=8)

Put = Callable[..., None]
OLD = Route("order.completed", "0123456789ab", "Order Completed")


def route(file: Path) -> Route:
    """The route as it is now."""
    loaded = load.read(file, {})
    assert loaded.config is not None
    mapping = compile_mapping(loaded.config.mapping)
    assert isinstance(mapping, CompiledMapping)
    return next(each for each in mapping.routes if each.name == "order.completed")


async def test_a_replay_sends_every_selected_letter_once_and_records_it(dlq: Dlq, put: Put, api: Emulator) -> None:
    put(*(letter(number, partition=number % 4, user=f"u-{number % 5}", route=OLD) for number in range(40)))
    put(letter(99, reason=LetterReason.UNDECODABLE, value=b"{", status=None))
    ran = await dlq("replay", "--reason", "rejected", "--yes", "--json")
    assert (ran.code, ran.documents[0]["replayed"]) == (0, 40)
    assert sorted(int(event.metadata["n"]) for event in api.ledger.accepted) == list(range(40))
    again = await dlq("replay", "--yes", "--json", "--reason", "rejected")
    assert (again.code, again.documents[0]["selected"], again.documents[0]["requests"]) == (0, 0, 0)
    assert len(api.ledger.accepted) == 40
    (found,) = (await dlq("stats", "--json")).documents
    assert (found["open"], found["ended"]) == (1, {"replayed": 40, "discarded": 0})


async def test_letters_of_one_user_go_in_their_original_order(dlq: Dlq, put: Put, api: Emulator) -> None:
    put(*(letter(number, user=f"u-{number % 3}", route=OLD) for number in reversed(range(30))))
    assert (await dlq("replay", "--yes")).code == 0
    for user in ("u-0", "u-1", "u-2"):
        numbers = [int(event.metadata["n"]) for event in api.ledger.accepted if event.user_id == user]
        assert numbers == sorted(numbers)
    assert api.ledger.overlaps == []


async def test_a_user_whose_letters_fail_holds_up_no_other_letter_and_all_are_sent_when_it_recovers(
    dlq: Dlq, put: Put, api: Emulator
) -> None:
    """Far more of its letters than may wait behind the first: its partitions pause, and are read on."""
    put(*(letter(n, partition=n % 4, user="bad" if n % 2 else f"u-{n}", route=OLD) for n in range(600)))

    def fails(event: Event | None) -> bool:
        return event is not None and event.user_id == "bad" and len(api.ledger.accepted) < 300

    api.set_faults(Fault(kind=FaultKind.STATUS, status=500, when=fails))
    ran = await dlq("replay", "--yes", "--json", delivery={"max_buffered": 10, "retry": {"max_attempts": 1000}})
    assert (ran.code, ran.documents[0]["replayed"]) == (0, 600)
    assert all(event.user_id != "bad" for event in api.ledger.accepted[:300])
    assert api.ledger.overlaps == []


async def test_the_event_is_that_of_the_original_record(dlq: Dlq, put: Put, api: Emulator) -> None:
    put(letter(7, partition=2, route=OLD))
    assert (await dlq("replay", "--yes")).code == 0
    (event,) = api.ledger.accepted
    assert event.metadata["event_id"] == "orders/2/7"
    assert event.metadata["occurred_at"] == "2026-01-02T03:04:05.007Z"


async def test_a_dry_run_shows_outcomes_and_differences_and_sends_nothing(
    dlq: Dlq, put: Put, api: Emulator, configure: Callable[..., Path]
) -> None:
    now = route(configure())
    put(
        letter(1, route=OLD, request=b'{"user_id":"u-1","event_name":"Order Done","metadata":{}}'),
        letter(2, route=now),
        letter(3, value=b'{"type": "page.viewed"}', route=OLD),
        letter(4, value=b'{"type": "order.completed"}', route=OLD),
        foreign(),
    )
    ran = await dlq("replay", "--dry-run", "--json")
    assert ran.documents[0]["outcomes"] == {
        "send": 1,
        "unchanged": 1,
        "filtered": 1,
        "unmappable": 1,
        "no_origin": 1,
    }
    page = await dlq("replay", "--dry-run")
    assert '-   "event_name": "Order Done",' in page.out
    assert page.out.endswith("Nothing was sent (--dry-run).\n")
    assert api.ledger.accepted == []


async def test_a_body_is_changed_only_where_something_was_sent_before(
    dlq: Dlq, put: Put, configure: Callable[..., Path]
) -> None:
    now = route(configure())
    first = [letter(n, reason=LetterReason.UNMAPPABLE, status=None) for n in range(1, 4)]
    put(letter(9, route=OLD, request=b'{"user_id":"u-1","event_name":"Order Done","metadata":{}}'), *first)
    page = await dlq("replay", "--dry-run")
    assert (
        "Of those to be sent: 1 would be sent with a changed body, 3 would be sent for the first time.\n"
    ) in page.out
    assert f"{now.name}, for the first time:" in (await dlq("show", "orders/0/1")).out
    counts = (await dlq("replay", "--dry-run", "--json")).documents[0]
    assert (counts["changed"], counts["bodies"]) == (1, {"changed": 1, "same": 0, "first": 3, "several": 0})


async def test_a_rejected_letter_is_not_sent_again_under_an_unchanged_route(
    dlq: Dlq, put: Put, api: Emulator, configure: Callable[..., Path]
) -> None:
    now = route(configure())
    put(letter(1, route=now), letter(2, route=now, reason=LetterReason.UNAUTHORIZED, status=401))
    dry = await dlq("replay", "--dry-run")
    assert dry.code == 1, "one would be left"
    ran = await dlq("replay", "--yes")
    assert ran.code == 1, "one is left, though the other was sent"
    assert "rejected before, and the route has not changed" in ran.out
    assert [event.metadata["n"] for event in api.ledger.accepted] == [2]
    assert (await dlq("replay", "--yes", "--force")).code == 0
    assert [event.metadata["n"] for event in api.ledger.accepted] == [2, 1]


async def test_a_letter_that_fails_again_is_counted_and_after_max_replays_left_alone(
    dlq: Dlq, put: Put, api: Emulator
) -> None:
    put(letter(1, route=OLD))
    api.set_faults(Fault(kind=FaultKind.STATUS, status=400, body="{}"))
    ran = await dlq("replay", "--yes", "--json", "--force")
    assert (ran.code, ran.documents[0]["failed_again"], ran.documents[0]["failures"]) == (1, 1, {"rejected 400": 1})
    assert (await dlq("list", "--json")).documents[0]["failures"] == 1
    assert "has not changed" in (await dlq("replay", "--yes")).out, "the API refused this very request"
    await dlq("replay", "--yes", "--force")
    third = await dlq("replay", "--yes", "--force", "--max-replays", "2", "--json")
    assert third.documents[0]["not_sent"] == {"too_often": 1}
    (found,) = (await dlq("stats", "--json")).documents
    assert (found["open"], found["failed_again"]) == (1, 1)


async def test_the_first_sign_of_a_bad_key_stops_the_replay_and_counts_against_no_letter(
    dlq: Dlq, put: Put, api: Emulator
) -> None:
    put(*(letter(number, user=f"u-{number}", route=OLD) for number in range(100)))
    api.set_faults(Fault(kind=FaultKind.STATUS, status=401, body="{}"))
    ran = await dlq("replay", "--yes", "--json", delivery={"max_in_flight": 4})
    (found,) = ran.documents
    assert (ran.code, found["left"], found["failed_again"]) == (1, 100, 0)
    assert "refuses the key or the address" in found["stopped"]
    assert found["requests"] <= 8
    assert (await dlq("stats", "--json")).documents[0]["failed_again"] == 0


async def test_a_letter_of_a_whole_record_becomes_all_its_events(dlq: Dlq, put: Put, api: Emulator) -> None:
    value = b'{"type": "gift.ordered", "data": {"user": "u-1", "n": 1, "recipient": "u-2"}}'
    put(letter(1, reason=LetterReason.UNMAPPABLE, value=value, status=None))
    put(letter(2, output=1, value=value, route=Route("gift.ordered[1]", "0123456789ab", "Gift Received")))
    assert (await dlq("replay", "--yes")).code == 0
    assert sorted((event.user_id, event.metadata["event_id"]) for event in api.ledger.accepted) == [
        ("u-1", "orders/0/1"),
        ("u-2", "orders/0/1"),
        ("u-2", "orders/0/2"),
    ]


async def test_events_of_a_record_that_were_accepted_are_not_sent_again_with_those_that_failed(
    dlq: Dlq, put: Put, api: Emulator
) -> None:
    value = b'{"type": "gift.ordered", "data": {"user": "u-1", "n": 1, "recipient": "u-2"}}'
    put(letter(1, reason=LetterReason.UNMAPPABLE, value=value, status=None))
    api.set_faults(Fault(kind=FaultKind.STATUS, status=400, body="{}", event_name="Gift Received"))
    assert (await dlq("replay", "--yes")).code == 1
    api.set_faults()
    assert (await dlq("replay", "--yes", "--force")).code == 0
    assert sorted(event.user_id for event in api.ledger.accepted) == ["u-1", "u-2"]


async def test_letters_of_connect_and_spring_are_sent_and_those_without_origin_are_not(
    dlq: Dlq, put: Put, api: Emulator
) -> None:
    put(connect(2), spring(3), foreign())
    ran = await dlq("replay", "--yes", "--json")
    assert (ran.documents[0]["replayed"], ran.documents[0]["not_sent"]) == (2, {"no_origin": 1})
    assert sorted(event.user_id for event in api.ledger.accepted) == ["u-connect", "u-spring"]


async def test_two_replays_at_once_never_send_one_letter_twice(dlq: Dlq, put: Put, api: Emulator) -> None:
    put(*(letter(number, partition=number % 4, user=f"u-{number}", route=OLD) for number in range(400)))
    both = await asyncio.gather(dlq("replay", "--yes", "--json"), dlq("replay", "--yes", "--json"))
    found = [ran.documents[0] for ran in both]
    assert sum(each.get("replayed", 0) for each in found) == 400
    assert sorted(int(event.metadata["n"]) for event in api.ledger.accepted) == list(range(400))


async def test_a_discarded_letter_is_settled_with_its_reason_and_never_sent(dlq: Dlq, put: Put, api: Emulator) -> None:
    put(letter(1, route=OLD), letter(2, route=OLD))
    refused = await dlq("discard", "0:0", "--because", "test data")
    assert (refused.code, refused.err) == (
        2,
        "There is no terminal to ask on: add --yes to do it without being asked.\n",
    )
    assert (await dlq("discard", "--because", "x", "--yes")).code == 2, "nothing is selected"
    ran = await dlq("discard", "0:0", "--because", "test data", "--yes")
    assert (ran.code, ran.out) == (0, "Discarded 1 dead letter: test data\n")
    assert (await dlq("replay", "--yes")).code == 0
    assert [event.metadata["n"] for event in api.ledger.accepted] == [2]
    (ended,) = [each["ended"] for each in (await dlq("list", "--all", "--json")).documents if each["id"] == "0:0"]
    assert (ended["how"], ended["reason"]) == ("discarded", "test data")


async def test_a_replay_without_terminal_and_without_yes_sends_nothing(dlq: Dlq, put: Put, api: Emulator) -> None:
    put(letter(1, route=OLD))
    ran = await dlq("replay")
    assert (ran.code, ran.err) == (2, "There is no terminal to ask on: add --yes to do it without being asked.\n")
    assert api.ledger.accepted == []


async def test_letters_that_come_after_newer_events_of_their_user_are_counted_and_can_be_left_out(
    dlq: Dlq, put: Put, kafka: EmbeddedKafka, configure: Callable[..., Path]
) -> None:
    broker = Broker(kafka)
    broker.produce([order("a", 0), order("b", 1), order("a", 2)], partition=0)
    async with Service(configure()) as service:
        await service.until_done(3)
    put(letter(0, user="a", route=OLD), letter(1, user="b", route=OLD))
    dry = await dlq("replay", "--dry-run", "--json")
    assert (dry.documents[0]["stale"], dry.documents[0]["stale_unknown"]) == (1, 0)
    ran = await dlq("replay", "--stale", "skip", "--yes", "--json")
    assert (ran.documents[0]["replayed"], ran.documents[0]["not_sent"]) == (1, {"stale": 1})
