"""Dead letters of steps, replayed against an API: from the failed step on, in order, nothing twice."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bridge.model import FailedStep, LetterReason, Route
from bridge.sandbox.broker import EmbeddedKafka
from bridge.sandbox.emulator import Emulator
from bridge.sandbox.emulator.faults import Fault, FaultKind
from tests.component.reprocess.conftest import Dlq
from tests.support.reprocess.letters import Written, letter
from tests.support.service.embedded import Broker
from tests.support.service.in_process import Service

Put = Callable[..., None]
MAPPING: dict[str, Any] = {
    "user_id": "data.user",
    "events": {
        "order.completed": [
            {"identify": {"properties": {"n": "data.n"}}},
            {"company": {"id": "data.company", "properties": {"n": "data.n"}}},
            {"event_name": "Order Completed", "metadata": {"n": "data.n"}},
        ],
        "page.viewed": "drop",
        "gift.ordered": {"event_name": "Gift"},
    },
}
KINDS = ("identify", "company", "track")


def of_step(offset: int, place: int, **changes: Any) -> Written:
    """The letter of one of the three steps, with those behind it left."""
    value = {"type": "order.completed", "data": {"user": f"u-{offset}", "n": offset, "company": f"c-{offset}"}}
    settings: dict[str, Any] = {
        "reason": LetterReason.RETRIES_EXHAUSTED,
        "status": 503,
        "kind": KINDS[place],
        "step": FailedStep(place, 3),
        "route": Route(f"order.completed[{place}]", "0123456789ab", ""),
        "request": b"{}",
    }
    return letter(offset, value=json.dumps(value).encode(), output=place, **(settings | changes))


def seen(api: Emulator) -> list[tuple[str, str]]:
    """Kinds and whose, in the order of acceptance."""
    ledger = api.ledger
    found = [(each.order, "track", each.user_id) for each in ledger.accepted]
    found += [(each.order, "identify", each.user_id) for each in ledger.identified]
    found += [(each.order, "company", each.company_id) for each in ledger.companies]
    return [(kind, whose) for _, kind, whose in sorted(found)]


@pytest.mark.slow(reason="replays twice, and a group that was left opens after a session", seconds=6)
async def test_a_replay_sends_the_failed_step_and_those_left_with_it_in_order(
    dlq: Dlq, put: Put, api: Emulator
) -> None:
    put(of_step(0, 0), of_step(1, 1), of_step(2, 2))
    put(of_step(3, 0, step=FailedStep(0, 3, rest_sent=True)))
    ran = await dlq("replay", "--yes", "--json", mapping=MAPPING)
    assert (ran.code, ran.documents[0]["replayed"], ran.documents[0]["requests"]) == (0, 4, 7)
    accepted = seen(api)
    assert [kind for kind, whose in accepted if whose.endswith("-0")] == ["identify", "company", "track"]
    assert [kind for kind, whose in accepted if whose.endswith("-1")] == ["company", "track"]
    assert [kind for kind, whose in accepted if whose.endswith("-2")] == ["track"]
    assert [kind for kind, whose in accepted if whose.endswith("-3")] == ["identify"]
    again = await dlq("replay", "--yes", "--json", mapping=MAPPING)
    assert again.documents[0]["requests"] == 0


@pytest.mark.slow(
    reason="replays three times, and a group that was left opens after a session",
    seconds=12,
)
async def test_a_replay_that_fails_at_a_later_step_is_taken_up_there_and_nothing_is_sent_twice(
    dlq: Dlq, put: Put, api: Emulator
) -> None:
    put(of_step(0, 0))
    api.set_faults(Fault(kind=FaultKind.STATUS, status=400, body="{}", path="/v1/companies/identify"))
    ran = await dlq("replay", "--yes", "--json", mapping=MAPPING)
    (told,) = ran.documents
    assert (ran.code, told["failed_again"], told["failures"]) == (1, 1, {"company: rejected 400": 1})
    assert seen(api) == [("identify", "u-0")]

    shown = (await dlq("show", "orders/0/0", mapping=MAPPING)).out
    assert "identify\n" in shown
    assert "1 of 3: identify; 2 steps behind it left with it; accepted since, in a replay: step 1" in shown
    now = shown[shown.index("What would be sent now") :]
    assert "then order.completed[1], for the first time" in now
    assert "order.completed[0]" not in now
    (listed,) = (await dlq("list", "--json", mapping=MAPPING)).documents
    assert (listed["kind"], listed["step"]["accepted_since"], listed["state"]) == ("identify", [1], "failed_again")

    api.set_faults()
    refused = await dlq("replay", "--yes", "--json", mapping=MAPPING)
    assert refused.documents[0]["not_sent"] == {"unchanged": 1}, "the API refused this very company request"
    assert (await dlq("replay", "--yes", "--force", mapping=MAPPING)).code == 0
    assert seen(api) == [("identify", "u-0"), ("company", "c-0"), ("track", "u-0")]
    (found,) = (await dlq("stats", "--json", mapping=MAPPING)).documents
    assert (found["open"], found["ended"]["replayed"]) == (0, 1)


@pytest.mark.slow(reason="replays twice, and a group that was left opens after a session", seconds=12)
async def test_behind_an_automatic_identify_that_failed_the_event_is_sent_and_only_that_settles_its_letter(
    dlq: Dlq, put: Put, api: Emulator
) -> None:
    value = json.dumps({"type": "gift.ordered", "data": {"user": "u-0"}}).encode()
    automatic = FailedStep(0, 1, automatic=True)
    route = Route("gift.ordered", "0123456789ab", "")
    changes: dict[str, Any] = {"route": route, "kind": "identify", "step": automatic}
    put(letter(0, value=value, reason=LetterReason.RETRIES_EXHAUSTED, request=b'{"user_id":"u-0"}', **changes))
    api.set_faults(Fault(kind=FaultKind.STATUS, status=400, body="{}", path="/v1/track"))
    track = {"unknown_users": "identify"}
    ran = await dlq("replay", "--yes", "--json", mapping=MAPPING, track=track)
    assert (ran.code, ran.documents[0]["failed_again"]) == (1, 1)
    assert seen(api) == [("identify", "u-0")]
    assert (await dlq("stats", "--json", mapping=MAPPING)).documents[0]["open"] == 1
    api.set_faults()
    ran = await dlq("replay", "--yes", "--json", mapping=MAPPING, track=track)
    assert (ran.code, ran.documents[0]["replayed"]) == (0, 1)
    assert seen(api)[-1] == ("track", "u-0")
    assert api.ledger.before_identify() == []


@pytest.mark.slow(
    reason="replays three times, and a group that was left opens after a session",
    seconds=12,
)
async def test_where_the_rest_is_sent_nevertheless_a_replay_does_that_too_and_the_next_sends_the_failed_step_alone(
    dlq: Dlq, put: Put, api: Emulator
) -> None:
    """Also an event whose user the API refuses to identify."""
    sections: dict[str, Any] = {
        "mapping": MAPPING | {"on_identify_rejected": "send"},
        "track": {"unknown_users": "identify"},
    }
    gift = json.dumps({"type": "gift.ordered", "data": {"user": "u-9"}}).encode()
    put(of_step(0, 0), letter(9, value=gift, route=Route("gift.ordered", "0" * 12, ""), request=b"{}"))
    api.set_faults(Fault(kind=FaultKind.STATUS, status=400, body="{}", path="/v1/identify"))
    ran = await dlq("replay", "--yes", "--json", **sections)
    assert (ran.code, ran.documents[0]["replayed"], ran.documents[0]["failed_again"]) == (1, 1, 1)
    assert sorted(seen(api)) == [("company", "c-0"), ("track", "u-0"), ("track", "u-9")]
    (listed,) = (await dlq("list", "--json", **sections)).documents
    assert listed["last_replay"]["reason"] == "rejected", "not forgotten over what was accepted behind it"
    api.set_faults()
    refused = await dlq("replay", "--yes", "--json", **sections)
    assert refused.documents[0]["not_sent"] == {"unchanged": 1}
    ran = await dlq("replay", "--yes", "--force", "--json", **sections)
    assert (ran.code, ran.documents[0]["requests"]) == (0, 1)
    assert seen(api)[-1] == ("identify", "u-0")


@pytest.mark.slow(reason="replays twice, and a group that was left opens after a session", seconds=12)
async def test_of_a_whole_record_of_elements_each_goes_its_own_steps_whatever_becomes_of_the_others(
    dlq: Dlq, put: Put, api: Emulator
) -> None:
    data = [{"user": f"u-{number}", "n": number, "company": f"c-{number}"} for number in range(4)]
    value = json.dumps({"records": [{"type": "order.completed", "data": each} for each in data]}).encode()
    put(letter(0, value=value, reason=LetterReason.UNDECODABLE, status=None))
    elements = MAPPING | {"each": "records"}
    api.set_faults(Fault(kind=FaultKind.STATUS, status=400, body="{}", path="/v1/identify", user_id="u-1"))
    ran = await dlq("replay", "orders/0/0", "--yes", "--json", mapping=elements)
    assert (ran.code, ran.documents[0]["failed_again"]) == (1, 1)
    api.set_faults()
    done = seen(api)
    assert "u-1" not in {whose for _, whose in done}
    assert len(done) == 9
    again = await dlq("replay", "orders/0/0", "--yes", "--force", "--json", mapping=elements)
    assert (again.code, again.documents[0]["requests"]) == (0, 3)
    assert_each_once(api, 4)


async def test_a_dry_run_says_what_became_of_steps_that_the_mapping_has_no_more(
    dlq: Dlq, put: Put, api: Emulator
) -> None:
    _, company, track = MAPPING["events"]["order.completed"]
    put(of_step(0, 0), of_step(1, 1), of_step(2, 2))
    rule = {"order.completed": [company, track], "page.viewed": "drop"}
    ran = await dlq("replay", "--dry-run", "--json", mapping=MAPPING | {"events": rule})
    assert ran.documents[0]["outcomes"] == {"other_kind": 2, "no_event": 1}
    page = await dlq("replay", "--dry-run", mapping=MAPPING | {"events": rule})
    assert "it is of a request of kind identify (step 1 of 3, route order.completed[0])" in page.out
    assert "the mapping no longer makes step 3 of 3 of its record (track, route order.completed[2])" in page.out
    assert "0:0 from orders/0/0, retries_exhausted (identify 1/3): other kind" in page.out
    assert seen(api) == []


async def test_letters_are_selected_and_listed_by_kind(dlq: Dlq, put: Put) -> None:
    put(of_step(0, 0), of_step(1, 1), of_step(2, 2))
    found = (await dlq("list", "--json", "--kind", "company", "--kind", "identify", mapping=MAPPING)).documents
    assert sorted((each["kind"], each["step"]["number"]) for each in found) == [("company", 2), ("identify", 1)]
    page = (await dlq("list", mapping=MAPPING)).out
    assert "company 2/3" in page
    unknown = await dlq("list", "--kind", "compny", mapping=MAPPING)
    assert unknown.code == 2
    assert "--kind: there is no compny. There are: company, identify, track." in unknown.err


async def test_a_correction_changes_what_the_steps_send_and_not_where_a_replay_begins(
    dlq: Dlq, put: Put, api: Emulator, tmp_path: Path
) -> None:
    put(of_step(0, 1))
    file = tmp_path / "letters.ndjson"
    assert (await dlq("export", "--unredacted", "-o", str(file), mapping=MAPPING)).code == 0
    (line,) = [json.loads(each) for each in file.read_text().splitlines()]
    assert (line["kind"], line["step"]) == (
        "company",
        {"number": 2, "of": 3, "rest": "open", "automatic": False},
    )
    line["json"]["data"]["company"] = "c-9"
    file.write_text(json.dumps(line) + "\n")
    assert (await dlq("import", str(file), "--note", "moved", "--yes", mapping=MAPPING)).code == 0
    assert (await dlq("replay", "--yes", mapping=MAPPING)).code == 0
    assert seen(api) == [("company", "c-9"), ("track", "u-0")]


@pytest.mark.slow(reason="starts a service and then a replay in its group", seconds=6)
async def test_a_running_bridge_and_a_replay_bring_each_step_through_once(
    dlq: Dlq, api: Emulator, kafka: EmbeddedKafka, configure: Callable[..., Path]
) -> None:
    """The dead letter is the bridge's own: what it leaves undone is what the replay does."""
    refused = Fault(kind=FaultKind.STATUS, status=400, body="{}", path="/v1/companies/identify", count=1)
    api.set_faults(refused)
    async with Service(configure(mapping=MAPPING)) as service:
        Broker(kafka).produce(order_of(number) for number in range(6))
        await service.until("all are done", lambda: service.now().tally.letters != {} and len(api.ledger.accepted) == 5)
    (listed,) = (await dlq("list", "--json", mapping=MAPPING)).documents
    assert (listed["kind"], listed["route"]) == ("company", "order.completed[1]")
    told = {"number": 2, "of": 3, "rest": "open", "automatic": False}
    assert listed["step"] == told | {"done_before": ["identify"], "accepted_since": []}
    assert (await dlq("replay", "--yes", "--force", mapping=MAPPING)).code == 0
    assert_each_once(api, 6)


@pytest.mark.slow(reason="a redrive gives running bridges time to know of it", seconds=8)
async def test_a_redrive_sends_the_steps_that_a_spell_of_refused_keys_left(
    api: Emulator, kafka: EmbeddedKafka, configure: Callable[..., Path]
) -> None:
    api.set_faults(Fault(kind=FaultKind.STATUS, status=401, body="{}", path="/v1/companies/identify"))
    sections = {
        "mapping": MAPPING,
        "dead_letter": {"redrive": {"reasons": ["unauthorized"]}},
        "delivery": {"identify_rate_limit": "600/min"},  # no accepted identify comes between five refused companies
    }
    async with Service(configure(**sections)) as service:
        Broker(kafka).produce(order_of(number) for number in range(12))
        await service.until("letters were written", lambda: service.now().tally.letters != {})
        api.set_faults()
        await service.until("every event arrived", lambda: len(api.ledger.accepted) >= 12)
        await service.until("the redrive ended", lambda: bool(service.lines.events("redrive_ended")))
        ended = service.lines.events("redrive_ended")[-1]
    assert (ended["failed_again"], ended["left"]) == (0, 0)
    assert_each_once(api, 12)


def order_of(number: int) -> bytes:
    data = {"user": f"u-{number}", "n": number, "company": f"c-{number}"}
    return json.dumps({"type": "order.completed", "data": data}).encode()


def assert_each_once(api: Emulator, records: int) -> None:
    accepted = seen(api)
    for number in range(records):
        own = [kind for kind, whose in accepted if whose in (f"u-{number}", f"c-{number}")]
        assert own == ["identify", "company", "track"], (number, own)
    assert api.ledger.before_identify() == []
