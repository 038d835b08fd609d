"""Which step of its record a dead letter is of, in a line and for scripts."""

from __future__ import annotations

from typing import Any

from bridge.formats.letters import Letter
from bridge.mapping.mapper import CompiledMapping
from bridge.model import output_of
from bridge.reprocess.reading import contents
from bridge.reprocess.reading.selection import LetterEntry
from bridge.reprocess.replay.mapped_letter import kinds_before
from bridge.text.amounts import plural


def short(letter: Letter) -> str:
    """``identify 1/2``; empty for a track event that is no step."""
    kind = letter.request_kind or ""
    if letter.step is None:
        return "" if kind == "track" else kind
    return f"{kind} {letter.step.number + 1}/{letter.step.of}".strip()


def sentence(entry: LetterEntry, mapping: CompiledMapping) -> str:
    """``2 of 3: company; done before: identify; …``; empty where there are no several."""
    letter = entry.letter
    step = letter.step
    if step is None:
        return ""
    parts = [f"{step.number + 1} of {step.of}{_what(letter)}"]
    if step.number:
        before = _before(entry, mapping)
        parts.append(f"done before: {', '.join(before) if before else plural(step.number, 'step')}")
    behind = step.of - step.number - 1
    if behind:
        parts.append(f"{plural(behind, 'step')} behind it {'sent' if step.rest_sent else 'left with it'}")
    since = _accepted_since(entry)
    if since:
        parts.append(f"accepted since, in a replay: {', '.join(f'step {number}' for number in since)}")
    return "; ".join(parts)


def document(entry: LetterEntry, mapping: CompiledMapping) -> dict[str, Any] | None:
    """The same for scripts; steps are numbered from 1."""
    step = entry.letter.step
    if step is None:
        return None
    return {
        "number": step.number + 1,
        "of": step.of,
        "rest": "sent" if step.rest_sent else "open",
        "automatic": step.automatic,
        "done_before": list(_before(entry, mapping)),
        "accepted_since": _accepted_since(entry),
    }


def _what(letter: Letter) -> str:
    if letter.step is not None and letter.step.automatic:
        return ": the identify that the bridge sends before a user's first event; the event was not sent"
    return f": {letter.request_kind}" if letter.request_kind else ""


def _before(entry: LetterEntry, mapping: CompiledMapping) -> tuple[str, ...]:
    """As the present mapping has them: a dead letter holds their number only."""
    record = contents.current(entry.letter, entry.standing)
    return () if record is None else kinds_before(entry.letter, record, mapping)


def _accepted_since(entry: LetterEntry) -> list[int]:
    """Steps that a replay of it brought through."""
    letter, standing = entry
    if letter.step is None:
        return []
    between = 1 if letter.element is None else output_of(0, 1)
    return [letter.step.number + 1 + (number - letter.output) // between for number in standing.delivered]
