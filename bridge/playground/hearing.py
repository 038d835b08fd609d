"""What of the bridge's log is worth a line on the playground's terminal."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from bridge.text.amounts import span
from bridge.text.printable import cut, printable

_LONGEST: Final = 200
_MOST: Final = 200_000
"""Bytes of a log that are read at a time."""


def _place(event: Mapping[str, Any]) -> str:
    return f"{event.get('topic')}/{event.get('partition')}/{event.get('offset')}"


REFUSED: Final = "configuration_refused"

SAYS: Final[Mapping[str, Callable[[Mapping[str, Any]], str]]] = {
    "dead_letter": lambda event: f"Dead letter: {_place(event)}, {event.get('reason')}: {event.get('detail') or ''}",
    "outage_began": lambda event: f"The bridge waits: the API does not answer as it should ({event.get('detail')}).",
    "outage_ended": lambda event: f"The API answers again, after {span(float(event.get('seconds') or 0))}.",
    "asked_to_wait": lambda event: f"The API asked to wait {span(float(event.get('seconds') or 0))}.",
    "held": lambda event: f"Held: {event.get('topic') or 'everything'}, {event.get('reason')}: {event.get('message')}",
    "released": lambda event: f"Released: {event.get('topic') or 'everything'}.",
    "operator_held": lambda event: f"Held by hand: {event.get('topic')} ({event.get('reason')}).",
    "operator_released": lambda event: f"Released by hand: {event.get('topic')}.",
    "configuration_reloaded": lambda event: f"The changed mapping works (mapping {event.get('mapping')}).",
    REFUSED: lambda event: f"Refused, what ran runs on: {_problems(event)}",
    "configuration_fixed": lambda _: "The file is right again.",
}
"""Event and sentence."""


def _problems(event: Mapping[str, Any]) -> str:
    found = event.get("problems")
    return "; ".join(map(str, found)) if isinstance(found, list) else str(found or event.get("message"))


class Ear:
    """Reads a log as it grows."""

    def __init__(self, log: Path, own: Path | None = None) -> None:
        """`own`: the file that somebody edits, where the bridge has a copy of it."""
        self._log = log
        self._own = own
        self._read = 0

    def new(self) -> Iterator[str]:
        """Sentences for what came since the last call."""
        try:
            with self._log.open("rb") as file:
                file.seek(self._read)
                content = file.read(_MOST)
        except FileNotFoundError:
            return
        whole = content[: content.rfind(b"\n") + 1] or (content if len(content) == _MOST else b"")
        self._read += len(whole)
        for line in whole.splitlines():
            said = sentence(line, self._own)
            if said is not None:
                yield said


def sentence(line: bytes, own: Path | None = None) -> str | None:
    """Of one log line; None: it is not worth one. What is refused is of `own`, where there is one."""
    try:
        event = json.loads(line)
    except ValueError:
        return None
    if not isinstance(event, dict) or event.get("reason") == "held_by_operator":  # who did it is said by another line
        return None
    if own is not None and event.get("event") == REFUSED:
        return cut(printable(f"Refused, what ran runs on: {own}: {_problems(event)}"), _LONGEST)
    say = SAYS.get(str(event.get("event")))
    return None if say is None else cut(printable(say(event)), _LONGEST)
