"""Taking the file out of a multipart form (RFC 7578), strictly."""

from __future__ import annotations

from dataclasses import dataclass, field
from email.message import Message
from email.parser import BytesHeaderParser

from bridge.sandbox.emulator.documents import ContractRefusal, invalid


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """The one file of a form."""

    filename: str
    content: bytes = field(repr=False)


def read_upload(content_type: str, body: bytes) -> UploadedFile | ContractRefusal:
    """The part named ``file``, or the 400 that the form earns: no multipart, cut off, without it, with more than it."""
    header = Message()
    header["content-type"] = content_type
    boundary = header.get_boundary()
    if header.get_content_type() != "multipart/form-data" or not boundary:
        return invalid("the Content-Type header must be multipart/form-data with a boundary")
    delimiter = b"--" + boundary.encode("latin-1", "replace")
    if not body.startswith(delimiter + b"\r\n") or not body.rstrip(b"\r\n").endswith(b"\r\n" + delimiter + b"--"):
        return invalid("the form does not begin and end with its boundary")
    between = b"\r\n" + delimiter + b"\r\n"
    parts = body[len(delimiter) + 2 : body.rindex(b"\r\n" + delimiter + b"--")].split(between)
    if len(parts) != 1:
        return invalid("the form must have the field file and no other")
    return _file_of(parts[0])


def _file_of(part: bytes) -> UploadedFile | ContractRefusal:
    head, separator, content = part.partition(b"\r\n\r\n")
    headers = BytesHeaderParser().parsebytes(head)
    name = headers.get_param("name", header="content-disposition")
    filename = headers.get_filename()
    if not separator or headers.get_content_disposition() != "form-data" or name != "file" or not filename:
        return invalid("the form must have the field file, with a file name")
    if not content:
        return invalid("the file is empty")
    return UploadedFile(filename, content)
