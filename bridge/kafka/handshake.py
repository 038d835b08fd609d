"""Whether TLS with a broker fails because a certificate expired: the Kafka client calls all of them unverifiable.

A handshake of our own finds out, tried only after the client's failed. Nothing is sent over it.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Mapping
from typing import Any, Final

from bridge.track.tls import out_of_time

PATIENCE: Final = 5.0
"""Seconds for one broker's connection and handshake."""
_PORT: Final = 9092


def certificate_out_of_time(servers: str, properties: Mapping[str, Any]) -> str | None:
    """One sentence where a broker of `servers` (``host:port,...``) shows a certificate that ended or has not begun."""
    context = _context(properties)
    for server in servers.split(","):
        host, _, port = server.strip().rpartition(":")
        address = (host.strip("[]"), int(port)) if port.isdecimal() else (server.strip(), _PORT)
        found = _out_of_time(address, context)
        if found is not None:
            return f"the certificate of {address[0]}:{address[1]} {found}"
    return None


def _context(properties: Mapping[str, Any]) -> ssl.SSLContext:
    """As the client verifies; a file that cannot be read is the client's to complain of."""
    context = ssl.create_default_context()
    with contextlib.suppress(OSError, ssl.SSLError):
        if path := properties.get("ssl.ca.location"):
            context.load_verify_locations(cafile=str(path))
        if text := properties.get("ssl.ca.pem"):
            context.load_verify_locations(cadata=str(text))
    context.check_hostname = False  # a wrong name the client tells by itself
    return context


def _out_of_time(address: tuple[str, int], context: ssl.SSLContext) -> str | None:
    try:
        with (
            socket.create_connection(address, timeout=PATIENCE) as connection,
            context.wrap_socket(connection, server_hostname=address[0]),
        ):
            return None
    except ssl.SSLCertVerificationError as error:
        return out_of_time(error)
    except (OSError, ValueError, OverflowError):  # an address that is none is the client's to complain of, too
        return None
