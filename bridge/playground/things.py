"""What is printed at the start: where everything is, and ten things to try, as commands to copy."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bridge.commands import command
from bridge.playground import posted
from bridge.playground.folder import Folder
from bridge.playground.places import PlaygroundPlaces
from bridge.sandbox.sample import SampleRecord
from bridge.text import paragraphs
from bridge.text.amounts import plural, span

_LONGEST: Final = 200
"""Characters of a record within a command."""


@dataclass(frozen=True, slots=True)
class Announced:
    """What is said of a playground that is up."""

    places: PlaygroundPlaces
    folder: Folder
    own: Path | None
    """Somebody's own configuration; None: the shop's."""
    topics: Sequence[str]
    records: Sequence[SampleRecord]
    """Put into Kafka at the start."""
    record: SampleRecord | None
    """Somebody's own, to post."""
    rate: float
    """Events of the shop in a second."""


def announcement(about: Announced, *, has_console: bool, seconds: float, room: int) -> str:
    """Everything that a newcomer has to know, in `room` columns: broken between words, but for what is copied."""
    is_shop = about.own is None
    above = [
        f"The playground is up, after {span(seconds)}:",
        "",
        *(f"  {line}" for line in addresses(about, has_console=has_console)),
        "",
        "To try, in another terminal:",
        "",
    ]
    edited = about.own or about.folder.configuration
    tries: list[str] = []
    for number, (what, typed) in enumerate(ten(about, edited, is_shop=is_shop), 1):
        first, *more = paragraphs.wrapped(what, room - 5)
        tries += [f"{number:3}. {first}", *(f"     {line}" for line in (*more, *typed))]
    shop = f"{about.rate:g} events a second come from the shop"
    records = shop if is_shop else f"{plural(len(about.records), 'record')} of yours put into Kafka"
    none = "No record of yours is in Kafka: `--samples FILE` brings some"
    said = records if is_shop or about.records else none
    below = ["", f"{said}.", "Ctrl-C ends all of it. What happens:", ""]
    return "\n".join([*_broken(above, room), *tries, *_broken(below, room)])


def _broken(lines: Sequence[str], room: int) -> list[str]:
    return [part for line in lines for part in paragraphs.wrapped(line, room)]


def addresses(about: Announced, *, has_console: bool) -> list[str]:
    """Four addresses, and the folder."""
    places = about.places
    console = [f"http://{places.console}/", f"to change something: the token in {places.token}"]
    if not has_console:
        console = ["not installed, all else works; to have it:", "pip install 'track-bridge[console]'"]
    holds = "the logs" if about.own else "bridge.yaml to edit, the logs"
    return [
        f"Track API  {places.api}/",
        "           emulated; its page shows what came",
        f"Console    {console[0]}",
        f"           {console[1]}",
        f"Bridge     http://{places.bridge}/status",
        f"Kafka      {places.kafka}",
        f"Folder     {about.folder.path}, with {holds}",
    ]


def example(body: bytes) -> str | None:
    """A record as curl's -d takes it; None: it has to be in a file."""
    value = body.decode("utf-8", "replace")
    fits = value.isprintable() and 0 < len(value) <= _LONGEST and "'" not in value and not value.startswith("@")
    return f"'{value}'" if fits else None


def posting(about: Announced) -> str:
    """Options of curl for one of somebody's own records."""
    body = b"{}" if about.record is None else posted.written(about.record)
    typed = example(body)
    return f"--data-binary {shlex.quote(f'@{about.folder.record}')}" if typed is None else f"-d {typed}"


def ten(about: Announced, configuration: Path, *, is_shop: bool) -> list[tuple[str, Sequence[str]]]:
    """What it shows, and the commands."""
    places, topics = about.places, about.topics
    topic, busiest = ("app.activity", "shop.orders") if is_shop else (topics[0], topics[0])
    mine = '{"type":"feature.used","id":"mine-1","data":{"user_id":"u-1","feature":"mine"}}'
    record = f"-d '{mine}'" if is_shop else posting(about)
    explain = command("explain", "--event-id", "mine-1") if is_shop else command("explain", f"{topic}/0/0")
    what = "an event_name, in its route and in the examples that expect it"
    edit = "call Order Completed something else, and save" if is_shop else f"change {what}; save"
    letters = "dead letters: some come by themselves" if is_shop else "dead letters, if there are any"
    return [
        ("the group live; ? helps, q ends", [command("top")]),
        ("what needs someone, and why", [command("status")]),
        ("records in and requests out, as they go", [command("tap")]),
        (letters, [command("dlq", "stats")]),
        ("a record of your own", [f"curl {record} {places.api}/_records/{topic}"]),
        ("what became of it", [explain]),
        (edit, [f"${{EDITOR:-vi}} {configuration}"]),
        (
            "break the API, and fix it",
            [f"curl -d fault=503 {places.api}/_faults", f"curl -X DELETE {places.api}/_faults"],
        ),
        (
            "stop a topic, and let it go on",
            [command("hold", busiest, "--reason", "to-see-it"), command("release", busiest)],
        ),
        ("what the mapping makes of what is in Kafka", [command("map", "--from-topic", busiest, "--limit", "3")]),
    ]
