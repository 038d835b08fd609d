"""The rows of an import: what is documented of each type of event, and what is remembered of those that were imported.

Source: Userpilot's page "Event Schema" of the Import API. Its tables name the fields; its examples show more of them,
which are refused here, as is ``page_view``: nothing the bridge sends needs them.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

import orjson

from bridge.sandbox.emulator.documents import is_text, problem_of_values
from bridge.sandbox.emulator.people import problem_of_properties

_COMMON = ("event_type", "source", "inserted_at")
REQUIRED: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "track": (*_COMMON, "user_id", "event_name"),
        "identify_user": (*_COMMON, "user_id", "metadata"),
        "identify_company": (*_COMMON, "company_id", "metadata"),
    }
)
"""The fields of each type of row. Beside them, ``track`` may have ``metadata``."""
SOURCES: Final = frozenset(
    {
        "web-client",
        "backend-http",
        "backend-http-import",
        "backend-hubspot",
        "backend-salesforce",
        "backend-segment",
    }
)
TIMES: Final[Mapping[str, re.Pattern[str]]] = MappingProxyType(
    {
        "example": re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}", re.ASCII),
        "iso_z": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z", re.ASCII),
    }
)
"""The forms of ``inserted_at``: the one of the documentation's example, and ISO 8601 in UTC."""

Row = dict[str, Any]


def read_rows(filename: str, content: bytes) -> Iterator[Row | str]:
    """One by one; a text instead of a row says why a line is none. A file is CSV by its name, NDJSON otherwise."""
    return _csv_rows(content) if filename.lower().endswith(".csv") else _json_rows(content)


def _json_rows(content: bytes) -> Iterator[Row | str]:
    for line in io.BytesIO(content):
        try:
            row = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            yield f"is not JSON: {error}"
            continue
        yield row if isinstance(row, dict) else "must be an object"


def _csv_rows(content: bytes) -> Iterator[Row | str]:
    """The first line names the fields; an empty cell leaves its field out, and ``metadata`` is JSON."""
    lines = csv.reader(io.StringIO(content.decode("utf-8", "replace"), newline=""), strict=True)
    names = next(lines, [])
    try:
        for cells in lines:
            if len(cells) != len(names):
                yield f"has {len(cells)} cells, the first line names {len(names)} fields"
                continue
            row: Row = {name: cell for name, cell in zip(names, cells, strict=True) if cell}
            try:
                yield row | {"metadata": orjson.loads(row["metadata"])} if "metadata" in row else row
            except orjson.JSONDecodeError as error:
                yield f"has metadata that is not JSON: {error}"
    except csv.Error as error:
        yield f"is not CSV: {error}"


def problem_of_row(row: Row, *, times: str, track_company_id: bool) -> str | None:
    """What is wrong with a row, as a part of a sentence; ``times`` names the form of `TIMES` that counts."""
    kind = row.get("event_type")
    required = REQUIRED.get(kind) if isinstance(kind, str) else None
    if kind is None or required is None:
        return f"event_type must be one of {', '.join(REQUIRED)}"
    for field in required:
        if field != "metadata" and not is_text(row.get(field)):
            return f"{field} is required for {kind} and must be a non-empty string"
    for field in row:
        if field not in required and not _is_allowed(field, kind, row, track_company_id=track_company_id):
            return f"{kind} has no field {field[:100]}"
    if row["source"] not in SOURCES:
        return f"source must be one of {', '.join(sorted(SOURCES))}"
    if not _is_time(row["inserted_at"], TIMES[times]):
        return f"inserted_at must be a time of the form {times}"
    return _problem_of_metadata(row)


def _is_allowed(field: str, kind: str, row: Row, *, track_company_id: bool) -> bool:
    if field == "metadata":
        return True
    return field == "company_id" and kind == "track" and track_company_id and is_text(row[field])


def _problem_of_metadata(row: Row) -> str | None:
    if row["event_type"] == "track":
        return problem_of_values("metadata", row.get("metadata", {}))
    return problem_of_properties("metadata", row.get("metadata"), nulls=False)


def _is_time(text: str, form: re.Pattern[str]) -> bool:
    try:
        return form.fullmatch(text) is not None and datetime.fromisoformat(text) is not None
    except ValueError:
        return False


# --- what is remembered ------------------------------------------------------------------------------


def content_hash(row: Mapping[str, object]) -> int:
    """64 bits of what a row says, whatever the order of its fields and the format of its file."""
    text = orjson.dumps(row, option=orjson.OPT_SORT_KEYS)
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "little")


class ImportedRows:
    """Rows by the hash of their content, 8 bytes each."""

    def __init__(self) -> None:
        self.hashes = array("Q")
        """In the order in which the rows came."""
        self.by_type: Counter[str] = Counter()

    def add(self, row: Row) -> None:
        """One more."""
        self.hashes.append(content_hash(row))
        self.by_type[row["event_type"]] += 1

    def extend(self, others: ImportedRows) -> None:
        """All of these."""
        self.hashes.extend(others.hashes)
        self.by_type += others.by_type

    def __len__(self) -> int:
        return len(self.hashes)

    def times(self, row: Mapping[str, object]) -> int:
        """How often a row of this content came."""
        return self.hashes.count(content_hash(row))

    def distinct(self) -> int:
        """How many different contents came."""
        return len(set(self.hashes))

    def stats(self) -> dict[str, Any]:
        """As the admin endpoint shows them."""
        different = self.distinct()
        return {
            "rows": len(self),
            "distinct": different,
            "repeated": len(self) - different,
            "by_type": dict(sorted(self.by_type.items())),
        }


_EXPORTED: Final[Row] = {
    "app_token": "NX-emulated",
    "event_name": "",
    "user_id": None,
    "company_id": None,
    "metadata": {},
}


def export(rows: Iterable[Row]) -> bytes:
    """As an export of the format ndjson has them, with the fields that the page "Bulk Data Export API" names."""
    return b"".join(orjson.dumps(_EXPORTED | row, option=orjson.OPT_APPEND_NEWLINE) for row in rows)
