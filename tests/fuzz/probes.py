"""Requests to the admin port: whatever a stranger sends, it is read as a request or refused with a sentence."""

from __future__ import annotations

from bridge.ops.admin.server import parse


def fuzz(data: bytes) -> None:
    """The head of a request."""
    request = parse(data)
    if isinstance(request, str):
        assert request
    else:
        assert request.path.startswith("/")
        assert "\r\n" not in request.accept
