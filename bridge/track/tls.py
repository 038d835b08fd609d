"""TLS of the connections to the API. Verification is never off."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from bridge.errors import Misuse

_LARGER_THAN_A_READ = 512 * 1024
_OUT_OF_TIME: Mapping[int, str] = MappingProxyType({
    9: "is not valid yet, or one that signed it is not: compare the clocks of both machines",
    10: "has expired, or one that signed it has: renew it there; if it is valid, this machine's clock is wrong",
})  # fmt: skip
"""OpenSSL's X509_V_ERR_CERT_NOT_YET_VALID and X509_V_ERR_CERT_HAS_EXPIRED."""


class CaFileError(Misuse):
    """`track.ca_file` cannot be used; the message is one sentence for the person who set it."""


def client_context(ca_file: Path | None) -> ssl.SSLContext:
    """The system's certificate authorities and those in `ca_file` (PEM). Raises `CaFileError`."""
    context = ssl.create_default_context()
    if ca_file is not None:
        try:
            context.load_verify_locations(cafile=ca_file)
        except ssl.SSLError:
            raise CaFileError(f"track.ca_file: {ca_file} holds no certificate in PEM form") from None
        except OSError as error:
            raise CaFileError(f"track.ca_file: {ca_file} cannot be read: {error.strerror}") from None
    _settle_allocator()
    # Without it a server may choose HTTP/2, which neither sink speaks.
    context.set_alpn_protocols(["http/1.1"])
    return context


def out_of_time(error: ssl.SSLCertVerificationError) -> str | None:
    """What to say of a certificate that ended, or has not begun; None where something else is wrong with it."""
    return _OUT_OF_TIME.get(error.verify_code)


def server_certificate_ends(stream: Any) -> float | None:
    """Unix time at which the certificate of whoever answers there ends; None without TLS.

    `stream` is what a connection is made of, of asyncio or of httpcore: both tell of themselves by the same call.
    """
    secured = stream.get_extra_info("ssl_object")
    shown = secured.getpeercert() if secured is not None else None
    return ssl.cert_time_to_seconds(shown["notAfter"]) if shown else None


def _settle_allocator() -> None:
    """Halve the cost of a request over TLS where uvloop meets glibc.

    uvloop reads TLS into a fresh 256 KiB buffer that is cut to the few hundred bytes that came. glibc maps blocks of
    that size from the kernel each time (mmap, mremap, munmap: 20 of 38 µs a request, measured) until it has once
    seen a larger block freed whole; from then on it serves them from the heap.
    """
    bytearray(_LARGER_THAN_A_READ)
