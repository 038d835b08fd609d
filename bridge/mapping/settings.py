"""The settings of the mapping as they hold for one topic, compiled."""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Final, Literal

from bridge.config.fingerprint import ENGINE_VERSION
from bridge.config.keys.values import ValueSpec
from bridge.config.mapping_section import MappingConfig, RestOfRecord, TopicOverrides, Unwanted
from bridge.config.named_files import content_of
from bridge.config.topics import topic_patterns
from bridge.config.topics.topic_patterns import TopicPattern
from bridge.decode.decoders import DECODERS
from bridge.decode.elements import ITSELF
from bridge.decode.keys import KeyReader, key_reader
from bridge.decode.layers import missing_package
from bridge.decode.protobuf import row as protobuf
from bridge.decode.protocol import NO_SCHEMAS, Decoder, FormatSettings, Schemas
from bridge.errors import InvalidError
from bridge.mapping.destination import Destination
from bridge.mapping.expressions.expression import ENVELOPE_SETTINGS
from bridge.mapping.expressions.paths import Path, covers, parse_path
from bridge.mapping.expressions.readers import ValueReader
from bridge.mapping.expressions.values import Condition
from bridge.mapping.findings import Findings


@dataclass(frozen=True, slots=True)
class Settings:
    """What all routes share on one topic."""

    decoder: Decoder
    format: FormatSettings
    """How the decoder, and whatever is around it, reads this topic's records."""
    unwraps: bool
    """Whether headers are unwrapped as values are."""
    key_reader: KeyReader
    event_type: ValueReader
    user_id: ValueReader
    occurred_at: ValueReader
    event_id: ValueReader
    when: Condition | None
    max_age: float | None
    """Seconds."""
    on_unmapped: Unwanted
    on_expired: Unwanted
    on_untyped: Unwanted
    on_no_user: Unwanted
    on_identify_rejected: RestOfRecord
    stringify: bool
    metadata_limit: int
    """Bytes of the encoded metadata."""
    never_send: tuple[Path, ...]
    common_metadata: Mapping[str, ValueReader | Literal[False]]
    tombstones_forget: bool = False
    """Whether a record without a value is about a user whom the bridge may have identified by itself."""


@dataclass(frozen=True, slots=True)
class MappedTopicSettings:
    """The settings of every topic there may be."""

    base: Settings
    by_name: Mapping[str, Settings]
    by_pattern: tuple[tuple[TopicPattern, Settings], ...]
    """The more specific first."""

    def of(self, topic: str) -> Settings:
        """The exact name wins, then the pattern with the longest literal beginning."""
        found = self.by_name.get(topic)
        if found is not None:
            return found
        for pattern, settings in self.by_pattern:
            if pattern.matches(topic):
                return settings
        return self.base

    @property
    def descriptor_sets(self) -> tuple[bytes | None, ...]:
        """What the files hold that Protobuf values are read by, of each of the settings."""
        settings = [self.base, *self.by_name.values(), *(each for _, each in self.by_pattern)]
        return tuple(each.format.descriptor_set for each in settings)


_AS_USUAL: Final = Destination()
_NO_CYCLES: Final[Mapping[str, frozenset[str]]] = {
    "event_type": ENVELOPE_SETTINGS,
    "occurred_at": ENVELOPE_SETTINGS - {"type", "event_type"},
    "event_id": frozenset({"id", "event_id"}),
}
"""Which fields of the envelope a setting must not read, because they are read from it."""


_OF_THE_FORMAT: Final = ("logical_types", "layers", "unwrap", "key", "each", "descriptor_set_file", "message_type")
"""Keys of the mapping that say how bytes are read, by the names that `FormatSettings` has, too."""


def compile_settings(
    config: MappingConfig,
    findings: Findings,
    schemas: Schemas = NO_SCHEMAS,
    destination: Destination = _AS_USUAL,
) -> MappedTopicSettings:
    """Compiles `mapping` and its `per_topic`."""
    given = _format(FormatSettings(), {name: getattr(config, name) for name in _OF_THE_FORMAT}, "mapping", findings)
    base = Settings(
        decoder=DECODERS[config.decode],
        format=given,
        unwraps=given.unwrap != "none",
        key_reader=key_reader(given, schemas, DECODERS),
        event_type=_envelope("event_type", config.event_type, "mapping", findings),
        user_id=findings.value(config.user_id, "mapping.user_id", "user_id"),
        occurred_at=_envelope("occurred_at", config.occurred_at, "mapping", findings),
        event_id=_envelope("event_id", config.event_id, "mapping", findings),
        when=findings.condition(config.when, "mapping.when"),
        max_age=config.max_age,
        on_unmapped=config.on_unmapped,
        on_expired=config.on_expired,
        on_untyped=config.on_untyped,
        on_no_user=config.on_no_user,
        on_identify_rejected=config.on_identify_rejected,
        stringify=config.stringify,
        metadata_limit=config.metadata_limit,
        never_send=_never_send(config.never_send, "mapping", findings),
        common_metadata=_common(config.common_metadata, "mapping", findings),
        tombstones_forget=destination.identifies_unknown,
    )
    _check_reachable(base, "mapping", findings)
    by_name: dict[str, Settings] = {}
    by_pattern: list[tuple[TopicPattern, Settings]] = []
    for name, overrides in config.per_topic.items():
        where = f"mapping.per_topic.{name}"
        settings = _overridden(base, overrides, where, findings, schemas)
        _check_reachable(settings, where, findings)
        if topic_patterns.is_pattern(name):
            pattern = findings.topic_pattern(name, where)
            if pattern is not None:
                by_pattern.append((pattern, settings))
        else:
            by_name[name] = settings
    by_pattern.sort(key=lambda entry: pattern_rank(entry[0].text))
    return MappedTopicSettings(base, by_name, tuple(by_pattern))


def way_apart(settings: Settings) -> int:
    """The way in which a topic's records are taken apart, see `Elements.way`: what makes another list changes it."""
    given = asdict(settings.format)
    del given["key"]  # is beside the value
    given["descriptor_set"] = hashlib.sha256(settings.format.descriptor_set or b"").hexdigest()
    decode = next((name for name, row in DECODERS.items() if row is settings.decoder), "")
    return zlib.crc32(repr((ENGINE_VERSION, decode, sorted(given.items()))).encode())


def pattern_rank(pattern: str) -> tuple[int, int, str]:
    """Sorts the patterns of `per_topic`, the one that wins first.

    Never the place in the file: tools that rewrite YAML, Helm among them, sort its keys.
    """
    beginning = re.match(r"\^((?:\\[^\w]|[\w-])*)", pattern)
    literal = beginning[1].replace("\\", "") if beginning else ""
    if beginning and pattern[beginning.end() : beginning.end() + 1] in {"*", "?", "+", "{"}:
        literal = literal[:-1]
    return -len(literal), -len(pattern), pattern


def _format(base: FormatSettings, given: Mapping[str, Any], where: str, findings: Findings) -> FormatSettings:
    """How bytes are read."""
    changed = dict(given)
    if "layers" in changed and (missing := missing_package(changed["layers"])) is not None:
        findings.add(f"{where}.layers", missing)
    if "each" in changed:
        each = changed["each"]
        path = () if each is None or each == ITSELF else parse_path(each)
        if path is None:
            findings.add(f"{where}.each", f"{each!r} is no path such as data.records, nor @ for the value itself")
        changed["each_path"] = path or ()
    if changed.pop("descriptor_set_file", None) is not None:
        changed["descriptor_set"] = _content(given["descriptor_set_file"], f"{where}.descriptor_set_file", findings)
    format_ = replace(base, **changed)
    if format_.descriptor_set is not None and ("descriptor_set" in changed or "message_type" in changed):
        # A set that serves no record is found here, and not by dead letters.
        problem = protobuf.problem_of(format_.descriptor_set, format_.message_type)
        if problem is not None:
            key, why = problem
            findings.add(f"{where if key in given else 'mapping'}.{key}", why)
    return format_


def _content(file: Any, where: str, findings: Findings) -> bytes | None:
    try:
        return content_of(file)
    except InvalidError as problem:
        findings.add(where, str(problem))
        return None


_PLAIN: Final = (
    "on_unmapped", "on_expired", "on_untyped", "on_no_user", "on_identify_rejected", "stringify", "metadata_limit",
)  # fmt: skip
"""Settings that are what is written for them."""


def _overridden(
    base: Settings, overrides: TopicOverrides, where: str, findings: Findings, schemas: Schemas
) -> Settings:
    """The base with what was written for some topics in its place. `never_send` can only grow."""
    changed: dict[str, Any] = {
        name: getattr(overrides, name) for name in _PLAIN if getattr(overrides, name) is not None
    }
    if overrides.decode is not None:
        changed["decoder"] = DECODERS[overrides.decode]
    formats: dict[str, Any] = {
        name: getattr(overrides, name) for name in _OF_THE_FORMAT if name in overrides.model_fields_set
    }
    written = {name: each for name, each in formats.items() if each is not None or name == "each"}
    if written:
        changed["format"] = _format(base.format, written, where, findings)
        changed["unwraps"] = changed["format"].unwrap != "none"
        changed["key_reader"] = key_reader(changed["format"], schemas, DECODERS)
    for name in ("event_type", "occurred_at", "event_id"):
        spec = getattr(overrides, name)
        if spec is not None:
            changed[name] = _envelope(name, spec, where, findings)
    if overrides.user_id is not None:
        changed["user_id"] = findings.value(overrides.user_id, f"{where}.user_id", "user_id")
    if "when" in overrides.model_fields_set:  # a null that is written lifts the condition
        changed["when"] = findings.condition(overrides.when, f"{where}.when")
    if "max_age" in overrides.model_fields_set:
        changed["max_age"] = overrides.max_age
    if overrides.never_send is not None:
        changed["never_send"] = base.never_send + _never_send(overrides.never_send, where, findings)
    if overrides.common_metadata is not None:
        more = _common(overrides.common_metadata, where, findings)
        changed["common_metadata"] = {**base.common_metadata, **more}
    return replace(base, **changed)


def _envelope(name: str, spec: ValueSpec, where: str, findings: Findings) -> ValueReader:
    reader = findings.value(spec, f"{where}.{name}", name)
    circular = sorted(reader.envelope & _NO_CYCLES[name])
    if circular:
        findings.add(
            f"{where}.{name}", f"reads envelope:{circular[0]}, which is defined by the settings of the mapping itself"
        )
    return reader


def _never_send(texts: tuple[str, ...], where: str, findings: Findings) -> tuple[Path, ...]:
    paths = []
    for place, text in enumerate(texts):
        path = parse_path(text)
        if path is not None:
            paths.append(path)
        else:
            findings.add(
                f"{where}.never_send[{place}]",
                f"{text!r} is not a path such as data.customer.email; arrays on the way need no brackets",
            )
    return tuple(paths)


def _common(
    specs: Mapping[str, ValueSpec | Literal[False]], where: str, findings: Findings
) -> dict[str, ValueReader | Literal[False]]:
    """Compiles `common_metadata`."""
    common: dict[str, ValueReader | Literal[False]] = {}
    for key, spec in specs.items():
        place = f"{where}.common_metadata.{key}"
        findings.metadata_key(key, place)
        common[key] = False if spec is False else findings.value(spec, place, f"metadata.{key}")
    return common


def _check_reachable(settings: Settings, where: str, findings: Findings) -> None:
    """Without these two nothing could ever be sent, which nobody means."""
    for name, reader in (("event_type", settings.event_type), ("user_id", settings.user_id)):
        path = reader.path
        if path is None:
            continue
        if reader.uses_value and any(covers(forbidden, path) for forbidden in settings.never_send):
            findings.add(f"{where}.never_send", f"takes out {reader.text}, which {name} reads: nothing could be sent")
