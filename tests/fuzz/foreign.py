"""What stands in the bridge's own topics and groups by anybody's hand: it decides nothing, and ends nothing.

Dead letters, resolutions and declarations of replays are read by every replica and by every ``track-bridge dlq``, again
at each start; a record that one of them cannot bear would end it for as long as the record is kept.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import jsonschema
import orjson

from bridge.formats import declarations, resolutions
from bridge.formats.declarations import Reservations
from bridge.formats.letter_headers import CONNECT, OWN
from bridge.formats.letters import SPRING, parse
from bridge.model import Header, Record, TopicPartition
from bridge.reprocess.reading.ledger import LetterLedger, LetterState
from bridge.reprocess.reading.redaction import Redaction
from bridge.reprocess.reading.selection import LetterEntry, Selection
from bridge.reprocess.reading.statistics import count
from bridge.reprocess.showing import rows
from tests.fuzz.choices import Choices
from tests.fuzz.records import MAPPINGS
from tests.support.reprocess.letters import letter

_SCHEMA: Final = Path(__file__).parents[2] / "schemas" / "resolution.schema.json"
_VALIDATOR: Final = jsonschema.Draft202012Validator(json.loads(_SCHEMA.read_text()))
OURS: Final = parse(letter(17).record(3))
"""A letter that nobody wrote anything about."""


def check_letter(record: Record) -> None:
    """A record of the dead-letter topic: it can be named, shown, counted, and asked for where it came from."""
    found = parse(record)
    name = resolutions.identity(found)
    assert hash(name) == hash(resolutions.identity(parse(record)))
    entry = LetterEntry(found, LetterLedger("").standing(found))
    _shown(entry)
    if found.origin is not None:
        assert 0 <= found.origin.partition < 2**31
        assert 0 <= found.origin.offset < 2**63
        assert "\0" not in found.origin.topic
    # What is written about it later can be read back as of it.
    assert resolutions.forgotten(resolutions.key_of(resolutions.ResolutionKind.ENDED, found)) == (
        resolutions.ResolutionKind.ENDED,
        name,
    )


def check_resolution(key: bytes | None, value: bytes | None) -> None:
    """A record of the resolutions topic: ignored, or as this program writes it; never of another letter."""
    ledger = LetterLedger("")
    ledger.take([Record("letters.resolutions", 0, 0, None, key, value, ())])
    written = resolutions.decode(key, value)
    is_ours = written is not None and written.identity == resolutions.identity(OURS)
    assert is_ours or ledger.standing(OURS).state is LetterState.OPEN
    if written is None:
        return
    hash(written.identity)
    _, again = resolutions.encode(written.fact, OURS, written.topic_id)
    for error in _VALIDATOR.iter_errors(json.loads(again)):
        # A letter discarded without a reason is read as one: what ends a letter is not the reason.
        assert "is not of type" not in error.message, error.message
    digest = resolutions.record_sha256(OURS)
    ledger.note(written._replace(identity=resolutions.identity(OURS), record_sha256=digest))
    _shown(LetterEntry(OURS, ledger.standing(OURS)))


def check_declarations(texts: list[str]) -> None:
    """Commit metadata of the replays' group: what it takes off the limit is a number that can be divided by."""
    reservations = Reservations()
    reservations.observe({TopicPartition("letters", number): text for number, text in enumerate(texts)}, 1.0)
    for found in (reservations.reserved(1.0), reservations.reserved_by_people(1.0)):
        assert 0.0 <= found < float("inf")
        assert 0.0 <= declarations.allowed(1.0, found, 10.0) <= 1.0


def _shown(entry: LetterEntry) -> None:
    """As ``track-bridge dlq list`` and ``stats`` do."""
    for mapping in MAPPINGS[:1]:
        orjson.dumps(rows.document(entry, mapping, Redaction()))
        rows.row(entry, mapping, Redaction())
        found = count([entry], Selection(states=frozenset(LetterState)), mapping, 1.8e9)
        assert found.open + found.ended.total() == 1
        assert sorted(found.groupings) == ["age", "reason", "route", "status"]


_NAMES: Final = (
    *(f"{OWN}{name}" for name in ("version", "origin-topic", "origin-partition", "origin-offset", "origin-timestamp")),
    *(f"{OWN}{name}" for name in ("output", "reason", "origin-group", "replays", "http-status", "x")),
    *(f"{CONNECT}{name}" for name in ("topic", "partition", "offset")),
    *(f"{SPRING}original-{name}" for name in ("topic", "partition", "offset", "timestamp")),
    *("x", ""),
)


def fuzz(data: bytes) -> None:
    """One of the three kinds."""
    choices = Choices(data)
    kind = choices.number(3)
    if kind == 0:
        headers: list[Header] = [
            (choices.one_of(_NAMES), choices.one_of((choices.block(), None))) for _ in range(choices.number(12))
        ]
        written = int.from_bytes(choices.take(8), "big", signed=True)
        check_letter(Record("letters", 3, 17, written, choices.block(), choices.rest(), headers))
    elif kind == 1:
        check_resolution(choices.block(), choices.rest())
    else:
        check_declarations(choices.rest().decode("latin-1").split("\n"))
