"""Users and companies, whatever the API answers of them: order is kept, and trouble of one kind is its own."""

from __future__ import annotations

from collections import Counter

import pytest

from bridge.model import LetterReason
from bridge.sandbox.emulator import Emulator, Fault, FaultKind
from tests.component.service.conftest import Start
from tests.support.service import events
from tests.support.service.embedded import Broker

IDENTIFY, COMPANY, TRACK = "/v1/identify", "/v1/companies/identify", "/v1/track"
STEPS = {"order.completed": [{"identify": True}, {"event_name": "Order Completed"}]}
BY_ITSELF = {"unknown_users": "identify"}


def in_order(api: Emulator) -> None:
    """Every event came after an identify of its user that was answered, and no user's two at once."""
    assert api.ledger.before_identify(answered=True) == []
    assert api.ledger.overlaps == []


@pytest.mark.parametrize("fault", [
    Fault(kind=FaultKind.STATUS, status=503, path=IDENTIFY, probability=0.3, count=40),
    Fault(kind=FaultKind.STATUS, status=429, path=IDENTIFY, probability=0.3, count=20, headers={"Retry-After": "0"}),
    Fault(kind=FaultKind.DROP_AFTER_READING, accepts=True, path=IDENTIFY, probability=0.3, count=40),
    Fault(kind=FaultKind.DROP_AFTER_READING, path=IDENTIFY, probability=0.3, count=40),
    Fault(kind=FaultKind.ORDINARY, delay=0.05, path=IDENTIFY, probability=0.3),
    Fault(kind=FaultKind.STATUS, status=503, path=TRACK, probability=0.3, count=40),
], ids=["503", "429", "answers lost", "requests lost", "slow", "events fail"])  # fmt: skip
@pytest.mark.parametrize("by_itself", [False, True], ids=["steps", "unknown_users"])
async def test_every_event_comes_after_its_users_identify_whatever_fails(
    broker: Broker,
    api: Emulator,
    start: Start,
    fault: Fault,
    by_itself: bool,  # noqa: FBT001 - a column of the table
) -> None:
    api.unknown_users = 404
    api.set_faults(fault, seed=7)
    broker.produce(events.orders(120, users=30))
    service = await (start(track=BY_ITSELF) if by_itself else start(mapping={"events": STEPS}))
    await service.until_done(120)
    assert service.now().tally.delivered == 120
    assert len(api.ledger.accepted) >= 120
    in_order(api)
    if by_itself and fault.path == TRACK:
        assert len(api.ledger.identified) == 30, "one for each user, and no more"


async def test_steps_go_one_after_the_other_where_nothing_else_is_in_order(
    broker: Broker, api: Emulator, start: Start
) -> None:
    api.set_faults(Fault(kind=FaultKind.ORDINARY, delay=0.02, path=IDENTIFY))
    broker.produce(events.orders(100, users=100))
    service = await start(mapping={"events": STEPS}, delivery={"ordering": "none"})
    await service.until_done(100)
    assert len(api.ledger.accepted) == 100
    in_order(api)


@pytest.mark.parametrize("status", [400, 404])
async def test_events_of_unknown_users_become_their_letters_and_hold_nothing(
    broker: Broker, api: Emulator, start: Start, status: int
) -> None:
    api.unknown_users = status
    api.ledger.known.update(f"u-{number}" for number in range(1, 10))
    broker.produce(events.orders(40, users=10))
    service = await start()
    await service.until_done(40)
    tally = service.now().tally
    assert (tally.delivered, tally.letters[LetterReason.REJECTED]) == (36, 4)
    assert service.now().vitals.unauthorized is None
    letters = broker.letters()
    assert [letter.header("http-status") for letter in letters] == [str(status)] * 4
    assert {letter.header("error-code") for letter in letters} == {"user_not_found"}


async def test_a_key_that_is_refused_costs_five_letters_of_all_kinds_together(
    broker: Broker, api: Emulator, start: Start
) -> None:
    api.keys = frozenset({"NX-another"})
    broker.produce(events.orders(100, users=50))
    service = await start(mapping={"events": STEPS})
    await service.until("it is held", lambda: service.now().vitals.unauthorized is not None)
    await service.until("its letters are written", lambda: service.now().tally.dead_lettered >= 5)
    seen = api.ledger.identify_requests
    await service.until("it is probed", lambda: api.ledger.identify_requests > seen)
    assert service.now().tally.dead_lettered == 5
    assert (api.ledger.requests, api.ledger.accepted) == (0, []), "no event is sent for a user who is not identified"


async def test_while_identifies_fail_users_who_are_known_go_on(broker: Broker, api: Emulator, start: Start) -> None:
    broker.produce(events.orders(20, users=4))
    service = await start(track=BY_ITSELF)
    await service.until_done(20)
    api.set_faults(Fault(kind=FaultKind.STATUS, status=503, path=IDENTIFY))
    broker.produce(events.orders(60, users=6))
    known = {f"u-{number}" for number in range(4)}
    await service.until("the known ones are through", lambda: len(api.ledger.accepted) == 60)
    assert {event.user_id for event in api.ledger.accepted} == known
    api.set_faults()
    await service.until_done(80)
    assert Counter(event.user_id for event in api.ledger.accepted)["u-5"] == 10
    in_order(api)


@pytest.mark.parametrize(("on_rejected", "delivered"), [("dead_letter", 0), ("send", 10)])
async def test_what_is_behind_a_refused_identify_is_left_or_sent_as_the_mapping_says(
    broker: Broker, api: Emulator, start: Start, on_rejected: str, delivered: int
) -> None:
    api.set_faults(Fault(kind=FaultKind.STATUS, status=400, path=IDENTIFY))
    broker.produce(events.orders(10, users=10))
    service = await start(mapping={"events": STEPS, "on_identify_rejected": on_rejected})
    await service.until_done(10)
    assert len(api.ledger.accepted) == delivered
    letters = broker.letters()
    assert len(letters) == 10
    assert {letter.header("kind") for letter in letters} == {"identify"}


async def test_a_companys_id_is_under_the_name_that_is_set(broker: Broker, api: Emulator, start: Start) -> None:
    api.company_id_field = "company_id"
    route = [{"identify": {"company": {"id": "data.user"}}}]
    broker.produce(events.orders(5, users=5))
    service = await start(mapping={"events": {"order.completed": route}}, track={"company_id_field": "company_id"})
    await service.until_done(5)
    companies = {str(user.company) for user in api.ledger.identified}
    assert companies == {str({"company_id": f"u-{number}"}) for number in range(5)}
