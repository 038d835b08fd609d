"""The records that a configuration is proposed from: of topics, read by nobody's group, or of files."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bridge.cli.frame import progress
from bridge.cli.init import asking
from bridge.cli.init.given import InitOptions
from bridge.errors import Misuse, Unreachable
from bridge.model import Record
from bridge.text.amounts import listed, plural, size, thousands
from bridge.text.printable import printable

if TYPE_CHECKING:
    from bridge.config.sections import Kafka
    from bridge.kafka.admin.inspection import Cluster, Inspection
    from bridge.proposal.choices import Proposal

_ROOM: Final = 128_000_000
"""Bytes of records that are held at once: a topic may have records of megabytes."""
_FOR_ONE: Final = 50
"""Records that are read at most of files for each one that is taken: a pipe may never end."""
_OWN: Final = (".dlq", ".resolutions")
_SHOWN: Final = 30
_TRIES: Final = 3


# --- files


def of_files(options: InitOptions) -> list[Record]:
    """As `map` reads them; values that do not say their topic are of the one that was named, or of the file's name."""
    from bridge.inputs import records
    from bridge.inputs.records import Form, Value

    found: list[Record] = []
    held: Counter[str] = Counter()
    others: Counter[str] = Counter()
    room, read = _ROOM, 0
    for name in options.samples:
        topic = options.topics[0] if len(options.topics) == 1 else _topic_of(name)
        for record in records.read(name, Form.RAW if options.raw else Form.VALUES):
            read += 1
            if read > options.limit * _FOR_ONE:
                break
            if isinstance(record, Value):
                # When it was written nobody knows: the time of reading says nothing of the traffic.
                record = Record(topic, 0, record.offset, None, record.key, record.value, record.headers)  # noqa: PLW2901
            if options.topics and record.topic not in options.topics:
                others[record.topic] += 1
                continue
            held[record.topic] += 1
            if held[record.topic] > options.limit or record.size > room:
                continue
            room -= record.size
            found.append(record)
    _compare(options, held, others)
    if not found:
        raise Misuse(f"There is no record in {listed(options.samples)}: nothing can be learnt from it.")
    return found


def _compare(options: InitOptions, held: Counter[str], others: Counter[str]) -> None:
    """With the topics that were named. Raises `Misuse` for one that no record is of."""
    absent = [name for name in options.topics if name not in held]
    if absent and (held or others):
        raise Misuse(
            f"--topics {', '.join(absent)}: no record in {listed(options.samples)} is of it. They are of "
            f"{printable(listed(sorted({*held, *others})))}: name that, or leave --topics out. (Records that name no "
            "topic are of the one that --topics names, or of the file's name where it names several.)"
        )
    if others:
        asking.say(
            f"Left out: {plural(others.total(), 'record')} of {listed(sorted(others))}. --topics names "
            f"{listed(options.topics)}."
        )


def _topic_of(name: str) -> str:
    """``shop.orders`` of ``samples/shop.orders.ndjson``."""
    plain = "events" if name == "-" else re.sub(r"(?:\.(?:gz|ndjson|jsonl|json|txt|bin))+$", "", Path(name).name)
    return re.sub(r"[^A-Za-z0-9._-]+", "-", plain).strip(".-") or "events"


def refuse_unreadable(proposal: Proposal) -> None:
    """Raises `Misuse` where there are records and not one of them can be read, whatever schemas were known."""
    topics = [each.topic for each in proposal.topics]
    unreadable = [topic for topic in topics if topic.unreadable]
    if not unreadable or any(topic.documents or topic.lacks_schemas for topic in topics):
        return
    lines = [f"No record of {listed([topic.name for topic in unreadable])} can be read: nothing can be learnt."]
    for topic in unreadable:
        why, number = min(topic.unreadable.items(), key=lambda item: (-item[1], item[0]))
        lines.append(f"{topic.name}: {topic.evidence}; {why} ({plural(number, 'record')}).")
    lines.append(
        "Nothing is written. Give records with JSON, or say how they are read: --registry URL or --schema ID=FILE, "
        "--descriptor-set FILE, and --raw where a file is one binary value."
    )
    raise Misuse("\n".join(lines))


# --- topics


def settings_of(options: InitOptions, brokers: str, topics: Sequence[str]) -> Kafka:
    """What connects. Raises `Misuse` for properties that are refused."""
    from pydantic import ValidationError

    from bridge.config.reading import translate
    from bridge.config.sections import Kafka

    given = {
        "bootstrap_servers": brokers,
        "group_id": options.group,
        "topics": list(topics) or ["none"],
        "properties": _with_files(options.properties),
    }
    try:
        return Kafka.model_validate(given)
    except ValidationError as error:
        raise Misuse("\n".join(f"{each}." for each in translate.sentences(error, unknown="is unknown"))) from error


def _with_files(properties: object) -> dict[str, str]:
    """``NAME_file`` reads the value of NAME, as in the configuration."""
    out: dict[str, str] = {}
    wrong = []
    for name, value in dict(properties).items():  # type: ignore[call-overload] # a mapping of texts
        if not name.endswith("_file"):
            out[name] = value
            continue
        try:
            out[name.removesuffix("_file")] = Path(value).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            wrong.append(f"--property {name}: {value} cannot be read.")
    if wrong:
        raise Misuse("\n".join(wrong))
    return out


def connected(options: InitOptions) -> tuple[str, Inspection, Cluster]:
    """The brokers' address, and what they answer. Asks for another address where somebody can be asked."""
    brokers = options.brokers
    for attempt in range(_TRIES):
        if brokers is None:
            brokers = asking.ask("Kafka's brokers: host:port, several with commas between.", "localhost:9092")
        try:
            with progress.waiting(f"Asking {brokers}"):
                return (brokers, *_connect(options, brokers))
        except Unreachable as nobody:
            if not options.asks or attempt == _TRIES - 1:
                raise
            asking.say(str(nobody))
            asking.say(
                "Where a login is needed, end this (Ctrl-C) and add --property security.protocol=sasl_ssl and so on."
            )
            brokers = None
    raise AssertionError


def _connect(options: InitOptions, brokers: str) -> tuple[Inspection, Cluster]:
    from bridge.cli.frame import startup
    from bridge.kafka.admin.inspection import Inspection
    from bridge.kafka.admin.obstacles import NotConnectedError
    from bridge.kafka.client import ClientRefusedError

    kafka = settings_of(options, brokers, options.topics)
    try:
        inspection = Inspection(kafka, startup.quiet_logger(), patience=startup.PATIENCE)
        return inspection, inspection.connect()
    except ClientRefusedError as refused:
        raise Misuse(f"{refused}. These are --property NAME=VALUE.") from refused
    except NotConnectedError as error:
        raise Unreachable(f"Cannot connect to any broker in {brokers}: {error}.") from error


def chosen_topics(options: InitOptions, cluster: Cluster) -> tuple[str, ...]:
    """Those that were named, or that somebody picks from a list. Raises `Misuse` for one that is not there."""
    there = sorted(name for name in cluster.topics if not name.endswith(_OWN))
    if options.topics:
        absent = [name for name in options.topics if name not in cluster.topics]
        if absent:
            raise Misuse(
                f"The brokers have no topic {' or '.join(absent)} that this user may see. There are: "
                f"{listed(there) or 'none'}."
            )
        return options.topics
    if not there:
        raise Misuse("The brokers have no topic that this user may see: nothing can be learnt.")
    asking.say("Topics on these brokers:")
    for number, name in enumerate(there[:_SHOWN], start=1):
        asking.say(f"{number:>3}  {name}", 1)
    if len(there) > _SHOWN:
        asking.say(f"and {len(there) - _SHOWN} more", 6)
    answer = asking.ask(
        "Which of them hold your events? Numbers or names, with commas between.",
        "1",
        lambda text: _unknown(text, there),
    )
    return _picked(answer, there)


def _picked(text: str, there: Sequence[str]) -> tuple[str, ...]:
    names = (each.strip() for each in text.replace(" ", ",").split(",") if each.strip())
    return tuple(
        dict.fromkeys(there[int(each) - 1] if each not in there and each.isdecimal() else each for each in names)
    )


def _unknown(text: str, there: Sequence[str]) -> str | None:
    for each in (part.strip() for part in text.replace(" ", ",").split(",") if part.strip()):
        if each not in there and not (each.isdecimal() and 1 <= int(each) <= len(there)):
            return f"{each} is none of them: a number from 1 to {len(there)}, or a name."
    return None


def of_topics(
    options: InitOptions, brokers: str, inspection: Inspection, cluster: Cluster, topics: Sequence[str]
) -> list[Record]:
    """The newest records of each topic: no group is joined, nothing is committed."""
    from bridge.cli.frame import startup
    from bridge.kafka.admin import sampler
    from bridge.model import TopicPartition

    kafka = settings_of(options, brokers, topics)
    wanted = {}
    for name in topics:
        logs = inspection.logs([TopicPartition(name, number) for number in range(cluster.topics[name])])
        wanted.update(sampler.shares(logs, options.limit, sampler.End.NEWEST))
    total = sum(len(each) for each in wanted.values())
    found: list[Record] = []
    skipped = 0
    room = _ROOM
    with progress.watched("Reading", total) as report:
        for record in _until(sampler.read(kafka, wanted, startup.quiet_logger()), total):
            if record.size > room:
                skipped += 1
                continue
            room -= record.size
            found.append(record)
            report(len(found))
    if skipped:
        asking.say(f"{thousands(skipped)} records are left out: more than {size(_ROOM)} are not held at once.")
    return found


def _until(records: Iterator[Record], total: int) -> Iterator[Record]:
    return iter(()) if not total else records
