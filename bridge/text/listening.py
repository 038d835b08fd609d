"""Why nothing can listen at an address, with what to do about it."""

from __future__ import annotations

import errno
import os
import socket
from typing import Final

_NOT_OURS: Final = (
    "no interface of this machine has this address: 127.0.0.1 listens for this machine alone, 0.0.0.0 for all networks"
)
_BY_ERROR: Final = {
    errno.EADDRNOTAVAIL: _NOT_OURS,
    errno.EACCES: "this user may not have the port: choose one of 1024 or above",
}


def cannot_listen(address: object, error: OSError, another: str = "choose another address") -> str:
    """``cannot listen on 127.0.0.1:80 (Permission denied); …``, without a full stop.

    `another` is what else to do where something else has the port.
    """
    why = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror or str(error)
    # asyncio tries all addresses of a name, and has no number for it where this machine has none of them.
    is_unknown = isinstance(error, socket.gaierror) or error.errno is None
    advice = _NOT_OURS if is_unknown else _BY_ERROR.get(error.errno or 0, f"end what uses the port, or {another}")
    return f"cannot listen on {address} ({why}); {advice}"
