"""The file as it is now, judged: what of it can be taken over, or everything that is wrong with it at once.

Reads, compiles and may take a second: for a thread beside the loop.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bridge.config import load
from bridge.config.fingerprint import configuration_hash
from bridge.config.keys.problems import Problem
from bridge.config.load import Loaded
from bridge.config.mapping_section import MappingConfig
from bridge.config.reading.differences import changed_keys
from bridge.config.sections import Config
from bridge.config.topics.consumed_topics import topics_of
from bridge.decode.protocol import Schemas
from bridge.mapping.compile import CompiledMapping, compile_mapping
from bridge.mapping.destination import destination_of
from bridge.mapping.review.unnamed_messages import unnamed_messages
from bridge.service.settings import delivery_settings

OF_OTHERS: Final = frozenset({"console", "lint"})
"""Sections that other programs read."""
TAKEN_OVER: Final = "mapping"
"""The section that a running bridge takes over."""


@dataclass(frozen=True, slots=True)
class ConfigurationFile:
    """Where the process has its configuration from."""

    path: Path
    environ: Mapping[str, str] = field(repr=False)

    def stamp(self, beside: Iterable[Path]) -> str:
        """Stands for what the file and those beside it hold, also where one of them is not there."""
        found = hashlib.sha256()
        for path in (self.path, *beside):
            found.update(_content(path))
        return found.hexdigest()


@dataclass(frozen=True, slots=True)
class Unsettled:
    """It changed while it was read: somebody writes it."""


@dataclass(frozen=True, slots=True)
class RefusedFile:
    """All of it is refused, for all of these."""

    problems: tuple[Problem, ...]
    stamp: str
    hash: str | None = None
    """Of the configuration that it holds; None where it holds none."""
    beside: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class UnchangedFile:
    """What it holds is what the process works by."""

    stamp: str


@dataclass(frozen=True, slots=True, eq=False)
class FoundConfiguration:
    """Can be taken over, if its examples hold."""

    config: Config
    mapping: CompiledMapping
    trial: CompiledMapping
    """The same once more, for the examples: what a mapping learns and counts is of the records that it maps."""
    warnings: tuple[Problem, ...]
    stamp: str
    maps_otherwise: bool
    """Whether more than the examples changed."""

    def refused(self, problems: Iterable[Problem]) -> RefusedFile:
        """It cannot, after all."""
        return RefusedFile(tuple(problems), self.stamp, configuration_hash(self.config), beside(self.config.mapping))


Judgement = FoundConfiguration | RefusedFile | UnchangedFile | Unsettled


def beside(mapping: MappingConfig) -> tuple[Path, ...]:
    """The files that the mapping names."""
    named = [mapping.descriptor_set_file, *(each.descriptor_set_file for each in mapping.per_topic.values())]
    return tuple(dict.fromkeys(each for each in named if each is not None))


def judge(file: ConfigurationFile, running: Config, compiled: CompiledMapping, schemas: Schemas) -> Judgement:
    """What to do with the file, beside a process that works by `running` and `compiled`."""
    before = file.stamp(beside(running.mapping))
    loaded = load.read(file.path, file.environ)
    named = () if loaded.mapping is None else beside(loaded.mapping)
    stamp = file.stamp(named)
    problems = list(loaded.problems)
    found: CompiledMapping | tuple[Problem, ...] = ()
    if loaded.mapping is not None:
        found = compile_mapping(loaded.mapping, schemas, destination=destination_of(running.track))
        problems += loaded.located(found) if isinstance(found, tuple) else ()
    problems += loaded.located(_needs_restart(running, loaded))
    if loaded.config is not None:
        problems += loaded.located(_needs_other_budgets(running, loaded.config))
    if before != file.stamp(beside(running.mapping)) or stamp != file.stamp(named):
        return Unsettled()
    config = loaded.config
    if problems or config is None or isinstance(found, tuple):
        return RefusedFile(tuple(problems), stamp, None if config is None else configuration_hash(config), named)
    same_bytes = found.descriptor_sets == compiled.descriptor_sets
    if config.mapping == running.mapping and same_bytes:
        return UnchangedFile(stamp)
    trial = compile_mapping(config.mapping, schemas, destination=destination_of(running.track))
    if isinstance(trial, tuple):
        return Unsettled()
    unnamed = unnamed_messages(config.mapping, trial, topics_of(config.kafka).names)
    without_examples = {"examples": ()}
    return FoundConfiguration(
        config=config,
        mapping=found,
        trial=trial,
        warnings=(*loaded.warnings, *unnamed),
        stamp=stamp,
        maps_otherwise=not same_bytes
        or config.mapping.model_copy(update=without_examples) != running.mapping.model_copy(update=without_examples),
    )


def _needs_restart(running: Config, found: Loaded) -> Iterable[Problem]:
    """Keys that a process reads at its start only, one problem each; of sections that are right by themselves."""
    for name in Config.model_fields:
        after = found.sections.get(name)
        if name in {TAKEN_OVER, *OF_OTHERS} or (after is None and found.config is None):
            continue  # one that is wrong has a problem of its own
        for key in changed_keys(getattr(running, name), after, name):
            yield Problem(
                key,
                "is not what the running bridge was started with, and is read at a start only: restart the bridge, or "
                "set it back",
            )


def _needs_other_budgets(running: Config, found: Config) -> Iterable[Problem]:
    if delivery_settings(running).users_rate_limit != delivery_settings(found).users_rate_limit and (
        (running.delivery, running.track, running.reload) == (found.delivery, found.track, found.reload)
    ):
        yield Problem(
            "mapping.events",
            "has the first route that makes identify or company requests, or has none of these any more, and their "
            "rate budget is made at a start only: restart the bridge. With reload.watch: true a start makes it "
            "whatever the routes are",
        )


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return hashlib.sha256(file.read()).digest()
    except (OSError, ValueError) as error:
        return f"unreadable {getattr(error, 'errno', '')}".encode()
