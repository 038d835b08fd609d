"""Which file is taken over while the bridge runs, and when: whole or not at all, and not before it is complete."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bridge.config import load
from bridge.config.sections import Config
from bridge.counts import Tally
from bridge.decode.protocol import NO_SCHEMAS
from bridge.holds import Reason
from bridge.mapping.compile import CompiledMapping, compile_mapping
from bridge.model import Filtered, FilterReason, Record, Request, TopicPartition
from bridge.ops.log.events import Events
from bridge.ops.snapshot import PartitionHold, TopicHold
from bridge.service.event_log import ServiceEventLog
from bridge.service.orders.control import Control, Reach
from bridge.service.reload import swap as swap_module
from bridge.service.reload import trying_examples
from bridge.service.reload.candidate import (
    ConfigurationFile,
    FoundConfiguration,
    Judgement,
    RefusedFile,
    UnchangedFile,
    judge,
)
from bridge.service.reload.looks import AGAIN, FileLooks
from bridge.service.reload.swap import MappingSwap
from bridge.service.reload.trying_examples import problems_of
from bridge.service.time import SystemClock
from bridge.service.watches.working import WorkingConfiguration, number_of
from tests.support.waiting import patience

Sections = dict[str, Any]


def base() -> Sections:
    return {
        "kafka": {"bootstrap_servers": "k:1", "group_id": "g", "topics": ["orders"]},
        "track": {"endpoint": "https://api.example", "api_key": "NX-of-the-tests"},
        "dead_letter": {"topic": "dlq"},
        "mapping": {"events": {"a": {"event_name": "A"}}},
    }


class Running:
    """A process that was started with a file, and the file as it is now."""

    def __init__(self, path: Path, **sections: Any) -> None:
        self.path = path / "bridge.yaml"
        self.sections = base() | sections
        self.write(self.sections)
        self.config = self._loaded()
        compiled = compile_mapping(self.config.mapping)
        assert isinstance(compiled, CompiledMapping)
        self.mapping = compiled

    def _loaded(self) -> Config:
        loaded = load.read(self.path, {})
        assert loaded.config is not None, loaded.problems
        return loaded.config

    def write(self, sections: Sections) -> None:
        self.path.write_text(yaml.safe_dump(sections), encoding="utf-8")

    def judged(self) -> Judgement:
        return judge(ConfigurationFile(self.path, {}), self.config, self.mapping, NO_SCHEMAS)

    def of(self, **sections: Any) -> Judgement:
        self.write(self.sections | sections)
        return self.judged()

    def refused(self, **sections: Any) -> list[str]:
        found = self.of(**sections)
        assert isinstance(found, RefusedFile), found
        return [each.where for each in found.problems]


# --- what of a file is taken over -----------------------------------------------------------------------


def test_the_same_file_is_nothing_new_and_neither_is_the_same_in_other_words(tmp_path: Path) -> None:
    running = Running(tmp_path)
    assert isinstance(running.judged(), UnchangedFile)
    running.path.write_text("# a comment\n" + running.path.read_text(encoding="utf-8"), encoding="utf-8")
    assert isinstance(running.judged(), UnchangedFile)


def test_another_mapping_is_taken_over_and_other_examples_map_nothing_otherwise(tmp_path: Path) -> None:
    running = Running(tmp_path)
    found = running.of(mapping={"events": {"b": {"event_name": "B"}}})
    assert isinstance(found, FoundConfiguration)
    assert found.maps_otherwise
    assert [route.name for route in found.mapping.routes] == ["b"]

    example = {"name": "x", "input": {"type": "none"}, "expect": {"dropped": "unmapped"}}
    found = running.of(mapping={**running.sections["mapping"], "examples": [example]})
    assert isinstance(found, FoundConfiguration)
    assert not found.maps_otherwise


@pytest.mark.parametrize(
    ("section", "changed", "key"),
    [
        ("kafka", {"topics": ["orders", "more"]}, "kafka.topics"),
        ("kafka", {"properties": {"client.rack": "b"}}, "kafka.properties.client.rack"),
        ("track", {"api_key": "NX-another-key"}, "track.api_key"),
        ("track", {"auth": {"recheck": "3s"}}, "track.auth.recheck"),
        ("delivery", {"rate_limit": "1/s"}, "delivery.rate_limit"),
        ("dead_letter", {"redact": ["data.email", "key"]}, "dead_letter.redact"),
        ("observability", {"log_level": "debug"}, "observability.log_level"),
        ("schema_registry", {"urls": ["http://r:1"]}, "schema_registry"),
        ("reload", {"watch": True}, "reload.watch"),
    ],
)
def test_every_other_key_that_changed_is_refused_by_its_name_and_never_by_its_value(
    tmp_path: Path, section: str, changed: Sections, key: str
) -> None:
    running = Running(tmp_path)
    found = running.of(**{section: {**running.sections.get(section, {}), **changed}}, mapping={"events": {"b": "drop"}})
    assert isinstance(found, RefusedFile)
    assert [each.where for each in found.problems] == [key]
    assert found.hash is not None
    assert "NX-" not in str(found.problems[0])


def test_a_section_that_was_left_out_is_named_and_what_the_console_reads_is_its_own(tmp_path: Path) -> None:
    running = Running(tmp_path, schema_registry={"urls": ["http://r:1"]})
    running.sections.pop("schema_registry")
    assert running.refused() == ["schema_registry"]
    running.sections["schema_registry"] = {"urls": ["http://r:1"]}
    assert isinstance(running.of(console={"show_values": True}), UnchangedFile)


def test_all_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    running = Running(tmp_path)
    wrong = {"events": {"a": {"event_name": "A", "when": "data.n >"}, "b": {"event_name": "B", "user_id": "}{"}}}
    kafka = {**running.sections["kafka"], "refresh": "9s"}
    assert sorted(running.refused(mapping=wrong, kafka=kafka)) == [
        "kafka.refresh",
        "mapping.events.a.when",
        "mapping.events.b.user_id",
    ]
    assert sorted(running.refused(mapping={"events": {"a": {"evnt": 1}}}, kafka=kafka)) == [
        "kafka.refresh",
        "mapping.events.a.evnt",
    ]


@pytest.mark.parametrize("text", ["", "mapping: {", "kafka: 1\n", "\0"])
def test_what_is_no_configuration_is_refused(tmp_path: Path, text: str) -> None:
    running = Running(tmp_path)
    running.path.write_text(text, encoding="utf-8")
    found = running.judged()
    assert isinstance(found, RefusedFile)
    assert found.problems
    assert found.hash is None
    running.path.unlink()
    assert isinstance(running.judged(), RefusedFile)


def test_the_first_request_of_a_user_needs_a_restart_unless_the_file_was_watched_from_the_start(tmp_path: Path) -> None:
    """Else these requests would have no rate limit: a start makes their budget only where there can be any."""
    identify = {"events": {"a": [{"identify": True}, {"event_name": "A"}]}}
    assert Running(tmp_path).refused(mapping=identify) == ["mapping.events"]
    running = Running(tmp_path, reload={"watch": True})
    assert isinstance(running.of(mapping=identify), FoundConfiguration)


def test_an_example_that_does_not_hold_refuses_and_nothing_of_it_is_repeated(tmp_path: Path) -> None:
    example = {"name": "an order", "input": {"type": "a", "data": {"secret": "s3cret"}}, "expect": {"dropped": "rule"}}
    found = Running(tmp_path).of(mapping={"events": {"a": {"event_name": "B"}}, "examples": [example]})
    assert isinstance(found, FoundConfiguration)
    (problem,) = asyncio.run(problems_of(found.trial, found.config.mapping.examples, None))
    assert problem.where == "mapping.examples[0]"
    assert "'an order' does not hold" in problem.message
    assert "s3cret" not in problem.message
    assert not found.mapping.absent_keys, "the mapping that works has seen none of the examples"
    refused = found.refused([problem])
    assert refused.problems == (problem,)


# --- when it is read --------------------------------------------------------------------------------------


def test_a_file_is_judged_once_it_was_the_same_twice_and_not_again_before_it_changes() -> None:
    looks = FileLooks("running")
    assert not looks.is_due("running", 0)
    assert not looks.is_due("half", 3)
    assert not looks.is_due("whole", 6)
    assert looks.is_due("whole", 9)
    looks.decided("whole", 9, is_refused=False)
    assert not any(looks.is_due("whole", 12.0 + n) for n in range(1000))


def test_a_refused_file_is_judged_again_after_a_while_because_what_it_names_may_be_there() -> None:
    looks = FileLooks("running")
    looks.decided("wrong", 0, is_refused=True)
    assert not looks.is_due("wrong", AGAIN - 1)
    assert looks.is_due("wrong", AGAIN)
    looks.decided("wrong", AGAIN, is_refused=True)
    assert not looks.is_due("wrong", AGAIN + 1)


@given(st.lists(st.sampled_from("abc"), min_size=2))
def test_what_is_judged_was_there_at_the_look_before(seen: list[str]) -> None:
    looks, before = FileLooks("a"), "a"
    for now, stamp in enumerate(seen):
        if looks.is_due(stamp, now):
            assert stamp == before
            looks.decided(stamp, now, is_refused=False)
        before = stamp


def test_a_stamp_follows_the_files_that_the_mapping_names_and_knows_of_one_that_is_gone(tmp_path: Path) -> None:
    file, beside = tmp_path / "bridge.yaml", tmp_path / "shop.desc"
    file.write_text("a", encoding="utf-8")
    found = [ConfigurationFile(file, {}).stamp([beside])]
    for content in ("1", "2"):
        beside.write_text(content, encoding="utf-8")
        found.append(ConfigurationFile(file, {}).stamp([beside]))
    assert len(set(found)) == 3


# --- when it works ------------------------------------------------------------------------------------------


class _Elsewhere:
    """All that is told of a mapping, and is not asked for here."""

    def __getattr__(self, _name: str) -> Any:
        return self

    def __call__(self, *_: Any) -> None: ...


class _AwayClient:
    """A poll thread that is replacing its client."""

    started = True

    def __init__(self) -> None:
        self.dones: list[Callable[[], None]] = []

    def map_by(self, _mapping: int, _filter: Any, done: Callable[[], None]) -> None:
        self.dones.append(done)


class _NothingHeld:
    async def try_again(self) -> list[str]:
        return []


class _Told:
    def __init__(self) -> None:
        self.waits: asyncio.Queue[tuple[int, int]] = asyncio.Queue()

    def configuration_waits(self, *, mapping: int, before: int) -> None:
        self.waits.put_nowait((mapping, before))


async def test_a_mapping_that_no_client_takes_over_yet_is_told_once_and_works_as_soon_as_one_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(swap_module, "PATIENCE", 0.01)
    running = Running(tmp_path)
    found = running.of(mapping={"events": {"b": {"event_name": "B"}}})
    assert isinstance(found, FoundConfiguration)
    working, away, told = WorkingConfiguration(running.config, running.mapping), _AwayClient(), _Told()
    other, before = _Elsewhere(), working.number
    parts: list[Any] = [working, away, other, None, other, _NothingHeld(), told]
    swap = asyncio.create_task(MappingSwap(*parts).apply(found))
    async with patience("it is told that the swap waits", within=10):
        assert await told.waits.get() == (number_of(found.config), before)
    assert working.number == before
    (done,) = away.dones
    done()
    async with patience("the swap ends", within=10):
        await swap
    assert working.number == number_of(found.config)
    assert told.waits.empty()


async def test_a_mapping_that_is_waited_for_when_the_process_stops_is_not_taken_over_any_more(tmp_path: Path) -> None:
    running = Running(tmp_path)
    found = running.of(mapping={"events": {"b": {"event_name": "B"}}})
    assert isinstance(found, FoundConfiguration)
    working, away, told = WorkingConfiguration(running.config, running.mapping), _AwayClient(), _Told()
    other, before = _Elsewhere(), working.number
    parts: list[Any] = [working, away, other, None, other, _NothingHeld(), told]
    swap = asyncio.create_task(MappingSwap(*parts).apply(found))
    while not away.dones:
        await asyncio.sleep(0)
    swap.cancel()
    await asyncio.gather(swap, return_exceptions=True)
    away.dones[0]()
    assert working.number == before


class _OrderedSource:
    """Carries out at once what is ordered, and takes it down."""

    def __init__(self) -> None:
        self.ordered: list[tuple[Any, ...]] = []

    def try_again(self, partitions: Any, topic: str, done: Callable[[Any], None], *, start_over: bool) -> None:
        self.ordered.append((topic, list(partitions), start_over))
        done({})


async def test_what_is_held_for_letters_of_the_mapping_before_is_tried_again_which_lifts_no_operators_hold() -> None:
    """`Source.release` is what an operator asks for; nothing here has it."""
    event_log = ServiceEventLog(Events(logging.getLogger("tests.reload"), time.monotonic), SystemClock(), 50)  # type: ignore[arg-type]
    event_log.topic_holds["orders"] = TopicHold("orders", 0.0, "too many")
    event_log.partition_holds[TopicPartition("gifts", 1)] = PartitionHold(Reason.DEAD_LETTERS_UNWRITABLE, 0.0, "large")
    source = _OrderedSource()
    there = [TopicPartition(topic, number) for topic in ("orders", "gifts", "views") for number in (0, 1)]
    reach: list[Any] = [source, lambda: there, dict, list, event_log, None, 1.0]
    assert await Control(Reach(*reach)).try_again() == ["orders", "gifts"]
    assert source.ordered == [("orders", there[:2], True), ("gifts", [there[3]], False)]


# --- what is counted goes on --------------------------------------------------------------------------------


def compiled(config: Config, **events: Any) -> tuple[Config, CompiledMapping]:
    section = config.mapping.model_validate({"user_id": "data.user", "events": events})
    found = compile_mapping(section)
    assert isinstance(found, CompiledMapping)
    return config.model_copy(update={"mapping": section}), found


def test_routes_and_metadata_keys_keep_their_counts_under_any_number_of_mappings(tmp_path: Path) -> None:
    start = Running(tmp_path).config
    keys = {"event_name": "A", "metadata": {"n": "data.n"}}
    config, mapping = compiled(start, a=keys, b={"event_name": "B"})
    working, tally = WorkingConfiguration(config, mapping), Tally()
    record = Record("orders", 0, 0, None, None, b'{"type":"a","data":{"user":"u"}}', ())
    for version in range(5):
        (outcome,) = working.mapping.map(record, 0.0)
        assert isinstance(outcome, Request)
        tally.route(outcome.route).delivered += 1
        late = working.mapping
        others = {} if version % 2 else {f"of_{version}": {"event_name": "C"}}
        working.take_over(*compiled(start, a={**keys, "event_name": f"A{version}"}, **others))
        tally.gather()
        late.map(record, 0.0)  # an element of a record that the one before took apart
    routes = working.routes(tally)
    assert routes["a"].delivered == 5
    assert list(routes)[:1] == ["a"]
    assert {"b", "of_0", "of_2", "of_4"} <= set(routes)
    assert len(tally.routes) == 1
    (count,) = working.key_counts().values()
    assert (count.events, count.absent) == (10, 10)
    assert working.reloads == 5
    assert working.number not in working.former


def test_what_was_filtered_is_counted_on_in_a_bounded_number_of_places() -> None:
    tally = Tally()
    for mapping in range(3):
        for kind in range(1500):
            found = Filtered(FilterReason.UNMAPPED, event_type=f"t-{mapping}-{kind}")
            tally.filtered_records[found] = 1 + 5 * (kind == 7)
        tally.filtered_records[Filtered(FilterReason.RULE)] = 10
        tally.gather()
    assert tally.filtered_by_reason() == {FilterReason.UNMAPPED: 4515, FilterReason.RULE: 30}
    assert len(tally.filtered_records) <= 1002
    assert dict(tally.unmapped_types(4))["t-0-7"] == 6


class Registry:
    """Answers for some schemas at once, and for the others never."""

    def __init__(self, *known: str) -> None:
        self.known = known
        self.wanted: list[str] = []

    def want(self, reference: str, heard: Callable[[], None]) -> Callable[[], None]:
        self.wanted.append(reference)
        if reference in self.known:
            heard()
        return lambda: self.wanted.remove(reference)


@pytest.mark.parametrize(("known", "in_time"), [(("id:1", "id:2"), "yes"), (("id:1",), "no")])
async def test_schemas_of_examples_are_waited_for_in_bounds_and_wanted_no_more_afterwards(
    known: tuple[str, ...],
    in_time: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(trying_examples, "PATIENCE", 0.05)
    registry = Registry(*known)
    found = await trying_examples._look_up({"id:1", "id:2"}, registry)  # type: ignore[arg-type]
    assert found is (in_time == "yes")
    assert registry.wanted == []
