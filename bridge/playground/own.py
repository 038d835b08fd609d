"""Somebody's own configuration and records in place of the shop's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from bridge.config import environment, load
from bridge.config.sections import Config
from bridge.config.topics import topic_patterns
from bridge.errors import Misuse
from bridge.inputs import records
from bridge.inputs.records import Form
from bridge.mapping.compile import compile_mapping
from bridge.mapping.destination import destination_of
from bridge.mapping.mapper import CompiledMapping
from bridge.registry.commands import CommandMapping, open_schemas
from bridge.sandbox.sample import SampleRecord

PARTITIONS: Final = 4


def configuration(path: Path) -> Config:
    """What is in the file, without an API key where it has none. Raises `Misuse` with all that is wrong."""
    loaded = load.read(path, environment.variables(), needs_key=False)
    problems = [str(problem) for problem in loaded.problems]
    if loaded.config is not None and not problems:
        schemas = open_schemas(None, loaded.config.schema_registry)
        mapping = compile_mapping(
            loaded.config.mapping, schemas, CommandMapping, destination=destination_of(loaded.config.track)
        )
        if isinstance(mapping, CompiledMapping):
            return loaded.config
        problems = [str(problem) for problem in loaded.located(mapping)]
    raise Misuse("\n".join([f"{path}:", *(f"  {problem}" for problem in problems)]))


def samples(files: Iterable[str], topic: str | None, config: Config) -> list[SampleRecord]:
    """The records of the files. Raises `Misuse` where they cannot be read, or no topic is theirs."""
    named = [each for each in config.kafka.topics if not topic_patterns.is_pattern(each)]
    into = topic or (named[0] if named else None)
    found: list[SampleRecord] = []
    for file in files:
        if into is None:
            raise Misuse("--samples: kafka.topics has only patterns, so say which topic the records are of: --topic.")
        found += [
            SampleRecord(record.topic, record.key, record.value, tuple(record.headers))
            for record in records.read(file, Form.VALUES, into)
        ]
    return found


def topics(config: Config, topic: str | None, found: Sequence[SampleRecord]) -> Mapping[str, int]:
    """All topics that there are, with their partitions."""
    named = [each for each in config.kafka.topics if not topic_patterns.is_pattern(each)]
    letters = config.dead_letter.topic
    own = dict.fromkeys([*named, *filter(None, [topic]), *(each.topic for each in found)], PARTITIONS)
    return {**own, letters: PARTITIONS, f"{letters}.resolutions": PARTITIONS}
