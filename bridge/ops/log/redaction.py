"""Keeps secrets out of logs: whatever carries one by accident (an exception's text, a library's message), it is cut."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING

from bridge.config.keys.api_key import spellings

if TYPE_CHECKING:
    from collections.abc import Iterable

MASK = "***"


class Redactor:
    """Knows the values that may not be shown. Secrets rotate while the process runs, so values can be added."""

    __slots__ = ("_known", "_pattern")

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._known: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        for secret in secrets:
            self.add(secret)

    def __repr__(self) -> str:
        return f"Redactor({len(self._known)} spellings)"

    def add(self, secret: str) -> None:
        """Hide this value from now on, also where it was quoted or encoded, see `spellings`; "" is no secret."""
        if not secret:
            return
        self._known |= spellings(secret)
        longest_first = sorted(self._known, key=len, reverse=True)
        self._pattern = re.compile("|".join(re.escape(spelling) for spelling in longest_first))

    def text(self, text: str) -> str:
        """The text with every secret replaced."""
        return text if self._pattern is None else self._pattern.sub(MASK, text)

    def value(self, value: object) -> object:
        """A value a log line may hold, with every secret in it replaced.

        Mappings and sequences are walked; what is no plain value becomes text first, since it would become text later.
        """
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, Mapping):
            return {self.text(str(key)): self.value(item) for key, item in value.items()}
        if isinstance(value, bytes | bytearray):
            return self.text(value.decode("utf-8", "backslashreplace"))
        if isinstance(value, Sequence | AbstractSet) and not isinstance(value, str):
            return [self.value(item) for item in value]
        return self.text(_as_text(value))


def _as_text(value: object) -> str:
    try:
        return str(value)
    except Exception:  # noqa: BLE001 - a foreign object that cannot be shown must not end the process that logs it
        return f"<{type(value).__name__}>"
