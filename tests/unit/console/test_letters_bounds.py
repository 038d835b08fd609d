"""However large dead letters are, the console holds no more of them than it may."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from logging import getLogger
from typing import Any, cast

import pytest

from bridge.config.sections import Config
from bridge.console.forms import PageRefusedError
from bridge.console.letters.desk import ConsoleLetters
from bridge.console.letters.wanted import search
from bridge.kafka.letters.letter_log import LetterLog
from bridge.mapping.compile import compile_mapping
from bridge.mapping.mapper import CompiledMapping
from bridge.model import Record, TopicPartition
from bridge.reprocess.replay.plan import ReplayRules
from tests.support.console.running import ConsoleSetting, some_letters
from tests.support.reprocess.letters import letter
from tests.support.reprocess.log_in_memory import LogInMemory

GROUP = "userpilot-bridge"


def desk(config: Config, log: LogInMemory, most_bytes: int) -> ConsoleLetters:
    mapping = compile_mapping(config.mapping)
    assert isinstance(mapping, CompiledMapping)
    opened = cast("LetterLog", log)
    return ConsoleLetters(config, mapping, getLogger("test"), lambda _config, _logger: opened, most_bytes=most_bytes)


def test_more_than_fits_is_refused_with_what_to_do(setting: ConsoleSetting) -> None:
    log = LogInMemory()
    log.write(*(letter(number, group=GROUP, value=b"{}" + b" " * 50_000) for number in range(4)))
    bounded = desk(setting.config, log, most_bytes=120_000)
    for act in (bounded.chosen, bounded.exported, lambda found: bounded.plan(found, ReplayRules())):
        with pytest.raises(PageRefusedError, match=r"more than 0\.12 MB, which is too much at once: narrow") as refused:
            asyncio.run(act(search({}, GROUP)))
        assert refused.value.status == 413
    entries, _ = asyncio.run(bounded.chosen(search({"id": "0:1 0:2"}, GROUP)))
    assert len(entries) == 2


@dataclass
class CountedLog(LogInMemory):
    """Counts who reads at once."""

    reading: int = 0
    most: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def read(
        self, wanted: Mapping[TopicPartition, range], progress: Any = lambda _count: None
    ) -> Iterator[list[Record]]:
        with self.lock:
            self.reading += 1
            self.most = max(self.most, self.reading)
        threading.Event().wait(0.05)  # others would come meanwhile
        yield from super().read(wanted, progress)
        with self.lock:
            self.reading -= 1


def test_whole_dead_letters_are_read_for_one_at_a_time(setting: ConsoleSetting) -> None:
    log = CountedLog()
    log.write(*(letter(number, group=GROUP) for number in range(3)))
    shared = desk(setting.config, log, most_bytes=1_000_000)

    async def all_at_once() -> None:
        found = search({}, GROUP)
        await asyncio.gather(
            *(shared.chosen(found) for _ in range(3)), shared.exported(found), shared.plan(found, ReplayRules())
        )

    asyncio.run(shared.chosen(search({}, GROUP)))
    alone, log.most = log.most, 0
    shared = desk(setting.config, log, most_bytes=1_000_000)
    asyncio.run(all_at_once())
    assert log.most == alone


def test_an_export_is_made_line_by_line(setting: ConsoleSetting) -> None:
    lines = asyncio.run(desk(setting.config, some_letters(), 1_000_000).exported(search({}, GROUP)))
    assert next(lines).endswith(b"}\n")
    assert len(list(lines)) == 2
