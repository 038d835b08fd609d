"""Records for the mapping of `settings`."""

from __future__ import annotations

import json


def record(kind: str, user: str, number: int, **data: object) -> bytes:
    """One record's value."""
    return json.dumps({"type": kind, "data": {"user": user, "n": number, **data}}).encode()


def order(user: str, number: int) -> bytes:
    """A record that becomes one event."""
    return record("order.completed", user, number)


def gift(user: str, number: int) -> bytes:
    """A record that becomes two events, of two users."""
    return record("gift.ordered", user, number, recipient=f"friend-of-{user}")


def view(user: str, number: int) -> bytes:
    """A record that is filtered by a rule."""
    return record("page.viewed", user, number)


def orders(count: int, users: int = 20) -> list[bytes]:
    """`count` records of so many users in turn."""
    return [order(f"u-{number % users}", number) for number in range(count)]
