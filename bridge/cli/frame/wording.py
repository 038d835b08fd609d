"""What the parser says of a value that an option does not take, in our own words instead of its library's."""

from __future__ import annotations

import re
from typing import Final

_WORDS: Final = (
    (re.compile(r"Input should be a valid integer.*", re.DOTALL), r"must be a whole number"),
    (re.compile(r"Input should be a valid number.*", re.DOTALL), r"must be a number"),
    (re.compile(r"Input should be a valid boolean.*", re.DOTALL), r"must be true or false"),
    (re.compile(r"Input should be greater than or equal to (\S+)"), r"must be at least \1"),
    (re.compile(r"Input should be less than or equal to (\S+)"), r"must be at most \1"),
    (re.compile(r"Input should be greater than (\S+)"), r"must be more than \1"),
    (re.compile(r"Input should be less than (\S+)"), r"must be less than \1"),
    (re.compile(r"Input should be "), "must be "),
)


def plain(message: str) -> str:
    """``Invalid value for '--limit': must be at least 1``."""
    for pattern, words in _WORDS:
        message = pattern.sub(words, message)
    return message
