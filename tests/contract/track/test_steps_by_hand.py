"""Steps that are sent by hand, against the emulated API: the next one goes once the one before it was accepted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bridge.cli.sending.one_record import exchange
from bridge.cli.sending.step_chains import StepChain
from bridge.model import IDENTIFY, TRACK, Request, Route
from bridge.sandbox.emulator import DEFAULT_KEY, Emulator, Fault, FaultKind
from bridge.track.credentials import FixedKey
from bridge.track.direct import DirectSink
from bridge.track.request import Endpoint

if TYPE_CHECKING:
    from bridge.cli.sending.one_record import Single

ROUTE = Route("user.signed_up[0]", "0123456789ab", "")


def chain(user: str, *, rest_follows: bool = False) -> StepChain:
    identify = Request(IDENTIFY, user, "", f'{{"user_id": "{user}"}}'.encode(), ROUTE)
    event = Request(TRACK, user, "e", f'{{"user_id": "{user}", "event_name": "e"}}'.encode(), ROUTE)
    return StepChain((identify, event), rest_follows)


async def statuses(api: Emulator, *chains: StepChain) -> list[int | None]:
    sink: DirectSink[Single] = DirectSink(
        Endpoint.parse(api.endpoint), FixedKey(DEFAULT_KEY), timeout=5.0, max_in_flight=1
    )
    found = await exchange(sink, chains)
    assert [each.request for each in found] == [request for each in chains for request in each.requests]
    return [None if each.verdict is None else each.verdict.status for each in found]


async def test_an_event_goes_once_its_users_identify_was_accepted() -> None:
    async with Emulator(unknown_users=404) as api:
        assert await statuses(api, chain("u-1"), chain("u-2")) == [202, 202, 202, 202]
        assert (api.ledger.before_identify(answered=True), api.ledger.max_in_flight) == ([], 1)


@pytest.mark.parametrize("status", [400, 401, 429, 503])
async def test_it_does_not_where_the_identify_was_not_accepted_and_other_records_steps_do(status: int) -> None:
    async with Emulator() as api:
        api.set_faults(Fault(kind=FaultKind.STATUS, status=status, path=IDENTIFY.path, user_id="u-1"))
        assert await statuses(api, chain("u-1"), chain("u-2")) == [status, None, 202, 202]
        assert [event.user_id for event in api.ledger.accepted] == ["u-2"]


async def test_it_goes_behind_a_refused_identify_where_that_is_asked_for() -> None:
    async with Emulator() as api:
        api.set_faults(Fault(kind=FaultKind.STATUS, status=400, path=IDENTIFY.path))
        assert await statuses(api, chain("u-1", rest_follows=True)) == [400, 202]
