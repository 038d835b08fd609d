"""A loss, a duplicate and an overtaking that are planted are found, and nothing is found where none is."""

from __future__ import annotations

import pytest

from bridge.model import (
    IDENTIFY,
    TRACK,
    Failed,
    Filtered,
    FilterReason,
    LetterReason,
    Outcome,
    Record,
    Request,
    Route,
    Steps,
)
from bridge.selftest.oracle import Oracle, Ordering, SeenLetter, own_identify

ROUTE = Route("order.completed", "abc", "Order Completed")


def request(user: str, body: str, name: str = "Order Completed") -> Request:
    return Request(TRACK, user, name, body.encode(), ROUTE)


class Run:
    """A oracle to which records and arrivals are told in a few words."""

    def __init__(self, ordering: Ordering = "user") -> None:
        self.oracle = Oracle(ordering, may_be_rejected=lambda name: name == "Order Imported")
        self._now = 0.0

    def record(self, offset: int, *outcomes: Outcome, partition: int = 0, key: bytes | None = None) -> None:
        record = Record("orders", partition, offset, None, key, b"{}", ())
        self.oracle.record(record, outcomes, self._tick())

    def arrives(self, *bodies: str) -> None:
        for body in bodies:
            self.oracle.accepted(body.encode(), self._tick())

    def letter(self, offset: int, reason: str, output: int = 0) -> None:
        self.oracle.letter(SeenLetter(("orders", 0, offset), output, reason))

    def _tick(self) -> float:
        self._now += 1.0
        return self._now


@pytest.fixture
def run() -> Run:
    """Three events of one user, and one of another."""
    run = Run()
    for offset in range(3):
        run.record(offset, request("u-1", f"a{offset}"))
    run.record(3, request("u-2", "b3"))
    return run


def test_a_run_in_which_all_is_well_has_no_findings(run: Run) -> None:
    run.arrives("b3", "a0", "a1", "a2")
    verdict = run.oracle.judge()
    assert (verdict.due, verdict.arrived, verdict.duplicates, verdict.foreign) == (4, 4, 0, 0)
    assert not verdict.lost
    assert not verdict.overtaken
    assert not verdict.unexplained
    assert (run.oracle.open, run.oracle.settled) == (0, 4)


def test_an_event_that_never_arrives_is_lost_by_its_place(run: Run) -> None:
    run.arrives("a0", "a2", "b3")
    assert run.oracle.judge().lost == ["orders/0/1, event 0, never reached the API"]


def test_an_event_that_arrives_twice_is_one_duplicate_and_overtakes_nobody(run: Run) -> None:
    run.arrives("a0", "a1", "a0", "a2", "b3")
    verdict = run.oracle.judge()
    assert verdict.duplicates == 1
    assert not verdict.overtaken
    assert verdict.arrived == 4


def test_an_event_that_arrives_before_an_earlier_one_of_its_user_is_an_overtaking(run: Run) -> None:
    run.arrives("a0", "a2", "a1", "b3")
    assert run.oracle.judge().overtaken == ["orders/0/1 of user u-1 arrived after orders/0/2"]


def test_users_overtake_each_other_as_they_may(run: Run) -> None:
    run.arrives("b3", "a0", "a1", "a2")
    assert not run.oracle.judge().overtaken


@pytest.mark.parametrize(("ordering", "found"), [("partition", 1), ("key", 1), ("user", 0), ("none", 0)])
def test_what_an_overtaking_is_depends_on_the_configured_ordering(ordering: Ordering, found: int) -> None:
    run = Run(ordering)
    run.record(0, request("u-1", "a"), key=b"k")
    run.record(1, request("u-2", "b"), key=b"k")
    run.arrives("b", "a")
    assert len(run.oracle.judge().overtaken) == found


def test_partitions_are_not_ordered_among_each_other() -> None:
    run = Run()
    run.record(9, request("u-1", "a"), partition=0)
    run.record(2, request("u-1", "b"), partition=1)
    run.arrives("a", "b")
    assert not run.oracle.judge().overtaken


def test_an_arrival_may_be_known_before_its_record() -> None:
    run = Run()
    run.arrives("a")
    run.record(0, request("u-1", "a"))
    assert run.oracle.open == 0
    assert not run.oracle.judge().lost


def test_each_of_a_records_events_is_due() -> None:
    run = Run()
    run.record(0, request("u-1", "a"), request("u-2", "b"))
    run.arrives("a")
    assert run.oracle.judge().lost == ["orders/0/0, event 1, never reached the API"]


def test_two_requests_alike_to_the_last_byte_are_both_due() -> None:
    run = Run()
    run.record(0, request("u-1", "a"))
    run.record(1, request("u-1", "a"))
    run.arrives("a")
    assert run.oracle.judge().lost == ["orders/0/1, event 0, never reached the API"]
    run.arrives("a")
    verdict = run.oracle.judge()
    assert (len(verdict.lost), verdict.duplicates, verdict.arrived) == (0, 0, 2)


def test_a_request_no_record_was_to_become_is_foreign(run: Run) -> None:
    run.arrives("a0", "a1", "a2", "b3", "x")
    assert run.oracle.judge().foreign == 1


def test_a_dead_letter_that_is_due_and_missing_is_a_loss() -> None:
    run = Run()
    run.record(0, Failed(LetterReason.UNDECODABLE, "is not JSON"))
    assert run.oracle.judge().lost == ["orders/0/0 is not in the dead-letter topic (undecodable)"]
    run.letter(0, "undecodable")
    assert not run.oracle.judge().lost


def test_a_filtered_record_is_not_due() -> None:
    run = Run()
    run.record(0, Filtered(FilterReason.RULE))
    assert (run.oracle.open, run.oracle.filtered, run.oracle.judge().due) == (0, 1, 0)


def test_an_event_given_up_to_a_refused_key_is_not_lost_but_counted(run: Run) -> None:
    run.arrives("a1", "a2", "b3")
    run.letter(0, "unauthorized")
    verdict = run.oracle.judge()
    assert not verdict.lost
    assert not verdict.unexplained
    assert verdict.given_up == {"unauthorized": 1}


@pytest.mark.parametrize("reason", ["rejected", "retries_exhausted", "undecodable"])
def test_a_good_event_in_the_dead_letter_topic_is_unexplained(run: Run, reason: str) -> None:
    run.arrives("a1", "a2", "b3")
    run.letter(0, reason)
    assert run.oracle.judge().unexplained == [f"orders/0/0 is in the dead-letter topic as {reason}"]


def test_a_letter_of_a_record_that_was_filtered_is_unexplained() -> None:
    run = Run()
    run.record(0, Filtered(FilterReason.RULE))
    run.letter(0, "undecodable")
    assert len(run.oracle.judge().unexplained) == 1


def test_a_letter_with_another_reason_than_the_mappings_is_unexplained() -> None:
    run = Run()
    run.record(0, Failed(LetterReason.UNMAPPABLE, "no user"))
    run.letter(0, "invalid")
    assert len(run.oracle.judge().unexplained) == 1


def test_what_the_api_refuses_on_purpose_explains_its_letter() -> None:
    run = Run()
    run.record(0, request("u-1", "a", name="Order Imported"))
    run.letter(0, "rejected")
    verdict = run.oracle.judge()
    assert not verdict.lost
    assert not verdict.unexplained


# --- steps, and identifies of the bridge's own ------------------------------------------------------------


def identify(user: str, body: str) -> Request:
    return Request(IDENTIFY, user, "", body.encode(), ROUTE)


def steps(*outcomes: Outcome, offset: int = 0, **settings: bool) -> Oracle:
    oracle = Oracle("user", rest_follows=lambda _: settings.get("rest", False))
    record = Record("orders", 0, offset, None, None, b"{}", ())
    oracle.record(record, Steps(outcomes), 1.0)
    return oracle


def test_a_step_that_arrives_before_the_one_before_it_is_out_of_order() -> None:
    for bodies, found in ((("i", "t"), 0), (("t", "i"), 1), (("i", "i", "t", "i"), 0)):
        oracle = steps(identify("ann", "i"), request("bob", "t"))
        for number, body in enumerate(bodies):
            oracle.accepted(body.encode(), float(number))
        assert len(oracle.judge().overtaken) == found, bodies


@pytest.mark.parametrize(("rest", "due"), [(False, 1), (True, 2)])
def test_what_is_behind_an_identify_that_cannot_be_made_is_due_only_where_the_rest_is_sent(
    *, rest: bool, due: int
) -> None:
    failed = Failed(LetterReason.INVALID, "too long", ROUTE, kind="identify")
    assert steps(failed, request("ann", "t"), rest=rest).open == due


@pytest.mark.parametrize("letter_first", [False, True])
@pytest.mark.parametrize(("rest_sent", "left"), [(False, 0), (True, 1)])
def test_what_a_letter_leaves_is_due_no_more(*, letter_first: bool, rest_sent: bool, left: int) -> None:
    letter = SeenLetter(("orders", 0, 0), 0, "unauthorized", rest_sent)
    outcomes = Steps((identify("ann", "i"), request("ann", "t")))
    oracle = Oracle("user")
    record = Record("orders", 0, 0, None, None, b"{}", ())
    if letter_first:
        oracle.letter(letter)
    oracle.record(record, outcomes, 1.0)
    if not letter_first:
        oracle.letter(letter)
    assert oracle.open == left


@pytest.mark.parametrize(("by_itself", "foreign"), [(True, 0), (False, 2)])
def test_identifies_of_the_bridge_s_own_come_from_no_record_where_it_sends_any(
    *, by_itself: bool, foreign: int
) -> None:
    oracle = Oracle("user", identifies_itself=by_itself)
    for _ in range(2):
        oracle.identified("ann", own_identify("ann"), 1.0)
    verdict = oracle.judge()
    assert (verdict.foreign, verdict.duplicates) == (foreign, 0)


def test_an_identify_with_anything_in_it_is_a_record_s() -> None:
    oracle = Oracle("user", identifies_itself=True)
    oracle.identified("ann", b'{"user_id":"ann","metadata":{"a":1}}', 1.0)
    assert oracle.judge().foreign == 1
