"""The emulator's own endpoints under /_emulator/, for other processes:

| request | meaning |
| --- | --- |
| ``GET stats`` | the ledger's numbers as one JSON object |
| ``GET accepted?since=N`` | accepted events from number N on, one JSON object a line |
| ``GET identified?since=N``, ``GET companies?since=N`` | accepted identifies and companies, in the same way |
| ``POST faults`` | ``{"faults": […], "seed": 0}`` replaces the script, see `faults.Fault` |
| ``POST keys`` | ``{"keys": ["…"]}`` replaces the accepted API keys |
| ``POST rate`` | ``{"requests": 600, "window": 60, "retry_after": true}`` or ``null`` |
| ``POST identify_rate`` | the same for identifies and companies |
| ``POST shared_rate`` | ``{"shared": true}``: they draw on the limit of events |
| ``POST unknown_users`` | ``{"status": 404}``, 400 or null: what an event of a user earns whom nobody identified |
| ``POST company_id_field`` | ``{"field": "company_id"}`` or id: what a company within an identify must have |
| ``GET imports`` | what was imported: rows, how many of them differ, jobs, and why rows were refused |
| ``GET imports/hashes`` | `rows.content_hash` of every imported row, 8 bytes each, little-endian, as they came |
| ``GET imports/export`` | the rows themselves, as an export has them, where they are kept |
| ``POST imports`` | ``{"polls": 3, "fails": true}`` replaces how jobs go, see `imports.ImportBehaviour` |
| ``POST imports/finish`` | running jobs end |
| ``POST imports/occupy`` | somebody else's job begins, with the same token |
| ``POST reset`` | forgets what was seen |
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable, Sequence
from typing import Any, Protocol
from urllib.parse import parse_qs

import orjson

from bridge.sandbox.emulator import contract
from bridge.sandbox.emulator.connection import ReceivedRequest
from bridge.sandbox.emulator.contract import RateLimit
from bridge.sandbox.emulator.faults import Fault
from bridge.sandbox.emulator.imports import EmulatedImports, ImportBehaviour
from bridge.sandbox.emulator.ledger import Accepted, AcceptedCompany, AcceptedIdentify, RequestLedger
from bridge.sandbox.emulator.people import COMPANY_ID_FIELDS
from bridge.sandbox.emulator.rows import export

ADMIN = "/_emulator/"
_NO_REQUEST = "admin"
_NDJSON = "application/x-ndjson"


class Administered(Protocol):
    """What can be changed of the emulator."""

    ledger: RequestLedger
    keys: frozenset[str] | None
    shared_rate: bool
    unknown_users: int | None
    company_id_field: str
    imports: EmulatedImports

    def set_faults(self, *faults: Fault, seed: int = 0) -> None:
        """Replace the script."""

    def limit_rate(self, rate: RateLimit | None) -> None:
        """Replace the limit of events."""

    def limit_identify_rate(self, rate: RateLimit | None) -> None:
        """Replace the limit of identifies and companies."""

    def reset(self) -> None:
        """Forget what was seen."""


def administer(emulator: Administered, request: ReceivedRequest) -> bytes:
    """The answer to one admin request: 200, or 400 and 404 with a sentence."""
    action = f"{request.method} {request.path.removeprefix(ADMIN)}"
    ledger = emulator.ledger
    lists: dict[str, Sequence[Accepted | AcceptedIdentify | AcceptedCompany]] = {
        "GET accepted": ledger.accepted,
        "GET identified": ledger.identified,
        "GET companies": ledger.companies,
    }
    try:
        if action in lists:
            since = int(parse_qs(request.query).get("since", ["0"])[0])
            return _ndjson(lists[action][max(0, since - ledger.forgotten(lists[action])) :])
        if request.method == "GET":
            return _show(emulator, action)
        if action in ("POST reset", "POST imports/finish", "POST imports/occupy"):
            return _act(emulator, action)
        if request.method == "POST":
            return _change(emulator, action.removeprefix("POST "), orjson.loads(request.body))
    except (ValueError, TypeError, KeyError) as error:
        return _json(400, {"problem": f"{action}: {error}"})
    return _unknown(action)


def _show(emulator: Administered, action: str) -> bytes:
    match action:
        case "GET stats":
            return _json(200, emulator.ledger.stats())
        case "GET imports":
            return _json(200, emulator.imports.stats())
        case "GET imports/hashes":
            return _hashes(emulator.imports)
        case "GET imports/export":
            return contract.reply(200, export(emulator.imports.kept), {"content-type": _NDJSON}, _NO_REQUEST)
        case _:
            return _unknown(action)


def _act(emulator: Administered, action: str) -> bytes:
    if action == "POST reset":
        emulator.reset()
    elif action == "POST imports/finish":
        emulator.imports.finish()
    else:
        emulator.imports.occupy()
    return _json(200, {})


def _hashes(imports: EmulatedImports) -> bytes:
    found = array("Q", imports.rows.hashes)
    if sys.byteorder == "big":
        found.byteswap()
    return contract.reply(200, found.tobytes(), {"content-type": "application/octet-stream"}, _NO_REQUEST)


def _change(emulator: Administered, what: str, document: Any) -> bytes:
    match what:
        case "faults":
            faults = [Fault.from_json(fault) for fault in document["faults"]]
            emulator.set_faults(*faults, seed=int(document.get("seed", 0)))
        case "keys":
            emulator.keys = frozenset(str(key) for key in document["keys"])
        case "rate":
            emulator.limit_rate(None if document is None else RateLimit(**document))
        case "identify_rate":
            emulator.limit_identify_rate(None if document is None else RateLimit(**document))
        case "shared_rate":
            emulator.shared_rate = _one_of(document["shared"], (True, False))
        case "unknown_users":
            emulator.unknown_users = _one_of(document["status"], (None, 400, 404))
        case "company_id_field":
            emulator.company_id_field = _one_of(document["field"], COMPANY_ID_FIELDS)
        case "imports":
            emulator.imports.settings = ImportBehaviour.from_json(document)
        case _:
            return _unknown(f"POST {what}")
    return _json(200, {})


def _one_of(value: Any, choices: Iterable[object]) -> Any:
    if value not in choices:
        raise ValueError(f"must be one of {', '.join(orjson.dumps(choice).decode() for choice in choices)}")
    return value


def _unknown(action: str) -> bytes:
    return _json(404, {"problem": f"no such admin request: {action[:200]}"})


def _json(status: int, document: object) -> bytes:
    return contract.reply(status, orjson.dumps(document), {}, _NO_REQUEST)


def _ndjson(found: Iterable[Accepted | AcceptedIdentify | AcceptedCompany]) -> bytes:
    lines = [
        orjson.dumps({**each._asdict(), "body": each.body.decode("utf-8")}, option=orjson.OPT_APPEND_NEWLINE)
        for each in found
    ]
    return contract.reply(200, b"".join(lines), {"content-type": _NDJSON}, _NO_REQUEST)
