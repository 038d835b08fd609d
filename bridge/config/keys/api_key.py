"""What makes a text usable as an API key, and how one is kept out of what is shown.

One rule for the configuration and for the key file, whenever it is read.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import quote

MASK: Final = "***"
_SHORTEST: Final = 8
"""Characters of an encoding: shorter ones are in too many texts."""
_SHOWN_AT_MOST: Final = 40
"""A message may cut a long value: its beginning is a spelling of its own."""
_LOOKS_LIKE_A_KEY: Final = re.compile(
    r"(?i:\bNX-)(?=[\w+/=.-]*[0-9])[\w+/=.-]{8,}"  # Userpilot's own form
    r"|\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b"
    r"|\b(?=(?:[a-zA-Z]*[0-9]){4})(?=(?:[0-9]*[a-zA-Z]){4})[a-zA-Z0-9]{20,}\b"
)


def clean(text: str) -> str:
    """The key without the white space around it, such as the newline an editor leaves at a file's end.

    Raises `ValueError`, in words that never repeat the key, for one that is empty or could split the header it is
    sent in.
    """
    key = text.strip()
    if not key:
        raise ValueError("the API key is empty")
    if len(key.splitlines()) > 1:
        raise ValueError("the API key spans several lines; it must be one line with nothing else beside it")
    if any(character.isspace() for character in key):
        raise ValueError("the API key has white space inside; give the key alone, without the word Token before it")
    if not all("!" <= character <= "~" for character in key):
        raise ValueError("the API key has characters that no header can carry; copy it again from its source")
    return key


def spellings(secret: str) -> frozenset[str]:
    """How else a secret may be written by somebody who repeats it: quoted for JSON, a URL or Python, hex, base64.

    Base64 has three spellings, by where in the encoded text the secret begins; of each the letters that hold it alone.
    """
    found = {secret, quote(secret, safe=""), json.dumps(secret)[1:-1], repr(secret)[1:-1]}
    raw = secret.encode("utf-8", "surrogatepass")
    encoded = {raw.hex(), raw.hex().upper()}
    for before, skipped in ((0, 0), (1, 2), (2, 3)):
        letters = base64.b64encode(bytes(before) + raw).decode("ascii")[skipped : (before + len(raw)) * 8 // 6]
        encoded |= {letters, letters.replace("+", "-").replace("/", "_")}
    return frozenset(found | {each for each in encoded if len(each) >= _SHORTEST})


def without_keys(text: str, known: Iterable[str] = ()) -> str:
    """A message without the secrets that are `known`, and without what looks like a key that was put elsewhere."""
    for secret in sorted(known, key=len, reverse=True):
        for spelling in (secret, secret[:_SHOWN_AT_MOST]):
            text = text.replace(spelling, MASK)
    return _LOOKS_LIKE_A_KEY.sub(MASK, text)
