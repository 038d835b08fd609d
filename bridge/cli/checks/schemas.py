"""What `track-bridge check` asks the schema registry, and how the mapping looks beside the schemas of its topics."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from bridge.cli.checks import findings, registry_files
from bridge.cli.checks.findings import Area, Finding
from bridge.config import environment
from bridge.config.mapping_section import MappingConfig
from bridge.config.sections import Config, SchemaRegistry
from bridge.decode.protobuf.shape import shape_of_set
from bridge.decode.protocol import FormatSettings
from bridge.decode.shape.of_schema import shape_of
from bridge.decode.shape.shapes import Shape
from bridge.errors import Misuse
from bridge.exits import FindingKind
from bridge.mapping.mapper import CompiledMapping
from bridge.mapping.review.readings import overrides_of
from bridge.mapping.review.schema_fit import TopicSchema, misfits
from bridge.registry import questions
from bridge.registry.about import RegistryAbout
from bridge.registry.questions import NewestSchema, RegistryAnswers, RegistryTrouble
from bridge.text.amounts import listed, plural

_LANGUAGES = {"avro": "Avro", "protobuf": "Protobuf", "json": "JSON Schema"}
_READS = {"avro": {"avro"}, "protobuf": {"protobuf"}, "json": {"auto", "json", "cloudevents"}}
"""Which `decode` reads values of a schema in each language."""


def look(config: Config, mapping: CompiledMapping, topics: Collection[str], *, patience: float) -> list[Area]:
    """None where neither a registry nor a descriptor set is configured. `topics` are the consumed ones."""
    given = {topic: mapping.topic(topic).settings.format for topic in sorted(topics)}
    sets = {topic: shape for topic, form in given.items() if (shape := shape_of_set(form)) is not None}
    found: list[Finding] = []
    known: dict[str, TopicSchema] = {}
    for topic, shape in sets.items():
        if isinstance(shape, str) and _decode_of(config.mapping, topic) == "protobuf":
            to_do = "set message_type; without it only framed values say of which message they are"
            found.append(findings.warning(f"{topic}: {shape}.", to_do))
        else:
            found += _taken(known, topic, "descriptor_set_file", shape)
    if config.schema_registry is not None:
        asked = [topic for topic in given if topic not in sets]
        found += _of_registry(config.schema_registry, config.mapping, asked, given, known, patience)
    if not found and not known:
        return []
    return [Area("Schemas", [*found, *_fit(config.mapping, known, [topic for topic in given if topic not in known])])]


def _fit(mapping: MappingConfig, known: dict[str, TopicSchema], others: list[str]) -> Iterator[Finding]:
    if not known:
        return
    wrong = misfits(mapping, known, others)
    if not wrong:
        yield findings.ok(f"What the mapping reads is in the newest schemas of {listed(sorted(known))}.")
    yield from (findings.warning(each.what, each.to_do) for each in wrong)


def _of_registry(
    section: SchemaRegistry,
    mapping: MappingConfig,
    topics: list[str],
    given: dict[str, FormatSettings],
    known: dict[str, TopicSchema],
    patience: float,
) -> Iterator[Finding]:
    try:
        answers = questions.ask(section, environment.variables(), topics, patience=patience)
    except Misuse as refused:
        yield findings.problem(f"{refused}".rstrip(".") + ".", "correct schema_registry", FindingKind.CONFIGURATION)
        return
    yield from _addresses(section, answers)
    for topic, newest in answers.newest.items():
        yield from _newest(topic, newest, _decode_of(mapping, topic), given[topic], known)
    if answers.trouble is not None:
        yield _trouble(answers.trouble, section)


def _addresses(section: SchemaRegistry, answers: RegistryAnswers) -> Iterator[Finding]:
    """One that does not answer is no problem as long as another does: they are asked in turn."""
    some = any(isinstance(each, RegistryAbout) for each in answers.addresses)
    for each in answers.addresses:
        if isinstance(each, RegistryAbout):
            product = f"{each.product}" if each.product else "which does not say its version"
            yield findings.ok(f"The schema registry at {each.url} answers: {product}; {_login(section)}.")
        elif some:
            yield findings.warning(
                f"{each.sentence.rstrip('.')}. Another of schema_registry.urls does.", _to_do(each, section)
            )
        else:
            yield _trouble(each, section)


def _login(section: SchemaRegistry) -> str:
    if section.type == "glue":
        return "it takes the AWS credentials"
    for name in ("basic_auth", "bearer_token_file", "oauth"):
        if getattr(section, name) is not None:
            return f"it takes the login of schema_registry.{name}"
    return "it asks for no login"


def _trouble(trouble: RegistryTrouble, section: SchemaRegistry) -> Finding:
    return findings.problem(f"{trouble.sentence.rstrip('.')}.", _to_do(trouble, section), FindingKind.REGISTRY)


def _to_do(trouble: RegistryTrouble, section: SchemaRegistry) -> str:
    if trouble.is_login:
        file = registry_files.login_file(section)
        return f"check the credentials of schema_registry{f' ({file})' if file else ''} and what they may read"
    return "check schema_registry.urls and tls, that it runs, and that no firewall is in between"


def _newest(
    topic: str, newest: NewestSchema, decode: str, given: FormatSettings, known: dict[str, TopicSchema]
) -> Iterator[Finding]:
    if newest.schema is None or newest.reference is None:
        if decode in {"avro", "protobuf"}:
            yield findings.note(
                f"{topic}: {newest.why_not}, so its records cannot be compared with the mapping. Producers may name "
                f"subjects otherwise than {newest.subject}, which is the only one that is looked for."
            )
        return
    language = newest.schema.form
    if decode not in _READS[language]:
        needed = "json" if language == "json" else language
        yield findings.warning(
            f"{topic}: its newest schema ({newest.subject}) is {_LANGUAGES[language]}, and decode is {decode}.",
            f"set mapping.decode, or mapping.per_topic.{topic}.decode, to {needed} if its records are what it says",
        )
        return
    name = _named(newest.reference)
    yield from _taken(known, topic, f"{newest.subject}, {name}", shape_of(newest.schema, given))


def _named(reference: str) -> str:
    kind, _, key = reference.partition(":")
    return f"schema id {key}" if kind == "id" else reference


def _taken(known: dict[str, TopicSchema], topic: str, name: str, shape: Shape | str) -> Iterator[Finding]:
    if isinstance(shape, str):
        yield findings.note(f"{topic}: {shape}, so the mapping is not compared with it.")
        return
    known[topic] = TopicSchema(name, shape)
    members = f" ({plural(len(shape.names), 'member')})" if shape.names else ""
    yield findings.ok(f"{topic}: values are as {name} says{members}.")


def _decode_of(mapping: MappingConfig, topic: str) -> str:
    _, own = overrides_of(mapping, topic)
    return mapping.decode if own is None or own.decode is None else own.decode
