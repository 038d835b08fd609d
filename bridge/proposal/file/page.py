"""The text of ``bridge.yaml``: every key that was proposed, and above it what it is based on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bridge.proposal.choices import Proposal, ProposedRoute, ProposedTopic
from bridge.proposal.file.tree import base_of, drops_of, events_of, rules_of, settings_of, written
from bridge.proposal.file.yaml_text import block, comment, entry, flow, reference, scalar
from bridge.proposal.pace import sentences
from bridge.text.amounts import plural


@dataclass(frozen=True, slots=True)
class Connections:
    """What the file says besides the mapping. Texts may hold ``${NAME}``, which the file keeps."""

    topics: tuple[str, ...]
    bootstrap_servers: str = "${KAFKA_BOOTSTRAP_SERVERS:-localhost:9092}"
    group_id: str = "userpilot-bridge"
    start_from: str = "latest"
    properties: Mapping[str, str] = field(default_factory=dict, repr=False)
    registry: str | None = None
    endpoint: str = "${USERPILOT_ENDPOINT}"
    api_key_file: str | None = None
    descriptor_set_file: str | None = None


def text_of(
    proposal: Proposal, connections: Connections, examples: Sequence[Mapping[str, Any]], version: str = ""
) -> str:
    """The whole file."""
    lines: list[str] = []
    lines += comment(_head(proposal, version), 0)
    lines += ["", *_connections(connections), "", "mapping:"]
    lines += _mapping(proposal, connections.descriptor_set_file)
    if examples:
        lines += [
            "",
            *comment(["Records as the sampled ones are, with made-up values: `track-bridge test` runs them."], 2),
        ]
        lines.append("  examples:")
        for example in examples:
            lines += entry(dict(example), 4)
    lines += _ignored(proposal)
    return "\n".join(lines) + "\n"


def _head(proposal: Proposal, version: str) -> Iterator[str]:
    records = sum(each.topic.records for each in proposal.topics)
    by = f" {version}" if version else ""
    yield (
        f"Proposed by track-bridge init{by} from {plural(records, 'record')} of "
        f"{plural(len(proposal.topics), 'topic')}. It says of each key what that is based on; read it before anything "
        "is sent. Then: track-bridge check, track-bridge map --from-topic, track-bridge run."
    )
    yield from sentences(proposal.traffic)
    if any(not each.user_id.is_certain for each in proposal.topics):
        yield "LOOK AT user_id below: it is a guess."


def _connections(given: Connections) -> Iterator[str]:
    yield "kafka:"
    yield f"  bootstrap_servers: {reference(given.bootstrap_servers)}"
    yield f"  group_id: {scalar(given.group_id)}"
    yield from block("topics", list(given.topics), 2)
    yield from comment(["Where to start without a committed offset: latest is what is new, earliest all there is."], 2)
    yield f"  start_from: {scalar(given.start_from)}"
    if given.properties:
        yield from comment(["Secrets are read from the environment, never written here; NAME_file reads a file."], 2)
        yield "  properties:"
        for name, value in sorted(given.properties.items()):
            yield f"    {scalar(name)}: {reference(value) if value.startswith('${') else scalar(value)}"
    if given.registry is not None:
        yield from ["", "schema_registry:", f"  urls: [{flow(given.registry)}]"]
    yield from ["", "track:"]
    if given.endpoint.startswith("${"):
        yield from comment(["The host of your Userpilot environment, shown there under Environment."], 2)
    yield f"  endpoint: {reference(given.endpoint)}"
    if given.api_key_file is None:
        yield from comment(["Or api_key_file: the path of a file that holds the key."], 2)
        yield "  api_key: ${USERPILOT_API_KEY}"
    else:
        yield f"  api_key_file: {reference(given.api_key_file)}"
    yield from ["", "dead_letter:", f"  topic: {scalar(given.group_id + '.dlq')}"]
    yield from comment(["Created where it is missing, with TOPIC.resolutions beside it."], 2)
    yield "  create: true"


def _mapping(proposal: Proposal, descriptor_set_file: str | None) -> Iterator[str]:
    base = base_of(proposal)
    if base is None:
        yield from comment(["There was no record to learn from: this is only the shape of a mapping."], 2)
        yield from block("events", events_of({}), 2)
        return
    own = settings_of(base, descriptor_set_file)
    yield from _settings(base, written(own), 2)
    others = [each for each in proposal.topics if each is not base]
    over = {each.topic.name: written(settings_of(each, descriptor_set_file), own) for each in others}
    if any(over.values()):
        yield from ["", "  per_topic:"]
    for each in others:
        if over[each.topic.name]:
            yield f"    {scalar(each.topic.name)}:"
            yield from _settings(each, over[each.topic.name], 6)
    for each in others:
        if not over[each.topic.name]:
            yield from comment(_about(each), 2)
    yield from ["", "  events:"]
    yield from _events(proposal)


def _settings(proposed: ProposedTopic, settings: Mapping[str, Any], indent: int) -> Iterator[str]:
    evidence = {
        "event_type": f"What happened: {proposed.event_type.evidence}.",
        "user_id": f"To whom: {proposed.user_id.evidence}.",
        "occurred_at": f"When: {proposed.occurred_at.evidence}.",
        "event_id": f"Which event it is: {proposed.event_id.evidence}.",
        "on_no_user": "Not all of these records have a user: without this, each one is a dead letter.",
        "on_untyped": "Not all of these records have a type: without this, each one is a dead letter.",
        "each": "A record holds several events: each is one of its own.",
    }
    yield from comment(_about(proposed), indent)
    for key, value in settings.items():
        yield from comment([evidence[key]] if key in evidence else [], indent)
        yield from block(key, value, indent)


def _ignored(proposal: Proposal) -> Iterator[str]:
    """What lint would point at, and somebody who reads the file has been told."""
    drops = drops_of(proposal)
    if not drops:
        return
    yield ""
    yield from comment(["Without these `track-bridge test` points at what is dropped without a dead letter."], 0)
    yield from ["lint:", "  ignore:"]
    for where, reason in drops.items():
        yield f"    - {flow({'code': 'TB503', 'where': where, 'reason': reason})}"


def _about(proposed: ProposedTopic) -> Iterator[str]:
    topic = proposed.topic
    yield f"{topic.name}: {plural(topic.records, 'record')}, {topic.evidence}."
    if without := topic.without_event:
        yield f"{without}."
    for why, number in sorted(topic.unreadable.items(), key=lambda item: (-item[1], item[0]))[:3]:
        yield f"{plural(number, 'record')} cannot be read: {why}."
    if topic.missing_schemas:
        missing = ", ".join(topic.missing_schemas[:5])
        yield f"Schemas that are not known here: {missing}. Name schema_registry, or --schema."
    yield from (f"{remark}." for remark in proposed.remarks)


def _events(proposal: Proposal) -> Iterator[str]:
    rules = rules_of(proposal)
    if not rules:
        yield from comment(["There was no record to make a route of: this one only shows what a route is."], 4)
        for key, value in events_of({}).items():
            yield from block(key, value, 4)
        return
    for key, routes in rules.items():
        named = [(route, topics) for route, topics in routes if route.event_name]
        events = sum(route.events for route, _ in routes)
        said = f"{plural(events, 'event')}." if named else f"{plural(events, 'record')}: {routes[0][0].remark}."
        yield from comment([said], 4)
        if not named:
            yield f"    {scalar(key)}: drop"
            continue
        yield f"    {scalar(key)}:"
        for route, topics in named:
            lines = list(_route(route, topics, 8 if len(named) > 1 else 6))
            yield from (f"      - {lines[0].lstrip()}", *lines[1:]) if len(named) > 1 else lines


def _route(route: ProposedRoute, topics: tuple[str, ...], indent: int) -> Iterator[str]:
    margin = " " * indent
    yield f"{margin}event_name: {scalar(route.event_name)}"
    if topics:
        yield from block("topics", list(topics), indent)
    sent = [each for each in route.keys if each.why_not is None]
    if sent:
        yield f"{margin}metadata:"
    for each in sent:
        value = flow(each.spec) if isinstance(each.spec, dict) else scalar(each.spec)
        yield f"{margin}  {scalar(each.key)}: {value}  # {each.remark}"
    kept = [each for each in route.keys if each.why_not is not None]
    # Where no key is sent there is no `metadata:` to stand below: what is no comment must be YAML as it stands.
    margin, names = (f"{margin}  ", "") if sent else (margin, "  ")
    if kept:
        yield from comment(["Not sent, unless you take the # away:"], len(margin))
        yield from () if sent else (f"{margin}# metadata:",)
    for each in kept:
        value = flow(each.spec) if isinstance(each.spec, dict) else scalar(each.spec)
        yield f"{margin}# {names}{scalar(each.key)}: {value}  # {each.remark}"
