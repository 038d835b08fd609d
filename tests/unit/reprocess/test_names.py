"""Selectors that name what does not exist, told from those that nothing failed for."""

from __future__ import annotations

from typing import Any

from bridge.config.mapping_section import MappingConfig
from bridge.config.topics.consumed_topics import ConsumedTopics
from bridge.config.topics.topic_patterns import Reading
from bridge.formats.letters import parse
from bridge.mapping.compile import CompiledMapping, compile_mapping
from bridge.reprocess.reading.ledger import UNTOUCHED
from bridge.reprocess.reading.names import UnknownName, refusals, unknown
from bridge.reprocess.reading.selection import LetterEntry, Selection, parse_origin
from tests.support.reprocess.letters import connect, letter, value_of
from tests.support.service.settings import MAPPING

MADE = compile_mapping(MappingConfig.model_validate(MAPPING))
assert isinstance(MADE, CompiledMapping)
PRESENT: CompiledMapping = MADE
TOPICS = ("orders", "^shop[.]")
PARTITIONS = {"orders": 4, "shop.eu": 2, "other": 9}
ENTRIES = [
    LetterEntry(parse(each.record(place)), UNTOUCHED)
    for place, each in enumerate(
        [letter(1, partition=3), letter(2, topic="gone", value=value_of("u-1", kind="order.renamed")), connect(3)]
    )
]


def refused(**selectors: Any) -> list[str]:
    return refusals(asked(**selectors), ENTRIES)


def asked(**selectors: Any) -> list[UnknownName]:
    origins = tuple(map(parse_origin, selectors.pop("origins", ())))
    given: dict[str, Any] = {name: frozenset(found) for name, found in selectors.items()}
    return unknown(Selection(origins=origins, **given), PRESENT, ConsumedTopics(TOPICS, Reading.SEARCHED), PARTITIONS)


def test_names_of_the_program_the_mapping_and_the_configuration_need_no_letter() -> None:
    hashes = {route.hash for route in PRESENT.routes}
    assert asked(reasons={"expired", "unauthorized"}) == []
    assert asked(routes={"order.completed", "page.viewed"}) == []
    assert asked(route_hashes=hashes) == []
    assert asked(types={"gift.ordered"}) == []
    assert asked(origins=["orders", "orders:3:5-9", "shop.eu:1"]) == []


def test_names_that_only_letters_have_exist_too() -> None:
    assert refused(reasons={"org.apache.kafka.connect.errors.DataException"}) == []
    assert refused(types={"order.renamed"}) == []
    assert refused(origins=["gone", "gone:0:1-2"]) == []


def test_a_name_nothing_has_is_refused_beside_others_that_exist_and_what_exists_is_said() -> None:
    assert refused(types={"order.complete", "order.completed"}) == [
        "--type: there is no order.complete. There are: gift.ordered, order.completed, order.renamed, page.viewed."
    ]
    assert refused(origins=["orders:4", "orders"]) == [
        "--origin: there is no orders:4. There are: gone, gone:0, orders, orders:0, orders:3."
    ]
    assert refused(origins=["shop.us"])[0].startswith("--origin: there is no shop.us. ")
    assert refused(route_hashes={"000000000000"})[0].startswith("--route-hash: there is no 000000000000. There are: ")


def test_a_user_or_a_condition_is_no_name() -> None:
    assert refused(users={"nobody"}) == []


def test_what_exists_is_said_in_bounds() -> None:
    (reasons,) = asked(reasons={"x"})
    reasons.exists |= {f"reason-{n:04}" for n in range(5_000)}
    (sentence,) = refusals([reasons], ENTRIES)
    assert sentence.endswith(" more.")
    assert len(sentence) < 600
