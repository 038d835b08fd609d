"""One view of what Kafka shows and what replicas say: nothing is left out, nothing is told twice."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.config.topics.consumed_topics import ConsumedTopics
from bridge.config.topics.topic_patterns import Reading
from bridge.fleet import headline
from bridge.fleet.compose import compose, counts_letters, unspoken
from bridge.fleet.concerns import CONFIGURATIONS_DIFFER, MAPPINGS_DIFFER, OTHER_GROUP, REPLICA_SILENT, VERSIONS_DIFFER
from bridge.fleet.document import document
from bridge.fleet.facts import KafkaFacts
from bridge.fleet.view import NOT_TOLD, FleetConcern, FleetView, ReplicaView
from bridge.formats.offset_map import Demand, Head, encode
from bridge.formats.operator_hold import OperatorHold
from bridge.holds import REASONS, Reason
from bridge.kafka.admin.committed import Committed
from bridge.kafka.admin.group_description import Member
from bridge.ops.group_view import TopicProblem
from bridge.ops.snapshot import Letters
from bridge.ops.status.concerns import LENGTHEN_RETENTION, OPEN_DEAD_LETTERS, RETENTION_NEAR, STALLED
from bridge.ops.status.forecast import Forecast, LostBy, Pace, written
from bridge.text.moments import iso
from tests.unit.fleet.conftest import NOW, Answer, Facts, group, member, orders, row, said


def concern(view: FleetView, reason: str) -> FleetConcern:
    (found,) = [each for each in view.concerns if each.reason == reason]
    return found


def reasons(view: FleetView) -> list[str]:
    return [each.reason for each in view.concerns]


def silent(address: str) -> ReplicaView:
    return ReplicaView(f"http://{address}:9464", f"No bridge answers at http://{address}:9464.")


# --- partitions ----------------------------------------------------------------------------------------


def test_where_all_is_well_nothing_is_told(facts: Facts, answer: Answer) -> None:
    members = group(member("10.0.0.1", 0, 1), member("10.0.0.2", 2, 3))
    view = compose(facts(group=members), [answer("10.0.0.1", 0, 1), answer("10.0.0.2", 2, 3)], NOW)
    assert view.concerns == ()
    assert [(each.partition.partition, each.replica, each.why, each.lag) for each in view.partitions] == [
        (0, "http://10.0.0.1:9464", "sending", 10),
        (1, "http://10.0.0.1:9464", "sending", 10),
        (2, "http://10.0.0.2:9464", "sending", 10),
        (3, "http://10.0.0.2:9464", "sending", 10),
    ]
    assert view.group is not None
    assert [each.partitions for each in view.group.members] == [2, 2]
    assert view.topics[0].lag == 40


@given(st.data())
def test_every_partition_of_kafka_and_of_every_replica_is_there_once(data: st.DataObject) -> None:
    count = data.draw(st.integers(0, 8))
    numbers = st.lists(st.integers(0, 9), unique=True)
    answers = [
        ReplicaView(f"http://r{n}:9464", document={"group": "shop", "partitions": [row(p) for p in data.draw(numbers)]})
        for n in range(data.draw(st.integers(0, 3)))
    ]
    known = orders(*range(count))
    facts = KafkaFacts(
        NOW,
        "shop",
        ConsumedTopics(["orders"], Reading.SEARCHED),
        topics={"orders": count},
        ends={each: data.draw(st.integers(0, 50)) for each in known if data.draw(st.booleans())},
        committed={each: Committed(data.draw(st.integers(0, 60)), "") for each in known if data.draw(st.booleans())},
        group=data.draw(st.sampled_from([None, group(), group(member("10.0.0.1", 0, 1))])),
    )
    view = compose(facts, answers, NOW)
    told = {each["partition"] for replica in answers for each in (replica.document or {})["partitions"]}
    assert [each.partition for each in view.partitions] == list(orders(*sorted({*range(count), *told})))
    for each in view.partitions:
        assert each.lag is None or each.lag >= 0
        assert (each.replica is not None) == (each.partition.partition in told)
    assert [each.needs_someone for each in view.concerns] == sorted(
        (each.needs_someone for each in view.concerns), reverse=True
    )
    keys = [(each.reason, each.needs_someone, each.action) for each in view.concerns]
    assert len(set(keys)) == len(keys)


def test_of_two_replicas_that_say_they_have_a_partition_the_one_that_is_further_is_believed(
    facts: Facts, answer: Answer
) -> None:
    behind = answer("10.0.0.1", partitions=[row(0, position=5, why="outage")])
    ahead = answer("10.0.0.2", partitions=[row(0, position=9, why="sending")])
    for answers in ([behind, ahead], [ahead, behind]):
        view = compose(facts(1), answers, NOW)
        assert (view.partitions[0].replica, view.partitions[0].why) == ("http://10.0.0.2:9464", "sending")


def test_a_committed_offset_outside_the_log_counts_all_that_the_log_has(facts: Facts) -> None:
    (partition,) = orders(0)
    view = compose(facts(1, committed={partition: Committed(500, "")}), [], NOW)
    assert view.partitions[0].lag == 20


# --- what only the group shows ---------------------------------------------------------------------------


def test_a_group_without_a_member_needs_someone_although_no_replica_is_there_to_say_it(facts: Facts) -> None:
    view = compose(facts(group=group(state="empty")), [silent("10.0.0.1")], NOW)
    found = concern(view, Reason.UNOWNED.value)
    assert found.needs_someone
    assert found.partitions == orders(0, 1, 2, 3)
    assert found.details == ("The group shop has no member: no bridge reads anything.",)
    assert {each.why for each in view.partitions} == {Reason.UNOWNED.value}


def test_of_a_group_without_a_member_it_is_said_when_it_committed_last(facts: Facts) -> None:
    demand, head = Demand(0, int(NOW - 540)), Head()
    first, second = orders(0, 1)
    text = encode(10, [], leader_epoch=None, topic_id="", demand=demand, head=head, max_length=4_000)
    view = compose(facts(2, committed={first: Committed(10, text), second: Committed(5, "")}, group=group()), [], NOW)
    assert f"It committed last at {iso(NOW - 540, 'seconds')}." in concern(view, "unowned").details[0]


def test_partitions_that_nobody_owns_are_told_once_whoever_says_it(facts: Facts, answer: Answer) -> None:
    meant = REASONS[Reason.UNOWNED]
    stale = said("unowned", partitions=["orders/1-2"], details=[meant.meaning], action=meant.action, since=None)
    replica = answer("10.0.0.1", 0, 1, ends_by_itself=[stale])
    view = compose(facts(group=group(member("10.0.0.1", 0, 1))), [replica], NOW)
    found = concern(view, "unowned")
    assert not found.needs_someone
    assert found.partitions == orders(2, 3)
    assert found.details == (meant.meaning,)


def test_who_owns_what_is_not_known_between_two_assignments(facts: Facts) -> None:
    between = replace(group(member("10.0.0.1")), state="preparing_rebalancing", protocol="classic")
    view = compose(facts(group=between), [], NOW)
    assert {each.is_owned for each in view.partitions} == {None}
    assert "unowned" not in reasons(view)


def test_a_replica_that_does_not_answer_is_told_with_the_partitions_it_has(facts: Facts, answer: Answer) -> None:
    members = group(member("10.0.0.1", 0, 1), member("10.0.0.2", 2, 3))
    view = compose(facts(group=members), [answer("10.0.0.1", 0, 1), silent("10.0.0.2")], NOW)
    found = concern(view, REPLICA_SILENT)
    assert not found.needs_someone
    assert found.replicas == ("http://10.0.0.2:9464",)
    assert found.partitions == orders(2, 3)
    assert "No bridge answers" in found.details[0]
    assert [each.why for each in view.partitions] == ["sending", "sending", NOT_TOLD, NOT_TOLD]


def test_where_no_replica_answers_somebody_has_to_look(facts: Facts) -> None:
    view = compose(facts(group=group(member("10.0.0.1", 0, 1, 2, 3))), [silent("bridge-0")], NOW)
    assert concern(view, REPLICA_SILENT).needs_someone
    assert concern(view, REPLICA_SILENT).partitions == orders(0, 1, 2, 3)


def test_a_member_that_none_of_the_instances_is_has_a_line_of_its_own(facts: Facts, answer: Answer) -> None:
    members = group(member("10.0.0.1", 0, 1), member("10.0.0.2", 2, 3))
    view = compose(facts(group=members), [answer("10.0.0.1", 0, 1)], NOW)
    extra = view.replicas[-1]
    assert extra.is_member
    assert extra.address == "track-bridge at 10.0.0.2"
    assert "console.instances" in (extra.problem or "")
    assert concern(view, REPLICA_SILENT).partitions == orders(2, 3)


def test_one_that_is_silent_and_a_member_nobody_answers_for_are_taken_for_the_same(
    facts: Facts, answer: Answer
) -> None:
    members = group(member("10.0.0.1", 0, 1), member("10.0.0.2", 2, 3))
    view = compose(facts(group=members), [answer("10.0.0.1", 0, 1), silent("bridge-1")], NOW)
    assert [each.address for each in view.replicas] == ["http://10.0.0.1:9464", "http://bridge-1:9464"]


def test_an_instance_of_another_group_is_refused_with_a_sentence(facts: Facts) -> None:
    stranger = ReplicaView("http://x:9464", "The bridge at http://x:9464 is of group a.", other_group="a")
    view = compose(facts(), [stranger], NOW)
    assert concern(view, OTHER_GROUP).needs_someone
    assert REPLICA_SILENT not in reasons(view)


def test_replicas_of_different_mappings_and_versions_are_told(facts: Facts, answer: Answer) -> None:
    other = answer("10.0.0.2", 2, 3, version="1.1", group_view={"mapping": "000000002"})
    view = compose(facts(), [answer("10.0.0.1", 0, 1), other], NOW)
    assert "000000002 at http://10.0.0.2:9464" in concern(view, MAPPINGS_DIFFER).details[0]
    assert "1.1 at http://10.0.0.2:9464" in concern(view, VERSIONS_DIFFER).details[0]
    assert not concern(view, MAPPINGS_DIFFER).needs_someone


def test_mappings_differ_since_the_second_of_them_appeared(facts: Facts, answer: Answer) -> None:
    def works(address: str, mapping: str, since: float, **given: Any) -> ReplicaView:
        return answer(address, group_view={"mapping": mapping}, started_at=iso(since), **given)

    old = [works("10.0.0.1", "000000001", NOW - 900), works("10.0.0.2", "000000001", NOW - 5)]
    new = works("10.0.0.3", "000000002", NOW - 60)
    assert concern(compose(facts(), [*old, new], NOW), MAPPINGS_DIFFER).since == NOW - 60
    reloaded = works("10.0.0.3", "000000002", NOW - 950, configuration={"loaded_at": iso(NOW - 30)})
    assert concern(compose(facts(), [*old, reloaded], NOW), MAPPINGS_DIFFER).since == NOW - 30


# --- Kafka -----------------------------------------------------------------------------------------------


def test_a_kafka_that_nobody_reaches_is_told_once_with_what_replicas_know_of_it(facts: Facts, answer: Answer) -> None:
    meant = REASONS[Reason.KAFKA_UNREACHABLE]
    gone = facts(
        topics={}, committed={}, starts={}, ends={}, problem="No Kafka broker answers.", down_since=NOW - 1
    )  # fmt: skip
    says = said("kafka_unreachable", details=["kafka-1: Connection refused."], action=meant.action)
    replica = answer("10.0.0.1", 0, kafka={"reachable": False}, ends_by_itself=[says])
    view = compose(gone, [replica], NOW)
    found = concern(view, "kafka_unreachable")
    assert found.details == ("kafka-1: Connection refused.",)
    assert found.since == NOW - 60
    assert [each.partition for each in view.partitions] == list(orders(0))
    assert "unowned" not in reasons(view)
    assert "topic_missing" not in reasons(view)


def test_a_kafka_that_only_this_program_does_not_reach_is_no_trouble_of_the_group(facts: Facts, answer: Answer) -> None:
    gone = facts(topics={}, committed={}, ends={}, problem="No Kafka broker answers.", down_since=NOW - 1)
    view = compose(gone, [answer("10.0.0.1", 0)], NOW)
    assert reasons(view) == []
    assert view.kafka_problem == "No Kafka broker answers."


# --- what replicas say -----------------------------------------------------------------------------------


def test_what_several_replicas_say_is_one_concern_since_the_first_until_the_last(facts: Facts, answer: Answer) -> None:
    one = answer(
        "10.0.0.1", 0, 1,
        ends_by_itself=[said("retry_after", since=iso(NOW - 50), until=iso(NOW + 5), partitions=["orders/0-1"])],
    )  # fmt: skip
    other = answer(
        "10.0.0.2", 2, 3,
        ends_by_itself=[said("retry_after", since=iso(NOW - 70), until=iso(NOW + 9), partitions=["orders/2-3"])],
    )  # fmt: skip
    view = compose(facts(), [one, other], NOW)
    found = concern(view, "retry_after")
    assert (found.since, found.until) == (NOW - 70, NOW + 9)
    assert found.partitions == orders(0, 1, 2, 3)
    assert found.replicas == ("http://10.0.0.1:9464", "http://10.0.0.2:9464")
    assert found.details == ("So it is with retry_after.",)


def test_many_cases_of_one_reason_are_counted(facts: Facts, answer: Answer) -> None:
    answers = [answer(f"10.0.0.{n}", needs_someone=[said("no_start", details=[f"case {n}"])]) for n in range(7)]
    found = concern(compose(facts(), answers, NOW), "no_start")
    assert len(found.details) == 3
    assert found.left_out == 4


def test_the_next_try_of_several_is_the_next_and_never_one_that_is_over(facts: Facts, answer: Answer) -> None:
    tries = (NOW - 30, NOW + 20, NOW + 8)
    answers = [answer(f"10.0.0.{n}", ends_by_itself=[said("outage", next_try=iso(at))]) for n, at in enumerate(tries)]
    assert concern(compose(facts(), answers, NOW), "outage").next_try == NOW + 8
    assert concern(compose(facts(), answers[:1], NOW), "outage").next_try is None


def test_configurations_that_differ_may_differ_in_where_they_listen_alone(facts: Facts, answer: Answer) -> None:
    answers = [answer(f"10.0.0.{n}", configuration={"hash": f"h{n}"}) for n in range(2)]
    found = concern(compose(facts(), answers, NOW), CONFIGURATIONS_DIFFER)
    assert "differ only in where they listen (observability.listen, observability.control_socket)" in found.action


def test_one_refusal_that_differs_only_by_the_id_of_the_request_is_told_once(facts: Facts, answer: Answer) -> None:
    answers = [
        answer(f"10.0.0.{n}", needs_someone=[said("unauthorized", details=[f"401: no such key (x-request-id r-{n})."])])
        for n in range(3)
    ]
    found = concern(compose(facts(), answers, NOW), "unauthorized")
    assert found.details == ("401: no such key (x-request-id r-0).",)
    assert found.left_out == 0
    assert len(found.replicas) == 3


def test_replicas_that_are_silent_for_the_same_reason_are_told_by_one_sentence(facts: Facts) -> None:
    def refused(address: str) -> ReplicaView:
        return ReplicaView(address, f"No bridge answers at {address}/status (refused). Is it running?")

    late = ReplicaView("http://c:1", "No bridge answers at http://c:1/status (no answer in time).")
    view = compose(facts(), [refused("http://a:1"), late, refused("http://b:1")], NOW)
    assert concern(view, REPLICA_SILENT).details == (
        "No bridge answers at a:1, b:1 (refused). Is it running?",
        "No bridge answers at http://c:1/status (no answer in time).",
    )


def test_dead_letters_that_all_replicas_count_are_told_once(facts: Facts, answer: Answer) -> None:
    def counted(count: int) -> dict[str, Any]:
        return {
            "dead_letters": {"open": {"by_reason": {"invalid": count}, "at_least": [], "oldest_at": iso(NOW - 90)}},
            "needs_someone": [said(OPEN_DEAD_LETTERS, details=[f"{count} dead letters are open: invalid {count}."])],
        }

    view = compose(facts(), [answer("10.0.0.1", **counted(3)), answer("10.0.0.2", **counted(4))], NOW)
    found = concern(view, OPEN_DEAD_LETTERS)
    assert found.details == ("4 dead letters are open: invalid 4.",)
    assert found.since == NOW - 90
    assert view.letters is not None
    assert view.letters.open_by_reason == {"invalid": 4}


def test_dead_letters_are_told_where_no_replica_counts_them(facts: Facts) -> None:
    view = compose(facts(letters=Letters({"invalid": 2}, oldest_open=NOW - 30)), [silent("10.0.0.1")], NOW)
    assert concern(view, OPEN_DEAD_LETTERS).details == ("2 dead letters are open: invalid 2.",)
    assert not counts_letters([silent("10.0.0.1")])


def test_partitions_of_another_member_that_stand_still_are_told_by_who_has_them(facts: Facts, answer: Answer) -> None:
    doubt = said(STALLED, partitions=["orders/2"])
    view = compose(facts(), [answer("10.0.0.1", 0, ends_by_itself=[doubt]), answer("10.0.0.2", 2)], NOW)
    assert reasons(view) == []
    view = compose(facts(), [answer("10.0.0.1", 0, ends_by_itself=[doubt])], NOW)
    assert reasons(view) == [STALLED]


@pytest.mark.parametrize("reason", [Reason.TOPIC_MISSING, Reason.NOT_AUTHORISED])
def test_a_topic_that_yields_nothing_is_told_once(facts: Facts, answer: Answer, reason: Reason) -> None:
    problems = {"gone": TopicProblem(reason, "kafka.topics: topic gone does not exist", NOW - 5)}
    view = compose(facts(topic_problems=problems), [], NOW)
    assert concern(view, reason.value).topics == ("gone",)
    told = said(reason.value, topics=["gone"], details=["Told by the broker."], action=REASONS[reason].action)
    view = compose(facts(topic_problems=problems), [answer("10.0.0.1", 0, needs_someone=[told])], NOW)
    assert concern(view, reason.value).details == ("Told by the broker.",)


# --- partitions that nobody speaks of --------------------------------------------------------------------


def test_what_an_operator_holds_is_told_by_the_commit_where_no_replica_says_it(facts: Facts) -> None:
    (partition,) = orders(0)
    hold = OperatorHold("wrong amounts", "kim", int(NOW - 600))
    view = compose(facts(1, committed={partition: Committed(10, "", operator_hold=hold)}, group=group()), [], NOW)
    found = concern(view, "held_by_operator")
    assert "kim" in found.details[0]
    assert "wrong amounts" in found.details[0]
    assert found.since == NOW - 600
    assert view.partitions[0].hold == hold


def test_a_pause_ends_by_itself_and_one_that_is_over_is_none(facts: Facts) -> None:
    (partition,) = orders(0)
    hold = OperatorHold("deploy", "kim", int(NOW - 600), until=int(NOW + 60))
    held = facts(1, committed={partition: Committed(10, "", operator_hold=hold)}, group=group(member("10.0.0.9", 0)))
    view = compose(held, [], NOW)
    found = concern(view, "held_by_operator")
    assert not found.needs_someone
    assert found.until == NOW + 60
    assert view.partitions[0].until == NOW + 60
    over = compose(replace(held, at=NOW + 61), [], NOW + 61)
    assert "held_by_operator" not in reasons(over)


def test_records_that_were_deleted_before_anybody_read_them_are_told(facts: Facts) -> None:
    (partition,) = orders(0)
    view = compose(facts(1, starts={partition: 15}, group=group()), [], NOW)
    found = concern(view, "out_of_range")
    assert found.needs_someone
    assert "at most 5 records" in found.details[0]


def test_records_that_retention_is_near_are_told_although_nobody_runs(facts: Facts) -> None:
    (partition,) = orders(0)
    lying = {"group": group(), "written": {partition: NOW - 3_000}, "retention": {"orders": 3_600.0}}
    view = compose(facts(1, **lying), [], NOW)
    assert "Kafka keeps records of orders for 1 h" in concern(view, RETENTION_NEAR).details[0]
    ahead = view.partitions[0].forecast
    assert ahead is not None
    assert (ahead.loses_from, ahead.lost_by) == (NOW + 600, LostBy.RETENTION)
    assert view.forecast is not None
    assert view.forecast.loses_from == NOW + 600
    for_ever = compose(facts(1, **{**lying, "retention": {"orders": math.inf}}), [], NOW)
    assert RETENTION_NEAR not in reasons(for_ever)


def test_what_stands_still_is_not_forecast_to_be_done_by_what_was_watched_before(facts: Facts, answer: Answer) -> None:
    before = written(Forecast(10, NOW + 60, Pace.SHRINKING, None, LostBy.NOTHING))
    rows = [row(0, why="held_by_operator", forecast=before), row(1, why="rate_limited", forecast=before)]
    view = compose(facts(2), [answer("10.0.0.1", partitions=rows, forecast=before)], NOW)
    ends = [None if each.forecast is None else each.forecast.empty_at for each in view.partitions]
    assert ends == [None, NOW + 60]
    assert view.forecast is not None
    assert view.forecast.empty_at is None
    flows = [row(0, why="sending", forecast=before), rows[1]]
    view = compose(facts(2), [answer("10.0.0.1", partitions=flows, forecast=before)], NOW)
    assert view.forecast is not None
    assert view.forecast.empty_at == NOW + 60


def test_records_in_danger_that_a_replica_tells_of_are_not_told_once_more(facts: Facts, answer: Answer) -> None:
    told = said(
        RETENTION_NEAR, details=["Told by the replica."], action=LENGTHEN_RETENTION, partitions=["orders/0"]
    )  # fmt: skip
    old = row(0, why="outage", oldest_open={"timestamp": iso(NOW - 3_000)})
    replica = answer("10.0.0.1", partitions=[old], needs_someone=[told])
    view = compose(facts(1, retention={"orders": 3_600.0}), [replica], NOW)
    assert concern(view, RETENTION_NEAR).details == ("Told by the replica.",)


def test_only_of_what_waits_and_nobody_speaks_of_is_asked_how_old_it_is(facts: Facts, answer: Answer) -> None:
    found = facts(4, ends=dict(zip(orders(0, 1, 2, 3), (20, 10, 20, 20), strict=True)))
    assert unspoken(found, [answer("10.0.0.1", 0)]) == dict.fromkeys(orders(2, 3), 10)


# --- budget ----------------------------------------------------------------------------------------------


def test_the_budget_of_each_kind_is_shown_with_the_share_of_each_replica(facts: Facts, answer: Answer) -> None:
    def kinds(share: float, used: int) -> dict[str, Any]:
        return {
            "kinds": [
                {"kind": "track", "limit": 10.0, "share": share},
                {"kind": "identify", "limit": None, "share": None},
            ],
            "rate": {"used_last_minute": used},
        }

    view = compose(facts(), [answer("10.0.0.1", **kinds(4.0, 100)), answer("10.0.0.2", **kinds(6.0, 50))], NOW)
    track, identify = view.budgets
    assert (track.kind, track.limit, track.used_last_minute) == ("track", 10.0, 150)
    assert track.shares == (("http://10.0.0.1:9464", 4.0), ("http://10.0.0.2:9464", 6.0))
    assert (identify.limit, identify.used_last_minute) == (None, None)


def test_a_document_of_another_version_is_shown_as_far_as_it_goes(facts: Facts) -> None:
    odd: dict[str, Any] = {
        "state": "idle",
        "group": "shop",
        "partitions": "none",
        "kinds": [1],
        "needs_someone": [{}],
        "rate": None,
    }
    view = compose(facts(group=group(member("10.0.0.1"))), [ReplicaView("http://10.0.0.1:9464", document=odd)], NOW)
    assert view.replicas[0].state == "idle"


# --- how much waits --------------------------------------------------------------------------------------


def test_records_that_are_done_above_an_open_one_do_not_wait(facts: Facts, answer: Answer) -> None:
    ahead = written(Forecast(4, NOW + 60, Pace.SHRINKING, None, LostBy.NOTHING))
    told = answer("10.0.0.1", partitions=[row(0, forecast=ahead)], forecast=ahead)
    view = compose(facts(1), [told], NOW)
    assert (view.partitions[0].lag, view.partitions[0].waiting) == (10, 4)
    assert headline.records(view) == 4
    assert view.forecast is not None
    assert view.forecast.records == 4
    found = document(view)
    assert (found["records"], found["forecast"]["records"], found["partitions"][0]["waiting"]) == (4, 4, 4)
    late = compose(facts(1, ends=dict.fromkeys(orders(0), 23)), [told], NOW)
    assert headline.records(late) == 7


def test_a_concern_counts_what_is_not_done(facts: Facts, answer: Answer) -> None:
    ahead = written(Forecast(4, None, Pace.STILL, None, LostBy.NOTHING))
    held = said("outage", partitions=["orders/0"])
    view = compose(
        facts(1), [answer("a", partitions=[row(0, why="outage", forecast=ahead)], ends_by_itself=[held])], NOW
    )
    assert document(view)["ends_by_itself"][0]["records"] == 4


def test_where_no_replica_speaks_the_commit_says_what_is_done(facts: Facts) -> None:
    demand, head = Demand(0, int(NOW - 540)), Head()
    text = encode(10, [2, 3], leader_epoch=3, topic_id="", demand=demand, head=head, max_length=4_000)
    view = compose(facts(1, committed={orders(0)[0]: Committed(10, text, leader_epoch=3)}), [], NOW)
    assert (view.partitions[0].lag, view.partitions[0].waiting) == (10, 7)


def test_while_nobody_reaches_kafka_all_is_as_of_before_and_nothing_is_forecast(facts: Facts, answer: Answer) -> None:
    ahead = written(Forecast(4, NOW + 60, Pace.GROWING, None, LostBy.NOTHING))
    doubt, unreachable = (
        REASONS[Reason.MEMBERSHIP].meaning,
        said("kafka_unreachable", action=REASONS[Reason.KAFKA_UNREACHABLE].action),
    )
    gone = facts(1, topics={}, committed={}, starts={}, ends={}, problem="No broker.", down_since=NOW - 9)
    told = answer(
        "a",
        partitions=[row(0, why="kafka_unreachable", forecast=ahead)],
        forecast=ahead,
        kafka={"reachable": False},
        ends_by_itself=[unreachable, said("outage", details=[doubt])],
    )
    view = compose(gone, [told], NOW)
    assert reasons(view) == ["kafka_unreachable"]
    assert "4 records waited when Kafka was last heard" in headline.sentence(view)
    assert view.forecast is not None
    assert (view.forecast.records, view.forecast.pace, view.forecast.empty_at) == (4, Pace.UNKNOWN, None)
    reached = compose(gone, [replace(told, document={**(told.document or {}), "kafka": {"reachable": True}})], NOW)
    assert "outage" in reasons(reached)


# --- each told once --------------------------------------------------------------------------------------


def test_one_hold_of_the_group_is_told_once_although_each_replica_names_its_own_file(
    facts: Facts, answer: Answer
) -> None:
    answers = [
        answer(
            f"10.0.0.{n}",
            needs_someone=[
                said(
                    "held_by_operator",
                    partitions=[f"orders/{n}"],
                    action=f"`track-bridge release orders -c b{n}.yaml` ends it.",
                )
            ],
        )
        for n in range(3)
    ]
    found = concern(compose(facts(), answers, NOW), "held_by_operator")
    assert found.partitions == orders(0, 1, 2)
    assert len(found.replicas) == 3


def test_what_a_killed_replica_had_is_told_once_with_since_when_it_stands_still(facts: Facts, answer: Answer) -> None:
    doubt = said(STALLED, partitions=["orders/2-3"], since=iso(NOW - 25))
    members = group(member("10.0.0.1", 0, 1), member("10.0.0.2", 2, 3))
    view = compose(facts(group=members), [answer("10.0.0.1", 0, 1, ends_by_itself=[doubt]), silent("10.0.0.2")], NOW)
    assert reasons(view) == [REPLICA_SILENT]
    found = concern(view, REPLICA_SILENT)
    assert (found.since, found.partitions) == (NOW - 25, orders(2, 3))
    assert "group.consumer.session.timeout.ms of the brokers" in found.action
    classic = replace(members, protocol="classic")
    view = compose(facts(group=classic), [answer("10.0.0.1", 0, 1), silent("10.0.0.2")], NOW)
    assert "(session.timeout.ms)" in concern(view, REPLICA_SILENT).action
    alone = compose(facts(group=members), [silent("10.0.0.1"), silent("10.0.0.2")], NOW)
    assert "gives its partitions to others" not in concern(alone, REPLICA_SILENT).action


def test_between_two_assignments_a_partition_that_no_member_has_is_not_called_nobodys(facts: Facts) -> None:
    def told(state: str, *members: Member) -> list[str]:
        return reasons(compose(facts(group=group(*members, state=state)), [], NOW))

    assert "unowned" not in told("unknown", member("10.0.0.1", 0))
    assert "unowned" not in told("unknown")
    assert "unowned" in told("stable", member("10.0.0.1", 0))
    assert "unowned" in told("empty")


def test_a_killed_replica_of_a_classic_group_is_waited_for_until_its_session_ends(facts: Facts, answer: Answer) -> None:
    members = replace(group(member("10.0.0.1", 0, 1), member("10.0.0.2", 2, 3)), protocol="classic")
    killed = replace(silent("10.0.0.2"), since=NOW - 4)

    def until(session: float, protocol: str = "classic", *, others: bool = True) -> float | None:
        found = facts(group=replace(members, protocol=protocol), classic_session=session)
        answers = [answer("10.0.0.1", 0, 1)] if others else []
        return concern(compose(found, [*answers, killed], NOW), REPLICA_SILENT).until

    assert until(10.0) == NOW + 6
    assert until(3.0) is None, "it is over: it is no longer the session that is waited for"
    assert until(10.0, "consumer") is None, "the brokers alone know"
    assert until(10.0, others=False) is None, "nobody is left to take anything over"


def test_the_next_free_place_in_the_budget_is_no_end(facts: Facts, answer: Answer) -> None:
    rows = [row(0, why="rate_limited", until=iso(NOW + 1)), row(1, why="outage", until=iso(NOW + 9))]
    view = compose(facts(2), [answer("10.0.0.1", partitions=rows)], NOW)
    assert [each.until for each in view.partitions] == [None, NOW + 9]
