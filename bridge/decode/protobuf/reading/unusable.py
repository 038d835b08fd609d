"""Values that are there and have no form in JSON: unread they cost nothing, and who maps one gets a sentence."""

from __future__ import annotations

from typing import Final

from bridge.decode.failures import Unusable, invalid


def unusable(what: str, sentence: str) -> Unusable:
    """`what` as `failures.kind` names it; `sentence` without its end."""
    return Unusable(what, lambda: invalid(f"{sentence}, and no request can carry it"))


NOT_FINITE: Final = unusable("a number that is not finite", "a number is NaN or infinite")
NO_TEXT: Final = unusable("a string that is not UTF-8", "a string is not UTF-8")
NO_TIME: Final = unusable(
    "a timestamp out of range", "a timestamp is before the year 1, after the year 9999, or has impossible nanoseconds"
)
NO_DURATION: Final = unusable(
    "a duration out of range", "a duration is longer than 10,000 years or its seconds and nanoseconds differ in sign"
)
TOO_MANY_DIGITS: Final = unusable("a decimal of more than 1000 digits", "a decimal has more than 1000 digits")
