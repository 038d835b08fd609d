"""What `/status` and the metrics say of each kind of request, and of users."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
from prometheus_client.parser import text_string_to_metric_families

from bridge.counts import RouteTally, UserTally
from bridge.holds import Reason
from bridge.model import Route
from bridge.ops.hold_reasons import explain
from bridge.ops.metrics import exposition_format
from bridge.ops.metrics.catalogue import PREFIX
from bridge.ops.snapshot import AwaitingUsers, ClosedGate, KindView
from bridge.ops.status import status_document
from bridge.ops.status.status_text import lines

if TYPE_CHECKING:
    from bridge.ops.snapshot import PartitionView, Snapshot

SCHEMA = json.loads((Path(__file__).parents[3] / "schemas" / "status.schema.json").read_text(encoding="utf-8"))


def gate(snapshot: Snapshot, reason: Reason, kind: str) -> ClosedGate:
    ahead = snapshot.at + 9
    tried = ahead if reason is Reason.OUTAGE else None
    return ClosedGate(reason, snapshot.at - 30, "the API answered 503", ahead, tried, kind=kind)


@pytest.fixture
def users(busy: Snapshot) -> Snapshot:
    """A process that identifies users, whose identify is down while events go."""
    tally = busy.tally
    tally.requests, tally.started, tally.accepted = 900, Counter(identify=60), Counter(identify=50)
    tally.retried, tally.letters_of = Counter(identify=10, track=20), Counter(identify=2, track=3)
    tally.routes[Route("order.completed[0]", "0" * 12, "Order Completed")] = RouteTally(delivered=800)
    tally.users = UserTally(known=760, unknown=40, identified=40, refused=2, forgotten=3, remembered=38)
    return replace(
        busy,
        kinds=(
            KindView("track", 3, (), 0.0, 10.0, 5.0),
            KindView("identify", 1, (gate(busy, Reason.OUTAGE, "identify"),), 2.5, 10.0, 5.0),
            KindView("company", 0, (), 0.0, 10.0, 5.0),
        ),
        awaiting=AwaitingUsers(events=12, users=4, settling=1),
    )


def waiting(snapshot: Snapshot, kind: str | None = "identify") -> PartitionView:
    """Its oldest record waits for an identify."""
    partition = snapshot.partitions[0]
    assert partition.oldest is not None
    return replace(partition, oldest=replace(partition.oldest, waits_for=kind))


def checked(snapshot: Snapshot) -> dict[str, Any]:
    document = status_document.document(snapshot)
    jsonschema.Draft202012Validator(SCHEMA).validate(json.loads(json.dumps(document)))
    return document


def scraped(snapshot: Snapshot) -> dict[tuple[str, ...], float]:
    text = exposition_format.Exposition().render(snapshot, exposition_format.TEXT).decode()
    return {
        (sample.name.removeprefix(PREFIX), *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


# --- status ---------------------------------------------------------------------------------------------


def test_identify_is_down_is_a_sentence_with_what_goes_on_and_what_waits(users: Snapshot) -> None:
    document = checked(replace(users, partitions=(waiting(users),)))

    [told] = document["ends_by_itself"]
    sentence = "identify is down; known users go on; 12 events of 4 users wait: the API answered 503."
    assert (told["reason"], told["details"]) == ("identify_waits", [sentence])
    assert told["next_try"] is not None
    assert document["state"] == "waiting"
    assert document["sentence"] == f"{sentence} This concerns 1 of 1 partitions."
    assert document["blocked"] == [], "events are not kept"
    [row] = document["partitions"]
    assert (row["why"], row["detail"]) == ("identify_waits", sentence)


def test_while_no_oldest_record_waits_for_it_it_is_told_and_the_process_delivers(users: Snapshot) -> None:
    document = checked(users)

    assert document["state"] == "delivering"
    assert [each["reason"] for each in document["ends_by_itself"]] == ["identify_waits"]


def test_one_event_waits_in_the_singular(users: Snapshot) -> None:
    document = checked(replace(users, awaiting=AwaitingUsers(1, 1)))

    assert "; 1 event of 1 user waits: " in document["ends_by_itself"][0]["details"][0]


@pytest.mark.parametrize(("kind", "says"), [("identify", "known users go on"), ("company", "users and events go on")])
def test_a_pause_that_was_asked_for_has_a_time_at_which_it_ends(users: Snapshot, kind: str, says: str) -> None:
    views = tuple(
        replace(view, gates=(gate(users, Reason.RETRY_AFTER, kind),) if view.kind == kind else ())
        for view in users.kinds
    )
    [told] = checked(replace(users, kinds=views))["ends_by_itself"]

    assert f"{kind} was asked to wait; {says}" in told["details"][0]
    assert told["until"] is not None
    assert told["next_try"] is None


def test_where_nothing_gets_through_at_all_it_is_told_as_that_alone(users: Snapshot) -> None:
    down = replace(users, blocks=(ClosedGate(Reason.OUTAGE, users.at - 40, "the API answered 503"),))

    assert [each["reason"] for each in checked(down)["ends_by_itself"]] == ["outage"]
    assert explain(waiting(users), down).why is Reason.OUTAGE


def test_a_partition_whose_oldest_record_waits_for_nothing_of_the_kind_is_sending(users: Snapshot) -> None:
    assert explain(waiting(users, None), users).why is Reason.SENDING
    assert explain(waiting(users, "company"), users).why is Reason.SENDING


def test_an_identify_that_waits_for_its_rate_is_told_by_its_own_budget(users: Snapshot) -> None:
    views = (replace(users.kinds[1], gates=(gate(users, Reason.RATE_LIMITED, "identify"),)),)
    found = explain(waiting(users), replace(users, kinds=views))

    assert found.why is Reason.RATE_LIMITED
    assert "delivery.identify_rate_limit" in found.detail
    assert "delivery.identify_rate_limit" in found.action


def test_an_event_whose_identify_has_to_settle_is_on_its_way_and_says_until_when(users: Snapshot) -> None:
    partition = waiting(users, None)
    assert partition.oldest is not None
    settles = replace(partition, oldest=replace(partition.oldest, settles_at=users.at + 5))
    found = explain(settles, users)

    assert (found.why, found.until) == (Reason.SENDING, users.at + 5)
    assert "track.identify_settle" in found.detail


def test_each_kind_has_its_counts_and_what_keeps_it(users: Snapshot) -> None:
    kinds = {each.pop("kind"): each for each in checked(users)["kinds"]}

    track, identify = kinds["track"], kinds["identify"]
    # 800 of a route, of which 10 are the identify steps of records; the bridge's own are no route's.
    assert (track["started"], track["accepted"], track["retried"], track["dead_lettered"]) == (840, 790, 20, 3)
    assert (identify["started"], identify["accepted"], identify["retried"], identify["dead_lettered"]) == (
        60,
        50,
        10,
        2,
    )
    assert (track["why"], track["since"], track["detail"]) == (None, None, "")
    assert (identify["why"], identify["detail"]) == ("outage", "the API answered 503")
    assert identify["next_try"] is not None


def test_a_refused_key_keeps_every_kind(users: Snapshot) -> None:
    held = replace(users, blocks=(ClosedGate(Reason.UNAUTHORIZED, users.at - 30, "401"),))

    assert {each["why"] for each in checked(held)["kinds"]} == {"unauthorized"}


def test_the_text_has_requests_and_users_where_there_are_any_but_events(users: Snapshot) -> None:
    text = "\n".join(lines(checked(users), width=150))

    assert "Requests\n" in text
    assert "38 users remembered; of 800 events 95.0 % were of a user who was known" in text
    assert "identified by the bridge itself: 40, refused: 2" in text
    assert "records that asked to forget a user: 3" in text
    assert "waiting for an identify: 12 events of 4 users" in text
    assert "waiting for track.identify_settle: 1 event" in text


def test_a_bridge_that_sends_events_only_is_told_of_as_before(busy: Snapshot) -> None:
    document = checked(replace(busy, kinds=(KindView("track"), KindView("identify"), KindView("company"))))
    told = [line for line in lines(document, width=150) if line and not line.startswith(" ")]

    assert not {"Requests", "Users"} & {*told}


def test_the_document_of_a_version_before_is_still_shown(users: Snapshot) -> None:
    document = checked(users)
    del document["kinds"], document["users"]

    assert lines(document, width=150)


# --- metrics --------------------------------------------------------------------------------------------


def test_metrics_by_kind_and_of_users(users: Snapshot) -> None:
    page = scraped(users)

    assert [page["requests_started_total", kind] for kind in ("track", "identify", "company")] == [840, 60, 0]
    assert [page["requests_accepted_total", kind] for kind in ("track", "identify", "company")] == [790, 50, 0]
    assert [page["requests_retried_total", kind] for kind in ("track", "identify", "company")] == [20, 10, 0]
    assert [page["kind_dead_letters_total", kind] for kind in ("track", "identify", "company")] == [3, 2, 0]
    assert [page["requests_in_flight", kind] for kind in ("track", "identify", "company")] == [3, 1, 0]
    assert [page["kind_rate_limited_seconds_total", kind] for kind in ("track", "identify")] == [0, 2.5]
    assert (page["user_lookups_total", "known"], page["user_lookups_total", "unknown"]) == (760, 40)
    assert page["automatic_identifies_total", "accepted"] == 40
    assert page["automatic_identifies_total", "refused"] == 2
    assert (page["remembered_users",], page["users_forgotten_total",]) == (38, 3)
    assert (page["events_awaiting_identify",], page["users_awaiting_identify",]) == (12, 4)
    assert page["events_awaiting_settle",] == 1


def test_an_outage_of_identify_is_in_no_metric_that_says_everything_is_kept(users: Snapshot) -> None:
    page = scraped(users)

    assert page["kind_blocked", "identify", "outage"] == 1
    assert page["kind_blocked", "track", "outage"] == 0
    assert {value for (name, *_), value in page.items() if name == "blocked"} == {0}


def test_what_is_not_in_use_is_shown_as_0(quiet: Snapshot) -> None:
    page = scraped(quiet)

    for name in ("requests_started_total", "requests_in_flight", "kind_rate_limited_seconds_total"):
        assert {page[name, kind] for kind in ("track", "identify", "company")} == {0}
    assert page["user_lookups_total", "known"] == 0
