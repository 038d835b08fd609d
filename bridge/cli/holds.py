"""``track-bridge hold``, ``track-bridge pause``, ``track-bridge release`` and ``track-bridge resume``"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from bridge.cli.frame import completion, output, startup
from bridge.cli.frame.acting import Group, for_the_group
from bridge.cli.frame.help import about
from bridge.commands import Operand, command
from bridge.errors import Misuse, Unreachable
from bridge.exits import ExitCode

if TYPE_CHECKING:
    from bridge.cli.frame.startup import LoadedConfiguration

Topic = Annotated[
    str, typer.Argument(metavar="TOPIC", autocompletion=completion.topics, help="A topic that the bridge reads.")
]
Partitions = Annotated[
    list[int] | None,
    typer.Option(
        "--partition", metavar="N", min=0, show_default=False, help="Only this one; may be repeated. Left out: all."
    ),
]
Because = Annotated[
    str | None,
    typer.Option("--reason", metavar="TEXT", show_default=False, help="Why: kept in the bridge's log, with who."),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Without asking.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document.")]


@about(
    ("All partitions of this replica", "hold shop.orders --reason 'wrong amounts since 14:00'"),
    ("In the whole group", "hold shop.orders --reason 'wrong amounts' --group"),
    ("One of them, in a script", "hold shop.orders --partition 3 --reason 'poison' --yes --json"),
    ("Without a question, as on each pod by kubectl exec", "hold shop.orders --reason 'wrong amounts' --yes"),
    findings="Not all that was asked is held for good: partitions belong to other replicas, or Kafka did not "
    "acknowledge, or cannot keep, the hold.",
    unreachable="No running bridge with this configuration answers on this machine.",
)
def hold(
    topic: Topic,
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help="Why: shown in status and log for as long as it is held.")
    ],
    partition: Partitions = None,
    config: startup.ConfigPath = None,
    group: Group = False,
    yes: Yes = False,
    json: Json = False,
) -> ExitCode:
    """Stop sending a topic's records until track-bridge release, on the running bridge beside which this runs.

    What is in flight is finished and committed; other topics flow. The hold is kept with the committed offset: it
    survives restarts and moves to another replica. It reaches the partitions of this replica, and says which belong to
    others; with --group it reaches all.
    """
    start = startup.load(config)
    if group:
        from bridge.fleet.acts import HoldAct

        return for_the_group(start, HoldAct(topic, _numbers(partition), reason), "Hold", "Held", yes=yes, json=json)
    request = {"command": "hold", "topic": topic, "partitions": partition, "reason": reason, "by": _user()}
    words = _Words(
        "Hold", "Held", "Nothing is held: no partition of it belongs to this replica.", ("hold",), "Not held"
    )
    return _carry_out(start, request, words, _again(topic, partition, reason, words.command), yes=yes, json=json)


@about(
    ("Resume where it was held", "release shop.orders"),
    ("One partition, in a script", "release shop.orders --partition 3 --yes --json"),
    ("With why, for the log", "release shop.orders --reason 'amounts are right again' --group"),
    findings="Not all that was asked is released: partitions belong to other replicas, were not held, or are held "
    "for a reason that something else ends.",
    unreachable="No running bridge with this configuration answers on this machine.",
)
def release(
    topic: Topic,
    reason: Because = None,
    partition: Partitions = None,
    config: startup.ConfigPath = None,
    group: Group = False,
    yes: Yes = False,
    json: Json = False,
) -> ExitCode:
    """Send a held topic's records again, from where it was held, on the running bridge beside which this runs.

    Ends what track-bridge hold began, and holds that only wait for somebody to look: too many dead letters in a row
    (counted from zero), a dead letter that cannot be written (tried again). Of other holds it says what ends them.
    """
    start = startup.load(config)
    if group:
        from bridge.fleet.acts import ReleaseAct

        act = ReleaseAct(topic, _numbers(partition), _why(reason).get("reason", ""))
        return for_the_group(start, act, "Release", "Released", yes=yes, json=json)
    request = {"command": "release", "topic": topic, "partitions": partition, "by": _user(), **_why(reason)}
    words = _Words("Release", "Released", "Nothing was released.", ("release",), "Not released")
    return _carry_out(start, request, words, _again(topic, partition, reason, words.command), yes=yes, json=json)


@about(
    ("For a maintenance of a quarter of an hour", "pause shop.orders --for 15m --reason 'index is rebuilt'"),
    ("One partition, in a script", "pause shop.orders --partition 3 --for 2h --reason test --yes"),
    findings="Not all that was asked is paused: partitions belong to other replicas, are held without an end, or Kafka "
    "did not acknowledge, or cannot keep, the pause.",
    unreachable="No running bridge with this configuration answers on this machine.",
)
def pause(
    topic: Topic,
    for_: Annotated[
        str,
        typer.Option(
            "--for",
            metavar="DURATION",
            autocompletion=completion.durations,
            help="How long, such as 15m or 2h: then it ends by itself.",
        ),
    ],
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help="Why: shown in status and log for as long as it lasts.")
    ],
    partition: Partitions = None,
    config: startup.ConfigPath = None,
    group: Group = False,
    yes: Yes = False,
    json: Json = False,
) -> ExitCode:
    """Stop sending a topic's records for a time, on the running bridge beside which this runs.

    A hold with an end: it is kept with the committed offset, survives restarts, moves to another replica, and ends
    there by itself. track-bridge resume ends it earlier; a later pause replaces it. A hold without an end stays.
    """
    import time

    seconds = _duration(for_)
    start = startup.load(config)
    until = int(time.time() + seconds)
    ask, done = f"Until {_clock(until)}, pause", f"Paused until {_clock(until)}"
    if group:
        from bridge.fleet.acts import PauseAct

        act = PauseAct(topic, _numbers(partition), reason, until)
        return for_the_group(start, act, ask, done, yes=yes, json=json)
    request = {"command": "pause", "topic": topic, "partitions": partition, "reason": reason, "by": _user()}
    words = _Words(
        f"Until {_clock(until)}, pause",
        f"Paused until {_clock(until)}",
        "Nothing is paused.",
        ("pause", "--for", for_),
        "Not paused",
    )
    return _carry_out(
        start, {**request, "until": until}, words, _again(topic, partition, reason, words.command), yes=yes, json=json
    )


@about(
    ("Send again before the time is over", "resume shop.orders"),
    findings="Not all that was asked is resumed: partitions belong to other replicas, or are not paused.",
    unreachable="No running bridge with this configuration answers on this machine.",
)
def resume(
    topic: Topic,
    reason: Because = None,
    partition: Partitions = None,
    config: startup.ConfigPath = None,
    group: Group = False,
    yes: Yes = False,
    json: Json = False,
) -> ExitCode:
    """End what track-bridge pause began, on the running bridge beside which this runs: records are sent from there.

    Ends pauses only: track-bridge release ends holds, too.
    """
    start = startup.load(config)
    if group:
        from bridge.fleet.acts import ResumeAct

        act = ResumeAct(topic, _numbers(partition), _why(reason).get("reason", ""))
        return for_the_group(start, act, "Resume", "Resumed", yes=yes, json=json)
    request = {"command": "resume", "topic": topic, "partitions": partition, "by": _user(), **_why(reason)}
    words = _Words("Resume", "Resumed", "Nothing was resumed.", ("resume",), "Not resumed")
    return _carry_out(start, request, words, _again(topic, partition, reason, words.command), yes=yes, json=json)


def _why(reason: str | None) -> dict[str, str]:
    """Of a request that may be without: a bridge takes none that is empty."""
    if reason is None:
        return {}
    if not reason.strip():
        raise Misuse("--reason: must not be empty; leave it out, or say why.")
    return {"reason": reason}


def _numbers(partitions: list[int] | None) -> tuple[int, ...] | None:
    return tuple(dict.fromkeys(partitions)) if partitions else None


def _duration(text: str) -> float:
    from bridge.config.keys import scalars

    try:
        seconds = scalars.duration(text)
    except ValueError as problem:
        raise Misuse(f"--for: {problem}.") from problem
    if seconds < 1:
        raise Misuse("--for: must be a second at least.")
    return seconds


def _clock(seconds: int) -> str:
    from bridge.text import moments

    return moments.iso(float(seconds), "seconds") or "then"


class _Words(NamedTuple):
    """What is asked, what is said when it is done, and the sentence for nothing to do."""

    ask: str
    done: str
    nothing: str
    command: tuple[str, ...]
    """And its own options."""
    refused: str


def _carry_out(
    start: LoadedConfiguration, request: dict[str, Any], words: _Words, again: Sequence[str], *, yes: bool, json: bool
) -> ExitCode:
    topic, partitions = request["topic"], request["partitions"]
    asked = _ask(start, {**request, "preview": True})
    here = _named(asked, "done", None)
    if not here:
        return _end(
            _with_owners(start, asked, partitions),
            topic,
            json=json,
            head=words.nothing,
            again=again,
            refused=words.refused,
        )
    if not output.agreed(f"{words.ask} {_listed(topic, here)}?", yes=yes):
        return _end(_nothing_done(asked), topic, json=json, head="Nothing was changed.")
    answer = _with_owners(start, _ask(start, request), partitions)
    return _end(answer, topic, json=json, head=_head(words.done, topic, answer), again=again, refused=words.refused)


def _ask(start: LoadedConfiguration, request: Mapping[str, Any]) -> dict[str, Any]:
    from bridge.cli.frame import running

    return running.ask(start.config, request)


def _with_owners(start: LoadedConfiguration, answer: dict[str, Any], asked: list[int] | None) -> dict[str, Any]:
    """Who has the partitions that the asked replica has not: the brokers know, where they say it."""
    rows = answer["partitions"]
    if answer["complete"] and not any(row["outcome"] == "elsewhere" for row in rows):
        return answer
    try:
        inspection, cluster = startup.connect(start)
        described = inspection.group()
    except (Misuse, Unreachable):
        return answer
    if not answer["complete"] and asked is None:
        there = {row["partition"] for row in rows}
        others = [number for number in range(cluster.topics.get(answer["topic"], 0)) if number not in there]
        rows = [*rows, *({"partition": number, "outcome": "elsewhere", "owner": None} for number in others)]
    owners = {} if described is None else described.owners or {}
    known = {each.partition: str(owner) for each, owner in owners.items() if each.topic == answer["topic"]}
    return {
        **answer,
        "partitions": [
            {**row, "owner": known.get(row["partition"], row["owner"])} if row["outcome"] == "elsewhere" else row
            for row in rows
        ],
    }


def _user() -> str:
    from bridge.reprocess.author import author

    return author("").user


def _nothing_done(asked: dict[str, Any]) -> dict[str, Any]:
    rows = [{**row, "outcome": "unchanged"} if row["outcome"] is None else row for row in asked["partitions"]]
    return {**asked, "partitions": rows}


def _named(answer: Mapping[str, Any], *outcomes: str | None) -> list[int]:
    return [row["partition"] for row in answer["partitions"] if row["outcome"] in outcomes]


def _listed(topic: str, partitions: Iterable[int]) -> str:
    return ", ".join(f"{topic}/{number}" for number in partitions)


def _head(verb: str, topic: str, answer: Mapping[str, Any]) -> str:
    done = _named(answer, "done", "not_kept", "unconfirmed")
    return f"{verb}: {_listed(topic, done)}." if done else f"{verb}: nothing."


def _again(
    topic: str, partitions: Iterable[int] | None, reason: str | None = None, words: Sequence[str] = ()
) -> tuple[str, ...]:
    """The same command for the same partitions, for another replica."""
    only = [word for each in partitions or () for word in ("--partition", str(each))]
    name, *options = words or (("release",) if reason is None else ("hold",))
    why = () if reason is None else ("--reason", reason)
    return (name, Operand(topic), *only, *options, *why, "--yes")


def _end(
    answer: Mapping[str, Any], topic: str, *, json: bool, head: str, again: Sequence[str] = (), refused: str = ""
) -> ExitCode:
    if json:
        output.document({key: answer[key] for key in ("topic", "partitions", "gates")})
    else:
        output.lines([head, *_remarks(answer, topic, refused), *_others(answer, topic, again)])
    clean = {"done", "unchanged"}
    return ExitCode.OK if all(row["outcome"] in clean for row in answer["partitions"]) else ExitCode.FINDINGS


def _remarks(answer: Mapping[str, Any], topic: str, refused: str) -> list[str]:
    from bridge.fleet.acts.outcomes import SAYS

    lines = []
    for row in answer["partitions"]:
        if row["outcome"] == "refused":
            lines.append(f"{refused}: {row['detail']}")
        elif says := SAYS.get(row["outcome"]):
            lines.append(f"{topic}/{row['partition']} {says}.")
    return [*lines, *(f"All sending is held, which no release ends: {gate}" for gate in answer.get("gates", ()))]


def _others(answer: Mapping[str, Any], topic: str, again: Sequence[str]) -> list[str]:
    rows = [row for row in answer["partitions"] if row["outcome"] == "elsewhere"]
    if not rows or not again:
        return []
    named = ", ".join(f"{topic}/{row['partition']} ({row.get('owner') or 'owner not known'})" for row in rows)
    return [
        f"Not of this replica: {named}.",
        f"Run there: {command(*again)}",
        f"In Kubernetes, for each pod: kubectl exec POD -- {command(*again)}",
    ]
