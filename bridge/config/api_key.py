"""What makes a text usable as an API key; one rule for the configuration and for the key file, whenever it is read."""

from __future__ import annotations


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
