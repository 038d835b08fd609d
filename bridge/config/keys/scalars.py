"""The texts that mean durations, sizes, rates and the like: each parser takes what YAML gave and returns a value.

Every parser raises `ValueError` with the half sentence that follows ``key: ``. A value that came from the environment
or from a file (`Substituted`) is never repeated in it: it may be a secret that went to the wrong key. At the end are
the writers: a text from which the parser makes the same value again.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from math import isfinite
from typing import Any

from bridge.text import moments
from bridge.text.printable import cut


class Substituted(str):
    """Text from outside the file: the one kind of text that may also mean a number or a boolean."""

    __slots__ = ()


class StartPoint(enum.StrEnum):
    """The named starts of a topic the group has no committed offset of."""

    ERROR = "error"
    EARLIEST = "earliest"
    LATEST = "latest"


@dataclass(frozen=True, slots=True)
class StartTime:
    """The first record at or after this time."""

    epoch_ms: int


@dataclass(frozen=True, slots=True)
class StartAge:
    """The first record not older than this when the partition is assigned."""

    seconds: float


StartFrom = StartPoint | StartTime | StartAge


@dataclass(frozen=True, slots=True)
class Listen:
    """Where the admin server listens; an empty host means every address of the machine."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


DURATION = r"[0-9]+(?:\.[0-9]+)?(?:ms|s|m|h|d)"
SIZE = r"[0-9]+(?:\.[0-9]+)?(?:B|KB|MB|GB|KiB|MiB|GiB)"
RATE = r"[0-9]+(?:\.[0-9]+)?/(?:s|min|h)"
SHARE = r"[0-9]+(?:\.[0-9]+)?%"
_AMOUNT = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*(\S.*)?", re.ASCII)

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_BYTES = {"B": 1, "KB": 1000, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
_PER_SECONDS = {"/s": 1.0, "/min": 60.0, "/h": 3600.0}

_LONGEST_SHOWN = 60


def shown(value: Any) -> str:
    """How a message names a value: the value itself only where the file holds it openly."""
    if isinstance(value, Substituted):
        return "the text given" if value else "an empty text"
    for kind, what in ((dict, "a map"), (list, "a list")):
        if isinstance(value, kind):
            return what
    plain = {None: "nothing", True: "true", False: "false", "": "an empty text"}
    found = plain.get(value) if value is None or isinstance(value, bool | str) else None
    found = found or (repr(value) if isinstance(value, str) else str(value))
    return cut(found, _LONGEST_SHOWN + 1)


def text(value: Any) -> str:
    """Any text, the empty one too."""
    if isinstance(value, str):
        return str(value)
    advice = "; put it in quotes" if isinstance(value, int | float) else ""
    raise ValueError(f"must be text, not {shown(value)}{advice}")


def name(value: Any) -> str:
    """Text that is not empty and has no white space around it."""
    found = text(value)
    if not found.strip():
        raise ValueError("must not be empty")
    if found != found.strip():
        raise ValueError("must not begin or end with white space")
    return found


def whole_number(value: Any) -> int:
    """An integer; a quoted one is text, unless it comes from outside the file."""
    if isinstance(value, Substituted) and re.fullmatch(r"[+-]?[0-9]{1,18}", value.strip(), re.ASCII):
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip().isdecimal() and not isinstance(value, Substituted):
        raise ValueError(f"must be a whole number, but the quotes make {shown(value)} a text; remove them")
    raise ValueError(f"must be a whole number, not {shown(value)}")


def number(value: Any) -> int | float:
    """An integer or a finite decimal."""
    if isinstance(value, Substituted):
        try:
            value = int(value) if re.fullmatch(r"[+-]?[0-9]{1,18}", value, re.ASCII) else float(value)
        except ValueError:
            raise ValueError(f"must be a number, not {shown(value)}") from None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"must be a number, not {shown(value)}")  # noqa: TRY004  # pydantic makes a problem of a ValueError only
    try:
        is_finite = isfinite(value)
    except OverflowError:
        raise ValueError(f"must be a number of at most 308 digits, not {shown(value)}") from None
    if not is_finite:
        raise ValueError(f"must be a finite number, not {shown(value)}")
    return value


def flag(value: Any) -> bool:
    """A boolean; YAML 1.2 knows no other spelling, so ``yes`` is a text."""
    if isinstance(value, bool):
        return value
    if isinstance(value, Substituted) and value.strip().lower() in {"true", "false"}:
        return value.strip().lower() == "true"
    raise ValueError(f"must be true or false, not {shown(value)}")


def duration(value: Any) -> float:
    """Seconds, from 200ms, 20s, 10m, 24h or 7d."""
    amount, unit = _amount(value, "a duration", "20s", "ms, s, m, h or d")
    if unit not in _SECONDS:
        raise ValueError(f"must be a duration such as 20s, in ms, s, m, h or d, not {shown(value)}")
    if amount <= 0:
        raise ValueError("must be a duration above zero")
    return amount * _SECONDS[unit]


def wait(value: Any) -> float:
    """As `duration`, or no time at all: 0s."""
    amount, unit = _amount(value, "a duration", "20s", "ms, s, m, h or d")
    return 0.0 if amount == 0 and unit in _SECONDS else duration(value)


def size(value: Any) -> int:
    """Bytes, from 512B, 10KB, 32MB (powers of ten) or 64KiB, 32MiB (powers of two)."""
    amount, unit = _amount(value, "a size", "32MB", "B, KB, MB, GB, KiB, MiB or GiB")
    if unit not in _BYTES:
        raise ValueError(f"must be a size such as 32MB, in B, KB, MB, GB, KiB, MiB or GiB, not {shown(value)}")
    if int(amount * _BYTES[unit]) <= 0:
        raise ValueError("must be a size above zero")
    return int(amount * _BYTES[unit])


def rate(value: Any) -> float | None:
    """Events per second, from 600/min, 10/s or 36000/h; None for ``unlimited``."""
    if value == "unlimited":
        return None
    amount, unit = _amount(value, "a rate", "600/min", "/s, /min or /h, or unlimited")
    if unit not in _PER_SECONDS:
        raise ValueError(f"must be a rate such as 600/min, 10/s or 36000/h, or unlimited, not {shown(value)}")
    if amount <= 0:
        raise ValueError("must be a rate above zero; to lift the limit write unlimited")
    return amount / _PER_SECONDS[unit]


def share(value: Any) -> float:
    """A part of the whole, 0 to 1, from 12.5%."""
    amount, unit = _amount(value, "a percentage", "25%", "%")
    if unit != "%" or amount > 100:
        raise ValueError(f"must be a percentage from 0% to 100%, not {shown(value)}")
    return amount / 100


def listen(value: Any) -> Listen:
    """Host and port, from 0.0.0.0:9464, [::]:9464 or :9464."""
    found = re.fullmatch(r"(\[[0-9a-fA-F:.]+\]|[^\s:\[\]/@]*):([0-9]{1,5})", value) if isinstance(value, str) else None
    if found is None or int(found[2]) > 65535:
        raise ValueError(f"must be an address and a port such as 0.0.0.0:9464, [::]:9464 or :9464, not {shown(value)}")
    return Listen(host=str(found[1]).strip("[]"), port=int(found[2]))


def start_from(value: Any) -> StartFrom:
    """A named start, a time with its zone, or an age."""
    if isinstance(value, str):
        if value in set(StartPoint):
            return StartPoint(str(value))
        if re.fullmatch(DURATION, value, re.ASCII):
            return StartAge(duration(value))
        if re.match(r"[0-9]{4}-", value, re.ASCII):
            return StartTime(round(instant(value) * 1000))
    raise ValueError(
        "must be error, earliest, latest, a time with its zone such as 2026-01-31T00:00:00Z, or an age such as 24h, "
        f"not {shown(value)}"
    )


def instant(value: Any) -> float:
    """Unix seconds, from an ISO 8601 time that says its zone."""
    try:
        moment = datetime.fromisoformat(text(value))
    except ValueError:
        raise ValueError(f"must be an ISO 8601 time such as 2026-01-31T00:00:00Z, not {shown(value)}") from None
    if moment.tzinfo is None:
        raise ValueError(f"must say its zone, such as 2026-01-31T00:00:00Z; {shown(value)} does not")
    return moment.timestamp()


def _amount(value: Any, what: str, example: str, units: str) -> tuple[float, str]:
    """Splits ``20s``. A bare number is refused: a guessed unit makes a timeout a thousand times too long."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        bare = f"must be {what} with its unit ({units}), such as {example}; {shown(value)} has none"
        raise ValueError(bare)  # noqa: TRY004  # pydantic makes a problem of a ValueError only
    found = _AMOUNT.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        raise ValueError(f"must be {what} such as {example}, not {shown(value)}")
    if not found[2]:
        raise ValueError(f"must be {what} with its unit ({units}), such as {example}; {shown(value)} has none")
    amount = float(found[1])
    if not isfinite(amount):
        raise ValueError(f"must be {what} with fewer digits, such as {example}")
    return amount, str(found[2])


# --- back to text ------------------------------------------------------------------------------------


def duration_text(seconds: float) -> str:
    """For `duration`."""
    return f"{_digits(seconds)}s"


def size_text(count: int) -> str:
    """For `size`."""
    return f"{count}B"


def rate_text(per_second: float | None) -> str:
    """For `rate`."""
    return "unlimited" if per_second is None else f"{_digits(per_second)}/s"


def share_text(part: float) -> str:
    """For `share`."""
    return f"{_digits(part * 100)}%"


def instant_text(seconds: float) -> str:
    """For `instant`."""
    return moments.written(datetime.fromtimestamp(seconds, UTC))


def start_text(start: StartFrom) -> str:
    """For `start_from`."""
    match start:
        case StartPoint():
            return start.value
        case StartTime():
            return instant_text(start.epoch_ms / 1000)
        case StartAge():
            return duration_text(start.seconds)


def _digits(value: float) -> str:
    """Without an exponent, which no grammar here has."""
    return f"{Decimal(repr(value)):f}"
