"""A proposal in a few lines for the terminal; the file says more of each."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import wrap
from typing import Any, Final

from bridge.cli.frame import output
from bridge.proposal.choices import Proposal, ProposedRoute, ProposedTopic
from bridge.proposal.pace import BUDGET, sentences
from bridge.text.amounts import plural, thousands
from bridge.text.printable import printable

_ROUTES: Final = 12


def show(proposal: Proposal) -> None:
    """For a person, in lines no longer than the terminal is wide."""
    width = output.prose_width()
    for each in proposal.topics:
        output.line(f"{printable(each.topic.name)}: {plural(each.topic.records, 'record')}", "bold")
        for label, text in _rows(each):
            lines = wrap(printable(text), max(20, width - 12), break_long_words=False, break_on_hyphens=False) or [""]
            output.line(f"  {label:<8}  {lines[0]}")
            output.lines(f"{'':12}{line}" for line in lines[1:])
        output.line()
    for sentence in sentences(proposal.traffic):
        output.lines(wrap(sentence, max(30, width)))
    output.line()


def _rows(each: ProposedTopic) -> Iterator[tuple[str, str]]:
    topic = each.topic
    yield "format", _format(each)
    for why, number in sorted(topic.unreadable.items(), key=lambda item: (-item[1], item[0]))[:3]:
        yield "", f"{thousands(number)} cannot be read: {why}"
    if without := topic.without_event:
        yield "", without
    if topic.missing_schemas:
        yield "", f"not known: {', '.join(topic.missing_schemas[:5])} (--registry URL, or --schema ID=FILE)"
    if not topic.documents:
        yield "events", "none: nothing can be learnt from this topic yet"
        return
    yield "type", f"{each.event_type.text} ({each.event_type.evidence})"
    yield "user", f"{each.user_id.text} ({each.user_id.evidence})"
    yield "time", f"{each.occurred_at.text} ({each.occurred_at.evidence})"
    yield "id", f"{each.event_id.text} ({each.event_id.evidence})"
    for number, route in enumerate(each.routes[:_ROUTES]):
        label = "events" if number == 0 else ""
        keys = sum(key.why_not is None for key in route.keys)
        became = (
            f"{route.event_name}, {plural(keys, 'metadata key')}" if route.event_name else f"dropped: {route.remark}"
        )
        yield label, f"{route.event_type} ({thousands(route.events)}): {became}"
    if len(each.routes) > _ROUTES:
        yield "", f"and {len(each.routes) - _ROUTES} more"
    yield from (("note", remark) for remark in each.remarks)


def _format(each: ProposedTopic) -> str:
    found = each.topic.format
    keys = [f"unwrap: {found.unwrap}"] if found.unwrap != "none" else []
    keys += [f"each: {found.each}"] if found.each else []
    keys += [f"key: {found.key}"] if found.key != "text" else []
    return ", ".join([each.topic.evidence, *keys])


def document(proposal: Proposal) -> dict[str, Any]:
    """For a script."""
    traffic = proposal.traffic
    return {
        "topics": [
            {
                "topic": each.topic.name,
                "records": each.topic.records,
                "events": len(each.topic.documents),
                "format": {"what": each.topic.evidence, **_keys(each)},
                "unreadable": dict(each.topic.unreadable),
                "missing_schemas": list(each.topic.missing_schemas),
                **{
                    name: {"value": setting.spec, "evidence": setting.evidence, "certain": setting.is_certain}
                    for name, setting in (
                        ("event_type", each.event_type),
                        ("user_id", each.user_id),
                        ("occurred_at", each.occurred_at),
                        ("event_id", each.event_id),
                    )
                },
                "routes": [_route(route) for route in each.routes],
                "remarks": list(each.remarks),
            }
            for each in proposal.topics
        ],
        "traffic": {
            "requests": traffic.requests,
            "users": traffic.users,
            "per_minute": None if traffic.per_minute is None else round(traffic.per_minute, 2),
            "budget_per_minute": BUDGET,
        },
    }


def _keys(each: ProposedTopic) -> dict[str, Any]:
    found = each.topic.format
    return {
        "decode": found.decode,
        "layers": list(found.layers),
        "unwrap": found.unwrap,
        "each": found.each,
        "key": found.key,
    }


def _route(route: ProposedRoute) -> dict[str, Any]:
    return {
        "type": route.event_type,
        "event_name": route.event_name or None,
        "events": route.events,
        "metadata": {key.key: key.spec for key in route.keys if key.why_not is None},
        "not_sent": {key.key: key.why_not for key in route.keys if key.why_not is not None},
    }
