"""The tables of ``track-bridge top`` and what is known of one row, made of a view of the fleet. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from bridge.cli.top.state import RowKey, Target, TopTable
from bridge.fleet.headline import LOSS_IS_NEAR
from bridge.ops.status.group_status import ranges
from bridge.ops.status.status_text.layout import Item, Text, Tone
from bridge.text.amounts import listed, per_minute, plural, span, thousands
from bridge.text.moments import iso

if TYPE_CHECKING:
    from bridge.fleet.view import FleetConcern, FleetPartition, FleetView, ReplicaView
    from bridge.ops.status.status_text.times import Times

WIDE: Final = 90
"""Columns from which on there is room for everything."""
_FLOWS: Final = ("sending", "idle")
_COUNTS: Final = ("matched", "delivered", "filtered", "dead_lettered")


@dataclass(frozen=True, slots=True)
class TopRow:
    """One of a table."""

    row: RowKey
    cells: tuple[str, ...]
    order: tuple[Any, ...]
    """What each cell is sorted by; of one column all can be compared."""
    rank: tuple[Any, ...]
    """What matters first comes first."""
    tone: Tone = Tone.PLAIN


@dataclass(frozen=True, slots=True)
class Rows:
    """A table."""

    head: tuple[str, ...]
    rows: tuple[TopRow, ...]
    right: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class RouteCounts:
    """What all replicas that answer did with one route since they started, and how fast it goes now."""

    counts: Mapping[str, int]
    per_second: float | None = None
    """Delivered; None: not known yet."""


def routes(view: FleetView, before: tuple[float, Mapping[str, RouteCounts]] | None = None) -> dict[str, RouteCounts]:
    """By name; `before` is an earlier time and what it was then."""
    found: dict[str, dict[str, int]] = {}
    for replica in view.replicas:
        for each in (replica.document or {}).get("routes", ()):
            counts = found.setdefault(str(each["route"]), dict.fromkeys(_COUNTS, 0))
            for name in _COUNTS:
                counts[name] += int(each.get(name, 0))
    return {name: RouteCounts(counts, _pace(name, counts, view.at, before)) for name, counts in found.items()}


def _pace(
    name: str, counts: Mapping[str, int], at: float, before: tuple[float, Mapping[str, RouteCounts]] | None
) -> float | None:
    if before is None or name not in before[1] or at <= before[0]:
        return None
    went = counts["delivered"] - before[1][name].counts["delivered"]
    return None if went < 0 else went / (at - before[0])  # a replica that started again counts from zero


def table(which: TopTable, view: FleetView, counts: Mapping[str, RouteCounts], times: Times, *, is_wide: bool) -> Rows:
    """What there is to list, in no order."""
    match which:
        case TopTable.PARTITIONS:
            return _partitions(view, times, is_wide=is_wide)
        case TopTable.ROUTES:
            return _routes(counts, is_wide=is_wide)
        case TopTable.REPLICAS:
            return _replicas(view, is_wide=is_wide)
        case TopTable.HOLDS:
            return _holds(view, times, is_wide=is_wide)


def ordered(rows: Rows, column: int | None, *, is_reversed: bool) -> list[TopRow]:
    """By a column, the largest number or the first name first; None: what matters first."""
    if column is None or column >= len(rows.head):
        found = sorted(rows.rows, key=lambda each: each.rank)
    else:
        found = sorted(rows.rows, key=lambda each: each.rank)
        found.sort(key=lambda each: each.order[column], reverse=column in rows.right)
    return found[::-1] if is_reversed else found


# --- partitions ---------------------------------------------------------------------------------------


def _partitions(view: FleetView, times: Times, *, is_wide: bool) -> Rows:
    needed = {partition for each in view.concerns if each.needs_someone for partition in each.partitions}
    rows = []
    for each in view.partitions:
        topic, number = each.partition
        is_needed = each.partition in needed and each.why not in _FLOWS
        ends_at = ends(each.until, each.next_try, times)
        age = None if each.oldest_at is None or not each.lag else view.at - each.oldest_at
        empty = None if each.forecast is None or not each.lag else each.forecast.empty_at
        cells: tuple[str, ...] = (
            str(each.partition),
            each.why,
            thousands(each.lag) if each.lag is not None else "?",
            ends_at,
        )
        order: tuple[Any, ...] = (
            (topic, number), each.why, each.lag or 0, each.until or each.next_try or float("inf"),
        )  # fmt: skip
        if is_wide:
            cells += ("" if age is None else span(age), "" if empty is None else times.about(_iso(empty)), _who(each))
            order += (age or 0.0, empty or float("inf"), _who(each))
        tone = Tone.NEEDS_SOMEONE if is_needed else Tone.PLAIN if each.why in _FLOWS else Tone.WAITS
        rank = (not is_needed, each.why in _FLOWS, -(each.lag or 0), topic, number)
        rows.append(TopRow(RowKey(str(each.partition), Target(topic, (number,))), cells, order, rank, tone))
    head = ("partition", "why", "lag", "until")
    return Rows(
        (*head, "oldest", "done about", "replica") if is_wide else head, tuple(rows), (2, 4) if is_wide else (2,)
    )


def _who(partition: FleetPartition) -> str:
    """An owner is called nobody only where the group was heard."""
    if partition.replica:
        return short(partition.replica)
    return partition.owner or ("nobody" if partition.is_owned is False else "not known")


def short(address: str) -> str:
    """An address for a column."""
    return address.removeprefix("http://").removeprefix("https://").rstrip("/")


def _iso(seconds: float) -> str:
    return iso(seconds) or ""


def ends(until: float | None, next_try: float | None, times: Times) -> str:
    """A time of day, and that it is only tried again then."""
    if until is not None and iso(until):
        return times.at(_iso(until))
    return f"tried at {times.at(_iso(next_try))}" if next_try is not None and iso(next_try) else ""


# --- routes -------------------------------------------------------------------------------------------


def _routes(counts: Mapping[str, RouteCounts], *, is_wide: bool) -> Rows:
    rows = []
    for name, each in counts.items():
        matched, delivered, filtered, letters = (each.counts[kind] for kind in _COUNTS)
        pace = "" if each.per_second is None else per_minute(each.per_second)
        cells: tuple[str, ...] = (name, pace, thousands(delivered), thousands(letters))
        order: tuple[Any, ...] = (name, each.per_second or 0.0, delivered, letters)
        if is_wide:
            cells += (thousands(matched), thousands(filtered))
            order += (matched, filtered)
        tone = Tone.WAITS if letters else Tone.PLAIN
        rows.append(TopRow(RowKey(name), cells, order, (-letters, -(each.per_second or 0.0), -delivered, name), tone))
    head: tuple[str, ...] = ("route", "now", "delivered", "dead letters")
    head = (*head, "matched", "filtered") if is_wide else head
    return Rows(head, tuple(rows), tuple(range(1, len(head))))


# --- replicas -----------------------------------------------------------------------------------------


def _replicas(view: FleetView, *, is_wide: bool) -> Rows:
    rows = []
    for each in view.replicas:
        owned = [partition for partition in view.partitions if partition.replica == each.address]
        lag = sum(partition.lag or 0 for partition in owned)
        state = each.state or "silent"
        cells: tuple[str, ...] = (each.name, state, str(len(owned)) if each.problem is None else "?", thousands(lag))
        order: tuple[Any, ...] = (each.name, state, len(owned), lag)
        if is_wide:
            cells += (each.version or "", each.mapping or "")
            order += (each.version or "", each.mapping or "")
        tone = Tone.NEEDS_SOMEONE if each.problem is not None or state == "held" else _tone_of(state)
        rows.append(TopRow(RowKey(each.address), cells, order, (tone is not Tone.NEEDS_SOMEONE, each.name), tone))
    head = ("replica", "state", "partitions", "lag")
    return Rows((*head, "version", "mapping") if is_wide else head, tuple(rows), (2, 3))


def _tone_of(state: str) -> Tone:
    return Tone.WAITS if state in ("waiting", "starting", "draining") else Tone.PLAIN


# --- holds --------------------------------------------------------------------------------------------


def _holds(view: FleetView, times: Times, *, is_wide: bool) -> Rows:
    rows = []
    for place, each in enumerate(view.concerns):
        where = listed([*each.topics, *ranges(each.partitions)] or list(map(short, each.replicas)), 4)
        when = "you" if each.needs_someone else ends(each.until, each.next_try, times) or "by itself"
        since = "" if each.since is None else span(max(0.0, view.at - each.since))
        cells: tuple[str, ...] = (each.reason, when, since, str(len(each.partitions) or len(each.topics) or ""))
        order: tuple[Any, ...] = (
            each.reason, (not each.needs_someone, each.until or each.next_try or float("inf")),
            -(each.since or view.at), len(each.partitions),
        )  # fmt: skip
        if is_wide:
            cells, order = (*cells, where), (*order, where)
        tone = Tone.NEEDS_SOMEONE if each.needs_someone else Tone.WAITS
        rows.append(TopRow(RowKey(hold_key(each), _target(each)), cells, order, (place,), tone))
    head = ("hold", "ends", "since", "of")
    return Rows((*head, "where") if is_wide else head, tuple(rows), (2, 3))


def hold_key(concern: FleetConcern) -> str:
    """What tells it from the others, and stays while it lasts."""
    return "|".join((concern.reason, str(concern.needs_someone), *concern.details[:1]))


def _target(concern: FleetConcern) -> Target | None:
    topics = {each.topic for each in concern.partitions}
    if len(topics) != 1:
        return None
    return Target(topics.pop(), tuple(sorted(each.partition for each in concern.partitions)))


# --- one of them --------------------------------------------------------------------------------------


def detail(which: TopTable, key: str, view: FleetView, counts: Mapping[str, RouteCounts], times: Times) -> list[Item]:
    """All that is known of the row with this key."""
    match which:
        case TopTable.PARTITIONS:
            return _first(
                view.partitions, lambda each: str(each.partition) == key, lambda e: _partition(e, view, times)
            )
        case TopTable.ROUTES:
            return _route(key, counts)
        case TopTable.REPLICAS:
            return _first(view.replicas, lambda each: each.address == key, lambda e: _replica(e, view))
        case TopTable.HOLDS:
            return _first(view.concerns, lambda each: hold_key(each) == key, lambda e: _hold(e, times))


def _first(found: Sequence[Any], is_it: Callable[[Any], bool], told: Callable[[Any], list[Item]]) -> list[Item]:
    return next((told(each) for each in found if is_it(each)), [Text("It is gone.")])


def _partition(each: FleetPartition, view: FleetView, times: Times) -> list[Item]:
    out: list[Item] = [Text(f"{each.partition}: {each.why}", tone=Tone.TITLE)]
    if each.detail:
        out.append(Text(each.detail))
    if each.action:
        out.append(Text(f"To do: {each.action}"))
    out += _when(each.since, each.until, each.next_try, times)
    out.append(Text(f"replica: {_who(each)}{f' (member {each.owner})' if each.owner and each.replica else ''}"))
    out.append(Text(f"committed offset {_number(each.committed)}, log {_number(each.start)} to {_number(each.end)}"))
    out.append(Text(f"lag: {_number(each.lag)}"))
    if each.oldest_at is not None and each.lag:
        out.append(Text(f"its next record was written {span(view.at - each.oldest_at)} ago"))
    if each.forecast is not None:
        out += _forecast(each.forecast.empty_at, each.forecast.loses_from, each.forecast.pace.value, times)
    if each.hold is not None:
        out.append(Text(f"operator's hold: by {each.hold.by}: {each.hold.reason}"))
    return out


def _forecast(empty_at: float | None, loses_from: float | None, pace: str, times: Times) -> list[Item]:
    out: list[Item] = [Text(f"pace: {pace}")]
    if empty_at is not None:
        out.append(Text(f"done about {times.about(_iso(empty_at))} ({times.ahead(_iso(empty_at))})"))
    if loses_from is not None:
        tone = Tone.NEEDS_SOMEONE if loses_from - times.now <= LOSS_IS_NEAR else Tone.WAITS
        out.append(Text(f"Kafka deletes records unsent from {times.until(_iso(loses_from))} on", tone=tone))
    return out


def _when(since: float | None, until: float | None, next_try: float | None, times: Times) -> list[Item]:
    parts = [] if since is None else [times.since(_iso(since))]
    if until is not None:
        parts.append(f"until {times.until(_iso(until))}")
    elif next_try is not None:
        parts.append(f"tried again at {times.until(_iso(next_try))}")
    return [Text(", ".join(parts))] if parts else []


def _number(number: int | None) -> str:
    return "?" if number is None else thousands(number)


def _route(name: str, counts: Mapping[str, RouteCounts]) -> list[Item]:
    each = counts.get(name)
    if each is None:
        return [Text("It is gone.")]
    pace = "" if each.per_second is None else f", now {per_minute(each.per_second)}"
    out: list[Item] = [Text(f"route {name}{pace}", tone=Tone.TITLE)]
    out += [Text(f"{kind.replace('_', ' ')}: {thousands(each.counts[kind])}") for kind in _COUNTS]
    out.append(Text("since the replicas that answer started"))
    return out


def _replica(each: ReplicaView, view: FleetView) -> list[Item]:
    owned = [partition.partition for partition in view.partitions if partition.replica == each.address]
    out: list[Item] = [Text(f"{each.name}: {each.state or 'silent'}", tone=Tone.TITLE)]
    if each.sentence:
        out.append(Text(each.sentence, tone=Tone.PLAIN if each.problem is None else Tone.NEEDS_SOMEONE))
    known = (("version", each.version), ("configuration", each.configuration), ("mapping", each.mapping))
    out += [Text(f"{name} {value}") for name, value in known if value]
    out.append(Text(f"{plural(len(owned), 'partition')}: {listed(ranges(owned), 20)}" if owned else "no partitions"))
    for budget in view.budgets:
        share = dict(budget.shares).get(each.address)
        if share is not None:
            out.append(Text(f"may send {per_minute(share)} of {budget.kind}"))
    return out


def _hold(each: FleetConcern, times: Times) -> list[Item]:
    out: list[Item] = [Text(each.reason, tone=Tone.NEEDS_SOMEONE if each.needs_someone else Tone.WAITS)]
    out += _when(each.since, each.until, each.next_try, times)
    out.append(Text("needs someone" if each.needs_someone else "ends by itself"))
    out += [Text(sentence) for sentence in each.details]
    if each.left_out:
        out.append(Text(f"and {thousands(each.left_out)} more like that"))
    if each.action:
        out.append(Text(f"To do: {each.action}"))
    places = [*each.topics, *ranges(each.partitions)]
    if places:
        out.append(Text(f"where: {listed(places, 40)}"))
    if each.replicas:
        out.append(Text(f"said by: {listed(list(map(short, each.replicas)), 20)}"))
    return out
