"""A form with a file: read within bounds and in memory, so that nothing of it is ever on a disk."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Final

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from bridge.console.security import MOST_UPLOAD, too_large
from bridge.errors import InvalidError
from bridge.text.printable import cut, printable

_MOST_FIELDS: Final = 20
_LONGEST_FIELD: Final = 10_000
_LONGEST_NAME: Final = 100


class UnreadableUploadError(InvalidError):
    """Why the form is not taken: a sentence."""


@dataclass(frozen=True, slots=True)
class ReceivedFile:
    """As the browser sent it."""

    name: str
    """As the visitor's machine calls it; for people."""
    content: bytes = field(repr=False)


class _InMemory(MultiPartParser):
    spool_max_size = MOST_UPLOAD + 1
    """Beyond what is read at all: it never rolls over to a file."""


async def read(request: Request) -> tuple[dict[str, str], ReceivedFile | None]:
    """The fields, and the file where one was chosen. Raises `UnreadableUploadError`."""
    parser = _InMemory(
        *(request.headers, _bounded(request)), max_files=1, max_fields=_MOST_FIELDS, max_part_size=_LONGEST_FIELD
    )
    try:
        form = await parser.parse()
    except MultiPartException as problem:
        raise UnreadableUploadError(f"This form cannot be read: {printable(problem.message).rstrip('.')}.") from problem
    fields: dict[str, str] = {}
    file = None
    try:
        for name, value in form.multi_items():
            if isinstance(value, UploadFile):
                file = ReceivedFile(_called(value.filename), await value.read())
            else:
                fields[name] = value
    finally:
        await form.close()
    return fields, file if file is not None and (file.content or file.name) else None


def _called(given: str | None) -> str:
    """The name alone, whatever of a path a browser says."""
    return cut(printable((given or "").replace("\\", "/").rpartition("/")[2].strip()), _LONGEST_NAME)


async def _bounded(request: Request) -> AsyncGenerator[bytes]:
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > MOST_UPLOAD:
            raise UnreadableUploadError(too_large())
        yield chunk
