"""Somebody's own configuration and records in place of the shop's."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bridge import commands
from bridge.config import environment, load
from bridge.config.sections import Config
from bridge.config.topics import topic_patterns
from bridge.config.topics.consumed_topics import topics_of
from bridge.errors import Misuse
from bridge.inputs import records, sources
from bridge.inputs.records import Form
from bridge.mapping.compile import compile_mapping
from bridge.mapping.destination import destination_of
from bridge.mapping.mapper import CompiledMapping
from bridge.mapping.review.examples import example_record, run_examples
from bridge.registry.commands import CommandMapping, open_schemas
from bridge.sandbox.sample import SampleRecord
from bridge.text.amounts import listed, plural

PARTITIONS: Final = 4


@dataclass(frozen=True, slots=True)
class OwnConfiguration:
    """One without problems, and its mapping."""

    path: Path
    config: Config
    mapping: CompiledMapping

    def check_examples(self) -> None:
        """A bridge refuses a change whose examples do not hold. Raises `Misuse` with those, none of their values."""
        results = run_examples(self.mapping, self.config.mapping.examples)
        failed = [result.name for result in results if not result.passed]
        if failed:
            test = f"{commands.invocation().program} test -c {shlex.quote(str(self.path))}"
            raise Misuse(
                f"{self.path}: {plural(len(failed), 'example')} of the mapping"
                f" {'does' if len(failed) == 1 else 'do'} not hold ({listed(failed)}). Change what is expected there,"
                f" too; `{test}` shows the differences."
            )


def configuration(path: Path) -> OwnConfiguration:
    """What is in the file. The API key may be missing, endpoint and key may be variables that are not set.

    Raises `Misuse` with all that is wrong.
    """
    loaded = load.read(path, environment.variables(), needs_key=False, reaches_api=False)
    problems = loaded.problems
    if loaded.config is not None and not problems:
        schemas = open_schemas(None, loaded.config.schema_registry)
        mapping = compile_mapping(
            loaded.config.mapping, schemas, CommandMapping, destination=destination_of(loaded.config.track)
        )
        if isinstance(mapping, CompiledMapping):
            return OwnConfiguration(path, loaded.config, mapping)
        problems = loaded.located(mapping)
    of_keys = [f"  {problem}" for problem in problems if problem.where != str(path)]
    of_the_file = [str(problem) for problem in problems if problem.where == str(path)]
    raise Misuse("\n".join([*of_the_file, *([f"{path}:"] if of_keys else []), *of_keys]))


def samples(files: Sequence[str], topic: str | None, config: Config) -> list[SampleRecord]:
    """The records of the files. Raises `Misuse` where they cannot be read, none is there, or no topic is theirs."""
    named = [each for each in config.kafka.topics if not topic_patterns.is_pattern(each)]
    into = topic or (named[0] if named else None)
    if topic is not None and not topics_of(config.kafka).takes(topic):
        raise Misuse(
            f"--topic: the bridge would not read {topic}: kafka.topics has {listed(config.kafka.topics)}. Give one of"
            " these, or add it there."
        )
    found: list[SampleRecord] = []
    for file in files:
        if into is None:
            raise Misuse("--samples: kafka.topics has only patterns, so say which topic the records are of: --topic.")
        of_file = [
            SampleRecord(record.topic, record.key, record.value, tuple(record.headers))
            for record in records.read(file, Form.VALUES, into)
        ]
        if not of_file:
            raise Misuse(f"--samples: {sources.name(file)} has no record; give a file with one JSON document a line.")
        found += of_file
    return found


def to_post(found: Sequence[SampleRecord], config: Config) -> SampleRecord | None:
    """One to try with: the first of the samples, else the first example's."""
    if found:
        return found[0]
    for example in config.mapping.examples:
        record = example_record(example)
        return SampleRecord(record.topic, record.key, record.value, tuple(record.headers))
    return None


def topics(config: Config, topic: str | None, found: Sequence[SampleRecord]) -> Mapping[str, int]:
    """All topics that there are, with their partitions."""
    named = [each for each in config.kafka.topics if not topic_patterns.is_pattern(each)]
    letters = config.dead_letter.topic
    own = dict.fromkeys([*named, *filter(None, [topic]), *(each.topic for each in found)], PARTITIONS)
    return {**own, letters: PARTITIONS, f"{letters}.resolutions": PARTITIONS}
