"""Who writes a resolution."""

from __future__ import annotations

import getpass
import socket

from bridge.formats.resolutions import Author


def author(command: str) -> Author:
    """The user and the host of this process. A container's user may have no name; its number says as much."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = "unknown"
    return Author(command, user, socket.gethostname())
