"""The body of ``POST /v1/imports``: one multipart field ``file``, a part of a file on disk, never in memory as a whole.

The rows of a file are JSON texts, one a line: none holds a carriage return, so no row can look like the boundary.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

BOUNDARY: Final = "track-bridge-rows-of-history"
_CHUNK: Final = 256 * 1024
_TAIL: Final = f"\r\n--{BOUNDARY}--\r\n".encode("ascii")


@dataclass(frozen=True, slots=True)
class FilePart:
    """Bytes of a file that are sent under a name of their own."""

    path: Path
    name: str
    """What the API is told the file is called: printable ASCII without quotes."""
    offset: int
    length: int
    """Bytes."""

    @property
    def body_length(self) -> int:
        """Of the whole multipart body: it is known before the first byte is read."""
        return len(self._head()) + self.length + len(_TAIL)

    def chunks(self) -> Iterator[bytes]:
        """The body. Raises `OSError` where the file cannot be read, or has become shorter."""
        yield self._head()
        left = self.length
        with self.path.open("rb") as file:
            file.seek(self.offset)
            while left:
                chunk = file.read(min(_CHUNK, left))
                if not chunk:
                    raise OSError(f"{self.path} has become shorter while it was sent")
                left -= len(chunk)
                yield chunk
        yield _TAIL

    def _head(self) -> bytes:
        return (
            f"--{BOUNDARY}\r\n"
            f'Content-Disposition: form-data; name="file"; filename="{self.name}"\r\n'
            "Content-Type: application/x-ndjson\r\n\r\n"
        ).encode("ascii")
