"""The mapping that a proposal means, as a file has it once it is read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final

from bridge.mapping import globs
from bridge.proposal.choices import Proposal, ProposedRoute, ProposedTopic
from bridge.proposal.fields import percent
from bridge.proposal.metadata import sent

NO_ROUTE: Final = "example.event"
"""Stands where nothing was found to make a route of: a mapping has one at least."""
_DEFAULTS: Final[Mapping[str, Any]] = {
    "decode": "auto", "layers": [], "unwrap": "none", "each": None, "key": "text",
    "on_no_user": "dead_letter", "on_untyped": "dead_letter",
}  # fmt: skip


def base_of(proposal: Proposal) -> ProposedTopic | None:
    """The topic whose settings are those of the mapping: the one with most events."""
    return min(proposal.topics, key=lambda each: (-len(each.topic.documents), each.topic.name), default=None)


def settings_of(proposed: ProposedTopic, descriptor_set_file: str | None = None) -> dict[str, Any]:
    """All settings of a topic."""
    found = proposed.topic.format
    protobuf = found.decode == "protobuf" and found.descriptor_set is not None
    form = {
        "decode": found.decode,
        **({"descriptor_set_file": descriptor_set_file} if protobuf and descriptor_set_file else {}),
        **({"message_type": found.message_type} if protobuf and found.message_type else {}),
        "layers": list(found.layers),
        "unwrap": found.unwrap,
        "each": found.each,
        "key": found.key,
    }
    if not proposed.topic.documents:
        return form  # of events that were never seen nothing is known
    return {
        **form,
        "event_type": proposed.event_type.spec,
        "user_id": proposed.user_id.spec,
        "occurred_at": proposed.occurred_at.spec,
        "event_id": proposed.event_id.spec,
        "on_untyped": "drop" if proposed.drops_untyped else "dead_letter",
        "on_no_user": "drop" if proposed.drops_userless else "dead_letter",
    }


def written(settings: Mapping[str, Any], base: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Those that have to be written: over `base`, or over what holds where nothing is."""
    over = _DEFAULTS if base is None else base
    return {key: value for key, value in settings.items() if key not in over or over[key] != value}


def drops_of(proposal: Proposal) -> dict[str, str]:
    """Settings that drop what lacks something, by their place in the file, each with why that is meant so."""
    base = base_of(proposal)
    found: dict[str, str] = {}
    if base is None:
        return found
    for each in sorted(proposal.topics, key=lambda topic: topic is not base):
        own = written(settings_of(each), None if each is base else settings_of(base))
        where = "mapping" if each is base else f"mapping.per_topic.{each.topic.name}"
        for key, what, setting in (("on_no_user", "user", each.user_id), ("on_untyped", "type", each.event_type)):
            if own.get(key) == "drop":
                without = len(each.topic.documents) - round(setting.share * len(each.topic.documents))
                lacking = percent(without, len(each.topic.documents))
                found[f"{where}.{key}"] = f"{lacking} of the sampled events have no {what}, so that is normal"
    return found


def rules_of(proposal: Proposal) -> dict[str, list[tuple[ProposedRoute, tuple[str, ...]]]]:
    """The routes of each key with the topics that each is limited to; dropped types have one without a name."""
    by_key: defaultdict[str, list[tuple[ProposedRoute, str]]] = defaultdict(list)
    for proposed in proposal.topics:
        for route in proposed.routes:
            by_key[route.event_type].append((route, proposed.topic.name))
    several = len(proposal.topics) > 1
    out: dict[str, list[tuple[ProposedRoute, tuple[str, ...]]]] = {}
    for key, found in by_key.items():
        sending = [(route, topic) for route, topic in found if route.event_name]
        limited = several and (len(found) > 1 or globs.is_glob(key))
        out[key] = [(route, (topic,) if limited else ()) for route, topic in sending] or [(found[0][0], ())]
    return out


def events_of(rules: Mapping[str, Sequence[tuple[ProposedRoute, tuple[str, ...]]]]) -> dict[str, Any]:
    """As the file has them."""
    events: dict[str, Any] = {}
    for key, routes in rules.items():
        made = [_route(route, topics) for route, topics in routes if route.event_name]
        events[key] = "drop" if not made else made[0] if len(made) == 1 else made
    return events or {NO_ROUTE: {"event_name": "Example Event"}}


def _route(route: ProposedRoute, topics: tuple[str, ...]) -> dict[str, Any]:
    keys = sent(route.keys)
    return {
        "event_name": route.event_name,
        **({"topics": list(topics)} if topics else {}),
        **({"metadata": keys} if keys else {}),
    }


def mapping_of(proposal: Proposal, descriptor_set_file: str | None = None) -> dict[str, Any]:
    """The whole section, without examples."""
    base = base_of(proposal)
    if base is None:
        return {"events": events_of({})}
    own = settings_of(base, descriptor_set_file)
    per_topic = {
        proposed.topic.name: over
        for proposed in proposal.topics
        if proposed is not base and (over := written(settings_of(proposed, descriptor_set_file), own))
    }
    return {**written(own), **({"per_topic": per_topic} if per_topic else {}), "events": events_of(rules_of(proposal))}
