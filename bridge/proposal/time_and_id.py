"""When something happened, and which event it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median_low
from typing import Final

from bridge.proposal.choices import ProposedSetting
from bridge.proposal.fields import SampledField
from bridge.proposal.looks import UUID, moment, time_form, time_spec
from bridge.proposal.words import words

_TIMES: Final = {
    "occurred at": 11, "event time": 11, "happened at": 11, "occurred on": 10, "occurred": 10, "timestamp": 9.5,
    "time": 9.5, "event timestamp": 10.5, "original timestamp": 8.5, "placed at": 9, "created at": 7.5, "created": 7.5,
    "date": 6, "ts": 8, "event ts": 9, "ts ms": 7, "at": 8, "datetime": 7, "event date": 8, "collector tstamp": 7.5,
    "derived tstamp": 9, "dvce created tstamp": 6, "created date": 6.5, "create time": 7, "creation time": 7,
    "commit timestamp": 8.5, "updated at": 6.5, "modified at": 5.5, "last modified date": 5.5,
    "sent at": 5, "received at": 4.5, "emitted at": 8,
    "published at": 7, "time stamp": 9, "event created at": 9, "recorded at": 7, "log time": 6, "unix": 5, "paid at": 7,
    "completed at": 7, "logged at": 8, "finished at": 6, "submitted at": 7, "ordered at": 8, "order date": 7,
}  # fmt: skip
_NEVER: Final = frozenset(
    {"due", "expires", "expiry", "expiration", "birth", "birthday", "dob", "until", "trial", "end", "ends", "valid",
     "renewal", "renews", "next", "scheduled", "deadline", "estimated", "delivery", "start", "starts", "period"}
)  # fmt: skip
_MARKS: Final = frozenset({"time", "at", "ts", "timestamp", "tstamp", "date", "on", "when"})
_DAY: Final = 86_400.0
_LEAST: Final = 3.0

_IDS: Final = {
    "id": 10, "event id": 12, "message id": 11, "eventid": 12, "messageid": 11, "uuid": 9, "event uuid": 11,
    "msg id": 10, "guid": 8, "ce id": 10, "webhook id": 9, "insert id": 9, "idempotency key": 8, "replay id": 7,
    "transaction key": 5, "trace id": 2, "request id": 3, "correlation id": 2,
}  # fmt: skip

_ROW: Final = frozenset({"before", "after", "source", "transaction"})
"""Of Debezium's envelope: what a row is, and what several changes share."""
_FLAT: Final = frozenset({"__op", "__deleted"})
"""What Debezium adds to a row that it flattens."""


@dataclass(frozen=True, slots=True)
class TimeChoice:
    """The setting, and the moments that it finds by the number of the document, in Unix seconds."""

    setting: ProposedSetting
    moments: Mapping[int, float]


def time_of(fields: Sequence[SampledField], stored: Mapping[int, float]) -> TimeChoice:
    """The best there is, else Kafka's. `stored` are Kafka's timestamps, where they are known."""
    found = [each for each in (_time(field, stored) for field in fields) if each is not None]
    found.sort(key=lambda each: (-each[0], each[1].expression))
    if not found:
        known = "Kafka's, as no field looks like the time of the event"
        return TimeChoice(ProposedSetting("timestamp", known), stored)
    _, best, form, moments = found[0]
    what = {"iso": "ISO 8601", "local": "a time without a zone, taken as UTC: is it?"}.get(form, f"counted in {form}")
    other = f"; next best: {found[1][1].expression}" if len(found) > 1 else ""
    setting = ProposedSetting(
        time_spec(best.expression, form), f"{best.found}, {what}{other}", best.share, form != "local"
    )
    return TimeChoice(setting, moments)


def _time(field: SampledField, stored: Mapping[int, float]) -> tuple[float, SampledField, str, dict[int, float]] | None:
    if not field.names or field.share < 0.5 or field.origin == "key":
        return None
    own = words(field.names[-1])
    score = float(_TIMES.get(" ".join(own), 4 if own and own[-1] in _MARKS else 0))
    if score <= 0 or set(own) & _NEVER:
        return None
    forms = Counter(time_form(value) for value in field.values.values())
    form, count = min(forms.items(), key=lambda item: (-item[1], item[0] or ""))
    if form is None or count < 0.95 * len(field.values):
        return None
    seen = ((number, moment(value, form)) for number, value in field.values.items())
    moments = {number: when for number, when in seen if when is not None}
    apart = [abs(when - stored[number]) for number, when in moments.items() if number in stored]
    if apart:
        score += 2 if median_low(apart) < _DAY else -3 if median_low(apart) > 30 * _DAY else 0
    if field.distinct == 1 and len(field.values) > 5:
        score -= 3
    score -= 0.8 * (len(field.names) - 1) + 5 * (1 - field.share)
    score -= {"iso": 0.0, "local": 1.0}.get(form, 0.3) + (1.5 if field.origin in {"header", "outer"} else 0)
    return (score, field, form, moments) if score >= _LEAST else None


def id_of(fields: Sequence[SampledField], time: SampledField | None, *, changes: bool = False) -> ProposedSetting:
    """What is another one in each event, and is called an id; else what Kafka tells.

    Of `changes` of rows, no id of the row is the change's, even where no row changed twice in the sample.
    """
    own = _not_of_the_row(fields, changes=changes)
    ranked = sorted(((_own(each), each) for each in own), key=lambda pair: (-pair[0], pair[1].expression))
    best = ranked[0] if ranked else None
    if best is not None and best[0] >= _LEAST:
        return ProposedSetting(best[1].expression, f"{best[1].found}, never the same twice", best[1].share)
    plain = next((each for each in fields if each.expression == "id"), None)
    if plain is not None and time is not None and "{" not in time.expression and _tell_apart(plain, time):
        evidence = "neither is another one in each event, but both together are"
        return ProposedSetting(
            {"template": f"{{{plain.expression}}}/{{{time.expression}}}"}, evidence, is_certain=False
        )
    if plain is None:
        return ProposedSetting("id", "no field is another one in each event: topic/partition/offset tells them apart")
    return ProposedSetting(
        "header:event-id", "id repeats, and no other field tells events apart: as no such header is there, "
        "topic/partition/offset does",
    )  # fmt: skip


def _not_of_the_row(fields: Sequence[SampledField], *, changes: bool) -> list[SampledField]:
    """Those that may say which change it is: neither in the row nor, where it was flattened, a column of it."""
    is_flat = any(each.origin == "value" and each.names[0] in _FLAT for each in fields if each.names)
    return [
        each
        for each in fields
        if each.origin != "value"
        or not ((changes and each.names[0] in _ROW) or (is_flat and not each.names[0].startswith("__")))
    ]


def _tell_apart(one: SampledField, other: SampledField) -> bool:
    both = [(one.values[number], other.values[number]) for number in one.values if number in other.values]
    return len(both) == one.of and len(set(both)) == len(both)


def _own(field: SampledField) -> float:
    if not field.names or field.share < 0.9 or field.origin in {"key", "outer"}:
        return 0.0
    values = field.values.values()
    if any(isinstance(value, bool) or not isinstance(value, str | int) or value == "" for value in values):
        return 0.0
    if len(values) < 2 or field.distinct < 0.97 * len(values):
        return 0.0 if len(values) != 1 else _named(field)
    if any(isinstance(value, str) and len(value) > 200 for value in values):
        return 0.0
    return _named(field)


def _named(field: SampledField) -> float:
    own = words(field.names[-1])
    if field.origin == "header" and own[:1] == ("x",):
        own = own[1:]
    name = " ".join(own)
    score = float(_IDS.get(name, 0))
    if field.origin == "header" and name.endswith(("event id", "webhook id", "message id", "delivery", "ce id")):
        score = 12.0  # who writes a header of this name means the event, and not what it is about
    if not score and name.endswith(("event id", "webhook id", "message id")):
        score = 9.0
    if not score and own[-1:] in {("id",), ("uuid",), ("key",), ("guid",)}:
        score = 4.5 + (0.5 if all(isinstance(v, str) and UUID.fullmatch(v) for v in field.values.values()) else 0)
    return score - 1.4 * (len(field.names) - 1) - 4 * (1 - field.share)
