"""What was said on the command line, and everything that is wrong with it at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bridge.errors import Misuse
from bridge.text.printable import printable

LIMIT: Final = 1000
"""Records of each topic."""


@dataclass(frozen=True, slots=True)
class InitOptions:
    """Options of the command; what was left out is asked for, where somebody can be asked."""

    brokers: str | None
    topics: tuple[str, ...]
    samples: tuple[str, ...]
    properties: Mapping[str, str] = field(repr=False)
    registry: str | None
    schemas: tuple[str, ...]
    descriptor_set: Path | None
    message_type: str | None
    endpoint: str | None
    api_key_file: str | None
    group: str
    start_from: str | None
    output: Path
    limit: int
    raw: bool
    yes: bool
    asks: bool
    """Whether there is somebody to ask."""

    @property
    def reads_kafka(self) -> bool:
        """Rather than files."""
        return not self.samples


def properties_of(texts: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """Librdkafka properties of ``--property NAME=VALUE``, and what is wrong with some."""
    found: dict[str, str] = {}
    wrong = []
    for text in texts:
        name, separator, value = text.partition("=")
        if not separator or not name.strip() or not value:
            said = name.strip() or "it"
            wrong.append(f"--property needs NAME=VALUE, such as security.protocol=sasl_ssl: {said} has no value.")
        else:
            found[name.strip()] = value
    return found, wrong


def topics_of(texts: Sequence[str]) -> tuple[str, ...]:
    """Names, several times or with commas between."""
    return tuple(dict.fromkeys(each.strip() for text in texts for each in text.split(",") if each.strip()))


def refuse(options: InitOptions, wrong: Sequence[str]) -> None:
    """Raises `Misuse` with all that is wrong or missing."""
    found = [*wrong, *_missing(options), *_values(options)]
    if found:
        raise Misuse("\n".join(found))


def _missing(options: InitOptions) -> Iterator[str]:
    if options.asks:
        return
    if options.reads_kafka and options.brokers is None:
        yield (
            "There is no terminal to ask on, and nothing says what to learn from: give --brokers HOST:PORT and "
            "--topics NAME, or --samples FILE."
        )
    elif options.reads_kafka and not options.topics:
        yield "There is no terminal to ask on, and nothing says which topics to read: give --topics NAME."
    if options.output.exists() and not options.yes:
        yield f"{options.output} exists, and is not overwritten: give --yes for that, or another name with --output."


def _values(options: InitOptions) -> Iterator[str]:
    from bridge.config import kafka_properties
    from bridge.config.keys import registry_url, scalars

    yield from _names(options)
    if options.raw and not options.samples:
        yield "--raw says how --samples FILE is read: name a file."
    if options.api_key_file is not None and key_fault(options.api_key_file) is not None:
        yield "--api-key-file takes the path of a file. That looks like the API key itself: put it into a file."
    if options.message_type is not None and options.descriptor_set is None:
        yield "--message-type names a message of --descriptor-set FILE: give both."
    for name, text, read in (
        ("--endpoint", options.endpoint, endpoint),
        ("--registry", options.registry, registry_url.normalise),
        ("--start-from", options.start_from, scalars.start_from),
    ):
        wrong = None if text is None else fault(text, read)
        if wrong is not None:
            yield f"{name} {wrong}"
    for name, why in kafka_properties.refusals(options.properties):
        if not name.endswith("_file"):
            yield f"--property {name}: {why}."


def fault(text: str, read: Callable[[str], object]) -> str | None:
    """What is wrong with a value, as the end of a sentence that names it; None where nothing is."""
    try:
        read(text)
    except ValueError as problem:
        return f"{problem}."
    return None


def endpoint(text: str) -> None:
    """Raises `ValueError` for what is no host, as the configuration does, and for a word that only could be one."""
    from bridge.config.keys import endpoint as key

    address = key.normalise(text)
    if text.strip("/").isalnum() and not key.is_loopback(address):
        raise ValueError("names no host of Userpilot: write an address such as https://analytex.userpilot.io")


def _names(options: InitOptions) -> Iterator[str]:
    """Of topics and files."""
    from bridge.config.topics import topic_patterns

    for name in options.topics:
        if topic_patterns.is_pattern(name):
            yield f"--topics {name} is a pattern, and records are read by topics' names; put it into the file later."
        elif topic_patterns.fault(name) is not None:
            yield (
                f"--topics {printable(name)} is no name of a topic: letters, digits, dots, underscores and dashes, "
                "at most 249."
            )
    for name in options.samples:
        if name != "-" and not Path(name).is_file():
            yield f"--samples {name} is no file that can be read."
    path = options.output
    if path.is_dir():
        yield f"--output {path} is a directory: name the file in it, such as {path / 'bridge.yaml'}."
    elif not path.absolute().parent.is_dir():
        yield f"--output {path}: the directory {path.absolute().parent} does not exist."


def key_fault(text: str) -> str | None:
    """Of the path of the file with the API key: the key itself must never get into the configuration."""
    looks_like_a_key = text.startswith("NX-") or re.fullmatch(r"[A-Za-z0-9_+=-]{24,}", text)
    if looks_like_a_key and not Path(text).exists():
        return "That looks like the API key itself. Put it into a file, and name the file."
    return f"{text} is no path of a file." if "://" in text else None


def seen_from(output: Path, file: str) -> str:
    """The path of a file as the configuration needs it, which reads paths from its own folder."""
    is_beside = output.absolute().parent == Path.cwd()
    return file if is_beside or Path(file).is_absolute() or file.startswith("${") else str(Path(file).absolute())


def kept_secret(properties: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """As the file has them, with variables in place of secrets; and these variables with what they stand for."""
    from bridge.config import kafka_properties

    written: dict[str, str] = {}
    variables: dict[str, str] = {}
    for name, value in properties.items():
        if kafka_properties.is_secret(name) and not name.endswith("_file"):
            variable = f"KAFKA_{name.upper().replace('.', '_').replace('-', '_')}"
            variables[variable] = value
            written[name] = f"${{{variable}}}"
        else:
            written[name] = value
    return written, variables
