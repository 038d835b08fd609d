"""What a form of a page sends: read whole, bounded, and only from a page of this console."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl

from starlette.requests import Request

from bridge.console.security import MOST_BODY
from bridge.console.sending import upload
from bridge.console.sending.upload import ReceivedFile, UnreadableUploadError
from bridge.errors import Signal

FIELD: Final = "csrf"
"""Name of the field that holds the session's token."""
_MOST_FIELDS: Final = 200

Fields = Mapping[str, str]


class FormFields(dict[str, str]):
    """Of a form that may hold a file."""

    def __init__(self, given: Mapping[str, str], file: ReceivedFile | None) -> None:
        super().__init__(given)
        self.file = file


class PageRefusedError(Signal):
    """The page is not shown, or the form not taken; the message is a sentence for whoever asked."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


async def fields(request: Request) -> Fields:
    """Of a form in the body; the last of several with one name. Raises `PageRefusedError`.

    Where it holds files, which the guard lets in at few paths, they are `FormFields`.
    """
    if request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        try:
            return FormFields(*await upload.read(request))
        except UnreadableUploadError as problem:
            raise PageRefusedError(400, str(problem)) from problem
    body = await request.body()
    if len(body) > MOST_BODY:
        raise PageRefusedError(413, f"A form may have {MOST_BODY} bytes.")
    try:
        text = body.decode()
        return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="strict"))
    except ValueError as error:
        raise PageRefusedError(400, "This form cannot be read: it has too many fields, or is not UTF-8.") from error


def check(given: Fields, expected: str) -> None:
    """Raises `PageRefusedError` where the form does not hold the token of its session."""
    if not hmac.compare_digest(given.get(FIELD, "").encode(), expected.encode()):
        raise PageRefusedError(
            403, "This form is of an earlier session, or of no page of this console. Load the page again and repeat it."
        )
