"""What many records become, counted."""

from bridge.cli.samples.histogram import Histogram
from bridge.model import TRACK, Failed, Filtered, FilterReason, LetterReason, Outcome, Record, Request, Route

ROUTE = Route("order.completed", "0" * 12, "Order Completed")


def _record(partition: int = 0, offset: int = 0, topic: str = "t") -> Record:
    return Record(topic, partition, offset, None, None, b"{}", ())


def _request(user: str) -> Request:
    return Request(TRACK, user, "Order Completed", b"{}", ROUTE)


def test_a_record_of_several_requests_counts_once_and_its_requests_each() -> None:
    histogram = Histogram()
    histogram.add(_record(), (_request("a"), _request("b")))
    assert (histogram.records, histogram.requests) == (1, 2)
    assert histogram.lines()[0] == "1 record would make 2 requests."


def test_users_on_several_partitions_of_one_topic_are_told() -> None:
    histogram = Histogram()
    for partition, user in ((0, "a"), (1, "a"), (0, "b"), (0, "b")):
        histogram.add(_record(partition), (_request(user),))
    assert histogram.scattered == ["a"]
    (sentence,) = histogram.users()[1:]
    assert sentence.startswith(
        "1 user of 2 on several partitions of one topic (a): where these have different replicas"
    )


def test_nothing_is_said_of_users_whose_order_is_kept() -> None:
    histogram = Histogram()
    assert histogram.users() == []
    for partition, user in ((0, "a"), (1, "b"), (0, "a")):
        histogram.add(_record(partition), (_request(user),))
    assert histogram.users() == []
    assert not any("sers" in line for line in histogram.lines())


def test_a_user_in_two_topics_is_not_scattered() -> None:
    histogram = Histogram()
    histogram.add(_record(0, topic="t"), (_request("a"),))
    histogram.add(_record(1, topic="s"), (_request("a"),))
    assert histogram.scattered == []


def test_one_record_of_each_kind_is_kept_as_a_sample() -> None:
    histogram = Histogram()
    dropped = Filtered(FilterReason.UNMAPPED, None, "page.viewed")
    failed = Failed(LetterReason.UNMAPPABLE, "user_id is missing", ROUTE)
    outcomes: list[Outcome] = [_request("a"), _request("b"), dropped, dropped, failed]
    for offset, outcome in enumerate(outcomes):
        histogram.add(_record(offset=offset), (outcome,))
    assert [record.offset for record in histogram.samples] == [0, 2, 4]
    document = histogram.document()
    assert document["unmapped_types"] == {"page.viewed": 2}
    assert document["dead_letter_messages"] == {"user_id is missing": 1}
    assert [row["count"] for row in document["outcomes"]] == [2, 2, 1]


def test_dead_letters_for_alike_reasons_are_one_line_for_a_person_and_each_its_own_for_a_script() -> None:
    histogram = Histogram()
    messages = ["the value is not JSON: unexpected end of data at byte 7", "the value is empty; JSON is needed"]
    for message in (*messages, messages[0].replace("7", "9")):
        histogram.add(_record(), (Failed(LetterReason.UNDECODABLE, message, None),))
    told = histogram.lines()
    assert [" ".join(line.split()) for line in told[told.index("Why dead letters") + 1 :]] == [
        "the value is not JSON: unexpected end of data at byte # 2",
        "the value is empty; JSON is needed 1",
    ]
    assert len(histogram.document()["dead_letter_messages"]) == 3
