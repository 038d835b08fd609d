from __future__ import annotations

from bridge.service.watches.kafka_watch import LOST_AFTER, Contact

REFUSED = "kafka-1:9092: Connection refused"


def test_a_process_that_never_heard_of_kafka_says_so_with_its_first_question() -> None:
    contact = Contact()
    assert contact.silent(10.0, 13.0, REFUSED)
    assert (contact.lost, contact.silent_since, contact.detail) == (True, 10.0, REFUSED)
    assert not contact.silent(14.0, 17.0, REFUSED), "once is enough"


def test_brokers_that_are_silent_for_a_moment_are_not_lost() -> None:
    contact = Contact()
    assert contact.answered(1.0) is None
    assert not contact.silent(10.0, 10.0 + LOST_AFTER - 0.1, REFUSED)
    assert not contact.lost
    assert contact.answered(15.0) is None
    assert contact.silent_since is None


def test_silence_is_counted_from_the_first_question_nobody_answered() -> None:
    contact = Contact()
    contact.answered(1.0)
    assert not contact.silent(10.0, 13.0, REFUSED)
    assert contact.silent(13.5, 16.5, "kafka-2:9092: Timed out")
    assert (contact.silent_since, contact.detail) == (10.0, "kafka-2:9092: Timed out")
    assert contact.answered(40.0) == 30.0
    assert not contact.lost
