"""Topics whose Protobuf values may be any of several messages: a bridge says so when it starts, not by dead letters."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from bridge.config.keys.problems import Problem
from bridge.config.mapping_section import MappingConfig
from bridge.decode.decoders import DECODERS
from bridge.decode.protobuf import row as protobuf
from bridge.mapping.mapper import CompiledMapping
from bridge.text.amounts import listed


def unnamed_messages(config: MappingConfig, mapping: CompiledMapping, topics: Iterable[str]) -> Iterator[Problem]:
    """One warning for each descriptor set that leaves open which message a value is.

    `topics` are names: which topics a pattern matches, and so which settings hold, is known later.
    """
    of_topics = [own.descriptor_set_file for own in config.per_topic.values()]
    if not any([config.descriptor_set_file, *of_topics]):
        return  # no plan of a topic is made that was not needed yet
    without_name: defaultdict[bytes, list[str]] = defaultdict(list)
    for topic in sorted(topics):
        settings = mapping.topic(topic).settings
        given = settings.format
        if settings.decoder is DECODERS["protobuf"] and given.descriptor_set and given.message_type is None:
            without_name[given.descriptor_set].append(topic)
    for content, those in without_name.items():
        declared = protobuf.candidates(content)
        if declared is not None:
            yield Problem(
                "mapping.message_type",
                f"is not set for {listed(those)}, and the last file of descriptor_set_file declares {declared}: values"
                " without a registry's framing do not say which of these they are, and become dead letters",
            )
