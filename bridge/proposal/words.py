"""Names as words: what a field is called, and what an event should be called for people."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_BREAK: Final = re.compile(r"[^\w]+|_+")
_VERSION: Final = re.compile(r"[._/-]v?\d+(?:[._-]\d+)*$")
_DOMAINS: Final = frozenset({"com", "org", "net", "io", "de", "eu", "uk", "fr", "dev", "app", "co", "ai", "cloud"})
_IRREGULAR: Final = {
    "pay": "paid", "send": "sent", "buy": "bought", "view": "viewed", "add": "added", "start": "started",
    "cancel": "cancelled", "submit": "submitted", "refund": "refunded", "fulfill": "fulfilled", "open": "opened",
    "click": "clicked", "insert": "created", "delete": "deleted", "upsert": "updated",
    "c": "created", "u": "updated", "d": "deleted", "undelete": "restored", "edit": "edited", "order": "order",
}  # fmt: skip
_DONE: Final = frozenset(_IRREGULAR.values())
_REGULAR: Final = frozenset(
    {"create", "update", "remove", "complete", "close", "archive", "approve", "activate", "deactivate", "invite",
     "place", "purchase", "subscribe", "unsubscribe", "upgrade", "downgrade", "share", "save", "resolve", "enable",
     "disable", "register", "assign", "import", "export", "restore", "publish", "reject", "accept", "confirm"}
)  # fmt: skip
_SMALL: Final = {
    "id": "ID", "url": "URL", "api": "API", "sms": "SMS", "pdf": "PDF", "csv": "CSV", "sso": "SSO", "ui": "UI",
}  # fmt: skip
CHANGES: Final = frozenset(
    {"create", "created", "insert", "inserted", "update", "updated", "delete", "deleted", "remove", "removed",
     "c", "u", "d", "r", "read", "undelete", "upsert", "truncate", "message", "snapshot"}
)  # fmt: skip
"""What is done to a row: such a word alone says nothing of whose row it is."""
_LONGEST: Final = 80


def words(name: str) -> tuple[str, ...]:
    """``customerId``, ``customer_id`` and ``Customer-ID`` are all ``("customer", "id")``."""
    return tuple(part.lower() for piece in _BREAK.split(name) for part in _CAMEL.split(piece) if part)


def snake(name: str) -> str:
    """As keys of metadata are written."""
    return "_".join(words(name)) or "value"


def singular(word: str) -> str:
    """``categories`` is ``category``; what is no plural stays."""
    if len(word) > 4 and word.endswith("ies"):
        return f"{word[:-3]}y"
    if len(word) > 4 and word.endswith(("sses", "xes", "ches", "shes")):
        return word[:-2]
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")) else word


def title(text: str, subject: str = "") -> str:
    """A type as an event's name in Title Case: ``order.completed`` is ``Order Completed``.

    What was done alone (``create``, ``PAUSED``) was done to the `subject`: ``Invoice Created``.
    """
    own = list(words(_core(text)))
    if own and subject and (all(word in CHANGES for word in own) or (len(own) == 1 and _is_done(own[0]))):
        own = [*_subject_words(subject), *own]
    if not own:
        return "Event"
    if len(own) > 1 and (done := _done(own[-1])) is not None:
        own = [*own[:-2], singular(own[-2]), done]
    elif len(own) > 1 and (own[-1].endswith("ed") or own[-1] in _DONE):
        own = [*own[:-2], singular(own[-2]), own[-1]]
    named = " ".join(_SMALL.get(word, f"{word[:1].upper()}{word[1:]}") for word in own)
    return named[:_LONGEST].strip() or "Event"


def subject_of(names: Sequence[str]) -> str:
    """Of the name of a table, an entity or a topic: its last word group, without a version."""
    last = re.split(r"[./:]", _VERSION.sub("", names[-1]))[-1] if names else ""
    return " ".join(_subject_words(last))


def _subject_words(text: str) -> list[str]:
    own = list(words(re.split(r"[./:]", _VERSION.sub("", text))[-1]))
    return [*own[:-1], singular(own[-1])] if own else []


def _core(text: str) -> str:
    """Without a version at the end, and without a company's domain before it."""
    text = _VERSION.sub("", text) or text
    parts = text.split(".")
    if len(parts) >= 3 and parts[0].lower() in _DOMAINS:
        last = parts[-1]
        return last if len(words(last)) > 1 else ".".join(parts[-2:])
    return text


def _is_done(word: str) -> bool:
    """``completed``, ``sent``, ``cancel``: something was done, and nobody knows to what."""
    return word.endswith("ed") or word in _DONE - {"order"} or _done(word) not in {None, "order"}


def _done(word: str) -> str | None:
    """The participle of what was done; None for any other word."""
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if word in _REGULAR:
        return f"{word}d" if word.endswith("e") else f"{word}ed"
    return None
