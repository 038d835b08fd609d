"""TLS of the connections to a registry. Verification is never off, and new certificates need no restart."""

from __future__ import annotations

import ssl
from contextlib import suppress
from pathlib import Path
from typing import Final

from bridge.errors import InvalidError

NO_TLS: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Trusts nobody: for plain http, where a client wants a context all the same. The system's authorities cost megabytes.
"""
_Seen = tuple[tuple[int, int] | None, ...]


class TlsFiles:
    """The system's certificate authorities and those of `ca_file`, and the bridge's own certificate, if it has one."""

    def __init__(self, ca_file: Path | None, certificate_file: Path | None, key_file: Path | None) -> None:
        self._ca = ca_file
        self._certificate = certificate_file
        self._key = key_file
        self._context: ssl.SSLContext | None = None
        self._seen: _Seen = ()

    def check(self) -> None:
        """Read what is configured, if anything is. Raises `InvalidError`, a whole sentence."""
        if self._ca or self._certificate:
            self.context()

    def context(self) -> ssl.SSLContext:
        """Read again where a file changed; what was read before stays where the new one cannot be used.

        Raises `InvalidError`, a whole sentence, where nothing was read before.
        """
        seen = tuple(map(_seen, (self._ca, self._certificate, self._key)))
        if self._context is None or seen != self._seen:
            try:
                self._context = self._read()
            except InvalidError:
                if self._context is None:
                    raise
            else:
                self._seen = seen
        return self._context

    def _read(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        if self._ca is not None:
            try:
                context.load_verify_locations(cafile=self._ca)
            except ssl.SSLError:
                raise InvalidError(
                    f"schema_registry.tls.ca_file: {self._ca} holds no certificate in PEM form"
                ) from None
            except OSError as error:
                raise InvalidError(
                    f"schema_registry.tls.ca_file: {self._ca} cannot be read: {error.strerror}"
                ) from None
        if self._certificate is not None:
            where = f"schema_registry.tls.certificate_file: {self._certificate}"
            try:
                # A key with a passphrase would have OpenSSL ask at the terminal.
                context.load_cert_chain(self._certificate, self._key, password=lambda: b"")
            except ssl.SSLError:
                raise InvalidError(f"{where} and its key_file are no certificate with its key in PEM form") from None
            except OSError as error:
                raise InvalidError(f"{where}, or its key_file, cannot be read: {error.strerror}") from None
        context.set_alpn_protocols(["http/1.1"])
        return context


def _seen(path: Path | None) -> tuple[int, int] | None:
    """What tells one version of a file from another."""
    if path is not None:
        with suppress(OSError):
            stat = path.stat()
            return stat.st_mtime_ns, stat.st_ino
    return None
