"""One dead letter: what is known of it, what came, and what was sent beside what would be sent now."""

from __future__ import annotations

from typing import Any, Final

from starlette.responses import Response

from bridge.console.forms import PageRefusedError
from bridge.console.page import ConsolePage, Visit
from bridge.console.pages.letters import desk_of
from bridge.mapping.review.comparison import key_changes
from bridge.model import Failed, Filtered, Forget, Request
from bridge.pipeline.letter_breaker import common_form
from bridge.reprocess.reading import contents
from bridge.reprocess.reading.selection import LetterEntry
from bridge.reprocess.showing import letter as showing

_MOST: Final = 20
"""Letters of one record that are shown: its elements may be many."""


async def show(visit: Visit) -> Response:
    """The page."""
    desk = desk_of(visit)
    name = visit.query.get("id", "").strip()
    if not name:
        raise PageRefusedError(400, "Which dead letter? Its id is PARTITION:OFFSET, or TOPIC/PARTITION/OFFSET.")
    found = await desk.letter(name)
    return visit.render(
        {
            "name": name,
            "letters": [_told(visit, entry) for entry in found[:_MOST]],
            "left_out": max(0, len(found) - _MOST),
            "may_see_values": visit.may_see_values,
        }
    )


def _told(visit: Visit, entry: LetterEntry) -> dict[str, Any]:
    desk = desk_of(visit)
    mapping, hidden = desk.mapping, desk.hidden
    letter = entry.letter
    record = contents.current(letter, entry.standing)
    legible = contents.legible(mapping, letter.record(), letter.value)
    facts = showing.facts(entry, mapping, hidden, legible.text)
    common = {"id": str(letter.place), "is_open": entry.standing.state.is_open}
    if visit.may_see_values:
        now = [] if record is None else showing.now_lines(entry, record, mapping, hidden)
        return {
            **common,
            "facts": facts,
            "came": showing.came_lines(entry, mapping, hidden),
            "now": now or ["nothing: no legible header says which topic it came from"],
            "changes": None,
        }
    told = [(title, common_form(text) if title in {"reason", "replays"} else text) for title, text in facts]
    return {**common, "facts": told, "came": None, "now": None, "changes": _changes(visit, entry)}


def _changes(visit: Visit, entry: LetterEntry) -> list[str]:
    """What would be sent now, told without any value."""
    mapping = desk_of(visit).mapping
    letter = entry.letter
    record = contents.current(letter, entry.standing)
    if record is None:
        return ["nothing: no legible header says which topic it came from"]
    mapped = showing.mapped(entry, record, mapping)
    lines: list[str] = []
    for _, outcome in mapped.outcomes:
        match outcome:
            case Request() if letter.request is not None:
                changed = [f"{key}: {how}" for key, how in key_changes(letter.request.encode(), outcome.body)]
                lines += changed or ["the same request, byte for byte"]
            case Request():
                lines.append(f"{outcome.route.name}, for the first time or unlike what was sent")
            case Failed():
                lines.append(f"nothing: it would be a dead letter again ({outcome.reason.value}): {outcome.message}")
            case Filtered():
                lines.append(f"nothing: the mapping filters it ({outcome.reason.value})")
            case Forget():
                lines.append("nothing: the mapping forgets its user")
    return lines or [f"nothing: {mapped.why_not or 'the mapping no longer makes this event from its record'}"]


PAGE: Final = ConsolePage("letter", "Dead letter", "/letter", show, under="letters", is_by_mapping=True)
