"""What a file of records comes to before anything of it is sent. Pure but for the records that it reads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from bridge.errors import Misuse
from bridge.model import TRACK, Failed, Filtered, Forget, Record, Request, SchemaNeeded
from bridge.reprocess.sending.file_sending import FileLine
from bridge.text.amounts import thousands

if TYPE_CHECKING:
    from bridge.config.sections import Delivery
    from bridge.mapping.mapper import CompiledMapping

_NAMED: Final = 3
"""Lines that are named of those with one fault."""


@dataclass(slots=True)
class RefusedLines:
    """Events that cannot become requests, for one reason."""

    count: int = 0
    lines: list[int] = field(default_factory=list)
    """The first of them."""


@dataclass(frozen=True, slots=True)
class FilePreview:
    """How many of what; nothing of what is in the records."""

    records: int
    kinds: Counter[str]
    """Requests by kind, see `model.RequestKind.name`."""
    events: Counter[str]
    """Requests by the event's name; of users and companies by kind."""
    users: int
    """Different ones, companies among them: each is a queue of its own."""
    left_out: int
    refused: dict[str, RefusedLines]
    """By the reason, as a sentence; the most frequent first."""

    @property
    def requests(self) -> int:
        """Of all kinds."""
        return self.kinds.total()

    @property
    def failures(self) -> int:
        """Events that cannot become a request."""
        return sum(each.count for each in self.refused.values())


def file_lines(
    found: Iterable[tuple[int, bytes, Record]],
    called: str,
    first: int | None,
    *,
    option: str = "--from-line",
    most: int | None = None,
) -> list[FileLine]:
    """The records of a file as they are sent, from line `first` on.

    Raises `Misuse` where there is none, or more than `most`; `option` is what says where to begin.
    """
    lines: list[FileLine] = []
    last = 0
    for number, text, record in found:
        last = number
        if number >= (first or 1):
            lines.append(FileLine(number, text.decode("utf-8", "backslashreplace"), record))
        if most is not None and len(lines) > most:
            raise Misuse(f"{called} has more than {thousands(most)} records, which is too much at once: split it.")
    if not last:
        raise Misuse(f"{called} is empty: there is no record to send.")
    if not lines:
        raise Misuse(f"{option} {first}: the last record of {called} is in line {last}.")
    return lines


def preview(mapping: CompiledMapping, lines: Sequence[FileLine], now: float) -> FilePreview:
    """What becomes of the lines under the mapping; ``now`` in Unix seconds."""
    kinds: Counter[str] = Counter()
    events: Counter[str] = Counter()
    refused: dict[str, RefusedLines] = {}
    users: set[str] = set()
    left_out = 0
    for line in lines:
        for outcome in mapping.map_all(line.record, now):
            match outcome:
                case Request():
                    kinds[outcome.kind.name] += 1
                    events[outcome.event_name if outcome.kind is TRACK else outcome.kind.name] += 1
                    users.add(outcome.user_id)
                case Filtered() | Forget():
                    left_out += 1
                case Failed():
                    _refuse(refused, f"{outcome.reason.value}: {outcome.message}", line.number)
                case SchemaNeeded():
                    _refuse(refused, f"its schema ({outcome.reference}) is not known here", line.number)
                case _:
                    raise AssertionError(outcome)
    ordered = dict(sorted(refused.items(), key=lambda item: -item[1].count))
    return FilePreview(len(lines), kinds, events, len(users), left_out, ordered)


def _refuse(refused: dict[str, RefusedLines], why: str, number: int) -> None:
    found = refused.setdefault(why, RefusedLines())
    found.count += 1
    if len(found.lines) < _NAMED and number not in found.lines:
        found.lines.append(number)


def seconds(found: FilePreview, delivery: Delivery, share: float) -> float | None:
    """How long the requests take with this share of the budget; None: nothing limits them."""
    events = found.kinds[TRACK.name]
    others = found.requests - events
    if delivery.shared_rate_limit:
        events, others = events + others, 0
    pairs = ((events, delivery.rate_limit), (others, delivery.identify_rate_limit))
    times = [count / (share * limit) for count, limit in pairs if count and limit is not None]
    return max(times, default=None)
