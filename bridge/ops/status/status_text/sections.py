"""What of the `/status` document is told, in which order, and in which words. Pure.

First what needs someone, then what ends by itself, then what is lost; then all the rest, which nobody has to read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from bridge.ops.status.group_status import spans
from bridge.ops.status.status_text import failures, forecasts, kinds
from bridge.ops.status.status_text.layout import Item, ScreenTable, Text, Tone
from bridge.ops.status.status_text.times import Times, moment
from bridge.text.amounts import per_minute, plural, span, thousands

Document = Mapping[str, Any]
Section = tuple[str, Tone, list[Item]]
"""Title, what it is for the eye, and the lines under it; left out where that is nothing."""

_TYPES_SHOWN: Final = 10
_RETRIES_SHOWN: Final = 5
_PLACES_SHOWN: Final = 10
_LOSSES_SHOWN: Final = 5
_RATE_LIMITED: Final = "rate_limited"
_TONES: Final = {"held": Tone.NEEDS_SOMEONE, "waiting": Tone.WAITS, "starting": Tone.WAITS, "draining": Tone.WAITS}


def head(document: Document, times: Times) -> list[Item]:
    """Who speaks, and its state in a sentence."""
    return _head(document, times, document["sentence"])


def short_head(document: Document, times: Times) -> list[Item]:
    """The same where every line counts: of what is told right below only how much it is."""
    return _head(document, times, _count(document))


def _head(document: Document, times: Times, sentence: str) -> list[Item]:
    up = span(times.now - moment(document["started_at"]))
    return [
        Text(f"track-bridge {document['version']}, group {document['group']}, up {up}, at {times.as_of()}"),
        Text(f"{document['state'].upper()}: {sentence}", tone=_TONES.get(document["state"], Tone.GOOD)),
    ]


def _count(document: Document) -> str:
    needed, ends = len(document["needs_someone"]), len(document["ends_by_itself"])
    needs = (
        f"{plural(needed, 'thing')} {'needs' if needed == 1 else 'need'} someone" if needed else "nothing needs someone"
    )
    if document["state"] not in {"held", "waiting"}:
        return f"{document['sentence']} {needs[0].upper()}{needs[1:]}." if needed else document["sentence"]
    alone = f"{plural(ends, 'thing')} {'ends by itself' if ends == 1 else 'end by themselves'}"
    parts = [needs, alone] if ends else [needs]
    reasons = {concern["reason"] for concern in document["needs_someone"]}
    held = sum(partition["why"] in reasons for partition in document["partitions"])
    parts += [f"{held} of {len(document['partitions'])} partitions held"] if held else []
    return f"{', '.join(parts)}."


def sections(document: Document, times: Times) -> list[Section]:
    """All of them, in their order."""
    needed, ends = document["needs_someone"], document["ends_by_itself"]
    return [
        ("Needs someone", _tone(needed, Tone.NEEDS_SOMEONE), _needs_someone(document, times)),
        ("Ends by itself", _tone(ends, Tone.WAITS), _ends_by_itself(document, times)),
        ("Lost", Tone.TITLE, _lost(document, times)),
        ("Control socket", Tone.TITLE, _control_socket(document)),
        ("Schema registry", Tone.TITLE, _registry(document, times)),
        ("Kafka", Tone.TITLE, _kafka(document)),
        ("Topics", Tone.TITLE, _topics(document)),
        ("Group", Tone.TITLE, _group(document)),
        ("Retries", Tone.TITLE, _retries(document, times)),
        ("Failed requests", Tone.TITLE, failures.failed_requests(document, times)),
        ("Partitions", Tone.TITLE, _partitions(document)),
        ("Forecast", Tone.TITLE, forecasts.forecast(document, times)),
        ("Records", Tone.TITLE, _records(document)),
        ("Rate", Tone.TITLE, _rate(document)),
        ("Requests", Tone.TITLE, kinds.requests(document, times)),
        ("Users", Tone.TITLE, kinds.users(document)),
        ("Routes", Tone.TITLE, _routes(document)),
        ("Unmapped types", Tone.TITLE, _unmapped(document)),
    ]


def _tone(concerns: Sequence[Document], where_some: Tone) -> Tone:
    return where_some if concerns else Tone.TITLE


# --- what is not as it should be -----------------------------------------------------------------------


def _needs_someone(document: Document, times: Times) -> list[Item]:
    concerns = document["needs_someone"]
    if not concerns:
        return [Text("nothing")]
    return [item for concern in concerns for item in _concern(concern, times, Tone.NEEDS_SOMEONE)]


def _ends_by_itself(document: Document, times: Times) -> list[Item]:
    out: list[Item] = []
    for concern in document["ends_by_itself"]:
        out += _concern(concern, times, Tone.WAITS)
        if concern["reason"] == _RATE_LIMITED:
            out.append(Text(_forecast(document["backlog"], times), indent=2))
    return out


def _concern(concern: Document, times: Times, tone: Tone) -> Iterator[Item]:
    """What, until when, since when, where; then why, and what to do."""
    parts = [concern["reason"]]
    if concern["until"] is not None:
        parts.append(f"until {times.until(concern['until'])}{',' if concern['since'] else ''}")
    parts.append(times.since(concern["since"]))
    yield Text(f"{' '.join(filter(None, parts))}{_places(concern)}", tone=tone)
    for detail in concern["details"]:
        yield Text(detail if detail.endswith((".", "!", "?")) else f"{detail}.", indent=2)
    if concern["details_left_out"]:
        yield Text(f"and {_number(concern['details_left_out'])} more like that", indent=2)
    if concern["next_try"] is not None:
        yield Text(f"Tried again at {times.until(concern['next_try'])}.", indent=2)
    if concern["action"]:
        yield Text(f"To do: {concern['action']}", indent=2)


def _places(concern: Document) -> str:
    places = [*concern["topics"], *concern["partitions"]]
    if not places:
        return ""
    more = len(places) - _PLACES_SHOWN
    return f": {', '.join(places[:_PLACES_SHOWN])}{f' and {thousands(more)} more topics' if more > 0 else ''}"


def _forecast(backlog: Document | None, times: Times) -> str:
    """Made of what was watched, and of nothing else."""
    if backlog is None:
        return "How long that takes is said as soon as the backlog was watched for a minute."
    watched = span(moment(backlog["watched_until"]) - moment(backlog["watched_since"]))
    records, pace = f"{_number(backlog['records'])} records", backlog["per_minute"]
    if backlog["done_at"] is not None:
        return (
            f"At the pace of the last {watched} the backlog of {records} is done about"
            f" {times.about(backlog['done_at'])} ({times.ahead(backlog['done_at'])})."
        )
    if not backlog["records"]:
        return "Nothing waits any more."
    if pace >= 0:
        return (
            f"The backlog of {records} has not shrunk in the last {watched} (+{thousands(pace)} a minute): at this pace"
            " it never catches up."
        )
    return f"The backlog of {records} shrank by {thousands(-pace)} a minute in the last {watched}."


def _lost(document: Document, times: Times) -> list[Item]:
    loss, duplicates = document["possible_loss"], document["possible_duplicates"]
    since = f"since this process started at {times.at(document['started_at'])}"
    out: list[Item] = []
    if loss["out_of_range"]:
        out.append(
            Text(
                f"possibly lost: at most {_number(loss['records_at_most'])} records left the log before they were sent,"
                f" {since} (partitions found out of range: {loss['out_of_range']})",
                tone=Tone.NEEDS_SOMEONE,
            )
        )
    gap = document["accounting"]["gap"]
    if gap:
        out.append(Text(f"unaccounted: {_number(gap)} records; this is a defect of the bridge, please report it"))
    if not out:
        out.append(Text(f"nothing {since}"))
    twice = []
    if duplicates["ambiguous_retries"]:
        count = _number(duplicates["ambiguous_retries"])
        twice.append(f"{count} requests that were repeated and may have been accepted before (no answer, or 5xx)")
    if duplicates["forced_drains"]:
        twice.append(f"what was cut off by {_number(duplicates['forced_drains'])} forced drains")
    if twice:
        out.append(Text(f"possibly sent twice: {' and '.join(twice)}"))
    return out + recorded_losses(loss["recorded"], times)


def recorded_losses(recorded: Document | None, times: Times) -> list[Item]:
    """What outlives a restart, of the whole group."""
    if recorded is None:
        return [Text("what was lost before has not been read yet")]
    out: list[Item] = []
    if recorded["problem"]:
        out.append(Text(f"not recorded, so that a restart forgets it: {recorded['problem']}"))
    if recorded["since"] is None:
        return out or [Text("nothing is recorded of the group's earlier losses")]
    unknown, parts = recorded["of_unknown_number"], []
    if recorded["records_at_most"]:
        parts.append(f"at most {_number(recorded['records_at_most'])} records")
    if unknown:
        parts.append(f"an unknown number on {plural(unknown, 'occasion')}")
    head = f"recorded for the group, restarts included: possibly lost {' and '.join(parts)}"
    out.append(Text(f"{head}, since {times.at(recorded['since'])}", tone=Tone.NEEDS_SOMEONE))
    for loss in recorded["losses"][:_LOSSES_SHOWN]:
        where = f"{loss['topic']}/{loss['partition']} from offset {loss['from']}"
        reach = f" to {loss['to'] - 1}" if loss["to"] is not None else ", nobody knows how many"
        out.append(Text(f"{where}{reach}: {loss['reason']}, found last at {times.at(loss['at'])}", indent=2))
    more = max(0, len(recorded["losses"]) - _LOSSES_SHOWN) + recorded["left_out"]
    return [*out, Text(f"and {thousands(more)} more", indent=2)] if more > 0 else out


# --- the rest ------------------------------------------------------------------------------------------


def _control_socket(document: Document) -> list[Item]:
    """Only where there is none although one is wanted."""
    problem = document["control_socket"]["problem"]
    return [Text(f"an operator's hold and release do not reach this replica: {problem}")] if problem else []


def _registry(document: Document, times: Times) -> list[Item]:
    """Only where one is configured."""
    registry = document.get("schema_registry")
    if registry is None:
        return []
    known = plural(registry["known_schemas"], "schema")
    unknown = (
        f", {_number(registry['unknown_references'])} that it does not know" if registry["unknown_references"] else ""
    )
    said = {
        "idle": "not asked yet",
        "ok": "answers",
        "trouble": f"does not answer as it should{_since(registry['since'], times)}: {registry['problem']}",
    }[registry["state"]]
    out: list[Item] = [Text(f"{', '.join(registry['urls'])}: {said}; {known} known{unknown}")]
    waiting, more = registry["waiting_for"], registry["waiting_for_left_out"]
    if waiting:
        out.append(Text(f"waited for: {', '.join(waiting)}{f' and {thousands(more)} more' if more else ''}"))
    return out


def _since(at: str | None, times: Times) -> str:
    return "" if at is None else f" since {times.at(at)}"


def _kafka(document: Document) -> list[Item]:
    """Only where no broker answers; why and since when is above."""
    last = document["kafka"]["last_partitions"]
    if document["kafka"]["reachable"] or not last:
        return []
    return [Text(f"partitions of this replica before no broker answered: {_shortly(last)}")]


def _shortly(partitions: Sequence[str]) -> str:
    """Partitions by name, those of a topic together."""
    found: dict[str, list[int]] = {}
    for name in partitions:
        topic, _, number = name.rpartition("/")
        found.setdefault(topic, []).append(int(number))
    places = [f"{topic}/{spans(sorted(numbers))}" for topic, numbers in found.items()]
    more = len(places) - _PLACES_SHOWN
    return f"{', '.join(places[:_PLACES_SHOWN])}{f' and {thousands(more)} more topics' if more > 0 else ''}"


def _topics(document: Document) -> list[Item]:
    """What ought to be read; what yields nothing says why, where it is no concern that is told above."""
    told = {topic for concern in document["needs_someone"] for topic in concern["topics"]}
    rows, notes = [], []
    for topic in document["topics"]:
        numbers = (topic["partitions"], topic["here"], topic["lag"])
        rows.append((topic["topic"], *map(_number, numbers), _missing(topic)))
        if topic["problem"] and topic["topic"] not in told:
            notes += [Text(topic["detail"]), Text(f"To do: {topic['action']}", indent=2)]
    if not rows:
        return []
    return [ScreenTable(("topic", "partitions", "here", "lag of the group", ""), rows, right=(1, 2, 3)), *notes]


def _missing(topic: Document) -> str:
    parts = [topic["problem"]] if topic["problem"] else []
    if topic["unowned"]:
        parts.append(f"nobody's: {spans(topic['unowned'])}")
    if topic["stalled"]:
        parts.append(f"stalled: {spans(topic['stalled'])} at {', '.join(topic['stalled_at']) or 'another member'}")
    return "; ".join(parts)


def _group(document: Document) -> list[Item]:
    view = document["group_view"]
    others: list[Item] = [
        Text(f"another mapping ({other['mapping']}, here {view['mapping']}): {_shortly(other['partitions'])}")
        for other in view["other_mappings"]
    ]
    if view["members"] is None:
        return others
    said = f"{view['state']}, {plural(len(view['members']), 'member')}, as of {span(view['age_s'] or 0)} ago"
    rows = [(each["name"], each["host"], _number(each["partitions"])) for each in view["members"]]
    return [Text(said), *others, ScreenTable(("member", "host", "partitions"), rows, right=(2,))]


def _retries(document: Document, times: Times) -> list[Item]:
    """Only where events failed: why, how often, and when they are tried again."""
    retries = document["retries"]
    if not retries["events"]:
        return []
    out: list[Item] = [
        Text(f"{plural(retries['records'], 'record')} of {plural(retries['users'], 'user')} wait for events that fail")
    ]
    for event in retries["events"][:_RETRIES_SHOWN]:
        at, answer = event["next_attempt"], event["last_answer"]
        following = "now" if at is None else f"at {times.until(at)}"
        behind = f", {_number(event['behind'])} behind it" if event["behind"] else ""
        out += [
            Text(
                f"{event['topic']}/{event['partition']} offset {event['offset']}: "
                f"{plural(event['attempts'], 'attempt')},"
                f" {event['counted']} of {event['max_attempts']} that count, next {following}{behind}"
            ),
            Text(f"last answer: {answer['detail'] if answer else 'in another process'}", indent=2),
        ]
    more = len(retries["events"]) - _RETRIES_SHOWN
    return out + ([Text(f"and {more} more events")] if more > 0 else [])


def _partitions(document: Document) -> list[Item]:
    rows = [
        (
            f"{partition['topic']}/{partition['partition']}",
            partition["why"],
            _number(partition["lag"]),
            _number(partition["position"]),
            _number(partition["end"]),
            "-" if partition["oldest_open"] is None else span(partition["oldest_open"]["age_s"]),
        )
        for partition in document["partitions"]
    ]
    if not rows:
        return [Text("none assigned")]
    return [ScreenTable(("partition", "why", "lag", "done up to", "end", "oldest open"), rows, right=(2, 3, 4, 5))]


def _records(document: Document) -> list[Item]:
    accounting = document["accounting"]
    parts = ("delivered", "filtered", "dead_lettered", "already_done", "released", "in_flight")
    reasons = {"filtered": accounting["filtered_by_reason"], "dead_lettered": document["dead_letters"]["by_reason"]}
    rows = [(part.replace("_", " "), _number(accounting[part]), _counts(reasons.get(part, {}))) for part in parts]
    return [ScreenTable(("consumed", _number(accounting["consumed"]), ""), rows, right=(1,))]


def _counts(by_name: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {_number(count)}" for name, count in by_name.items())


def _rate(document: Document) -> list[Item]:
    rate = document["rate"]
    limit = "unlimited" if rate["limit"] is None else f"limit {per_minute(rate['limit'])}"
    share = "" if rate["share"] is None else f", share of this replica {per_minute(rate['share'])}"
    return [Text(f"{limit}{share}, used in the last minute {_number(rate['used_last_minute'])}")]


def _routes(document: Document) -> list[Item]:
    rows = [
        (
            route["route"],
            _number(route["delivered"]),
            _number(route["filtered"]),
            _number(route["dead_lettered"]),
            "" if route["matched"] else "never matched",
        )
        for route in document["routes"]
    ]
    return [ScreenTable(("route", "delivered", "filtered", "dead-lettered", ""), rows, right=(1, 2, 3))] if rows else []


def _unmapped(document: Document) -> list[Item]:
    types = document["unmapped"]["types"]
    rows = [(entry["type"], _number(entry["records"])) for entry in types[:_TYPES_SHOWN]]
    if not rows:
        return []
    more = [Text(f"and {len(types) - _TYPES_SHOWN} more")] if len(types) > _TYPES_SHOWN else []
    return [ScreenTable(("type", "records"), rows, right=(1,)), *more]


def _number(number: int | None) -> str:
    return "?" if number is None else thousands(number)
