"""How many bytes a process received from a server: asked of the kernel, socket by socket (Linux)."""

from __future__ import annotations

import contextlib
import ctypes
import os
import socket
import struct
from pathlib import Path

_PIDFD_GETFD = 438
_BYTES_RECEIVED = 128
"""Offset of `tcpi_bytes_received` in `struct tcp_info` (linux/tcp.h)."""


def received_from(pid: int, bootstrap: str) -> int:
    """Bytes received on all open connections of a child process to these servers; closed ones are not seen."""
    ports = {int(server.rpartition(":")[2]) for server in bootstrap.split(",")}
    library = ctypes.CDLL(None, use_errno=True)
    handle = os.pidfd_open(pid)
    total = 0
    try:
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                if not str(entry.readlink()).startswith("socket:"):
                    continue
                copy = library.syscall(_PIDFD_GETFD, handle, int(entry.name), 0)
                if copy < 0:
                    continue
                with socket.socket(fileno=copy) as connection:
                    is_tcp = connection.type == socket.SOCK_STREAM and connection.family != socket.AF_UNIX
                    if is_tcp and connection.getpeername()[1] in ports:
                        info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
                        total += struct.unpack_from("Q", info, _BYTES_RECEIVED)[0]
    finally:
        os.close(handle)
    return total
