"""The `/status` document as text for a terminal: what is stuck, since when, why, and what is lost?"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from bridge.config.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_FLOWING = ("sending", "idle")
_TYPES_SHOWN = 10
_RETRIES_SHOWN = 5


def lines(document: Mapping[str, Any]) -> list[str]:
    """A page of plain lines from a document of `bridge.ops.status.document`, also after a trip over HTTP.

    Raises KeyError for a document of another shape.
    """
    now = _moment(document["at"])
    out = [
        (
            f"track-bridge {document['version']}, group {document['group']},"
            f" up {_span(now - _moment(document['started_at']))}"
        ),
        f"{document['state'].upper()}: {document['sentence']}",
    ]
    for title, section in (
        ("Kafka", _kafka(document, now)),
        ("Topics", _topics(document)),
        ("Group", _group(document)),
        ("Stuck", _stuck(document, now)),
        ("Retries", _retries(document, now)),
        ("Partitions", _partitions(document)),
        ("Lost", _lost(document)),
        ("Records", _records(document)),
        ("Open dead letters", _open_letters(document)),
        ("Rate", _rate(document)),
        ("Key", _key(document)),
        ("Routes", _routes(document)),
        ("Unmapped types", _unmapped(document)),
    ):
        if section:
            out += ["", title, *(f"  {line}".rstrip() for line in section)]
    return [printable(line) for line in out]


def _kafka(document: Mapping[str, Any], now: float) -> list[str]:
    """Only where no broker answers."""
    kafka = document["kafka"]
    if kafka["reachable"]:
        return []
    since = kafka["unreachable_since"]
    last = ", ".join(kafka["last_partitions"])
    return [
        f"unreachable since {since} ({_span(now - _moment(since))})",
        kafka["detail"],
        *([f"partitions of this replica then: {last}"] if last else []),
    ]


def _topics(document: Mapping[str, Any]) -> list[str]:
    """What ought to be read; what yields nothing says why."""
    rows = [("topic", "partitions", "here", "lag of the group", "")]
    notes = []
    for topic in document["topics"]:
        numbers = (topic["partitions"], topic["here"], topic["lag"])
        rows.append((topic["topic"], *map(_number, numbers), _missing(topic)))
        if topic["problem"]:
            notes += [topic["detail"], f"  To do: {topic['action']}"]
    return [*_table(rows, right=(1, 2, 3)), *notes] if len(rows) > 1 else []


def _missing(topic: Mapping[str, Any]) -> str:
    parts = [topic["problem"]] if topic["problem"] else []
    if topic["unowned"]:
        parts.append(f"nobody's: {_ranges(topic['unowned'])}")
    if topic["stalled"]:
        parts.append(f"stalled: {_ranges(topic['stalled'])} at {', '.join(topic['stalled_at']) or 'another member'}")
    return "; ".join(parts)


def _group(document: Mapping[str, Any]) -> list[str]:
    view = document["group_view"]
    others = [
        f"another mapping ({other['mapping']}, here {view['mapping']}): {', '.join(other['partitions'])}"
        for other in view["other_mappings"]
    ]
    if view["members"] is None:
        return others
    said = f"{view['state']}, {len(view['members'])} members, as of {_span(view['age_s'] or 0)} ago"
    return [
        said,
        *others,
        *_table([(each["name"], each["host"], _number(each["partitions"])) for each in view["members"]], (2,)),
    ]


def _stuck(document: Mapping[str, Any], now: float) -> list[str]:
    """Partitions of one reason are told together: an outage of 300 partitions is one paragraph."""
    groups: dict[tuple[str, str, str], list[Mapping[str, Any]]] = {}
    for partition in document["partitions"]:
        if partition["why"] not in _FLOWING:
            key = (partition["why"], partition["detail"], partition["action"])
            groups.setdefault(key, []).append(partition)
    if not groups:
        return ["nothing"]
    out: list[str] = []
    for (why, detail, action), partitions in groups.items():
        out.append(f"{why}{_since(partitions, now)}: {_names(partitions)}")
        out.append(f"  {detail}")
        out += [f"  To do: {action}"] if action else []
    return out


def _retries(document: Mapping[str, Any], now: float) -> list[str]:
    """Only where events failed: why, how often, and when they are tried again."""
    retries = document["retries"]
    if not retries["events"]:
        return []
    out = [f"{_number(retries['records'])} records of {_number(retries['users'])} users wait for events that fail"]
    for event in retries["events"][:_RETRIES_SHOWN]:
        at, answer = event["next_attempt"], event["last_answer"]
        following = "now" if at is None else f"in {_span(max(0.0, _moment(at) - now))}"
        behind = f", {_number(event['behind'])} behind it" if event["behind"] else ""
        out.append(
            f"{event['topic']}/{event['partition']} offset {event['offset']}: {event['attempts']} attempts,"
            f" {event['counted']} of {event['max_attempts']} that count, next {following}{behind}"
        )
        out.append(f"  last answer: {answer['detail'] if answer else 'in another process'}")
    more = len(retries["events"]) - _RETRIES_SHOWN
    return out + ([f"and {more} more events"] if more > 0 else [])


def _since(partitions: Sequence[Mapping[str, Any]], now: float) -> str:
    known = [partition["since"] for partition in partitions if partition["since"] is not None]
    if not known:
        return ""
    since = min(known)
    return f" since {since} ({_span(now - _moment(since))})"


def _names(partitions: Iterable[Mapping[str, Any]]) -> str:
    numbers: dict[str, list[int]] = {}
    for partition in partitions:
        numbers.setdefault(partition["topic"], []).append(partition["partition"])
    return ", ".join(f"{topic}/{_ranges(sorted(found))}" for topic, found in numbers.items())


def _ranges(numbers: Sequence[int]) -> str:
    """0, 1, 2, 5 as ``0-2,5``."""
    spans: list[list[int]] = []
    for number in numbers:
        if spans and spans[-1][-1] == number - 1:
            spans[-1][1:] = [number]
        else:
            spans.append([number])
    return ",".join("-".join(str(number) for number in span) for span in spans)


def _partitions(document: Mapping[str, Any]) -> list[str]:
    rows = [("partition", "why", "lag", "position", "end", "oldest open")]
    rows += [
        (
            f"{partition['topic']}/{partition['partition']}",
            partition["why"],
            _number(partition["lag"]),
            _number(partition["position"]),
            _number(partition["end"]),
            "-" if partition["oldest_open"] is None else _span(partition["oldest_open"]["age_s"]),
        )
        for partition in document["partitions"]
    ]
    return _table(rows, right=(2, 3, 4, 5)) if len(rows) > 1 else ["none assigned"]


def _lost(document: Mapping[str, Any]) -> list[str]:
    loss, duplicates = document["possible_loss"], document["possible_duplicates"]
    gap = document["accounting"]["gap"]
    out = []
    if loss["out_of_range"]:
        out.append(
            f"possibly lost: at most {_number(loss['records_at_most'])} records left the log before they were sent"
            f" (partitions found out of range: {loss['out_of_range']})"
        )
    if gap:
        out.append(f"unaccounted: {_number(gap)} records; this is a defect of the bridge, please report it")
    if not out:
        out.append("nothing")
    if duplicates["ambiguous_retries"] or duplicates["forced_drains"]:
        out.append(
            f"possibly sent twice: {_number(duplicates['ambiguous_retries'])} requests whose answer never came,"
            f" and what {duplicates['forced_drains']} forced drains cut off"
        )
    return out


def _records(document: Mapping[str, Any]) -> list[str]:
    accounting = document["accounting"]
    parts = ("delivered", "filtered", "dead_lettered", "already_done", "released", "in_flight")
    rows = [("consumed", _number(accounting["consumed"]), "")]
    reasons = {"filtered": accounting["filtered_by_reason"], "dead_lettered": document["dead_letters"]["by_reason"]}
    rows += [(part.replace("_", " "), _number(accounting[part]), _counts(reasons.get(part, {}))) for part in parts]
    return _table(rows, right=(1,))


def _open_letters(document: Mapping[str, Any]) -> list[str]:
    """Only where there are some. A replica of an earlier version says nothing of them."""
    found = document["dead_letters"].get("open")
    if not found or not (found["by_reason"] or found["at_least"]):
        return []
    least = found["at_least"]
    rows = [
        (reason, ("at least " if reason in least else "") + _number(found["by_reason"].get(reason, 0)))
        for reason in sorted({*found["by_reason"], *least})
    ]
    oldest = found["oldest_age_s"]
    return [*_table(rows, right=(1,)), *([] if oldest is None else [f"the oldest {_span(oldest)} old"])]


def _counts(by_name: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {_number(count)}" for name, count in by_name.items())


def _rate(document: Mapping[str, Any]) -> list[str]:
    rate = document["rate"]
    limit = "unlimited" if rate["limit"] is None else f"limit {_per_minute(rate['limit'])}"
    share = "" if rate["share"] is None else f", share of this replica {_per_minute(rate['share'])}"
    return [f"{limit}{share}, used in the last minute {_number(rate['used_last_minute'])}"]


def _per_minute(per_second: float) -> str:
    return f"{per_second * 60:,.0f}/min"


def _key(document: Mapping[str, Any]) -> list[str]:
    return [document["key"]["problem"]] if document["key"]["problem"] else []


def _routes(document: Mapping[str, Any]) -> list[str]:
    rows = [("route", "delivered", "filtered", "dead-lettered", "")]
    rows += [
        (
            route["route"],
            _number(route["delivered"]),
            _number(route["filtered"]),
            _number(route["dead_lettered"]),
            "" if route["matched"] else "never matched",
        )
        for route in document["routes"]
    ]
    return _table(rows, right=(1, 2, 3)) if len(rows) > 1 else []


def _unmapped(document: Mapping[str, Any]) -> list[str]:
    types = document["unmapped"]["types"]
    rows = [(entry["type"], _number(entry["records"])) for entry in types[:_TYPES_SHOWN]]
    more = [f"and {len(types) - _TYPES_SHOWN} more"] if len(types) > _TYPES_SHOWN else []
    return _table(rows, right=(1,)) + more


def _table(rows: Sequence[tuple[str, ...]], right: Sequence[int]) -> list[str]:
    rows = [tuple(printable(cell) for cell in row) for row in rows]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))] if rows else []
    return [
        "  ".join(
            cell.rjust(widths[column]) if column in right else cell.ljust(widths[column])
            for column, cell in enumerate(row)
        )
        for row in rows
    ]


def _number(number: int | None) -> str:
    return "?" if number is None else f"{number:,}"


def _moment(iso: str) -> float:
    return datetime.fromisoformat(iso).timestamp()


def _span(seconds: float) -> str:
    """A duration in its two largest units."""
    whole = max(0, int(seconds))
    days, hours, minutes = whole // 86_400, whole // 3_600 % 24, whole // 60 % 60
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {whole % 60} s" if minutes else f"{whole % 60} s"
