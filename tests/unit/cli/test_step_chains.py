"""`track-bridge send` of one record: which requests wait for which, and what each answer means."""

from __future__ import annotations

import pytest

from bridge.cli.sending.one_record import Sent, answer, document
from bridge.cli.sending.step_chains import StepChain, chains_of
from bridge.exits import ExitCode
from bridge.model import (
    COMPANY,
    IDENTIFY,
    TRACK,
    Delivered,
    Elements,
    Failed,
    Filtered,
    FilterReason,
    Forget,
    LetterReason,
    Outcomes,
    Record,
    Reject,
    Request,
    RequestKind,
    Retry,
    Route,
    Steps,
    Unauthorized,
    Verdict,
)

ROUTE = Route("user.signed_up[0]", "0123456789ab", "")
RECORD = Record("users", 0, 0, None, None, None, ())
FAILED = Failed(LetterReason.INVALID, "no id", kind="company")
FAILED_IDENTIFY = Failed(LetterReason.INVALID, "no id", kind="identify")
FILTERED = Filtered(FilterReason.WHEN)


def request(kind: RequestKind, user: str = "u-1") -> Request:
    return Request(kind, user, "", b"{}", ROUTE)


IDENTIFIES, TRACKS, COMPANIES = request(IDENTIFY), request(TRACK), request(COMPANY, "company:c-1")


class Made:
    """Makes of every record what it was given. See `pipeline.ports.Mapper`."""

    def __init__(self, outcomes: Outcomes, *, rest_follows: bool = False) -> None:
        self._outcomes, self._rest_follows = outcomes, rest_follows

    def map(self, record: Record, now: float, /) -> Outcomes:  # noqa: ARG002 - the port's
        return self._outcomes

    def rest_follows(self, topic: str, /) -> bool:  # noqa: ARG002 - the port's
        return self._rest_follows


class Two(Elements):
    """Two elements, of which the second is steps."""

    def __init__(self) -> None:
        super().__init__(2, 0)

    def map(self, element: int, now: float) -> Outcomes:  # noqa: ARG002 - the port's
        return Steps((IDENTIFIES, TRACKS)) if element else (TRACKS, COMPANIES)


def requests_of(chains: list[StepChain]) -> list[tuple[Request, ...]]:
    return [chain.requests for chain in chains]


def test_steps_are_one_chain_and_other_requests_are_chains_of_their_own() -> None:
    assert requests_of(chains_of(Made(Steps((IDENTIFIES, TRACKS))), RECORD, 0.0)) == [(IDENTIFIES, TRACKS)]
    assert requests_of(chains_of(Made((TRACKS, FAILED, COMPANIES)), RECORD, 0.0)) == [(TRACKS,), (COMPANIES,)]


def test_each_element_has_chains_of_its_own() -> None:
    assert requests_of(chains_of(Made((Two(),)), RECORD, 0.0)) == [(TRACKS,), (COMPANIES,), (IDENTIFIES, TRACKS)]


def test_steps_that_send_nothing_are_passed_over() -> None:
    steps = Steps((FILTERED, IDENTIFIES, Forget("u-1", FILTERED), TRACKS))
    (chain,) = chains_of(Made(steps), RECORD, 0.0)
    assert (chain.requests, chain.left) == ((IDENTIFIES, TRACKS), 0)


@pytest.mark.parametrize(("failed", "rest_follows", "sent", "left"), [
    (FAILED, False, (IDENTIFIES,), 2), (FAILED, True, (IDENTIFIES,), 2),
    (FAILED_IDENTIFY, False, (IDENTIFIES,), 2), (FAILED_IDENTIFY, True, (IDENTIFIES, COMPANIES, TRACKS), 0),
])  # fmt: skip
def test_what_is_behind_a_step_that_cannot_be_made_is_left_unless_it_follows_an_identify(
    failed: Failed,
    rest_follows: bool,  # noqa: FBT001 - a column of the table
    sent: tuple[Request, ...],
    left: int,
) -> None:
    mapping = Made(Steps((IDENTIFIES, failed, COMPANIES, TRACKS)), rest_follows=rest_follows)
    (chain,) = chains_of(mapping, RECORD, 0.0)
    assert (chain.requests, chain.left) == (sent, left)


@pytest.mark.parametrize(("first", "verdict", "rest_follows", "goes_on"), [
    (IDENTIFIES, Delivered(), False, True), (IDENTIFIES, Reject("no", 400), False, False),
    (IDENTIFIES, Reject("no", 400), True, True), (COMPANIES, Reject("no", 400), True, False),
    (IDENTIFIES, Retry("timeout", "no"), True, False), (IDENTIFIES, Unauthorized("no", 401, 1), True, False),
])  # fmt: skip
def test_the_next_step_goes_when_this_one_was_accepted_or_its_refusal_is_to_be_ignored(
    first: Request,
    verdict: Verdict,
    rest_follows: bool,  # noqa: FBT001 - a column of the table
    goes_on: bool,  # noqa: FBT001 - the same
) -> None:
    assert StepChain((first, TRACKS), rest_follows).goes_on(first, verdict) is goes_on


@pytest.mark.parametrize(("sent", "result", "sentence"), [
    (Sent(TRACKS, Delivered(), None), "accepted",
     "202: accepted. It can take 15 minutes until the event shows in Userpilot."),
    (Sent(IDENTIFIES, Delivered(), False), "accepted", "202: accepted: the user is identified."),
    (Sent(COMPANIES, Delivered(200), None), "accepted",
     "200: accepted. A company shows in Userpilot once a user belongs to it."),
    (Sent(IDENTIFIES, Reject("no", 400), None), "rejected",
     "no. The bridge would put this record into the dead-letter topic."),
    (Sent(IDENTIFIES, Reject("no", 400), False), "rejected",
     "no. The bridge would put this record into the dead-letter topic, with the steps behind it."),
    (Sent(IDENTIFIES, Reject("no", 400), True), "rejected",
     "no. The bridge would put this record into the dead-letter topic, and send the steps behind it."),
    (Sent(TRACKS, None, None), "not_sent", "Not sent: the step before it was not accepted."),
])  # fmt: skip
def test_an_answer_says_what_it_means_of_its_kind_and_of_the_steps_behind_it(
    sent: Sent, result: str, sentence: str
) -> None:
    found = answer(sent)
    assert (found.result, found.sentence) == (result, sentence)
    assert (found.code is ExitCode.OK) is (result == "accepted")
    assert document(sent)["result"] == result
