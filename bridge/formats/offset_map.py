"""The text that travels in a commit's metadata: which offsets above the committed one are already done.

The committed offset is the lowest open one. After a crash everything above it would be sent again, although most
of it was accepted; the map says what need not be. It is only ever an optimisation: text that is foreign, damaged,
newer, or made for another offset, topic or leader epoch is ignored, which costs duplicates and never an event.

Format, ASCII, fields joined by dots (version 1)::

    b1.CRC32.BASE.EPOCH.TOPIC_ID.DEMAND.AT.FIRST_ATTEMPT.ATTEMPTS.RUNS[.COUNT.WAY.ELEMENTS]

``RUNS`` is base64url of LEB128 varints: lengths of alternating runs from BASE on, the first one open, the next one
done, and so on. Offsets that never arrived (compaction, transactions) count as done within the span they stand in.
``DEMAND`` has a zero in front of it where requests of users or companies wait for a rate of their own; an earlier
version reads the same number. The last three are there only where the record at BASE has elements of which some are
done: how many it has, a number of the way in which it was taken apart into them, and runs of these as above. An earlier
version takes such a text for none, and sends again what it says is done.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice, takewhile

VERSION = "b1"
BROKER_LIMIT = 3 * 1024
"""Characters one partition's text may take. The broker refuses more than 4095 UTF-16 units from this client."""
BATCH_LIMIT = 256 * 1024
"""Characters all partitions of a commit may take: it travels as one batch, which must stay far below 1 MiB."""
_ELEMENTS_LIMIT = 1024
"""Characters that the elements of one record may take of them."""
_MAX_RUNS = 65_536
"""A damaged text must not make the reader build an unbounded list."""
_MOST_WAITING = 10**11 - 1
"""What leaves room for the zero in front of it."""
_SHORT = (0x80).__gt__
"""Whether the length of a run takes a single byte."""
_SHAPE = re.compile(
    r"b1\.[0-9a-f]{8}\.\d{1,19}\.-?\d{1,10}\.[\w-]{0,64}\.\d{1,12}\.\d{1,12}\.\d{1,16}\.\d{1,9}\.[\w-]*={0,2}(?:\.\d{1,7}\.\d{1,10}\.[\w-]+={0,2})?\Z",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Demand:
    """How many records of a partition wait to be sent, and when that was true (Unix seconds)."""

    waiting: int
    """For the rate of events, which may be that of all requests."""
    at: int
    of_users: bool = False
    """Whether any waits for the rate of users and companies."""

    @property
    def text(self) -> str:
        """As a field of the format."""
        waiting = max(0, self.waiting)
        return f"0{min(waiting, _MOST_WAITING)}" if self.of_users else str(waiting)


@dataclass(frozen=True, slots=True)
class Head:
    """What is known of the lowest open record's failures, so that a rebalance does not reset its budget."""

    first_attempt_ms: int = 0
    """Unix milliseconds of its first attempt; 0: none yet."""
    attempts: int = 0
    """Failed attempts that counted."""
    elements: int = 0
    """How many it has, where some of them are done."""
    done: tuple[range, ...] = ()
    """Those that are done, ascending."""
    way: int = 0
    """As `Elements.way`: taken apart in another one, the same numbers are of other elements."""


@dataclass(frozen=True, slots=True)
class OffsetMap:
    """A decoded text. `done` are half-open ranges above `base`, ascending."""

    base: int
    leader_epoch: int
    topic_id: str
    demand: Demand
    head: Head
    done: tuple[range, ...]


def limit(partitions: int) -> int:
    """Characters one partition's text may take when this many are committed together."""
    return min(BROKER_LIMIT, BATCH_LIMIT // max(1, partitions))


def encode(
    base: int,
    runs: Iterable[int],
    *,
    leader_epoch: int | None,
    topic_id: str,
    demand: Demand,
    head: Head,
    max_length: int,
) -> str:
    """Write a map; ``runs`` are alternating lengths, open first, of which no more are asked for than there is room.

    Runs that do not fit are cut from the far end, which is safe: what they called done is sent again.
    """
    epoch = -1 if leader_epoch is None else leader_epoch
    fields = f"{base}.{epoch}.{topic_id}.{demand.text}.{demand.at}.{head.first_attempt_ms}.{head.attempts}."
    room = max_length - len(VERSION) - 1 - 8 - 1 - len(fields)
    elements = _elements(head, min(room, _ELEMENTS_LIMIT))
    packed = _pack(runs, max(0, (room - len(elements)) // 4 * 3))
    rest = fields + base64.urlsafe_b64encode(packed).decode("ascii") + elements
    return f"{VERSION}.{binascii.crc32(rest.encode('ascii')):08x}.{rest}"


def decode(text: str | None) -> OffsetMap | None:
    """Read a map; None for anything this version did not write."""
    if not text or not _SHAPE.match(text := text.rstrip("\0")):
        return None
    _, checksum, rest = text.split(".", 2)
    if int(checksum, 16) != binascii.crc32(rest.encode("ascii")):
        return None
    base, epoch, topic_id, waiting, at, first_attempt, attempts, runs, *elements = rest.split(".")
    demand = Demand(int(waiting), int(at), len(waiting) > 1 and waiting[0] == "0")
    head = Head(int(first_attempt), int(attempts))
    try:
        done = tuple(_done(int(base), _unpack(base64.urlsafe_b64decode(runs))))
        if elements:
            of_elements = tuple(_done(-1, _unpack(base64.urlsafe_b64decode(elements[2]))))
            head = replace(head, elements=int(elements[0]), way=int(elements[1]), done=of_elements)
    except ValueError:
        return None
    return OffsetMap(int(base), int(epoch), topic_id, demand, head, done)


def shortened(text: str, max_length: int) -> str:
    """The same map in at most `max_length` characters, cut at its far end; empty where not even its start fits."""
    if len(text) <= max_length:
        return text
    found = decode(text)
    if found is None:
        return ""
    shorter = encode(
        found.base,
        _runs(found.base, found.done),
        leader_epoch=found.leader_epoch,
        topic_id=found.topic_id,
        demand=found.demand,
        head=found.head,
        max_length=max_length,
    )
    return shorter if len(shorter) <= max_length else ""


def moved(found: OffsetMap, base: int) -> str:
    """The map for a later base that somebody sets, and so of no leader epoch; nothing where it has nothing to say.

    `base` must not be one of the offsets that are done.
    """
    later = [each for each in found.done if each.start > base]
    if base < found.base or not later:
        return ""
    return encode(
        base,
        _runs(base, later),
        leader_epoch=None,
        topic_id=found.topic_id,
        demand=found.demand,
        head=Head(),
        max_length=BROKER_LIMIT,
    )


def trusted(found: OffsetMap | None, *, offset: int, leader_epoch: int | None, topic_id: str) -> OffsetMap | None:
    """The map, if it was made for exactly this committed position.

    Tools that move offsets (an operator, MirrorMaker 2) keep the old metadata; a recreated topic keeps the name.
    A map believed there would skip events that were never sent.
    """
    if found is None or found.base != offset or found.topic_id != topic_id:
        return None
    return found if found.leader_epoch == (-1 if leader_epoch is None else leader_epoch) else None


def _elements(head: Head, room: int) -> str:
    """``.COUNT.WAY.ELEMENTS``, cut at its far end; nothing where nothing is done."""
    if not head.done:
        return ""
    count = f".{head.elements}.{head.way}."
    packed = _pack(_opened_first(head.done), max(0, (room - len(count)) // 4 * 3))
    return count + base64.urlsafe_b64encode(packed).decode("ascii") if packed else ""


def _opened_first(done: Iterable[range]) -> Iterator[int]:
    """Runs of elements from the first on, which is open or done; a run has one at least, so a done one begins at -1."""
    at = -1
    for each in done:
        yield each.start - at
        yield len(each)
        at = each.stop


def _pack(runs: Iterable[int], max_bytes: int) -> bytes:
    """LEB128 of as many (open, done) pairs as fit; a trailing open run says nothing and is left out."""
    lengths = list(islice(runs, max_bytes // 2 * 2))
    del lengths[len(lengths) // 2 * 2 :]
    # Nearly all are short, and a short length is its own varint.
    short = takewhile(_SHORT, lengths)
    out = bytearray(short)
    del out[len(out) // 2 * 2 :]
    rest = lengths[len(out) :]
    for opened, done in zip(rest[::2], rest[1::2], strict=True):
        pair = _varint(opened) + _varint(done)
        if len(out) + len(pair) > max_bytes:
            break
        out += pair
    return bytes(out)


def _runs(base: int, done: Iterable[range]) -> Iterator[int]:
    for each in done:
        yield each.start - base
        yield len(each)
        base = each.stop


def _varint(n: int) -> bytes:
    out = bytearray()
    while n > 0x7F:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    out.append(n)
    return bytes(out)


def _unpack(packed: bytes) -> Iterator[int]:
    value = shift = count = 0
    for byte in packed:
        value |= (byte & 0x7F) << shift
        if byte & 0x80:
            shift += 7
            if shift > 63:
                raise ValueError("varint too long")
            continue
        count += 1
        if count > _MAX_RUNS:
            raise ValueError("too many runs")
        yield value
        value = shift = 0
    if shift:
        raise ValueError("cut inside a varint")


def _done(base: int, runs: Iterable[int]) -> Iterator[range]:
    at, is_done = base, False
    for length in runs:
        if length < 1:
            raise ValueError("a run holds at least one offset")
        if is_done:
            yield range(at, at + length)
        at += length
        is_done = not is_done
