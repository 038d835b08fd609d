"""What is wrong with a configuration, as values: everything found is reported at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from bridge.config.keys.api_key import without_keys
from bridge.errors import Misuse
from bridge.text.printable import printable


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing to fix."""

    where: str
    """The key's path, such as ``mapping.events.order.completed[0].when``, or the file's name."""
    message: str
    """One sentence: what is wrong and what to do. Never the value of a secret."""
    source: str = ""
    """Where the value is: ``line 12``, or the environment variable it came from."""

    def without_keys(self, known: Iterable[str]) -> Problem:
        """The same without an API key that was put where it does not belong; see `api_key.without_keys`."""
        where, message, source = (without_keys(text, known) for text in (self.where, self.message, self.source))
        return replace(self, where=where, message=message, source=source)

    def __str__(self) -> str:
        # Both may repeat what the file or the environment says, and a terminal obeys control characters.
        line = f"{self.where}: {self.message}"
        return printable(f"{line} ({self.source})" if self.source else line)


class ConfigError(Misuse):
    """Carries all problems of one configuration to whoever prints them."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


def render(path: Sequence[str | int]) -> str:
    """A path as people write it: keys verbatim with dots between, list places as ``[0]``."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text
