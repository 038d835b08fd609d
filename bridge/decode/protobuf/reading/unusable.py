"""Values that are there and have no form in JSON: unread they cost nothing, and who maps one gets a sentence."""

from __future__ import annotations

from typing import Final

from bridge.decode.failures import unsendable

NO_TEXT: Final = unsendable("a string that is not UTF-8", "a string is not UTF-8")
NO_TIME: Final = unsendable(
    "a timestamp out of range", "a timestamp is before the year 1, after the year 9999, or has impossible nanoseconds"
)
NO_DURATION: Final = unsendable(
    "a duration out of range", "a duration is longer than 10,000 years or its seconds and nanoseconds differ in sign"
)
