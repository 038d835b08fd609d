"""What goes over the control socket: one request and one answer a connection, each a JSON object behind its length.

Both sides are of one machine and one user, and still neither believes the other: sizes and times are bounded. No part
of a record ever goes over it.
"""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Mapping
from typing import Any, Final

from bridge.errors import InvalidError

VERSION: Final = 1
HEAD: Final = struct.Struct(">I")
"""Bytes of the JSON text that follows."""
REQUEST_LIMIT: Final = 8 * 1024 * 1024
"""Bytes; a thousand partitions, each with the text of its committed offset and a new one, 4 KiB each: brokers take no
more. What the bridge reads of it, it reads of its own user and of root alone.
"""
ANSWER_LIMIT: Final = 4 * 1024 * 1024
_PEER: Final = struct.Struct("3i")
"""Process, user and group of the peer, as Linux says them."""


class ProtocolError(InvalidError):
    """What came is no message of this protocol; the text is one sentence."""


def framed(message: Mapping[str, Any]) -> bytes:
    """As it goes over the wire."""
    text = json.dumps({"version": VERSION, **message}, separators=(",", ":")).encode()
    return HEAD.pack(len(text)) + text


def length(head: bytes, limit: int) -> int:
    """Of the text that follows this head. Raises `ProtocolError`."""
    found: int = HEAD.unpack(head)[0]
    if not 2 <= found <= limit:
        raise ProtocolError(f"a message of {found} bytes: this is not the protocol of the control socket")
    return found


def parsed(text: bytes) -> dict[str, Any]:
    """The message. Raises `ProtocolError`."""
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        raise ProtocolError("a message that is no JSON object") from None
    if not isinstance(message, dict):
        raise ProtocolError("a message that is no JSON object")
    if message.get("version") != VERSION:
        raise ProtocolError(
            f"version {message.get('version')!r:.20} of the protocol, and this side speaks {VERSION}: use the command "
            "of the version that runs"
        )
    return message


def peer(connection: Any) -> int | None:
    """The user id of the process at the other end; None on a system that does not say it, where the directory's owner
    and mode have to do.
    """
    option = getattr(socket, "SO_PEERCRED", None)
    if option is None or connection is None:
        return None
    credentials = connection.getsockopt(socket.SOL_SOCKET, option, _PEER.size)
    uid: int = _PEER.unpack(credentials)[1]
    return uid
