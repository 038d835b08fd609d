"""What of the fleet is told on a terminal, in which order, and in which words. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from bridge.fleet.headline import LOSS_IS_NEAR
from bridge.ops.status.concerns import OPEN_DEAD_LETTERS
from bridge.ops.status.group_status import spans
from bridge.ops.status.status_text.layout import Item, ScreenTable, Text, Tone
from bridge.ops.status.status_text.sections import recorded_losses
from bridge.ops.status.status_text.times import Times, moment
from bridge.text.amounts import listed, per_minute, plural, span, thousands

Document = Mapping[str, Any]
FleetSection = tuple[str, Tone, list[Item]]
"""Title, what it is for the eye, and the lines under it; left out where that is nothing."""

PARTITIONS_WATCHED: Final = 20
"""Partitions shown where the screen is watched; the others are counted."""
_PLACES_SHOWN: Final = 8
_WIDE: Final = 90
"""Columns from which on there is room for who has a partition."""
_TONES: Final = {"held": Tone.NEEDS_SOMEONE, "waiting": Tone.WAITS, "unknown": Tone.NEEDS_SOMEONE}
_RATE_LIMITED: Final = "rate_limited"
_FLOWS: Final = ("sending", "idle")


def head(document: Document, times: Times) -> list[Item]:
    """What group, who answers, and how it is in a sentence."""
    replicas = document["replicas"]
    answer = sum(each["problem"] is None for each in replicas)
    sentence = document["sentence"]
    out: list[Item] = [
        Text(f"group {document['group']}: {answer} of {plural(len(replicas), 'replica')} answer, at {times.as_of()}"),
        Text(
            f"{document['state'].upper()}: {sentence}{_ahead(document, times)}",
            tone=_TONES.get(document["state"], Tone.GOOD),
        ),
    ]
    if document["kafka_problem"]:
        out.append(Text(document["kafka_problem"], tone=Tone.NEEDS_SOMEONE))
    return out


def _ahead(document: Document, times: Times) -> str:
    """When all of it is done, or that it never is at this pace."""
    ahead = document["forecast"]
    if ahead is None or not document["records"]:
        return ""
    if ahead["empty_at"] is not None:
        return f" Done about {times.about(ahead['empty_at'])} ({times.ahead(ahead['empty_at'])})."
    return {"growing": " More come than go: at this pace it never catches up.", "still": " They do not move."}.get(
        ahead["pace"], ""
    )


def sections(document: Document, times: Times, width: int, most: int | None) -> list[FleetSection]:
    """All of them, in their order."""
    needed, ends = document["needs_someone"], document["ends_by_itself"]
    return [
        ("Needs someone", Tone.NEEDS_SOMEONE if needed else Tone.TITLE, _needs_someone(needed, times)),
        ("Ends by itself", Tone.WAITS if ends else Tone.TITLE, _ends_by_itself(document, times)),
        ("Lost", Tone.TITLE, _lost(document, times)),
        ("Budget", Tone.TITLE, _budget(document, times)),
        ("Replicas", Tone.TITLE, _replicas(document)),
        ("Topics", Tone.TITLE, _topics(document)),
        ("Partitions", Tone.TITLE, _partitions(document, times, width, most)),
    ]


# --- what is not as it should be -----------------------------------------------------------------------


def _needs_someone(concerns: Sequence[Document], times: Times) -> list[Item]:
    return [item for each in concerns for item in _concern(each, times, Tone.NEEDS_SOMEONE)] or [Text("nothing")]


def _ends_by_itself(document: Document, times: Times) -> list[Item]:
    out: list[Item] = []
    for each in document["ends_by_itself"]:
        out += _concern(each, times, Tone.WAITS)
        limit = next((budget["limit"] for budget in document["budgets"]), None)
        if each["reason"] == _RATE_LIMITED and each["records"] and each["empty_at"] is None and limit:
            out.append(Text(_at_best(each["records"], limit, document["forecast"]), indent=2))
    return out or [Text("nothing")]


def _at_best(records: int, limit: float, ahead: Document | None) -> str:
    """What is certain before, or although, nothing can be forecast."""
    least = f"{plural(records, 'record')} at {per_minute(limit)} take {span(records / limit)}"
    if ahead is None or ahead["pace"] == "unknown":
        return f"{least}. How long it really takes is said when it was watched for a minute."
    return f"{least} if no more come; now as many come as go, or more."


def _concern(concern: Document, times: Times, tone: Tone) -> Iterator[Item]:
    """What, until when, how much, since when; then where, why, and what to do."""
    parts = [concern["reason"], *_when(concern, times)]
    if concern["records"]:
        parts.append(plural(concern["records"], "record"))
    if concern["since"] is not None:
        parts.append(times.since(concern["since"]))
    yield Text(f"{parts[0]} {', '.join(parts[1:])}".rstrip(), tone=tone)
    places = [*concern["topics"], *concern["partitions"]]
    if places:
        yield Text(listed(places, _PLACES_SHOWN), indent=2)
    elif sayers := _sayers(concern):
        yield Text(f"at {listed(sayers, _PLACES_SHOWN)}", indent=2)
    for detail in concern["details"]:
        yield Text(detail if detail.endswith((".", "!", "?")) else f"{detail}.", indent=2)
    if concern["details_left_out"]:
        yield Text(f"and {thousands(concern['details_left_out'])} more like that", indent=2)
    if concern["action"]:
        yield Text(f"To do: {concern['action']}", indent=2)


def _sayers(concern: Document) -> list[str]:
    """Replicas that a concern without a place is about. Dead letters are the group's; some sentences name them."""
    if concern["reason"] == OPEN_DEAD_LETTERS:
        return []
    told = " ".join(concern["details"])
    return [short for each in concern["replicas"] if (short := _short(each)) not in told]


def _when(concern: Document, times: Times) -> Iterator[str]:
    if concern["until"] is not None:
        yield f"until {times.until(concern['until'])}"
    elif concern["next_try"] is not None:
        yield f"tried again at {times.until(concern['next_try'])}"
    elif concern["empty_at"] is not None and concern["records"]:
        yield f"done about {times.about(concern['empty_at'])} ({times.ahead(concern['empty_at'])})"


# --- what is lost --------------------------------------------------------------------------------------


def _lost(document: Document, times: Times) -> list[Item]:
    """Nothing, in words; or how much, and from when on more will be."""
    out = recorded_losses(document["recorded_losses"], times)
    losses, ahead = document["recorded_losses"], document["forecast"]
    if losses is not None and losses["since"] is None and not losses["problem"]:
        out = [Text("nothing is recorded as lost")]
    if ahead is not None and ahead["loses_from"] is not None:
        is_soon = moment(ahead["loses_from"]) - times.now < LOSS_IS_NEAR
        out.append(
            Text(
                f"From {times.until(ahead['loses_from'])} on, Kafka deletes records unsent if it goes on like this.",
                tone=Tone.NEEDS_SOMEONE if is_soon else Tone.PLAIN,
            )
        )
    letters = document["dead_letters"]
    if letters["open"] is None:
        out.append(Text(f"open dead letters: not counted. {letters['problem'] or ''}".rstrip()))
    elif not letters["open"]["total"] and not letters["open"]["at_least"]:
        out.append(Text("no dead letter is open"))
    return out


# --- the rest ------------------------------------------------------------------------------------------


def _budget(document: Document, times: Times) -> list[Item]:
    out: list[Item] = []
    for budget in document["budgets"]:
        if budget["limit"] is None:
            continue
        used = budget["used_last_minute"]
        of = "" if used is None else f"{thousands(used)} in the last minute of "
        known = [each for each in budget["shares"] if each["share"] is not None]
        shares = [f"{_short(each['replica'])} {per_minute(each['share'])}" for each in known]
        may = f"; may now: {listed(shares, _PLACES_SHOWN)}" if shares else ""
        out.append(Text(f"{budget['kind']}: {of}{per_minute(budget['limit'])}{may}"))
    if document["budgets"] and not out:
        out.append(Text("no rate is limited"))
    for replay in document["replays"]:
        wants = "" if replay["share"] is None else f" asks for {per_minute(replay['share'])}"
        out.append(Text(f"{replay['who']}: {replay['detail']}{wants}, {times.since(replay['since'])}"))
    return [*out, Text("nobody replays dead letters")] if not document["replays"] else out


def _short(address: str) -> str:
    return address.removeprefix("http://").removeprefix("https://")


def _replicas(document: Document) -> list[Item]:
    owned: dict[str, int] = {}
    for partition in document["partitions"]:
        if partition["replica"] is not None:
            owned[partition["replica"]] = owned.get(partition["replica"], 0) + 1
    rows = [
        (
            each["name"],
            each["state"] or "silent",
            thousands(owned.get(each["address"], 0)) if each["problem"] is None else "?",
            each["version"] or "",
            each["mapping"] or "",
        )
        for each in document["replicas"]
    ]
    out: list[Item] = [_group(document)]
    if rows:
        out.append(ScreenTable(("replica", "state", "partitions", "version", "mapping"), rows, right=(2,)))
    return out


def _group(document: Document) -> Text:
    group = document["group_view"]
    if group is None:
        return Text(document["group_problem"] or "the group's members are not known now: its coordinator was not heard")
    return Text(f"group {group['state']}, {plural(len(group['members']), 'member')}, protocol {group['protocol']}")


def _topics(document: Document) -> list[Item]:
    """Only where there are several, or one yields nothing."""
    topics = document["topics"]
    if len(topics) < 2 and not any(each["problem"] for each in topics):
        return []
    told = {topic for concern in document["needs_someone"] for topic in concern["topics"]}
    rows = [(each["topic"], _number(each["partitions"]), _number(each["lag"]), _missing(each)) for each in topics]
    notes = [Text(each["detail"]) for each in topics if each["problem"] and each["topic"] not in told]
    return [ScreenTable(("topic", "partitions", "lag", ""), rows, right=(1, 2)), *notes]


def _missing(topic: Document) -> str:
    parts = [topic["problem"]] if topic["problem"] else []
    if topic["unowned"]:
        parts.append(f"nobody's: {spans(topic['unowned'])}")
    return "; ".join(parts)


def _partitions(document: Document, times: Times, width: int, most: int | None) -> list[Item]:
    """Those that wait first where not all of them are shown."""
    found = document["partitions"]
    if most is not None and len(found) > most:
        found = sorted(found, key=lambda each: (each["why"] in _FLOWS, -(each["lag"] or 0)))
    shown, more = found[:most], found[most:] if most is not None else []
    is_wide = width >= _WIDE
    rows = [_row(each, times, is_wide=is_wide) for each in shown]
    if not rows:
        return []
    heads = ("partition", "why", "lag", "oldest", "done about", "replica")
    out: list[Item] = [ScreenTable(heads if is_wide else heads[:4], rows, right=(2,))]
    if more:
        going = sum(each["why"] in _FLOWS for each in more)
        out.append(Text(f"and {thousands(len(more))} more, {thousands(going)} of them sending or idle"))
    return out


def _row(partition: Document, times: Times, *, is_wide: bool) -> tuple[str, ...]:
    age, ahead = partition["oldest_age_s"], partition["forecast"]
    ends = "" if ahead is None or ahead["empty_at"] is None or not partition["lag"] else times.about(ahead["empty_at"])
    cells = (
        f"{partition['topic']}/{partition['partition']}",
        partition["why"],
        _number(partition["lag"]),
        "" if age is None or not partition["lag"] else span(age),
    )
    if not is_wide:
        return cells
    nobody = "nobody" if partition["owned"] is False else "not known"
    who = _short(partition["replica"]) if partition["replica"] else partition["owner"] or nobody
    return (*cells, ends, who)


def _number(number: int | None) -> str:
    return "?" if number is None else thousands(number)
