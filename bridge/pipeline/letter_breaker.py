"""The dead-letter breaker: a renamed field must not empty a backlog into the dead-letter topic overnight.

After `hold_after` letters in a row from one topic, with nothing delivered from it in between, the next letter is not
produced. Mapping runs ahead of sending, so records that are mapped but not yet answered may still break the row:
while there are such, the letter waits for them; when there are none, the topic is held (`dispatch.letters`), and what
the letters of the row say is counted by its common form.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from bridge.model import DeadLetter, Record
from bridge.text.amounts import thousands
from bridge.text.printable import cut

_READ: Final = 400
"""Characters of a message that are looked at."""
_KEPT: Final = 200
"""Characters of a form."""
_REQUEST_ID: Final = re.compile(r" \(x-request-id [^)]*\)?")
_VARYING: Final = re.compile(
    r"""(?<!\w)'[^']*'(?!\w)|"[^"]*"|(?<![^\s'"])[^\s'"@]+@[^\s'"]+|(?<![\w.:+-])[\w.:+-]*\d[\w.:+-]*"""
)
"""Each alternative begins only where a word or a quotation does, or a long word would be looked at again and again."""
_TIMES: Final = "\N{MULTIPLICATION SIGN}"
_STATUS: Final = re.compile(r"answered $")
_WORDS: Final = frozenset({"utf-8", "base64", "sha-256", "sha256", "8601"})
_PATH: Final = re.compile(r"(?:[A-Za-z_]\w*)?(?:\.[A-Za-z_]\w*)+")
"""``data.address1``: where something is, and no value."""


@lru_cache(maxsize=4096)
def common_form(message: str) -> str:
    """The message without what differs from record to record: numbers, identifiers, addresses and quoted values.

    Paths of fields, and the status that the API answered, stay: they are what the message is about.
    """
    text = _VARYING.sub(_replaced, _REQUEST_ID.sub("", " ".join(message[:_READ].split())))
    return cut(text, _KEPT)


def together(counts: Mapping[str, int]) -> dict[str, int]:
    """Messages that differ only in what `common_form` leaves out are one; one that nothing is like stays whole."""
    like: defaultdict[str, list[str]] = defaultdict(list)
    for message in counts:
        like[common_form(message)].append(message)
    return {
        form if len(own) > 1 else own[0]: sum(counts[message] for message in own)
        for form, own in sorted(like.items(), key=lambda item: item[0])
    }


def _replaced(found: re.Match[str]) -> str:
    text = found[0]
    if text[0] in "'\"":
        return f"{text[0]}…{text[0]}"
    bare = text.rstrip(".:")
    if bare.lower() in _WORDS or _PATH.fullmatch(bare) or _STATUS.search(found.string, 0, found.start()):
        return text
    return f"#{text[len(bare) :]}"


class Likenesses:
    """How often each form came, of the commonest forms; of an endless number of forms the rarest are given up."""

    __slots__ = ("_counts", "_most", "_samples", "total")

    def __init__(self, most: int = 50) -> None:
        self._most = most
        self._counts: Counter[str] = Counter()
        self._samples: dict[str, str] = {}
        """By form: where the first of them is."""
        self.total = 0

    def __len__(self) -> int:
        return len(self._counts)

    def add(self, message: str, record: Record | None = None) -> None:
        """One more letter, of this record."""
        self.total += 1
        form = common_form(message)
        self._counts[form] += 1
        if form not in self._samples:
            self._samples[form] = "" if record is None else record.coordinates
        if len(self._counts) > 2 * self._most:
            self._counts = Counter(dict(self._counts.most_common(self._most)))
            self._samples = {form: self._samples[form] for form in self._counts}

    @property
    def sample(self) -> str:
        """Where a record of the commonest form is, ``TOPIC/PARTITION/OFFSET``; empty where that is not known."""
        commonest = self._counts.most_common(1)
        return self._samples[commonest[0][0]] if commonest else ""

    def clear(self) -> None:
        """As if there had been none."""
        if self.total:
            self.total = 0
            self._counts.clear()
            self._samples.clear()

    def sentence(self, shown: int = 3) -> str:
        """So many times which, ``; `` between, of the commonest; empty where there were none."""
        commonest = self._counts.most_common(shown)
        rest = self.total - sum(count for _, count in commonest)
        parts = [f"{thousands(count)} {_TIMES} {form}" for form, count in commonest]
        return "; ".join([*parts, f"{thousands(rest)} {_TIMES} something else"] if rest else parts)


class TopicLetters:
    """The row of one topic's dead letters."""

    __slots__ = ("held", "hold_after", "messages", "name", "run")

    def __init__(self, name: str, hold_after: int) -> None:
        self.name = name
        self.hold_after = hold_after
        """0: never hold."""
        self.run = 0
        """Letters in a row."""
        self.messages = Likenesses()
        """What they say."""
        self.held = False
        """Nothing more is taken from the topic, and no letter of it is written."""

    def admits(self, letter: DeadLetter) -> bool:
        """Count one more letter in the row; False where the row is as long as it may be."""
        if self.held or (self.hold_after and self.run >= self.hold_after):
            return False
        self.run += 1
        self.messages.add(letter.message, letter.record)
        return True

    def end_row(self) -> None:
        """Something was delivered, or what is in the row is forgiven."""
        self.run = 0
        self.messages.clear()
