from __future__ import annotations

import pytest

from bridge.config.sections import Kafka
from bridge.config.topics.consumed_topics import GroupProtocol
from bridge.kafka import terms
from bridge.kafka.terms import Terms, TermsRefusal


def kafka(*topics: str, group_protocol: str = "auto", **properties: str) -> Kafka:
    return Kafka.model_validate(
        {
            "bootstrap_servers": "broker:9092",
            "group_id": "group",
            "topics": list(topics) or ["orders"],
            "group_protocol": group_protocol,
            "properties": properties,
        }
    )


CLASSIC = Terms(GroupProtocol.CLASSIC, terms.SESSION)


def test_the_consumer_protocol_is_tried_first_and_the_classic_one_where_it_is_refused() -> None:
    section = kafka()
    first = terms.first(section)
    assert first == Terms(GroupProtocol.CONSUMER, None)
    assert terms.after(first, TermsRefusal.PROTOCOL, section) == CLASSIC
    assert terms.after(CLASSIC, TermsRefusal.PROTOCOL, section) is None


def test_a_protocol_that_was_named_is_not_exchanged_for_another() -> None:
    section = kafka(group_protocol="consumer")
    assert terms.after(terms.first(section), TermsRefusal.PROTOCOL, section) is None


def test_a_default_session_that_the_brokers_do_not_allow_becomes_kafkas_own_and_a_chosen_one_stays() -> None:
    section = kafka(group_protocol="classic")
    assert terms.first(section) == CLASSIC
    longer = terms.after(CLASSIC, TermsRefusal.SESSION, section)
    assert longer == Terms(GroupProtocol.CLASSIC, terms.KAFKAS_SESSION)
    assert terms.after(longer, TermsRefusal.SESSION, section) is None
    chosen = kafka(**{"session.timeout.ms": "2000"})
    assert terms.after(terms.first(chosen), TermsRefusal.SESSION, chosen) is None


def test_who_chose_a_session_a_heartbeat_or_static_members_keeps_what_they_had() -> None:
    for name, value in (("session.timeout.ms", "30000"), ("heartbeat.interval.ms", "9000"), ("group.instance.id", "a")):
        assert terms.first(kafka(**{name: value})) == Terms(GroupProtocol.CLASSIC, None)


def test_a_proof_is_good_for_the_session_and_never_longer() -> None:
    assert terms.trust(CLASSIC, kafka(group_protocol="classic")) == terms.SESSION
    chosen = kafka(**{"session.timeout.ms": "6000"})
    assert terms.trust(terms.first(chosen), chosen) == 6.0
    static = kafka(**{"group.instance.id": "a"})
    assert terms.trust(terms.first(static), static) == terms.KAFKAS_SESSION


@pytest.mark.parametrize("written", ["6000", " 6000", "+6000", "6000ms", "0x1770", "013560", "4294973296"])
def test_a_session_is_what_the_client_makes_of_the_text(written: str) -> None:
    chosen = kafka(**{"session.timeout.ms": written})
    assert terms.trust(terms.first(chosen), chosen) == 6.0


def test_under_the_consumer_protocol_a_proof_ends_before_a_session_that_began_two_heartbeats_earlier() -> None:
    assert terms.trust_of(6.0, 1.0) == 4.0
    assert terms.trust_of(3.0, 0.5) == 2.0


def test_however_long_the_brokers_session_nothing_is_sent_for_more_than_ten_seconds_without_a_commit() -> None:
    assert terms.trust_of(45.0, 5.0) == terms.LONGEST_TRUST == 10.0
    section = kafka(group_protocol="consumer")
    assert terms.trust(terms.first(section), section) == 10.0
